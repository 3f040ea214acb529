-- /// model
-- name = "process_mark"
-- title = "What begins and ends the life of a process: new processes, Security 4689, boots"
-- requires = ["events"]
-- whole = true
-- notes = [
--     "life_key names the life that a mark is about: Sysmon's process GUID, the process id in Security's records, 'boot' for a boot, which ends every process id of its host.",
--     "A boot is EventLog 6005 or 6009, Kernel-General 12 or Security 4608, told by provider: Wininit has a 12 too.",
--     "mark_order orders marks of one instant: in exports that are cut to seconds the record id says which came first.",
--     "A record without a process id or GUID has no life_key and so is nobody's parent.",
-- ]
-- ///
create or replace view process_mark as
with final as (
    select
        events.event_uid,
        events.host,
        events.event_time,
        cast(events.event_time as date) as event_date,
        case
            when events.event_id = 1 then 'start'
            when events.event_id = 4688 then 'start'
            when events.event_id = 4689 then 'exit'
            else 'boot'
        end as mark,
        case
            when events.event_id in (4688, 4689) then coalesce(events.record_id, -1)
            else -1
        end as mark_order,
        case
            when events.event_id = 1 then events.process_guid
            when events.event_id in (4688, 4689) then 'pid ' || cast(events.process_id as varchar)
            else 'boot'
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
                and events.event_id in (4608, 4688, 4689)
                and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing')
                = 'Microsoft-Windows-Security-Auditing'
            )
            or (
                events.channel = 'System'
                and (
                    (events.provider in ('EventLog', 'Microsoft-Windows-Eventlog') and events.event_id in (6005, 6009))
                    or (events.provider = 'Microsoft-Windows-Kernel-General' and events.event_id = 12)
                )
            )
        )
)

select * from final
