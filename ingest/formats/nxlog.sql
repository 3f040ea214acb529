-- /// format
-- name = "nxlog"
-- title = "NXLog JSON lines"
-- reader = "json"
-- keys = [["EventID"], ["EventTime"], ["SourceName", "Hostname"]]
-- docs = ["https://docs.nxlog.co/refman/current/im/msvistalog.html"]
-- carries = "times cut to seconds and without a zone; fields whose names differ from NXLog's own only in case are lost"
-- ///
-- First pass: how far is each host's local time from UTC, by day (daylight saving)? Sysmon's own UtcTime is the better
-- evidence; the collector's clock in two notations is the other.
select
    host_name(record ->> '$.Hostname') as host,
    cast(try_cast(record ->> '$.EventTime' as timestamp) as date) as local_date,
    case
        when
            (record ->> '$.SourceName') = 'Microsoft-Windows-Sysmon'
            and utc_text(record ->> '$.UtcTime') is not null
            then 'utc_time'
        when
            try_cast(record ->> '$.EventReceivedTime' as timestamp) is not null
            and (
                regexp_matches(record ->> '$.EventReceivedTime', '[0-9] ?[+-][0-9]{2}:?[0-9]{2}$')
                or (
                    not has_zone(record ->> '$.EventReceivedTime')
                    and try_cast(record ->> '$."@timestamp"' as timestamptz) is not null
                )
            )
            then 'collector'
    end as evidence,
    try_cast(
        round(
            case evidence
                when 'utc_time'
                    then epoch(try_cast(record ->> '$.EventTime' as timestamp)) - epoch(utc_text(record ->> '$.UtcTime'))
                when 'collector'
                    then epoch(try_cast(record ->> '$.EventReceivedTime' as timestamp))
                    - epoch(
                        coalesce(
                            zoned_time(record ->> '$.EventReceivedTime'),
                            try_cast(record ->> '$."@timestamp"' as timestamptz)
                        )
                    )
            end / 900
        ) * 900 as integer
    ) as offset_seconds
from records;

select
    record ->> '$.Hostname' as computer,
    record ->> '$.SourceName' as provider,
    record ->> '$.Channel' as channel,
    try_cast(record ->> '$.EventID' as integer) as event_id,
    try_cast(record ->> '$.Version' as integer) as version,
    try_cast(record ->> '$.RecordNumber' as bigint) as record_id,
    record ->> '$.Task' as task,
    try_cast(record ->> '$.OpcodeValue' as integer) as opcode,
    cast(null as integer) as level,
    '0x' || lower(to_hex(try_cast(record ->> '$.Keywords' as bigint))) as keywords,
    -- Sysmon writes the time of the event itself in UTC; all else is the host's local time.
    is_sysmon(record ->> '$.SourceName') as _is_sysmon,
    case when _is_sysmon then utc_text(record ->> '$.UtcTime') end as _utc_time,
    try_cast(record ->> '$.EventTime' as timestamp) as _local_time,
    has_zone(record ->> '$.EventTime') as _has_zone,
    -- Some configurations make a number of it: integer($EventTime).
    case when not contains(record ->> '$.EventTime', '-') then unix_time(record ->> '$.EventTime') end as _epoch,
    case
        when _utc_time is not null then _utc_time
        when _has_zone then zoned_time(record ->> '$.EventTime')
        when _epoch is not null then _epoch
        else local_to_utc(_local_time, clock.offset_seconds, clock.zone)
    end as event_time,
    case
        when _utc_time is not null then 'utc_time'
        when _has_zone or _epoch is not null then 'logged'
        else coalesce(clock.time_source, 'assumed')
    end as time_source,
    -- Older versions call the log source's own process ProcessID.
    try_cast(coalesce(record ->> '$.ExecutionProcessID', record ->> '$.ProcessID') as bigint) as execution_process_id,
    try_cast(record ->> '$.ThreadID' as bigint) as execution_thread_id,
    guid(record ->> '$.ActivityID') as activity_id,
    guid(record ->> '$.RelatedActivityID') as related_activity_id,
    record ->> '$.UserID' as system_user_sid,
    record as event_data,
    -- NXLog's field names know no case, so its own ProcessID and EventType push out the event's ProcessId and EventType:
    -- the Message still has them. Where (misspelt) EventTypeOrignal stands, EventType is the event's.
    coalesce(
        record ->> '$.ProcessId',
        case
            when _is_sysmon then nullif(regexp_extract(record ->> '$.Message', '(?:^|\n)ProcessId: ([0-9]+)', 1), '')
            when (record ->> '$.EventID') = '4688'
                then nullif(regexp_extract(record ->> '$.Message', 'Creator Process ID:\s+(0x[0-9a-fA-F]+)', 1), '')
            when lower(record ->> '$.Channel') = 'security'
                then nullif(regexp_extract(record ->> '$.Message', '\n\s*Process ID:\s+(0x[0-9a-fA-F]+)', 1), '')
        end
    ) as "data.ProcessId",
    case
        when (record ->> '$.EventTypeOrignal') is not null and (record ->> '$.EventType') is not null
            then record ->> '$.EventType'
        when _is_sysmon and contains(record ->> '$.Message', 'EventType: ')
            then nullif(regexp_extract(record ->> '$.Message', '(?:^|\n)EventType: ([^\r\n]*)', 1), '')
    end as "data.EventType",
    -- WMI-Activity's fields stand in UserData, which NXLog leaves out: 'Name = value; Name = value' of the Message is left.
    case when (record ->> '$.SourceName') = 'Microsoft-Windows-WMI-Activity' then record ->> '$.Message' end as _wmi,
    coalesce(record ->> '$.HostProcess', wmi_message(_wmi, 'HostProcess')) as "data.HostProcess",
    -- Where ProcessID is the log source's own it says nothing about the event.
    coalesce(
        case when (record ->> '$.ExecutionProcessID') is not null then record ->> '$.ProcessID' end,
        wmi_message(_wmi, 'ProcessID')
    ) as "data.ProcessID",
    coalesce(record ->> '$.ProviderPath', wmi_message(_wmi, 'ProviderPath')) as "data.ProviderPath",
    coalesce(record ->> '$.User', wmi_message(_wmi, 'User')) as "data.User",
    coalesce(record ->> '$.ClientMachine', wmi_message(_wmi, 'ClientMachine')) as "data.ClientMachine",
    coalesce(record ->> '$.ClientProcessId', wmi_message(_wmi, 'ClientProcessId')) as "data.ClientProcessId",
    coalesce(record ->> '$.Operation', wmi_message(_wmi, 'Operation')) as "data.Operation",
    coalesce(record ->> '$.Namespace', wmi_message(_wmi, 'Namespace')) as "data.Namespace",
    coalesce(record ->> '$.ESS', wmi_message(_wmi, 'Eventfilter')) as "data.ESS",
    coalesce(record ->> '$.CONSUMER', wmi_message(_wmi, 'Consumer')) as "data.CONSUMER",
    coalesce(record ->> '$.ResultCode', wmi_message(_wmi, 'ResultCode')) as "data.ResultCode",
    case when (record ->> '$.SourceName') = 'PowerShell' then record ->> '$.Message' end as "data.Data"
from records
left join clock
    on clock.source_no = records.source_no
    and clock.host is not distinct from host_name(record ->> '$.Hostname')
    and clock.local_date is not distinct from cast(_local_time as date)
