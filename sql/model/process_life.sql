-- /// model
-- name = "process_life"
-- title = "Beginnings and ends of processes, as the records of Sysmon 1 and Security 4688 and 4689 tell them"
-- requires = ["events"]
-- whole = true
-- notes = [
--     "life_key is what a process goes by on its host: Sysmon's GUID, or the process id, which comes back.",
--     "mark_order tells apart what happened at one moment; Sysmon's records have numbers of their own and come first.",
-- ]
-- ///
create or replace view process_life as
with final as (
    select
        events.event_uid,
        events.host,
        events.channel,
        events.event_id,
        events.process_id,
        events.event_time,
        cast(events.event_time as date) as event_date,
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
)

select * from final
