-- /// model
-- name = "log_continuity"
-- title = "What is missing inside each host's logs: numbers that are not there, and clears"
-- requires = ["events"]
-- remembered = true
-- whole = true
-- notes = [
--     "A log numbers its records without gaps, also when it is cleared, forwarded or read in several pieces. record_id_holes counts the numbers between the lowest and the highest that no record bears; NULL where no record has a number.",
--     "A hole is a fact and no verdict: the log rolled over between two collections, an export or a subscription took some events only, a file was damaged, or records were deleted.",
--     "log_clears counts Security 1102 for the Security log and System 104 for the log that it names; the log itself need not have any record left.",
--     "Filters do not reach this view: records of one user alone would be nothing but holes.",
-- ]
-- ///
create or replace view log_continuity as
with numbered as (
    select
        events.host,
        events.channel,
        count(*) as records,
        min(events.event_time) as first_time,
        max(events.event_time) as last_time,
        max(events.record_id) - min(events.record_id) + 1 - count(distinct events.record_id) as record_id_holes
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.host is not null
        and events.channel is not null
    group by events.host, events.channel
),

clears as (
    select
        events.host,
        case when events.channel = 'Security' then 'security' else lower(events.object_name) end as log_key,
        events.event_time
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.host is not null
        and coalesce(events.provider, 'Microsoft-Windows-Eventlog') = 'Microsoft-Windows-Eventlog'
        and events.event_id in (104, 1102)
        and (
            (events.channel = 'Security' and events.event_id = 1102)
            or (events.channel = 'System' and events.event_id = 104)
        )
),

cleared as (
    select
        clears.host,
        clears.log_key,
        count(*) as log_clears,
        max(clears.event_time) as last_clear
    from clears
    where coalesce(clears.log_key, '') <> ''
    group by clears.host, clears.log_key
),

logs as (
    select
        numbered.host,
        lower(numbered.channel) as log_key,
        numbered.channel,
        numbered.records,
        numbered.first_time,
        numbered.last_time,
        numbered.record_id_holes
    from numbered
),

final as (
    select
        coalesce(logs.host, cleared.host) as host,
        coalesce(logs.log_key, cleared.log_key) as log_key,
        logs.channel,
        coalesce(logs.records, 0) as records,
        logs.first_time,
        logs.last_time,
        logs.record_id_holes,
        coalesce(cleared.log_clears, 0) as log_clears,
        cleared.last_clear
    from logs
    full join cleared
        on
            logs.host = cleared.host
            and logs.log_key = cleared.log_key
)

select * from final
