-- /// format
-- name = "fluent"
-- title = "Fluent Bit winevtlog and Fluentd windows_eventlog2"
-- reader = "json"
-- keys = [["ProviderName"], ["ProviderGuid", "ProviderGUID", "StringInserts"], ["EventRecordID"], ["Channel"], ["EventID"], ["TimeCreated"], ["UserID", "User"]]
-- not_keys = ["EventTime", "Event.System"]
-- at = ["", "log", "_source"]
-- docs = ["https://docs.fluentbit.io/manual/data-pipeline/inputs/windows-event-log-winevtlog", "https://github.com/fluent/fluent-plugin-windows-eventlog"]
-- carries = "values by position, named here for the events of ingest/property_names.sql, else what the English message tells; Fluent Bit cuts times to seconds and may give the name of the account that logged instead of its SID"
-- ///
-- Fluent Bit: TimeCreated is local with its offset, the values are in StringInserts, the text in Message. Fluentd: all is
-- text, the values are in EventData, the text in Description, or spread over fields (parse_description). Rendered from XML
-- its times are ISO; else it writes UTC with slashes and nanoseconds without leading zeros, an EventID with the qualifiers
-- in its upper half, and in User the account that logged.
select
    record ->> '$.TimeCreated' as _time,
    coalesce(regexp_full_match(_time, '[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8}[.][0-9]{1,9}'), false) as _has_slashes,
    coalesce(_has_slashes or has_zone(_time), false) as _is_utc,
    try_cast(record ->> '$.EventID' as bigint) as _id,
    cast(case when _id between 0 and 4294967295 then _id & 65535 end as integer) as _event_id,
    coalesce(try_cast(record ->> '$.Version' as integer), 0) as _version,
    try_cast(
        case
            when starts_with(record ->> '$.StringInserts', '[') then record ->> '$.StringInserts'
            when starts_with(record ->> '$.EventData', '[') then record ->> '$.EventData'
        end as json
    ) as _values,
    try_cast(case when starts_with(record ->> '$.EventData', '{') then record ->> '$.EventData' end as json) as _named,
    -- A filter that spreads the text of Sysmon over fields puts the file's description where the text was.
    coalesce(is_sysmon(record ->> '$.ProviderName') and not contains(record ->> '$.Description', 'UtcTime: '), false) as _is_file,
    coalesce(
        record ->> '$.Message',
        case when not _is_file then record ->> '$.Description' end,
        record ->> '$.DescriptionTitle'
    ) as _message,
    -- What a filter has added stays, the System fields do not.
    json_merge_patch(
        record,
        '{"ProviderName": null, "ProviderGuid": null, "ProviderGUID": null, "Qualifiers": null, "EventID": null, "Version": null,'
        || '"Level": null, "Task": null, "Opcode": null, "Keywords": null, "TimeCreated": null, "EventRecordID": null,'
        || '"ActivityID": null, "RelatedActivityID": null, "ProcessID": null, "ThreadID": null, "Channel": null,'
        || '"Computer": null, "UserID": null}',
        json_object(
            'Message', _message,
            'Description', case when _is_file then record ->> '$.Description' end,
            'User', case when not _has_slashes then record ->> '$.User' end,
            '#User', coalesce(
                case when _has_slashes then record ->> '$.User' end,
                case when not starts_with(record ->> '$.UserID', 'S-1-') then nullif(record ->> '$.UserID', '') end
            )
        ),
        case when _named is not null then '{"EventData": null}' else '{}' end,
        coalesce(cast(_named as varchar), '{}')
    ) as _data,
    record ->> '$.Computer' as computer,
    record ->> '$.ProviderName' as provider,
    record ->> '$.Channel' as channel,
    _event_id as event_id,
    try_cast(record ->> '$.Version' as integer) as version,
    try_cast(record ->> '$.EventRecordID' as bigint) as record_id,
    record ->> '$.Task' as task,
    try_cast(record ->> '$.Level' as integer) as level,
    try_cast(record ->> '$.Opcode' as integer) as opcode,
    record ->> '$.Keywords' as keywords,
    case
        when _has_slashes
            then timezone('UTC', try_cast(split_part(_time, '.', 1) || '.' || lpad(split_part(_time, '.', 2), 9, '0') as timestamp))
        when _is_utc then zoned_time(_time)
        else local_to_utc(try_cast(_time as timestamp), clock.offset_seconds, clock.zone)
    end as event_time,
    case when _is_utc then 'logged' else coalesce(clock.time_source, 'assumed') end as time_source,
    try_cast(record ->> '$.ProcessID' as bigint) as execution_process_id,
    try_cast(record ->> '$.ThreadID' as bigint) as execution_thread_id,
    -- From XML Fluentd writes the activity of an event as the related one.
    case
        when _is_utc and contains(_time, 'T') then coalesce(guid(record ->> '$.ActivityID'), guid(record ->> '$.RelatedActivityID'))
        else guid(record ->> '$.ActivityID')
    end as activity_id,
    case
        when _is_utc and contains(_time, 'T') and guid(record ->> '$.ActivityID') is null then null
        else guid(record ->> '$.RelatedActivityID')
    end as related_activity_id,
    case when starts_with(record ->> '$.UserID', 'S-1-') then record ->> '$.UserID' end as system_user_sid,
    case
        when names_of(property_names.versions, _version) is not null
            then json_merge_patch(
                _data,
                '{"StringInserts": null, "EventData": null}',
                named_values(names_of(property_names.versions, _version), json_extract(_values, '$[*]'))
            )
        -- Classic events have a list of texts without names.
        when (record ->> '$.ProviderName') = 'PowerShell'
            then json_merge_patch(
                _data,
                case
                    when json_array_length(_values) > 0
                        then cast(
                            json_object('Data', json_object('#text', _values), 'StringInserts', null, 'EventData', null) as varchar
                        )
                    else cast(json_object('Data', _message) as varchar)
                end
            )
        else json_merge_patch(
            message_data(record ->> '$.Channel', _event_id, _message, message_labels.labels),
            case
                when (record ->> '$.DescriptionTitle') is not null and lower(record ->> '$.Channel') = 'security'
                    then coalesce(described_data(record, message_labels.labels), '{}')
                else '{}'
            end,
            _data
        )
    end as event_data
from records
-- One row at most: the zone that the user names.
left join clock on clock.source_no = records.source_no
left join property_names
    on property_names.provider = record ->> '$.ProviderName'
    and property_names.event_id = _event_id
    and property_names.properties = json_array_length(_values)
left join message_labels
    on message_labels.event_id = _event_id
