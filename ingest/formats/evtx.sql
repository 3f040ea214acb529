-- /// format
-- name = "evtx"
-- title = "Windows event log file (EVTX)"
-- reader = "evtx"
-- docs = ["https://github.com/libyal/libevtx/blob/main/documentation/Windows%20XML%20Event%20Log%20(EVTX).asciidoc"]
-- carries = "everything that Windows logged"
-- ///
-- The evtx package gives each record as JSON: attributes under #attributes, EventID a number or an object with #text.
select
    record ->> '$.Event.System.Computer' as computer,
    record ->> '$.Event.System.Provider."#attributes".Name' as provider,
    record ->> '$.Event.System.Channel' as channel,
    coalesce(
        try_cast(record ->> '$.Event.System.EventID' as integer),
        case
            when starts_with(record ->> '$.Event.System.EventID', '{')
                then try_cast((record ->> '$.Event.System.EventID') ->> '$."#text"' as integer)
        end
    ) as event_id,
    try_cast(record ->> '$.Event.System.Version' as integer) as version,
    try_cast(record ->> '$.Event.System.EventRecordID' as bigint) as record_id,
    record ->> '$.Event.System.Task' as task,
    try_cast(record ->> '$.Event.System.Level' as integer) as level,
    try_cast(record ->> '$.Event.System.Opcode' as integer) as opcode,
    record ->> '$.Event.System.Keywords' as keywords,
    try_cast(record ->> '$.Event.System.TimeCreated."#attributes".SystemTime' as timestamptz) as event_time,
    'logged' as time_source,
    try_cast(record ->> '$.Event.System.Execution."#attributes".ProcessID' as bigint) as execution_process_id,
    try_cast(record ->> '$.Event.System.Execution."#attributes".ThreadID' as bigint) as execution_thread_id,
    guid(record ->> '$.Event.System.Correlation."#attributes".ActivityID') as activity_id,
    guid(record ->> '$.Event.System.Correlation."#attributes".RelatedActivityID') as related_activity_id,
    record ->> '$.Event.System.Security."#attributes".UserID' as system_user_sid,
    -- UserData holds one named element with the fields in it; whatever else an event carries is kept whole.
    case
        when starts_with(record ->> '$.Event.EventData', '{') and (record ->> '$.Event.RenderingInfo') is null
            then record ->> '$.Event.EventData'
        when starts_with(record ->> '$.Event.EventData', '{')
            then json_merge_patch(
                json_object('#RenderingInfo', json_extract(record, '$.Event.RenderingInfo')),
                record ->> '$.Event.EventData'
            )
        when starts_with(json_extract_string(record, '$.Event.UserData.*')[1], '{')
            then json_merge_patch(
                json_object(
                    '#UserData', json_keys(record, '$.Event.UserData')[1],
                    '#RenderingInfo', json_extract(record, '$.Event.RenderingInfo')
                ),
                json_extract_string(record, '$.Event.UserData.*')[1]
            )
        else json_merge_patch(json_extract(record, '$.Event'), '{"System": null, "#attributes": null}')
    end as event_data
from records
