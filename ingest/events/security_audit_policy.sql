-- /// event
-- title = "System audit policy was changed"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [4719]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4719"]
-- ///
-- object_name is the subcategory, registry_details what was added or removed: %%8448 success removed, %%8449 success
-- added, %%8450 failure removed, %%8451 failure added.
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    data ->> '$.SubjectUserSid' as subject_sid,
    logon_id(data ->> '$.SubjectLogonId') as subject_logon_id,
    guid(data ->> '$.SubcategoryGuid') as object_name,
    data ->> '$.AuditPolicyChanges' as registry_details
from records
