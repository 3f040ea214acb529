-- /// format
-- name = "wazuh"
-- title = "Wazuh alerts and archives of Windows channels (JSON)"
-- reader = "json"
-- keys = [["win.system"]]
-- at = ["", "data", "_source.data", "_source"]
-- docs = ["https://documentation.wazuh.com/current/user-manual/capabilities/log-data-collection/configuration.html"]
-- carries = "line breaks and tabs in values are lost, empty values and '-' are left out, a list of unnamed strings is one text; activity and user ids are lost"
-- ///
-- Wazuh begins names in lower case and takes them from Windows otherwise: they are turned back, all but those few that
-- Windows itself begins so. The manager leaves in values the escapes of the JSON that it got from the agent ('C:\\Windows',
-- '\"'): where no single backslash stands, they are undone.
select
    record ->> '$.win.system.computer' as computer,
    record ->> '$.win.system.providerName' as provider,
    record ->> '$.win.system.channel' as channel,
    try_cast(record ->> '$.win.system.eventID' as integer) as event_id,
    try_cast(record ->> '$.win.system.version' as integer) as version,
    try_cast(record ->> '$.win.system.eventRecordID' as bigint) as record_id,
    record ->> '$.win.system.task' as task,
    try_cast(record ->> '$.win.system.level' as integer) as level,
    try_cast(record ->> '$.win.system.opcode' as integer) as opcode,
    record ->> '$.win.system.keywords' as keywords,
    case
        when has_zone(record ->> '$.win.system.systemTime') then zoned_time(record ->> '$.win.system.systemTime')
        else utc_text(record ->> '$.win.system.systemTime')
    end as event_time,
    'logged' as time_source,
    try_cast(record ->> '$.win.system.processID' as bigint) as execution_process_id,
    try_cast(record ->> '$.win.system.threadID' as bigint) as execution_thread_id,
    guid(record ->> '$.win.system.activityID') as activity_id,
    guid(record ->> '$.win.system.relatedActivityID') as related_activity_id,
    record ->> '$.win.system.userID' as system_user_sid,
    -- Data that stands in UserData is an object beside eventdata, by the name of its element.
    list_transform(
        [
            list_filter(
                json_keys(record, '$.win'),
                lambda name: name not in ('system', 'eventdata') and regexp_full_match(name, '[A-Za-z_][A-Za-z0-9_.:-]*')
            )[1]
        ],
        lambda element: json_merge_patch(
            json_object('#Message', record ->> '$.win.system.message'),
            if(element is null, '{}', json_object('#UserData', upper(element[1]) || element[2:])),
            list_transform(
                [
                    coalesce(
                        json_extract_string(record, '/win/' || element), json_extract_string(record, '$.win.eventdata'), '{}'
                    )
                ],
                lambda data: coalesce(
                    '{'
                    || array_to_string(
                        list_transform(
                            map_entries(
                                try_cast(
                                    try_cast(
                                        if(
                                            not (contains(data, '\\\\') or contains(data, '\\\"'))
                                            or regexp_matches(data, '(^|[^\\])(\\{4})*\\{2,3}([^\\"]|$)'),
                                            data,
                                            replace(
                                                replace(replace(data, '\\\\', chr(1)), '\\\"', '\"'), chr(1), '\\'
                                            )
                                        ) as json
                                    ) as map(varchar, json)
                                )
                            ),
                            lambda field: cast(
                                to_json(
                                    if(
                                        regexp_full_match(field.key, 'param[0-9]+|processid|queryid'),
                                        field.key,
                                        upper(field.key[1]) || field.key[2:]
                                    )
                                ) as varchar
                            )
                            || ':' || field.value
                        ),
                        ','
                    )
                    || '}',
                    cast(json_object('#Data', data) as varchar)
                )
            )[1]
        )
    )[1] as event_data,
    -- The message has the line breaks that the values have lost; here they tell one thing from the next.
    case
        when (record ->> '$.win.system.providerName') = 'Microsoft-Windows-WMI-Activity'
            then coalesce(
                nullif(regexp_extract(record ->> '$.win.system.message', '(?s)PossibleCause = (.*?)"?$', 1), ''),
                json_extract_string(record, '$.win.*.possibleCause')[1]
            )
    end as "data.PossibleCause",
    case
        when (record ->> '$.win.system.providerName') = 'PowerShell'
            then coalesce(
                regexp_replace(record ->> '$.win.system.message', '(?s)^"(.*)"$', '\1'),
                json_extract_string(record, '$.win.eventdata.data')
            )
    end as "data.Data",
    case
        when (record ->> '$.win.system.providerName') = 'Microsoft-Windows-PowerShell'
            then coalesce(
                nullif(
                    regexp_extract(
                        record ->> '$.win.system.message', '(?s)^"?[^\r\n]*\([0-9]+[^\r\n]*\):\r?\n(.*[^\r])\r?\n\r?\nScriptBlock ID: ', 1
                    ),
                    ''
                ),
                json_extract_string(record, '$.win.eventdata.scriptBlockText')
            )
    end as "data.ScriptBlockText",
    case
        when (record ->> '$.win.system.providerName') = 'Microsoft-Windows-PowerShell'
            then if(
                json_extract_string(record, '$.win.eventdata.contextInfo') is null, null, record ->> '$.win.system.message'
            )
    end as "data.ContextInfo"
from records
