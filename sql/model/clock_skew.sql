-- /// model
-- name = "clock_skew"
-- title = "How far the clocks of two hosts are apart, learnt from connections that both ends logged"
-- requires = ["events"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "skew_microseconds is what the clock of other_host shows more than that of host: the median over their connections, Sysmon's own UtcTime where there is one. Each pair stands here in both directions.",
--     "Clocks are set now and then: skew_date is the UTC day that the row is of; the row without a date is for days on which the two did not talk.",
--     "Sysmon 3 is held against Sysmon 3, WFP 5156 against 5156, and one against the other only where there is nothing better: the two are written at different moments, and exports cut the latter to seconds.",
--     "Both ends must have logged the same addresses and ports within 120 seconds; a pair of hosts without such a connection is not here, and nothing is corrected for it.",
-- ]
-- ///
create or replace view clock_skew as
with ends as (
    select
        events.host,
        events.event_id,
        events.is_initiated,
        coalesce(events.utc_time, events.event_time) as end_time,
        events.source_ip_key,
        events.source_port,
        events.destination_ip_key,
        events.destination_port
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.source_scope in ('internal', 'external')
        and events.destination_scope in ('internal', 'external')
        and events.event_id in (3, 5156)
        and (
            (
                events.channel = 'Microsoft-Windows-Sysmon/Operational'
                and events.event_id = 3
                and coalesce(events.provider, 'Microsoft-Windows-Sysmon') = 'Microsoft-Windows-Sysmon'
            )
            or (
                events.channel = 'Security'
                and events.event_id = 5156
                and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing')
                = 'Microsoft-Windows-Security-Auditing'
            )
        )
),

hours as (
    select cast(0 as integer) as later
    union all
    select cast(1 as integer) as later
),

opened as (
    select
        ends.host,
        ends.event_id,
        ends.end_time,
        ends.source_ip_key,
        ends.source_port,
        ends.destination_ip_key,
        ends.destination_port,
        case
            when hours.later = 0 then date_trunc('hour', ends.end_time - interval '120' second)
            else date_trunc('hour', ends.end_time + interval '120' second)
        end as talk_hour
    from ends
    cross join hours
    where
        ends.is_initiated
        and (
            hours.later = 0
            or date_trunc('hour', ends.end_time - interval '120' second)
            is distinct from date_trunc('hour', ends.end_time + interval '120' second)
        )
),

accepted as (
    select
        ends.host,
        ends.event_id,
        ends.end_time,
        ends.source_ip_key,
        ends.source_port,
        ends.destination_ip_key,
        ends.destination_port,
        date_trunc('hour', ends.end_time) as talk_hour
    from ends
    where ends.is_initiated is false
),

pairs as (
    select
        opened.host,
        accepted.host as other_host,
        cast(opened.end_time as date) as skew_date,
        case
            when opened.event_id = 3 and accepted.event_id = 3 then 1
            when opened.event_id = accepted.event_id then 2
            else 3
        end as likeness,
        date_diff('microsecond', opened.end_time, accepted.end_time) as skew
    from opened
    inner join accepted
        on
            opened.source_ip_key = accepted.source_ip_key
            and opened.source_port = accepted.source_port
            and opened.destination_ip_key = accepted.destination_ip_key
            and opened.destination_port = accepted.destination_port
            and opened.talk_hour = accepted.talk_hour
    where
        opened.host is distinct from accepted.host
        and accepted.end_time >= opened.end_time - interval '120' second
        and accepted.end_time <= opened.end_time + interval '120' second
),

dated as (
    select
        pairs.host,
        pairs.other_host,
        pairs.skew_date,
        pairs.likeness,
        pairs.skew
    from pairs
    union all
    select
        pairs.host,
        pairs.other_host,
        cast(null as date) as skew_date,
        pairs.likeness,
        pairs.skew
    from pairs
),

alike as (
    select
        dated.host,
        dated.other_host,
        dated.skew_date,
        dated.likeness,
        dated.skew,
        min(dated.likeness) over (
            partition by least(dated.host, dated.other_host), greatest(dated.host, dated.other_host), dated.skew_date
        ) as best
    from dated
),

both_ways as (
    select
        alike.host,
        alike.other_host,
        alike.skew_date,
        alike.skew
    from alike
    where alike.likeness = alike.best
    union all
    select
        alike.other_host as host,
        alike.host as other_host,
        alike.skew_date,
        -alike.skew as skew
    from alike
    where alike.likeness = alike.best
),

ranked as (
    select
        both_ways.host,
        both_ways.other_host,
        both_ways.skew_date,
        both_ways.skew,
        row_number() over (
            partition by both_ways.host, both_ways.other_host, both_ways.skew_date
            order by both_ways.skew
        ) as place,
        count(*) over (partition by both_ways.host, both_ways.other_host, both_ways.skew_date) as connections
    from both_ways
),

final as (
    select
        ranked.host,
        ranked.other_host,
        ranked.skew_date,
        cast(round(avg(ranked.skew)) as bigint) as skew_microseconds,
        max(ranked.connections) as connections
    from ranked
    where 2 * ranked.place >= ranked.connections and 2 * ranked.place <= ranked.connections + 2
    group by ranked.host, ranked.other_host, ranked.skew_date
)

select * from final
