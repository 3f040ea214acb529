-- /// model
-- name = "host_boot"
-- title = "Boots of each host: EventLog 6005 and 6009, Kernel-General 12, Security 4608"
-- requires = ["events"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "Told by provider: Wininit has a 12 too.",
--     "One start of Windows writes several of these within some seconds; those that follow another within 120 seconds are the same boot, so that what began in between is not cut off. One of each kind is written at a start: the second of a kind is the second boot, unless it is of the same second (a copy).",
-- ]
-- ///
create or replace view host_boot as
with marks as (
    select
        events.event_uid,
        events.host,
        events.event_time,
        events.event_id,
        lag(events.event_time) over (partition by events.host order by events.event_time, events.event_uid) as previous_time
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.event_id in (12, 4608, 6005, 6009)
        and (
            (
                events.channel = 'Security'
                and events.event_id = 4608
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
),

bursts as (
    select
        marks.event_uid,
        marks.host,
        marks.event_time,
        marks.event_id,
        cast(
            sum(case when marks.event_time <= marks.previous_time + interval '120' second then 0 else 1 end) over (
                partition by marks.host
                order by marks.event_time, marks.event_uid
                rows between unbounded preceding and current row
            ) as bigint
        ) as burst
    from marks
),

numbered as (
    select
        bursts.event_uid,
        bursts.host,
        bursts.event_time,
        bursts.burst,
        dense_rank() over (
            partition by bursts.host, bursts.burst, bursts.event_id
            order by date_trunc('second', bursts.event_time)
        ) as boot
    from bursts
),

ranked as (
    select
        numbered.event_uid,
        numbered.host,
        numbered.event_time,
        row_number() over (
            partition by numbered.host, numbered.burst, numbered.boot
            order by numbered.event_time, numbered.event_uid
        ) as place
    from numbered
),

final as (
    select
        ranked.event_uid,
        ranked.host,
        ranked.event_time
    from ranked
    where ranked.place = 1
)

select * from final
