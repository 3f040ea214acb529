-- /// format
-- name = "minimal_json"
-- title = "Flat JSON of Channel, EventID, a time and the event's data, such as SecurityEvent of Microsoft Sentinel"
-- reader = "json"
-- keys = [["Channel"], ["EventID"], ["TimeCreated", "TimeGenerated"]]
-- each = "records"
-- not_keys = ["EventTime", "Event.System", "System.Provider.Name"]
-- docs = ["https://learn.microsoft.com/windows/win32/wes/eventschema-systempropertiestype-complextype", "https://learn.microsoft.com/azure/azure-monitor/reference/tables/securityevent"]
-- carries = "no record id, provider or version: counts again beside any other export; data named like one of the System fields is lost, and data without names is only in the message"
-- ///
-- Without a zone in its time only Sysmon's own clock tells where the host is. Sentinel calls the time TimeGenerated, and has
-- few columns of the System part under names of its own.
select
    host_name(coalesce(record ->> '$.Hostname', record ->> '$.Computer', record ->> '$.ComputerName')) as host,
    cast(try_cast(coalesce(record ->> '$.TimeCreated', record ->> '$.TimeGenerated') as timestamp) as date) as local_date,
    case
        when
            lower(record ->> '$.Channel') = 'microsoft-windows-sysmon/operational'
            and not has_zone(coalesce(record ->> '$.TimeCreated', record ->> '$.TimeGenerated'))
            and utc_text(record ->> '$.UtcTime') is not null
            then 'utc_time'
    end as evidence,
    try_cast(
        round(
            (
                epoch(try_cast(coalesce(record ->> '$.TimeCreated', record ->> '$.TimeGenerated') as timestamp))
                - epoch(utc_text(record ->> '$.UtcTime'))
            ) / 900
        ) * 900 as integer
    ) as offset_seconds
from records;

select
    coalesce(record ->> '$.Hostname', record ->> '$.Computer', record ->> '$.ComputerName') as computer,
    -- Not Provider or ProviderName: WMI-Activity has data of these names.
    coalesce(record ->> '$.SourceName', record ->> '$.EventSourceName') as provider,
    record ->> '$.Channel' as channel,
    try_cast(record ->> '$.EventID' as integer) as event_id,
    try_cast(record ->> '$.Version' as integer) as version,
    try_cast(
        coalesce(
            record ->> '$.EventRecordID', record ->> '$.EventRecordId', record ->> '$.RecordNumber', record ->> '$.RecordId'
        ) as bigint
    ) as record_id,
    record ->> '$.Task' as task,
    try_cast(record ->> '$.Level' as integer) as level,
    try_cast(record ->> '$.Opcode' as integer) as opcode,
    record ->> '$.Keywords' as keywords,
    coalesce(record ->> '$.TimeCreated', record ->> '$.TimeGenerated') as _time,
    case
        when has_zone(_time) then zoned_time(_time)
        when lower(record ->> '$.Channel') = 'microsoft-windows-sysmon/operational' and utc_text(record ->> '$.UtcTime') is not null
            then utc_text(record ->> '$.UtcTime')
        else local_to_utc(try_cast(_time as timestamp), clock.offset_seconds, clock.zone)
    end as event_time,
    case
        when has_zone(_time) then 'logged'
        when lower(record ->> '$.Channel') = 'microsoft-windows-sysmon/operational' and utc_text(record ->> '$.UtcTime') is not null
            then 'utc_time'
        else coalesce(clock.time_source, 'assumed')
    end as time_source,
    try_cast(coalesce(record ->> '$.ExecutionProcessID', record ->> '$.SystemProcessId') as bigint) as execution_process_id,
    try_cast(coalesce(record ->> '$.ThreadID', record ->> '$.SystemThreadId') as bigint) as execution_thread_id,
    guid(record ->> '$.ActivityID') as activity_id,
    guid(record ->> '$.RelatedActivityID') as related_activity_id,
    record ->> '$.UserID' as system_user_sid,
    record as event_data,
    -- The record's own channel must not pass for the log that a 104 says was cleared.
    cast(null as varchar) as "data.Channel",
    -- Nor the name of Sentinel's table for the type of an object.
    nullif(record ->> '$.Type', 'SecurityEvent') as "data.Type",
    case when lower(record ->> '$.Channel') = 'windows powershell' then json_extract_string(record, '$.Message') end as "data.Data"
from records
left join clock
    on clock.source_no = records.source_no
    and clock.host is not distinct from host_name(
        coalesce(record ->> '$.Hostname', record ->> '$.Computer', record ->> '$.ComputerName')
    )
    and clock.local_date is not distinct from cast(try_cast(_time as timestamp) as date)
