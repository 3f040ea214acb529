-- /// event
-- title = "Network connection"
-- channel = "Microsoft-Windows-Sysmon/Operational"
-- provider = "Microsoft-Windows-Sysmon"
-- event_ids = [3]
-- at_least_one = ["process_path", "destination_ip"]
-- docs = ["https://learn.microsoft.com/sysinternals/downloads/sysmon"]
-- ///
select
    utc_text(data ->> '$.UtcTime') as utc_time,
    data ->> '$.User' as _user,
    account_name(_user) as user_name,
    account_domain(_user) as user_domain,
    data ->> '$.Image' as process_path,
    base_name(process_path) as process_name,
    process_number(data ->> '$.ProcessId') as process_id,
    guid(data ->> '$.ProcessGuid') as process_guid,
    data ->> '$.SourceIp' as _source_address,
    ip_text(_source_address, source_ip_key) as source_ip,
    ip_key(_source_address) as source_ip_key,
    try_cast(data ->> '$.SourcePort' as integer) as source_port,
    data ->> '$.SourceHostname' as source_host,
    data ->> '$.DestinationIp' as _destination_address,
    ip_text(_destination_address, destination_ip_key) as destination_ip,
    ip_key(_destination_address) as destination_ip_key,
    try_cast(data ->> '$.DestinationPort' as integer) as destination_port,
    data ->> '$.DestinationHostname' as destination_host,
    data ->> '$.Protocol' as protocol,
    try_cast(data ->> '$.Initiated' as boolean) as is_initiated
from records
