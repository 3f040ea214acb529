-- /// event
-- title = "A handle to an object was requested, or an object was accessed"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [4656, 4661, 4662, 4663]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4656"]
-- ///
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    data ->> '$.SubjectUserSid' as subject_sid,
    logon_id(data ->> '$.SubjectLogonId') as subject_logon_id,
    data ->> '$.ProcessName' as process_path,
    base_name(process_path) as process_name,
    process_number(data ->> '$.ProcessId') as process_id,
    data ->> '$.ObjectName' as object_name,
    data ->> '$.ObjectType' as object_type
from records
