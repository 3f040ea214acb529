-- /// model
-- name = "host_boot"
-- title = "Boots of each host: EventLog 6005 and 6009, Kernel-General 12, Security 4608"
-- requires = ["events"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "Told by provider: Wininit has a 12 too.",
--     "One start of Windows writes several of these within some seconds; those that follow another within 120 seconds are the same boot, so that what began in between is not cut off.",
-- ]
-- ///
create or replace view host_boot as
with marks as (
    select
        events.event_uid,
        events.host,
        events.event_time,
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

final as (
    select
        marks.event_uid,
        marks.host,
        marks.event_time
    from marks
    where marks.previous_time is null or marks.event_time > marks.previous_time + interval '120' second
)

select * from final
