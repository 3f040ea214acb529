-- /// format
-- name = "get_winevent"
-- title = "PowerShell: Get-WinEvent | ConvertTo-Json"
-- reader = "json"
-- keys = [["ProviderName"], ["LogName"], ["Id"], ["Properties", "Message"]]
-- each = "value"
-- docs = ["https://learn.microsoft.com/dotnet/api/system.diagnostics.eventing.reader.eventlogrecord"]
-- carries = "values by position, named here for the events of ingest/property_names.sql; Windows PowerShell cuts times to milliseconds; with -Depth 1 only what the English message tells"
-- ///
-- Windows PowerShell writes times as '/Date(<milliseconds>)/', sometimes within an object; PowerShell 7 as ISO with its
-- offset. Deeper than -Depth objects become the name of their type: then only the Message still tells.
select
    record ->> '$.MachineName' as computer,
    record ->> '$.ProviderName' as provider,
    record ->> '$.LogName' as channel,
    try_cast(record ->> '$.Id' as integer) as event_id,
    try_cast(record ->> '$.Version' as integer) as version,
    try_cast(record ->> '$.RecordId' as bigint) as record_id,
    record ->> '$.Task' as task,
    try_cast(record ->> '$.Level' as integer) as level,
    try_cast(record ->> '$.Opcode' as integer) as opcode,
    '0x' || lower(to_hex(try_cast(record ->> '$.Keywords' as bigint))) as keywords,
    case
        when regexp_matches(record ->> '$.TimeCreated', '/Date\(-?[0-9]{1,14}[)+-]')
            then timezone(
                'UTC', epoch_ms(try_cast(regexp_extract(record ->> '$.TimeCreated', '/Date\((-?[0-9]{1,14})', 1) as bigint))
            )
        when has_zone(record ->> '$.TimeCreated') then zoned_time(record ->> '$.TimeCreated')
        else local_to_utc(try_cast(record ->> '$.TimeCreated' as timestamp), clock.offset_seconds, clock.zone)
    end as event_time,
    case
        when contains(record ->> '$.TimeCreated', '/Date(') or has_zone(record ->> '$.TimeCreated') then 'logged'
        else coalesce(clock.time_source, 'assumed')
    end as time_source,
    try_cast(record ->> '$.ProcessId' as bigint) as execution_process_id,
    try_cast(record ->> '$.ThreadId' as bigint) as execution_thread_id,
    guid(record ->> '$.ActivityId') as activity_id,
    guid(record ->> '$.RelatedActivityId') as related_activity_id,
    case
        when starts_with(record ->> '$.UserId', '{') then json_extract_string(record, '$.UserId.Value')
        else record ->> '$.UserId'
    end as system_user_sid,
    case
        when property_names.versions is not null
            and names_of(property_names.versions, coalesce(try_cast(record ->> '$.Version' as integer), 0)) is not null
            and json_type(record, '$.Properties[0]') = 'OBJECT'
            then json_merge_patch(
                json_object('Message', record ->> '$.Message'),
                named_values(
                    names_of(property_names.versions, coalesce(try_cast(record ->> '$.Version' as integer), 0)),
                    property_values(cast(json_extract(record, '$.Properties[*]') as json []))
                )
            )
        -- Classic events have a list of texts without names.
        when (record ->> '$.ProviderName') = 'PowerShell' and json_type(record, '$.Properties[0]') = 'OBJECT'
            then json_merge_patch(
                json_object('Message', record ->> '$.Message'),
                json_object('Data', json_object('#text', json_extract(record, '$.Properties[*].Value')))
            )
        when coalesce(json_type(record, '$.Properties[0]'), 'VARCHAR') = 'VARCHAR'
            then json_merge_patch(
                json_object('Message', record ->> '$.Message', 'Properties', json_extract(record, '$.Properties')),
                case
                    when (record ->> '$.ProviderName') = 'PowerShell'
                        then cast(json_object('Data', record ->> '$.Message') as varchar)
                    else message_data(
                        record ->> '$.LogName',
                        try_cast(record ->> '$.Id' as integer),
                        record ->> '$.Message',
                        message_labels.labels
                    )
                end
            )
        else json_object('Message', record ->> '$.Message', 'Properties', json_extract(record, '$.Properties'))
    end as event_data
from records
-- One row at most: the zone that the user names.
left join clock on clock.source_no = records.source_no
left join property_names
    on property_names.provider = record ->> '$.ProviderName'
    and property_names.event_id = try_cast(record ->> '$.Id' as integer)
    and property_names.properties = json_array_length(record, '$.Properties')
left join message_labels
    on message_labels.event_id = try_cast(record ->> '$.Id' as integer)
