-- /// event
-- title = "The audit log was cleared"
-- channel = "Security"
-- provider = "Microsoft-Windows-Eventlog"
-- event_ids = [1102]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-1102"]
-- ///
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    data ->> '$.SubjectUserSid' as subject_sid,
    logon_id(data ->> '$.SubjectLogonId') as subject_logon_id
from records
