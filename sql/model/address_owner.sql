-- /// model
-- name = "address_owner"
-- title = "Which host an address belonged to, by day"
-- requires = ["events", "host_address", "host_name"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "An address belongs to the host that opened connections from it (host_address), or whose own machine account asked for tickets or logged on elsewhere from it (Security 4768, 4769, 4624).",
--     "owner_date is the UTC day for which the row holds: what was seen on it, the day before and the day after decides. The row without a date says whom the address belongs to on days that nothing was seen near.",
--     "host is NULL where several hosts share the address (NAT) or follow each other on it (DHCP): unresolved is better than wrong. An address that the settings give to a host is that host's on every day.",
-- ]
-- ///
create or replace view address_owner as
with days as (
    select cast(-1 as integer) as days_off
    union all
    select cast(0 as integer) as days_off
    union all
    select cast(1 as integer) as days_off
),

accounts as (
    select
        events.source_ip_key as ip_key,
        lower(split_part(split_part(events.target_name, '@', 1), '$', 1)) as name,
        cast(events.event_time as date) as claim_date
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Security'
        and events.event_id in (4624, 4768, 4769)
        and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing') = 'Microsoft-Windows-Security-Auditing'
        and events.source_scope in ('internal', 'external')
        and ends_with(split_part(events.target_name, '@', 1), '$')
),

claims as (
    select
        host_address.ip_key,
        host_address.host,
        host_address.address_date as claim_date
    from host_address
    union
    select
        accounts.ip_key,
        coalesce(host_name.host, accounts.name) as host,
        accounts.claim_date
    from accounts
    left join host_name on accounts.name = host_name.name
    where coalesce(accounts.name, '') <> ''
),

near as (
    select
        claims.ip_key,
        claims.claim_date + days.days_off as owner_date,
        claims.host
    from claims
    cross join days
    union all
    select
        claims.ip_key,
        cast(null as date) as owner_date,
        claims.host
    from claims
    union all
    select
        host_alias_address.ip_key,
        cast(null as date) as owner_date,
        host_alias_address.host
    from host_alias_address
),

final as (
    select
        near.ip_key,
        near.owner_date,
        coalesce(
            min(host_alias_address.host),
            case when count(distinct near.host) = 1 then min(near.host) end
        ) as host,
        count(distinct near.host) as owners
    from near
    left join host_alias_address on near.ip_key = host_alias_address.ip_key
    group by near.ip_key, near.owner_date
)

select * from final
