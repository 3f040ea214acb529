-- /// format
-- name = "splunk"
-- title = "Splunk search results as JSON"
-- reader = "json"
-- keys = [["_raw", "_time"], ["sourcetype", "source", "EventCode"]]
-- at = ["result", ""]
-- each = "results"
-- event_xml = "_raw"
-- docs = ["https://docs.splunk.com/Documentation/Splunk/latest/Search/Exportsearchresults"]
-- carries = "with the XML in _raw everything that Windows logged; with the classic text what the English text of the events tells, times cut to milliseconds"
-- ///
-- Three kinds of records: the event's XML in _raw, which has everything and wins; the classic text behind 'Name=value'
-- lines, whose sections say who is who; or only the fields that Splunk made of it, with lists of equal labels.
select
    case
        when (record ->> '$."#Event".System.Channel') is null then classic_lines(record ->> '$._raw')
    end as _header,
    coalesce(classic_message(record ->> '$._raw'), record ->> '$.Message') as _message,
    coalesce(try_cast(record ->> '$.EventCode' as integer), try_cast(classic_header(_header, 'EventCode') as integer)) as _code,
    coalesce(
        record ->> '$."#Event".System.Computer',
        record ->> '$.ComputerName',
        record ->> '$.Computer',
        classic_header(_header, 'ComputerName'),
        record ->> '$.host'
    ) as computer,
    case coalesce(
        record ->> '$."#Event".System.Provider."#attributes".Name',
        record ->> '$.SourceName',
        classic_header(_header, 'SourceName')
    )
        when 'Microsoft Windows security auditing.' then 'Microsoft-Windows-Security-Auditing'
        when 'Microsoft-Windows-Service Control Manager' then 'Service Control Manager'
        else coalesce(
            record ->> '$."#Event".System.Provider."#attributes".Name',
            record ->> '$.SourceName',
            classic_header(_header, 'SourceName')
        )
    end as provider,
    coalesce(
        record ->> '$."#Event".System.Channel',
        record ->> '$.LogName',
        record ->> '$.Channel',
        classic_header(_header, 'LogName'),
        nullif(
            regexp_extract(concat_ws(chr(10), record ->> '$.source', record ->> '$.sourcetype'), '(?m)^(?i:xml)?(?i:wineventlog):(.+)$', 1),
            ''
        )
    ) as channel,
    coalesce(
        try_cast(record ->> '$."#Event".System.EventID' as integer),
        case
            when starts_with(record ->> '$."#Event".System.EventID', '{')
                then try_cast((record ->> '$."#Event".System.EventID') ->> '$."#text"' as integer)
        end,
        _code,
        try_cast(record ->> '$.EventID' as integer)
    ) as event_id,
    -- The text tells which version of 4688 it is: only version 2 knows the session of the child.
    case
        when (record ->> '$."#Event".System.Version') is not null
            then try_cast(record ->> '$."#Event".System.Version' as integer)
        when contains(coalesce(record ->> '$._raw', record ->> '$.Message'), 'A new process has been created.')
            then case
                when contains(coalesce(record ->> '$._raw', record ->> '$.Message'), chr(10) || 'Target Subject:') then 2
                when contains(coalesce(record ->> '$._raw', record ->> '$.Message'), chr(9) || 'Process Command Line:') then 1
                else 0
            end
    end as version,
    coalesce(
        try_cast(record ->> '$."#Event".System.EventRecordID' as bigint),
        try_cast(record ->> '$.RecordNumber' as bigint),
        try_cast(record ->> '$.EventRecordID' as bigint),
        try_cast(record ->> '$.RecordID' as bigint),
        try_cast(classic_header(_header, 'RecordNumber') as bigint)
    ) as record_id,
    coalesce(
        record ->> '$."#Event".System.Task', record ->> '$.TaskCategory', classic_header(_header, 'TaskCategory')
    ) as task,
    try_cast(record ->> '$."#Event".System.Level' as integer) as level,
    try_cast(record ->> '$."#Event".System.Opcode' as integer) as opcode,
    case coalesce(record ->> '$.Keywords', classic_header(_header, 'Keywords'))
        when 'Audit Success' then '0x8020000000000000'
        when 'Audit Failure' then '0x8010000000000000'
        else coalesce(
            record ->> '$."#Event".System.Keywords',
            nullif(coalesce(record ->> '$.Keywords', classic_header(_header, 'Keywords')), 'None')
        )
    end as keywords,
    -- Without Splunk's own time there is the text's, and Sysmon's in the text.
    case when (record ->> '$._time') is null then classic_utc_time(record ->> '$._raw') end as _utc_time,
    coalesce(
        try_cast(record ->> '$._time' as timestamp),
        case when (record ->> '$._time') is null then classic_time(record ->> '$._raw') end
    ) as _local_time,
    coalesce(record ->> '$.sourcetype', record ->> '$.source', record ->> '$.EventCode') is null as _is_text,
    case when _is_text then host_name(classic_header(_header, 'ComputerName')) end as _local_host,
    case when _is_text then cast(_local_time as date) end as _local_date,
    coalesce(
        try_cast(record ->> '$."#Event".System.TimeCreated."#attributes".SystemTime' as timestamptz),
        case
            when unix_time(record ->> '$._time') is not null then unix_time(record ->> '$._time')
            when has_zone(record ->> '$._time') then zoned_time(record ->> '$._time')
            when _utc_time is not null then _utc_time
            else local_to_utc(_local_time, clock.offset_seconds, clock.zone)
        end
    ) as event_time,
    case
        when
            (record ->> '$."#Event".System.TimeCreated."#attributes".SystemTime') is not null
            or has_zone(record ->> '$._time')
            or unix_time(record ->> '$._time') is not null
            then 'logged'
        when _utc_time is not null then 'utc_time'
        else coalesce(clock.time_source, 'assumed')
    end as time_source,
    try_cast(record ->> '$."#Event".System.Execution."#attributes".ProcessID' as bigint) as execution_process_id,
    try_cast(record ->> '$."#Event".System.Execution."#attributes".ThreadID' as bigint) as execution_thread_id,
    guid(record ->> '$."#Event".System.Correlation."#attributes".ActivityID') as activity_id,
    guid(record ->> '$."#Event".System.Correlation."#attributes".RelatedActivityID') as related_activity_id,
    coalesce(
        record ->> '$."#Event".System.Security."#attributes".UserID', record ->> '$.Sid', classic_header(_header, 'Sid')
    ) as system_user_sid,
    case
        when (record ->> '$."#Event".System.Channel') is not null
            then case
                when starts_with(record ->> '$."#Event".EventData', '{') then record ->> '$."#Event".EventData'
                when starts_with(json_extract_string(record, '$."#Event".UserData.*')[1], '{')
                    then json_merge_patch(
                        json_object('#UserData', json_keys(record, '$."#Event".UserData')[1]),
                        json_extract_string(record, '$."#Event".UserData.*')[1]
                    )
                else json_merge_patch(json_extract(record, '$."#Event"'), '{"System": null, "#attributes": null}')
            end
        when _message is not null
            then json_merge_patch(
                record,
                splunk_header(record ->> '$.LogName', record ->> '$.User', record ->> '$.EventType', record ->> '$.Type'),
                json_object('Message', _message),
                message_data(
                    coalesce(
                        record ->> '$.LogName',
                        classic_header(_header, 'LogName'),
                        nullif(regexp_extract(record ->> '$.source', '^(?i:wineventlog):(.+)$', 1), '')
                    ),
                    _code,
                    _message,
                    message_labels.labels
                )
            )
        when message_labels.lists is not null and lower(coalesce(record ->> '$.LogName', 'security')) = 'security'
            then json_merge_patch(
                record,
                splunk_header(record ->> '$.LogName', record ->> '$.User', record ->> '$.EventType', record ->> '$.Type'),
                listed_data(record, message_labels.lists)
            )
        when (record ->> '$.LogName') is not null
            then json_merge_patch(
                record,
                splunk_header(record ->> '$.LogName', record ->> '$.User', record ->> '$.EventType', record ->> '$.Type')
            )
        else record
    end as event_data,
    case
        when
            coalesce(record ->> '$.SourceName', classic_header(_header, 'SourceName')) = 'PowerShell'
            and (record ->> '$."#Event".System.Channel') is null
            then _message
        else json_extract_string(record, '$."#Event".EventData.Data')
    end as "data.Data"
from records
-- One row at most: the zone that the user names or, for raw text, what the first pass found for the host's day.
left join clock
    on clock.source_no = records.source_no
    and clock.host is not distinct from _local_host
    and clock.local_date is not distinct from _local_date
left join message_labels
    on message_labels.event_id = _code
-- Previews come again as results; the last line of an export says only that it is the last.
where
    coalesce(json_extract_string(document, '$.preview'), 'false') <> 'true'
    and json_extract_string(document, '$.lastrow') is null
