-- /// model
-- name = "host_address"
-- title = "Addresses that a host proved to be its own, by day, by the connections that it opened"
-- requires = ["events"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "An address is a host's own if the host opened a connection from it (Sysmon 3, WFP 5156): its own kernel says so, and no caller can make it up. Connections that were opened elsewhere prove nothing: both logs now and then swap their ends.",
--     "first_time and last_time are the first and the last connection that day. Loopback and multicast belong to nobody.",
-- ]
-- ///
create or replace view host_address as
with final as (
    select
        events.host,
        events.source_ip_key as ip_key,
        cast(events.event_time as date) as address_date,
        min(events.event_time) as first_time,
        max(events.event_time) as last_time
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.host is not null
        and events.is_initiated
        and events.source_scope in ('internal', 'external')
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
    group by events.host, events.source_ip_key, cast(events.event_time as date)
)

select * from final
