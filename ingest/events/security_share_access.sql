-- /// event
-- title = "A network share object was accessed"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [5140, 5145]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-5140"]
-- ///
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    data ->> '$.SubjectUserSid' as subject_sid,
    logon_id(data ->> '$.SubjectLogonId') as subject_logon_id,
    data ->> '$.ShareName' as share_name,
    data ->> '$.RelativeTargetName' as relative_target_name,
    data ->> '$.ObjectType' as object_type,
    data ->> '$.IpAddress' as _source_address,
    ip_text(_source_address, source_ip_key) as source_ip,
    ip_key(_source_address) as source_ip_key,
    try_cast(data ->> '$.IpPort' as integer) as source_port
from records
