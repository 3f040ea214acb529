-- /// format
-- name = "winlogbeat"
-- title = "Winlogbeat 7 and later, or hits of Elasticsearch"
-- reader = "json"
-- keys = [["winlog.channel"]]
-- at = ["", "_source"]
-- each = ["events", "hits.hits"]
-- dotted = true
-- docs = ["https://www.elastic.co/guide/en/beats/winlogbeat/current/exported-fields-winlog.html"]
-- carries = "task, opcode and keywords are words, empty values are left out; its Sysmon and Security modules move fields, which are put back: a hash's place among others, the rule's name '-' and the time of the log entry (against Sysmon's own) are lost"
-- ///
-- The module for Sysmon moves an event's fields into ECS (process, user, source, registry ...) and makes Sysmon's UtcTime
-- the record's time; that for Security moves some of 4688 and of logons. They get Windows' names back here.
select
    record ->> '$.winlog.computer_name' as computer,
    coalesce(record ->> '$.winlog.provider_name', record ->> '$.event.provider') as provider,
    record ->> '$.winlog.channel' as channel,
    coalesce(try_cast(record ->> '$.winlog.event_id' as integer), try_cast(record ->> '$.event.code' as integer)) as event_id,
    coalesce(try_cast(record ->> '$.winlog.version' as integer), 0) as version,
    try_cast(record ->> '$.winlog.record_id' as bigint) as record_id,
    record ->> '$.winlog.task' as task,
    level_of(record ->> '$.log.level') as level,
    cast(null as integer) as opcode,
    audit_keywords(record ->> '$.winlog.keywords') as keywords,
    -- @timestamp is the event's time, unless something on the way put its own there.
    try_cast(record ->> '$."@timestamp"' as timestamptz) as _timestamp,
    case
        when is_sysmon(record ->> '$.winlog.provider_name')
            then utc_text((record -> '$.winlog.event_data') ->> '$.UtcTime')
    end as _utc_time,
    abs(epoch(_utc_time) - epoch(_timestamp)) > 10 as _is_put_there,
    case
        when has_zone(record ->> '$.winlog.time_created') then zoned_time(record ->> '$.winlog.time_created')
        when _is_put_there then _utc_time
        else _timestamp
    end as event_time,
    case
        when has_zone(record ->> '$.winlog.time_created') then 'logged'
        when (record ->> '$.event.module') = 'sysmon' then 'utc_time'
        when _is_put_there then 'utc_time'
        else 'logged'
    end as time_source,
    try_cast(record ->> '$.winlog.process.pid' as bigint) as execution_process_id,
    try_cast(record ->> '$.winlog.process.thread.id' as bigint) as execution_thread_id,
    guid(record ->> '$.winlog.activity_id') as activity_id,
    guid(record ->> '$.winlog.related_activity_id') as related_activity_id,
    record ->> '$.winlog.user.identifier' as system_user_sid,
    -- What was moved is put back; what still stands in event_data wins.
    json_merge_patch(
        '{}',
        json_object(
            '#Message', record ->> '$.message',
            '#UserData', ((record -> '$.winlog.user_data') -> '$.xml_name'),
            '#ECS',
            case
                when (record ->> '$.event.module') is not null
                    then json_merge_patch(record, '{"winlog": null, "message": null, "@timestamp": null}')
            end
        ),
        case
            when lower(record ->> '$.winlog.channel') = 'microsoft-windows-sysmon/operational'
                then json_object(
                    'UtcTime', replace(replace(record ->> '$."@timestamp"', 'T', ' '), 'Z', ''),
                    'ProcessGuid', if((record ->> '$.winlog.event_id') not in ('8', '10'), record ->> '$.process.entity_id', null),
                    'ProcessId', if((record ->> '$.winlog.event_id') not in ('8', '10'), record ->> '$.process.pid', null),
                    'Image', if((record ->> '$.winlog.event_id') not in ('8', '10'), record ->> '$.process.executable', null),
                    'CommandLine', record ->> '$.process.command_line',
                    'CurrentDirectory', record ->> '$.process.working_directory',
                    'OriginalFileName', record ->> '$.process.pe.original_file_name',
                    'ParentProcessGuid', record ->> '$.process.parent.entity_id',
                    'ParentProcessId', record ->> '$.process.parent.pid',
                    'ParentImage', record ->> '$.process.parent.executable',
                    'ParentCommandLine', record ->> '$.process.parent.command_line',
                    'Hashes',
                    nullif(
                        concat_ws(
                            ',',
                            'SHA1=' || upper(coalesce(record ->> '$.process.hash.sha1', record ->> '$.file.hash.sha1')),
                            'MD5=' || upper(coalesce(record ->> '$.process.hash.md5', record ->> '$.file.hash.md5')),
                            'SHA256=' || upper(coalesce(record ->> '$.process.hash.sha256', record ->> '$.file.hash.sha256')),
                            'IMPHASH=' || upper(coalesce(record ->> '$.process.hash.imphash', record ->> '$.process.pe.imphash'))
                        ),
                        ''
                    ),
                    'User',
                    case
                        when (record ->> '$.user.name') is not null
                            then concat_ws('\', record ->> '$.user.domain', record ->> '$.user.name')
                    end,
                    'SourceIp', record ->> '$.source.ip',
                    'SourcePort', record ->> '$.source.port',
                    'SourceHostname', record ->> '$.source.domain',
                    'DestinationIp', record ->> '$.destination.ip',
                    'DestinationPort', record ->> '$.destination.port',
                    'DestinationHostname', record ->> '$.destination.domain',
                    'Protocol', record ->> '$.network.transport',
                    'Initiated',
                    case
                        when (record ->> '$.network.direction') in ('egress', 'outbound') then 'true'
                        when (record ->> '$.network.direction') in ('ingress', 'inbound') then 'false'
                    end,
                    'TargetObject', record ->> '$.registry.path',
                    'Details',
                    case record ->> '$.registry.data.type'
                        when 'SZ_DWORD'
                            then printf('DWORD (0x%08x)', try_cast(((record -> '$.registry.data.strings') ->> '$[0]') as uinteger))
                        when 'SZ_QWORD'
                            then regexp_replace(
                                printf('%016x', try_cast(((record -> '$.registry.data.strings') ->> '$[0]') as ubigint)),
                                '(.{8})(.{8})',
                                'QWORD (0x\1-0x\2)'
                            )
                        else ((record -> '$.registry.data.strings') ->> '$[0]')
                    end,
                    'TargetFilename', if((record ->> '$.winlog.event_id') not in ('6', '7'), record ->> '$.file.path', null),
                    'ImageLoaded', if((record ->> '$.winlog.event_id') in ('6', '7'), record ->> '$.file.path', null),
                    'QueryName', record ->> '$.dns.question.name',
                    -- 8 and 10 are about two processes; ECS has the one that acts.
                    'SourceProcessGUID', if((record ->> '$.winlog.event_id') in ('8', '10'), record ->> '$.process.entity_id', null),
                    'SourceProcessId', if((record ->> '$.winlog.event_id') in ('8', '10'), record ->> '$.process.pid', null),
                    'SourceImage', if((record ->> '$.winlog.event_id') in ('8', '10'), record ->> '$.process.executable', null)
                )
            when lower(record ->> '$.winlog.channel') = 'security' and (record ->> '$.winlog.event_id') = '4688'
                then json_object(
                    'NewProcessName', record ->> '$.process.executable',
                    'NewProcessId', '0x' || lower(to_hex(try_cast(record ->> '$.process.pid' as ubigint))),
                    'CommandLine', record ->> '$.process.command_line',
                    'ParentProcessName', record ->> '$.process.parent.executable',
                    'ProcessId', '0x' || lower(to_hex(try_cast(record ->> '$.process.parent.pid' as ubigint)))
                )
            when lower(record ->> '$.winlog.channel') = 'security'
                then json_object(
                    'IpAddress', record ->> '$.source.ip',
                    'IpPort', record ->> '$.source.port',
                    'WorkstationName', record ->> '$.source.domain',
                    'ProcessName', record ->> '$.process.executable',
                    'ProcessId', '0x' || lower(to_hex(try_cast(record ->> '$.process.pid' as ubigint)))
                )
            when lower(record ->> '$.winlog.channel') = 'microsoft-windows-powershell/operational'
                then json_object(
                    'ScriptBlockText', record ->> '$.powershell.file.script_block_text',
                    'ScriptBlockId', record ->> '$.powershell.file.script_block_id',
                    'Path', record ->> '$.file.path'
                )
            else '{}'
        end,
        if(starts_with((record -> '$.winlog.event_data'), '{'), (record -> '$.winlog.event_data'), '{}'),
        if(starts_with((record -> '$.winlog.user_data'), '{'), (record -> '$.winlog.user_data'), '{}'),
        '{"xml_name": null}'
    ) as event_data,
    -- Strings without names are called param1, param2 ...
    case
        when (record ->> '$.winlog.provider_name') = 'PowerShell'
            then coalesce(param_strings((record -> '$.winlog.event_data')), record ->> '$.message')
    end as "data.Data"
from records
