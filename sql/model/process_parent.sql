-- /// model
-- name = "process_parent"
-- title = "The parent of each 4688 that names none, by its creator's process id"
-- requires = ["process_event", "process_mark"]
-- notes = [
--     "The parent is the latest earlier 4688 of that host with that new process id, less than 24 hours before, if neither an exit of that id nor a boot of that host lies between. So the latest mark before the child decides: if it is a start, that is the parent.",
--     "The columns beside event_uid are there to be joined on as well: a filter on them in a hunt then reaches this view's own scan. A 4688 without a host, time or process name finds no parent.",
--     "Each child is looked up on its own date and on the one before, so that the work stays small on busy hosts with long logs, where a process id comes back many times.",
-- ]
-- ///
create or replace view process_parent as
with days as (
    select cast(0 as integer) as days_back
    union all
    select cast(1 as integer) as days_back
),

ends as (
    select false as is_boot
    union all
    select true as is_boot
),

lookups as (
    select
        child.event_uid,
        child.channel,
        child.host,
        child.event_time,
        child.process_name,
        child.record_id,
        cast(child.event_time as date) - days.days_back as mark_date,
        case when ends.is_boot then 'boot' else 'pid ' || cast(child.parent_process_id as varchar) end as life_key
    from process_event as child
    cross join days
    cross join ends
    where
        child.channel = 'Security'
        and child.parent_source is null
),

latest as (
    select
        lookups.event_uid,
        lookups.channel,
        lookups.host,
        lookups.event_time,
        lookups.process_name,
        arg_max(
            {
                'mark': mark.mark,
                'event_uid': mark.event_uid,
                'process_path': mark.process_path,
                'process_name': mark.process_name,
                'command_line': mark.command_line
            },
            { 't': mark.event_time, 'o': mark.mark_order, 'u': mark.event_uid }
        ) as mark
    from lookups
    inner join process_mark as mark
        on
            lookups.host = mark.host
            and lookups.life_key = mark.life_key
            and lookups.mark_date = mark.event_date
    where
        mark.event_time > lookups.event_time - interval '24' hour
        and (
            mark.event_time < lookups.event_time
            or (mark.event_time = lookups.event_time and mark.mark_order < lookups.record_id)
        )
    group by lookups.event_uid, lookups.channel, lookups.host, lookups.event_time, lookups.process_name
),

final as (
    select
        latest.event_uid,
        latest.channel,
        latest.host,
        latest.event_time,
        latest.process_name,
        latest.mark.event_uid as parent_event_uid,
        latest.mark.process_path as parent_process_path,
        latest.mark.process_name as parent_process_name,
        latest.mark.command_line as parent_command_line,
        'pid' as parent_source
    from latest
    where latest.mark.mark = 'start'
)

select * from final
