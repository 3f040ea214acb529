-- /// model
-- name = "process_mark"
-- title = "What begins and ends the life of a process: new processes, Security 4689, boots"
-- requires = ["events", "host_boot"]
-- whole = true
-- notes = [
--     "life_key names the life that a mark is about: Sysmon's process GUID, the process id in Security's records, 'boot' for a boot, which ends every process id of its host.",
--     "mark_order orders marks of one instant: in exports that are cut to seconds the record id says which came first.",
--     "A record without a process id or GUID has no life_key and so is nobody's parent.",
-- ]
-- ///
create or replace view process_mark as
with lives as (
    select
        events.event_uid,
        events.host,
        events.event_time,
        case when events.event_id = 4689 then 'exit' else 'start' end as mark,
        case when events.event_id = 1 then -1 else coalesce(events.record_id, -1) end as mark_order,
        case
            when events.event_id = 1 then events.process_guid
            else 'pid ' || cast(events.process_id as varchar)
        end as life_key,
        case
            when events.event_id = 1 then events.parent_process_guid
            when events.event_id = 4688 then 'pid ' || cast(events.parent_process_id as varchar)
        end as parent_life_key,
        events.process_path,
        events.process_name,
        events.command_line,
        events.user_name,
        events.user_domain,
        events.hashes,
        case when events.event_id in (1, 4688) then events.parent_process_name end as parent_process_name
    from events
    where
        not coalesce(events.is_duplicate, false)
        and (
            (
                events.channel = 'Microsoft-Windows-Sysmon/Operational'
                and events.event_id = 1
                and coalesce(events.provider, 'Microsoft-Windows-Sysmon') = 'Microsoft-Windows-Sysmon'
            )
            or (
                events.channel = 'Security'
                and events.event_id in (4688, 4689)
                and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing')
                = 'Microsoft-Windows-Security-Auditing'
            )
        )
),

final as (
    select
        lives.event_uid,
        lives.host,
        lives.event_time,
        cast(lives.event_time as date) as event_date,
        lives.mark,
        lives.mark_order,
        lives.life_key,
        lives.parent_life_key,
        lives.process_path,
        lives.process_name,
        lives.command_line,
        lives.user_name,
        lives.user_domain,
        lives.hashes,
        lives.parent_process_name
    from lives
    union all
    select
        host_boot.event_uid,
        host_boot.host,
        host_boot.event_time,
        cast(host_boot.event_time as date) as event_date,
        'boot' as mark,
        -1 as mark_order,
        'boot' as life_key,
        cast(null as varchar) as parent_life_key,
        cast(null as varchar) as process_path,
        cast(null as varchar) as process_name,
        cast(null as varchar) as command_line,
        cast(null as varchar) as user_name,
        cast(null as varchar) as user_domain,
        cast(null as varchar) as "hashes",
        cast(null as varchar) as parent_process_name
    from host_boot
)

select * from final
