-- /// event
-- title = "Network connection"
-- channel = "Microsoft-Windows-Sysmon/Operational"
-- provider = "Microsoft-Windows-Sysmon"
-- event_ids = [3]
-- at_least_one = ["process_path", "user_name", "destination_ip"]
-- docs = ["https://learn.microsoft.com/sysinternals/downloads/sysmon"]
-- ///
select
    utc_text(data ->> '$.UtcTime') as utc_time,
    account_name(data ->> '$.User') as user_name,
    account_domain(data ->> '$.User') as user_domain,
    data ->> '$.Image' as process_path,
    base_name(data ->> '$.Image') as process_name,
    process_number(data ->> '$.ProcessId') as process_id,
    guid(data ->> '$.ProcessGuid') as process_guid,
    ip_text(data ->> '$.SourceIp') as source_ip,
    ip_key(data ->> '$.SourceIp') as source_ip_key,
    try_cast(data ->> '$.SourcePort' as integer) as source_port,
    data ->> '$.SourceHostname' as source_host,
    ip_text(data ->> '$.DestinationIp') as destination_ip,
    ip_key(data ->> '$.DestinationIp') as destination_ip_key,
    try_cast(data ->> '$.DestinationPort' as integer) as destination_port,
    data ->> '$.DestinationHostname' as destination_host,
    data ->> '$.Protocol' as protocol,
    try_cast(data ->> '$.Initiated' as boolean) as is_initiated
from records
