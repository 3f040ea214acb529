-- /// event
-- title = "Any other event of the Security log: who did it, to whom, and in which logon session"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/advanced-security-auditing-faq"]
-- ///
-- Without event_ids a source is for what no other source names.
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    data ->> '$.SubjectUserSid' as subject_sid,
    logon_id(data ->> '$.SubjectLogonId') as subject_logon_id,
    data ->> '$.TargetUserName' as target_name,
    data ->> '$.TargetDomainName' as target_domain,
    logon_id(data ->> '$.TargetLogonId') as target_logon_id
from records
