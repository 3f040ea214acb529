-- /// event
-- title = "A process has exited"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [4689]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4689"]
-- ///
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    data ->> '$.SubjectUserSid' as subject_sid,
    logon_id(data ->> '$.SubjectLogonId') as subject_logon_id,
    data ->> '$.ProcessName' as process_path,
    base_name(process_path) as process_name,
    process_number(data ->> '$.ProcessId') as process_id
from records
