-- /// event
-- title = "A logon was attempted using explicit credentials"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [4648]
-- at_least_one = ["subject_name", "target_name", "process_path"]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4648"]
-- ///
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    data ->> '$.SubjectUserSid' as subject_sid,
    logon_id(data ->> '$.SubjectLogonId') as subject_logon_id,
    data ->> '$.TargetUserName' as target_name,
    data ->> '$.TargetDomainName' as target_domain,
    data ->> '$.TargetServerName' as target_server,
    data ->> '$.TargetInfo' as target_info,
    data ->> '$.ProcessName' as process_path,
    base_name(process_path) as process_name,
    process_number(data ->> '$.ProcessId') as process_id,
    data ->> '$.IpAddress' as _source_address,
    ip_text(_source_address, source_ip_key) as source_ip,
    ip_key(_source_address) as source_ip_key,
    try_cast(data ->> '$.IpPort' as integer) as source_port
from records
