-- /// format
-- name = "winlogbeat_6"
-- title = "Winlogbeat 5 and 6, or hits of Elasticsearch"
-- reader = "json"
-- keys = [["log_name"], ["event_id"], ["computer_name"], ["source_name", "record_number", "event_data"]]
-- not_keys = ["winlog.channel"]
-- at = ["", "_source"]
-- each = ["events", "hits.hits"]
-- docs = ["https://www.elastic.co/guide/en/beats/winlogbeat/6.8/exported-fields-eventlog.html"]
-- carries = "times cut to milliseconds; level, task, opcode and keywords are words, in the system's language; empty values are left out"
-- ///
-- The fields that version 7 put under winlog stand at the top, and no module moves any.
select
    record ->> '$.computer_name' as computer,
    record ->> '$.source_name' as provider,
    record ->> '$.log_name' as channel,
    try_cast(record ->> '$.event_id' as integer) as event_id,
    coalesce(try_cast(record ->> '$.version' as integer), 0) as version,
    try_cast(record ->> '$.record_number' as bigint) as record_id,
    record ->> '$.task' as task,
    level_of(record ->> '$.level') as level,
    cast(null as integer) as opcode,
    audit_keywords(record ->> '$.keywords') as keywords,
    -- @timestamp is the event's time, unless something on the way put its own there.
    try_cast(record ->> '$."@timestamp"' as timestamptz) as _timestamp,
    case when is_sysmon(record ->> '$.source_name') then utc_text((record -> '$.event_data') ->> '$.UtcTime') end as _utc_time,
    abs(epoch(_utc_time) - epoch(_timestamp)) > 10 as _is_put_there,
    case when _is_put_there then _utc_time else _timestamp end as event_time,
    case when _is_put_there then 'utc_time' else 'logged' end as time_source,
    try_cast(record ->> '$.process_id' as bigint) as execution_process_id,
    try_cast(record ->> '$.thread_id' as bigint) as execution_thread_id,
    guid(record ->> '$.activity_id') as activity_id,
    guid(record ->> '$.related_activity_id') as related_activity_id,
    record ->> '$.user.identifier' as system_user_sid,
    json_merge_patch(
        '{}',
        json_object('#Message', record ->> '$.message', '#UserData', ((record -> '$.user_data') -> '$.xml_name')),
        if(starts_with((record -> '$.event_data'), '{'), (record -> '$.event_data'), '{}'),
        if(starts_with((record -> '$.user_data'), '{'), (record -> '$.user_data'), '{}'),
        '{"xml_name": null}'
    ) as event_data,
    -- Strings without names are called param1, param2 ...
    case
        when (record ->> '$.source_name') = 'PowerShell'
            then coalesce(param_strings((record -> '$.event_data')), record ->> '$.message')
    end as "data.Data"
from records
