-- /// event
-- title = "An account was logged off"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [4634, 4647]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4634"]
-- ///
-- 4634 has a logon type, 4647 (started by the user) has none.
select
    data ->> '$.TargetUserName' as target_name,
    data ->> '$.TargetDomainName' as target_domain,
    data ->> '$.TargetUserSid' as target_sid,
    logon_id(data ->> '$.TargetLogonId') as target_logon_id,
    try_cast(data ->> '$.LogonType' as integer) as logon_type
from records
