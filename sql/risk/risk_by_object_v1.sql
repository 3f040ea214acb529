-- /// risk
-- id = "risk_by_object"
-- version = 1
-- title = "Risk of each host and user: the highest score of each act, added up"
-- description = "One row for each host and user that a detection or a chain puts at risk, with the sum over its acts, how many different analytics and techniques that stands on, and the words of the gravest finding."
-- order_by = ["risk_score desc", "risk_object_type", "risk_object"]
-- requires = ["risk_events_v1"]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "A finding with a score of 0 is true of every working day (a WmiPrvSE.exe that starts, a logon tied to its connection): it lends an act its evidence and no risk, and is not counted here.",
--     "Over all that is in the warehouse; a window is what wmiwh risk --since --until adds up.",
-- ]
-- ///
create or replace view hunt.risk_by_object_v1 as
with final as (
    select
        risk_events.risk_object,
        risk_events.risk_object_type,
        cast(sum(case when risk_events.counts then risk_events.risk_score else 0 end) as bigint) as risk_score,
        count(distinct risk_events.act) as acts,
        count(distinct risk_events.analytic) as analytics,
        list_sort(list_distinct(flatten(list(distinct risk_events.techniques)))) as techniques,
        min(risk_events.event_time) as first_time,
        max(risk_events.last_time) as last_time,
        arg_min(
            coalesce(risk_events.message, ''),
            { 's': -risk_events.risk_score, 't': risk_events.event_time, 'u': risk_events.finding_id }
        ) as message
    from hunt.risk_events_v1 as risk_events
    where risk_events.risk_score > 0
    group by risk_events.risk_object, risk_events.risk_object_type
)

select * from final
