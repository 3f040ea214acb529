-- /// event
-- title = "System audit policy was changed"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [4719]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4719"]
-- ///
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    data ->> '$.SubjectUserSid' as subject_sid,
    logon_id(data ->> '$.SubjectLogonId') as subject_logon_id
from records
