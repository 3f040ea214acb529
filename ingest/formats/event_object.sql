-- /// format
-- name = "event_object"
-- title = "JSON of an event's System and EventData, attributes as plain names (Velociraptor, OpenWEC, golang-evtx, chainsaw)"
-- reader = "json"
-- keys = [["System.Provider.Name", "System.Provider_attributes", "System.TimeCreated.SystemTime", "System.TimeCreated_attributes"], ["System.EventID", "System.Channel", "System.Computer"]]
-- not_keys = ["System.Provider.#attributes", "System.Provider.@Name"]
-- at = ["", "Event", "_source", "_source.Event"]
-- data_xml = "UserData"
-- docs = ["https://docs.velociraptor.app/vql_reference/parsers/parse_evtx/", "https://github.com/cea-sec/openwec/blob/main/doc/formats.md", "https://github.com/0xrawsec/golang-evtx"]
-- carries = "everything but what the tool drops: Velociraptor a microsecond more or less and what stands beside named Data; OpenWEC half of a line end and the first of two Data of one name; golang-evtx empty unnamed Data; WHIDS the record id"
-- ///
-- One shape, many hands: an id is 3, "3", {"Value": 3} or {"value": "3", "Qualifiers": ..}, a time stands in SystemTime or
-- is TimeCreated itself, as text or as seconds since 1970, and attributes may have an object of their own beside the element
-- (Provider_attributes).
select
    record ->> '$.System.Computer' as computer,
    coalesce(record ->> '$.System.Provider.Name', record ->> '$.System.Provider_attributes.Name') as provider,
    record ->> '$.System.Channel' as channel,
    try_cast(plain_value(record ->> '$.System.EventID') as integer) as event_id,
    try_cast(plain_value(record ->> '$.System.Version') as integer) as version,
    try_cast(plain_value(record ->> '$.System.EventRecordID') as bigint) as record_id,
    plain_value(record ->> '$.System.Task') as task,
    try_cast(plain_value(record ->> '$.System.Level') as integer) as level,
    try_cast(plain_value(record ->> '$.System.Opcode') as integer) as opcode,
    plain_value(record ->> '$.System.Keywords') as _keywords,
    case
        when regexp_full_match(_keywords, '[0-9]+') and try_cast(_keywords as ubigint) is not null
            then '0x' || lower(to_hex(try_cast(_keywords as ubigint)))
        else _keywords
    end as keywords,
    coalesce(
        case
            when not starts_with(record ->> '$.System.TimeCreated', '{') then record ->> '$.System.TimeCreated'
            when json_valid(record ->> '$.System.TimeCreated')
                then json_extract_string(record ->> '$.System.TimeCreated', '$.SystemTime')
        end,
        record ->> '$.System.TimeCreated_attributes.SystemTime'
    ) as _time,
    -- UTC all of them, also where a text has no zone.
    case
        when has_zone(_time) then zoned_time(_time)
        when unix_time(_time) is not null then unix_time(_time)
        else utc_text(_time)
    end as event_time,
    'logged' as time_source,
    coalesce(
        try_cast(record ->> '$.System.Execution.ProcessID' as bigint),
        try_cast(record ->> '$.System.Execution_attributes.ProcessID' as bigint)
    ) as execution_process_id,
    coalesce(
        try_cast(record ->> '$.System.Execution.ThreadID' as bigint),
        try_cast(record ->> '$.System.Execution_attributes.ThreadID' as bigint)
    ) as execution_thread_id,
    guid(
        coalesce(
            record ->> '$.System.Correlation.ActivityID', record ->> '$.System.Correlation_attributes.ActivityID'
        )
    ) as activity_id,
    guid(
        coalesce(
            record ->> '$.System.Correlation.RelatedActivityID',
            record ->> '$.System.Correlation_attributes.RelatedActivityID'
        )
    ) as related_activity_id,
    coalesce(
        record ->> '$.System.Security.UserID',
        record ->> '$.System.Security_attributes.UserID',
        record ->> '$.System.UserID'
    ) as system_user_sid,
    cast((record -> '$.EventData') as varchar) as _event_data,
    cast((record -> '$.UserData') as varchar) as _user_data,
    case
        -- No event has so many values; who makes one up must not get at the memory of all the others.
        when starts_with(_event_data, '[') and json_array_length(_event_data) > 5000 then null
        when contains(_event_data, '"Data"') and json_array_length(_event_data, '$.Data') > 5000 then null
        when starts_with(_event_data, '{') and _event_data <> '{}'
            then case
                when not contains(_event_data, '"Data"') or json_type(_event_data, '$.Data') is null then _event_data
                when json_type(_event_data, '$.Data."#text"') = 'ARRAY' then _event_data
                -- Objects without a name in them are the fields themselves.
                when
                    json_type(_event_data, '$.Data') = 'OBJECT'
                    and not list_has_all(
                        ['Name', 'text', 'Value', 'value', '#text'], json_keys(_event_data, '$.Data')
                    )
                    then json_merge_patch(_event_data, '{"Data": null}', json_extract(_event_data, '$.Data'))
                else json_merge_patch(
                    _event_data,
                    '{"Data": null}',
                    items_data(object_items(json_extract(_event_data, '$.Data')))
                )
            end
        when starts_with(_event_data, '[') then items_data(object_items(cast(_event_data as json)))
        -- The fields stand in the one element of UserData; of Name and Name_attributes in the first.
        when starts_with(_user_data, '{')
            then list_transform(
                [
                    list_filter(
                        json_keys(_user_data),
                        lambda name: regexp_full_match(name, '[A-Za-z_][A-Za-z0-9_.:-]*')
                            and not ends_with(name, '_attributes')
                            and json_type(_user_data, '/' || name) = 'OBJECT'
                    )[1]
                ],
                lambda element: if(
                    element is null,
                    json(_user_data),
                    json_merge_patch(
                        json_object('#UserData', element), json_extract(_user_data, '/' || element), '{"xmlns": null}'
                    )
                )
            )[1]
        when _event_data = '{}' then _event_data
    end as _data,
    -- Without data that can be read the record itself is kept.
    case
        when _data is null then json_merge_patch(record, '{"System": null}')
        when coalesce((record -> '$.Message'), (record -> '$.RenderingInfo'), (record -> '$.Detection')) is null then _data
        else json_merge_patch(
            _data,
            json_object(
                '#Message', (record -> '$.Message'),
                '#RenderingInfo', (record -> '$.RenderingInfo'),
                '#Detection', (record -> '$.Detection')
            )
        )
    end as event_data,
    -- Velociraptor writes hexadecimal as a number, golang-evtx with zeros before it.
    case
        when provider = 'Microsoft-Windows-WMI-Activity'
            then coalesce(
                logon_id(json_extract_string(_data, '$.ResultCode')), json_extract_string(_data, '$.ResultCode')
            )
    end as "data.ResultCode",
    case
        when provider = 'Microsoft-Windows-WMI-Activity'
            then coalesce(logon_id(json_extract_string(_data, '$.Code')), json_extract_string(_data, '$.Code'))
    end as "data.Code"
from records
