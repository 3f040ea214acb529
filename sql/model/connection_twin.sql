-- /// model
-- name = "connection_twin"
-- title = "WFP 5156 records of connections that the same host's Sysmon logged too"
-- requires = ["events"]
-- whole = true
-- notes = [
--     "Twins have the same host, addresses and ports and are at most 120 seconds apart: far enough for a log that is cut to seconds and a busy host, near enough for a port that is used again.",
--     "The columns beside event_uid are there to be joined on as well: a filter on them in a hunt then reaches this view's own scans.",
-- ]
-- ///
create or replace view connection_twin as
with wfp as (
    select
        events.event_uid,
        events.channel,
        events.host,
        events.event_time,
        events.source_ip_key,
        events.source_port,
        events.destination_ip_key,
        events.destination_port
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Security'
        and events.event_id = 5156
        and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing') = 'Microsoft-Windows-Security-Auditing'
),

sysmon as (
    select
        events.host,
        events.event_time,
        events.source_ip_key,
        events.source_port,
        events.destination_ip_key,
        events.destination_port
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Microsoft-Windows-Sysmon/Operational'
        and events.event_id = 3
        and coalesce(events.provider, 'Microsoft-Windows-Sysmon') = 'Microsoft-Windows-Sysmon'
),

final as (
    select distinct
        wfp.event_uid,
        wfp.channel,
        wfp.host,
        wfp.destination_port
    from wfp
    inner join sysmon
        on
            wfp.host = sysmon.host
            and wfp.source_ip_key = sysmon.source_ip_key
            and wfp.source_port = sysmon.source_port
            and wfp.destination_ip_key = sysmon.destination_ip_key
            and wfp.destination_port = sysmon.destination_port
    where
        wfp.event_time <= sysmon.event_time + interval '120' second
        and sysmon.event_time <= wfp.event_time + interval '120' second
)

select * from final
