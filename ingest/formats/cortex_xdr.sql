-- /// format
-- name = "cortex_xdr"
-- title = "Cortex XDR, rows of xdr_data"
-- reader = "json"
-- keys = [["action_process_image_name", "action_process_image_path", "action_process_image_command_line"]]
-- each = ["reply.results.data", "data"]
-- docs = ["https://docs-cortex.paloaltonetworks.com/r/Cortex-XDR/Cortex-XDR-XQL-Schema-Reference"]
-- carries = "process creations, without a logon id and Windows' record ids; other kinds of events are kept as records"
-- ///
-- Process starts are the channel that the analytics know; every other kind of event is a channel of its own. Types may
-- be written ENUM.PROCESS, PROCESS or 1. Times are milliseconds since 1970 or text.
select
    -- Rows of alerts call the host host_name.
    coalesce(
        nullif(record ->> '$.agent_hostname', ''),
        nullif(record ->> '$.agent_fqdn', ''),
        nullif(record ->> '$.host_name', ''),
        record ->> '$.agent_id'
    ) as computer,
    cast(null as varchar) as provider,
    case
        when
            coalesce(
                record ->> '$.action_process_image_name',
                record ->> '$.action_process_image_path',
                record ->> '$.action_process_image_command_line'
            ) is not null
            and coalesce(regexp_replace(upper(record ->> '$.event_type'), '^ENUM[.]', ''), '1') in ('PROCESS', '1')
            and coalesce(regexp_replace(upper(record ->> '$.event_sub_type'), '^ENUM[.]', ''), '1')
            in ('PROCESS_START', '1')
            then 'cortex/xdr_data'
        else 'cortex/' || lower(
            regexp_replace(
                coalesce(record ->> '$.event_sub_type', record ->> '$.event_type', 'other'), '^ENUM[.]', ''
            )
        )
    end as channel,
    cast(null as integer) as event_id,
    cast(null as integer) as version,
    cast(null as bigint) as record_id,
    record ->> '$.event_sub_type' as task,
    cast(null as integer) as level,
    cast(null as integer) as opcode,
    cast(null as varchar) as keywords,
    coalesce(
        unix_time(record ->> '$._time'),
        unix_time(record ->> '$.event_timestamp'),
        unix_time(record ->> '$.detection_timestamp'),
        case
            when has_zone(record ->> '$._time') then zoned_time(record ->> '$._time')
            else local_to_utc(try_cast(record ->> '$._time' as timestamp), clock.offset_seconds, clock.zone)
        end
    ) as event_time,
    case
        when
            unix_time(record ->> '$._time') is not null
            or unix_time(record ->> '$.event_timestamp') is not null
            or unix_time(record ->> '$.detection_timestamp') is not null
            or has_zone(record ->> '$._time')
            then 'logged'
        else coalesce(clock.time_source, 'assumed')
    end as time_source,
    cast(null as bigint) as execution_process_id,
    cast(null as bigint) as execution_thread_id,
    cast(null as varchar) as activity_id,
    cast(null as varchar) as related_activity_id,
    cast(null as varchar) as system_user_sid,
    record as event_data
from records
-- One row at most: the zone that the user names.
left join clock on clock.source_no = records.source_no
