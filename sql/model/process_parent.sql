-- /// model
-- name = "process_parent"
-- title = "The parents of the 4688 that name none, by the creator's process id"
-- requires = ["process_event", "process_life", "host_boot"]
-- remembered = true
-- notes = [
--     "The parent is the latest earlier 4688 of that host with that new process id, less than 24 hours before, if neither an exit of that id nor a boot of that host lies between. So the latest mark before the child decides: if it is a start, that is the parent.",
--     "All that decides is the child's host, its creator's process id, its time, and its record id among the marks of one instant (record_order, -1 without one): a row for each of these. A 4688 without a host or time finds no parent.",
--     "Each is looked up on its own date and on the one before, so that the work stays small on busy hosts with long logs, where a process id comes back many times.",
-- ]
-- ///
create or replace view process_parent as
with children as (
    select distinct
        process.host,
        process.parent_process_id,
        process.event_time,
        coalesce(process.record_id, -1) as record_order
    from process_event as process
    where
        process.channel = 'Security'
        and process.parent_source is null
),

lookups as (
    select
        children.host,
        children.parent_process_id,
        children.event_time,
        children.record_order,
        cast(children.event_time as date) as mark_date
    from children
    union all
    select
        children.host,
        children.parent_process_id,
        children.event_time,
        children.record_order,
        cast(children.event_time as date) - 1 as mark_date
    from children
),

marks as (
    select
        lookups.host,
        lookups.parent_process_id,
        lookups.event_time,
        lookups.record_order,
        life.mark,
        life.event_time as mark_time,
        life.mark_order,
        life.event_uid as mark_uid,
        life.process_path as parent_process_path,
        life.process_name as parent_process_name,
        life.command_line as parent_command_line
    from lookups
    inner join process_life as life
        on
            lookups.host = life.host
            and lookups.parent_process_id = life.process_id
            and lookups.mark_date = life.event_date
    where
        life.channel = 'Security'
        and life.event_time > lookups.event_time - interval '24' hour
        and (
            life.event_time < lookups.event_time
            or (life.event_time = lookups.event_time and life.mark_order < lookups.record_order)
        )
    union all
    select
        lookups.host,
        lookups.parent_process_id,
        lookups.event_time,
        lookups.record_order,
        'boot' as mark,
        host_boot.event_time as mark_time,
        -1 as mark_order,
        host_boot.event_uid as mark_uid,
        cast(null as varchar) as parent_process_path,
        cast(null as varchar) as parent_process_name,
        cast(null as varchar) as parent_command_line
    from lookups
    inner join host_boot
        on
            lookups.host = host_boot.host
            and lookups.mark_date = cast(host_boot.event_time as date)
    where
        host_boot.event_time > lookups.event_time - interval '24' hour
        and (
            host_boot.event_time < lookups.event_time
            or (host_boot.event_time = lookups.event_time and lookups.record_order > -1)
        )
),

latest as (
    select
        marks.host,
        marks.parent_process_id,
        marks.event_time,
        marks.record_order,
        arg_max(
            {
                'mark': marks.mark,
                'process_path': marks.parent_process_path,
                'process_name': marks.parent_process_name,
                'command_line': marks.parent_command_line
            },
            { 't': marks.mark_time, 'o': marks.mark_order, 'u': marks.mark_uid }
        ) as mark
    from marks
    group by marks.host, marks.parent_process_id, marks.event_time, marks.record_order
),

final as (
    select
        latest.host,
        latest.parent_process_id,
        latest.event_time,
        latest.record_order,
        latest.mark.process_path as parent_process_path,
        latest.mark.process_name as parent_process_name,
        latest.mark.command_line as parent_command_line,
        'pid' as parent_source
    from latest
    where latest.mark.mark = 'start'
)

select * from final
