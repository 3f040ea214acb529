-- /// format
-- name = "evtxecmd"
-- title = "EvtxECmd JSON, its own rows (--json) or the whole events (--fj)"
-- reader = "json"
-- keys = [["Payload", "PayloadData1", "Event.System.Provider.@Name"], ["EventRecordId", "Event.System.EventRecordID"], ["ChunkNumber", "Event.System.Channel"]]
-- docs = ["https://github.com/EricZimmerman/evtx"]
-- carries = "everything that Windows logged; its own rows lack version, task, opcode and activity ids, and tell keywords in words; an event's list of unnamed strings is one text"
-- ///
-- Both forms keep the event's data as XML turned into JSON: Data is a list of @Name and #text, one object, one text or
-- nothing. RecordNumber counts the file's records; the id is EventRecordId.
select
    coalesce(record ->> '$.Computer', record ->> '$.Event.System.Computer') as computer,
    coalesce(record ->> '$.Provider', record ->> '$.Event.System.Provider."@Name"') as provider,
    coalesce(record ->> '$.Channel', record ->> '$.Event.System.Channel') as channel,
    coalesce(
        try_cast(record ->> '$.EventId' as integer),
        try_cast(record ->> '$.Event.System.EventID' as integer),
        case
            when starts_with(record ->> '$.Event.System.EventID', '{')
                then try_cast((record ->> '$.Event.System.EventID') ->> '$."#text"' as integer)
        end
    ) as event_id,
    try_cast(record ->> '$.Event.System.Version' as integer) as version,
    coalesce(
        try_cast(record ->> '$.EventRecordId' as bigint), try_cast(record ->> '$.Event.System.EventRecordID' as bigint)
    ) as record_id,
    record ->> '$.Event.System.Task' as task,
    case record ->> '$.Level'
        when 'LogAlways' then 0
        when 'Critical' then 1
        when 'Error' then 2
        when 'Warning' then 3
        when 'Info' then 4
        when 'Verbose' then 5
        else try_cast(record ->> '$.Event.System.Level' as integer)
    end as level,
    try_cast(record ->> '$.Event.System.Opcode' as integer) as opcode,
    case lower(record ->> '$.Keywords')
        when 'audit success' then '0x8020000000000000'
        when 'audit failure' then '0x8010000000000000'
        else record ->> '$.Event.System.Keywords'
    end as keywords,
    -- Both are UTC: one says so, the other has no zone.
    case
        when has_zone(record ->> '$.TimeCreated') then zoned_time(record ->> '$.TimeCreated')
        when has_zone(record ->> '$.Event.System.TimeCreated."@SystemTime"')
            then zoned_time(record ->> '$.Event.System.TimeCreated."@SystemTime"')
        else utc_text(coalesce(record ->> '$.TimeCreated', record ->> '$.Event.System.TimeCreated."@SystemTime"'))
    end as event_time,
    'logged' as time_source,
    coalesce(
        try_cast(record ->> '$.ProcessId' as bigint),
        try_cast(record ->> '$.Event.System.Execution."@ProcessID"' as bigint)
    ) as execution_process_id,
    coalesce(
        try_cast(record ->> '$.ThreadId' as bigint),
        try_cast(record ->> '$.Event.System.Execution."@ThreadID"' as bigint)
    ) as execution_thread_id,
    guid(record ->> '$.Event.System.Correlation."@ActivityID"') as activity_id,
    guid(record ->> '$.Event.System.Correlation."@RelatedActivityID"') as related_activity_id,
    coalesce(record ->> '$.UserId', record ->> '$.Event.System.Security."@UserID"') as system_user_sid,
    -- A name that stands twice keeps its values as a list. Without data that can be read the record itself is kept.
    coalesce(
        list_transform(
            [coalesce(record ->> '$.Payload', json_extract_string(record, '$.Event'))],
            lambda body: case
                when not coalesce(json_valid(body), false) then null
                when json_type(body, '$.UserData') = 'OBJECT'
                    then list_transform(
                        list_filter(
                            json_keys(body, '$.UserData'), lambda name: regexp_full_match(name, '[A-Za-z_][A-Za-z0-9_.:-]*')
                        )[:1],
                        lambda name: json_merge_patch(
                            json_object('#UserData', name),
                            if(
                                json_type(body, '/UserData/' || name) = 'OBJECT',
                                json_extract(body, '/UserData/' || name),
                                json_object(name, json_extract(body, '/UserData/' || name))
                            ),
                            '{"@xmlns": null}'
                        )
                    )[1]
                -- No event has so many values; who makes one up must not get at the memory of all the others.
                when json_array_length(body, '$.EventData.Data') > 5000 then null
                when json_type(body, '$.EventData') = 'OBJECT'
                    then list_transform(
                        [
                            list_transform(
                                case json_type(body, '$.EventData.Data')
                                    when 'ARRAY' then try_cast(json_extract(body, '$.EventData.Data') as json[])
                                    when 'NULL' then []
                                    else [json_extract(body, '$.EventData.Data')]
                                end,
                                lambda item: {
                                    'name': json_extract_string(item, '$."@Name"'),
                                    'value': case
                                        when json_type(item) = 'OBJECT' then coalesce(json_extract(item, '$."#text"'), '""')
                                        else item
                                    end
                                }
                            )
                        ],
                        lambda items: json_merge_patch(
                            json_extract(body, '$.EventData'),
                            '{"Data": null, "@xmlns": null}',
                            items_data(items)
                        )
                    )[1]
                when json_type(body, '$.EventData') = 'NULL' then '{}'
            end
        )[1],
        record
    ) as event_data
from records
