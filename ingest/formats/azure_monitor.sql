-- /// format
-- name = "azure_monitor"
-- title = "Rows of WindowsEvent and Event, tables of Azure Monitor and Microsoft Sentinel"
-- reader = "json"
-- keys = [["TimeGenerated"], ["EventID"], ["Channel", "EventLog"], ["Provider", "Source"], ["EventData", "RawEventData", "ParameterXml"]]
-- each = "records"
-- event_xml = "RawEventData"
-- data_xml = "EventData"
-- docs = ["https://learn.microsoft.com/azure/azure-monitor/reference/tables/windowsevent", "https://learn.microsoft.com/azure/azure-monitor/reference/tables/event"]
-- carries = "WindowsEvent: all but activity ids, times as the service keeps them; Event: no record id (counts again beside any other export), version, opcode and keywords"
-- ///
-- WindowsEvent has an object of the data or, where the service could not parse it, the whole event's XML; Event has the
-- data's XML in an element of the agent.
select
    record ->> '$.Computer' as computer,
    coalesce(record ->> '$.Provider', record ->> '$.Source') as provider,
    coalesce(record ->> '$.Channel', record ->> '$.EventLog') as channel,
    try_cast(record ->> '$.EventID' as integer) as event_id,
    try_cast(record ->> '$.Version' as integer) as version,
    try_cast(record ->> '$.EventRecordId' as bigint) as record_id,
    coalesce(record ->> '$.Task', record ->> '$.EventCategory') as task,
    try_cast(record ->> '$.EventLevel' as integer) as level,
    try_cast(record ->> '$.Opcode' as integer) as opcode,
    record ->> '$.Keywords' as keywords,
    -- The service keeps UTC, with its letter or without.
    coalesce(zoned_time(record ->> '$.TimeGenerated'), utc_text(record ->> '$.TimeGenerated')) as event_time,
    'logged' as time_source,
    try_cast(record ->> '$.SystemProcessId' as bigint) as execution_process_id,
    try_cast(record ->> '$.SystemThreadId' as bigint) as execution_thread_id,
    guid(record ->> '$."#Event".System.Correlation."#attributes".ActivityID') as activity_id,
    guid(record ->> '$."#Event".System.Correlation."#attributes".RelatedActivityID') as related_activity_id,
    case when starts_with(record ->> '$.SystemUserId', 'S-1-') then record ->> '$.SystemUserId' end as system_user_sid,
    record ->> '$.EventData' as _event_data,
    -- {"EventData": ..} or {"UserData": ..} out of XML; else the data itself.
    case
        when (record ->> '$."#Event".System.EventID') is not null
            then cast(
                json_object(
                    'EventData', json_extract(record, '$."#Event".EventData'),
                    'UserData', json_extract(record, '$."#Event".UserData')
                ) as varchar
            )
        when starts_with(_event_data, '{') and json_valid(_event_data)
            then coalesce(cast(json_extract(_event_data, '$.DataItem') as varchar), _event_data)
    end as _body,
    json_extract_string(_body, '$.EventData') as _named,
    cast(json_extract(_body, '$.UserData') as varchar) as _user_data,
    case
        when starts_with(_user_data, '{') then list_filter(json_keys(_user_data), lambda name: name <> '#attributes')[1]
    end as _user_name,
    case
        when starts_with(_named, '{') and contains(_named, '"xmlns"')
            then json_merge_patch(_named, '{"#attributes": {"xmlns": null}}')
        when starts_with(_named, '{') then _named
        when json_type(_user_data, '/' || _user_name) = 'OBJECT'
            then json_merge_patch(json_object('#UserData', _user_name), json_extract(_user_data, '/' || _user_name))
        when (record ->> '$."#Event".System.EventID') is null then _body
    end as _data,
    -- Without data that can be read the row itself is kept.
    case
        when _data is null then cast(record as varchar)
        when coalesce(record ->> '$.RenderedDescription', record ->> '$.UserName') is null then _data
        else json_merge_patch(
            _data,
            json_object('#Message', record ->> '$.RenderedDescription', '#UserName', record ->> '$.UserName')
        )
    end as event_data
from records
