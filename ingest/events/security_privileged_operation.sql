-- /// event
-- title = "A privileged service was called, or an operation attempted on a privileged object"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [4673, 4674]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4673"]
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
    data ->> '$.ObjectType' as object_type,
    data ->> '$.PrivilegeList' as privileges
from records
