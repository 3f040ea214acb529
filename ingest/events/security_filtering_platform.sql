-- /// event
-- title = "The Windows Filtering Platform has permitted or blocked a connection"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [5156, 5157]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-5156"]
-- ///
-- Direction is a message code: 14592 inbound, 14593 outbound.
select
    data ->> '$.Application' as process_path,
    base_name(process_path) as process_name,
    coalesce(process_number(data ->> '$.ProcessID'), process_number(data ->> '$.ProcessId')) as process_id,
    data ->> '$.SourceAddress' as _source_address,
    ip_text(_source_address, source_ip_key) as source_ip,
    ip_key(_source_address) as source_ip_key,
    try_cast(data ->> '$.SourcePort' as integer) as source_port,
    data ->> '$.DestAddress' as _destination_address,
    ip_text(_destination_address, destination_ip_key) as destination_ip,
    ip_key(_destination_address) as destination_ip_key,
    try_cast(data ->> '$.DestPort' as integer) as destination_port,
    case data ->> '$.Protocol' when '6' then 'tcp' when '17' then 'udp' else data ->> '$.Protocol' end as protocol,
    case data ->> '$.Direction' when '%%14593' then true when '%%14592' then false end as is_initiated
from records
