-- /// event
-- title = "Special privileges assigned to new logon"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [4672]
-- at_least_one = ["subject_name", "privileges"]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4672"]
-- ///
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    data ->> '$.SubjectUserSid' as subject_sid,
    logon_id(data ->> '$.SubjectLogonId') as subject_logon_id,
    data ->> '$.PrivilegeList' as privileges
from records
