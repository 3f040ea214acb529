-- /// event
-- title = "An account was logged on, or failed to"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [4624, 4625]
-- at_least_one = ["subject_name", "target_name", "target_logon_id", "logon_type"]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4624"]
-- ///
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    data ->> '$.SubjectUserSid' as subject_sid,
    logon_id(data ->> '$.SubjectLogonId') as subject_logon_id,
    data ->> '$.TargetUserName' as target_name,
    data ->> '$.TargetDomainName' as target_domain,
    data ->> '$.TargetUserSid' as target_sid,
    logon_id(data ->> '$.TargetLogonId') as target_logon_id,
    logon_id(data ->> '$.TargetLinkedLogonId') as linked_logon_id,
    try_cast(data ->> '$.LogonType' as integer) as logon_type,
    data ->> '$.LogonProcessName' as logon_process,
    data ->> '$.AuthenticationPackageName' as authentication_package,
    data ->> '$.WorkstationName' as workstation,
    data ->> '$.TargetOutboundUserName' as outbound_user_name,
    data ->> '$.TargetOutboundDomainName' as outbound_domain,
    data ->> '$.ProcessName' as process_path,
    base_name(process_path) as process_name,
    process_number(data ->> '$.ProcessId') as process_id,
    data ->> '$.IpAddress' as _source_address,
    ip_text(_source_address, source_ip_key) as source_ip,
    ip_key(_source_address) as source_ip_key,
    try_cast(data ->> '$.IpPort' as integer) as source_port
from records
