-- /// model
-- name = "named_host"
-- title = "Hosts without any log here that the logs of others name"
-- requires = ["events", "host_name", "address_owner"]
-- remembered = true
-- notes = [
--     "Named are: targets of wmic, servers of explicit credentials (Security 4648), the workstation of a logon (4624), the far end of an internal connection (Sysmon 3) where it has a name, and accounts that end in $ (4624, 4768, 4769, and the service of a 4769).",
--     "The name is short and lower case. An address that a host is known to have owned is that host; any other stands for itself, and only if it is internal: its machine may well have logs here under its name.",
--     "A name is what somebody wrote: a caller invents the workstation of a logon, a managed service and a trusted domain have accounts that end in $ too.",
--     "Left out: localhost, the domain itself, service names with a slash, and every name or part of a name by which a host with logs is known, also in records outside the range of a filter.",
-- ]
-- ///
create or replace view named_host as
with process as (
    select
        events.host,
        events.computer,
        events.event_time,
        unnest(events.targets) as name
    from events
    where
        not coalesce(events.is_duplicate, false)
        and contains(lower(events.command_line), 'node')
        and (events.event_id in (1, 4688) or events.event_id is null)
        and (
            (
                events.channel = 'Microsoft-Windows-Sysmon/Operational'
                and events.event_id = 1
                and coalesce(events.provider, 'Microsoft-Windows-Sysmon') = 'Microsoft-Windows-Sysmon'
            )
            or (
                events.channel = 'Security'
                and events.event_id = 4688
                and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing')
                = 'Microsoft-Windows-Security-Auditing'
            )
            or events.channel in ('crowdstrike/ProcessRollup2', 'cortex/xdr_data')
        )
),

security as (
    select
        events.host,
        events.computer,
        events.event_time,
        events.event_id,
        events.target_server,
        events.workstation,
        split_part(events.target_name, '@', 1) as account_name
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Security'
        and events.event_id in (4624, 4648, 4768, 4769)
        and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing') = 'Microsoft-Windows-Security-Auditing'
),

connection as (
    select
        events.host,
        events.computer,
        events.event_time,
        case when events.is_initiated then events.destination_host else events.source_host end as name
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Microsoft-Windows-Sysmon/Operational'
        and events.event_id = 3
        and coalesce(events.provider, 'Microsoft-Windows-Sysmon') = 'Microsoft-Windows-Sysmon'
        and case when events.is_initiated then events.destination_scope else events.source_scope end = 'internal'
),

named as (
    select
        process.host,
        process.computer,
        process.event_time,
        process.name,
        'target of wmic' as how
    from process
    union all
    select
        security.host,
        security.computer,
        security.event_time,
        security.target_server as name,
        'server in 4648' as how
    from security
    where security.event_id = 4648
    union all
    select
        security.host,
        security.computer,
        security.event_time,
        security.workstation as name,
        'workstation in 4624' as how
    from security
    where security.event_id = 4624
    union all
    select
        connection.host,
        connection.computer,
        connection.event_time,
        connection.name,
        'end of a connection in Sysmon 3' as how
    from connection
    union all
    select
        security.host,
        security.computer,
        security.event_time,
        security.account_name as name,
        'account in ' || cast(security.event_id as varchar) as how
    from security
    where coalesce(security.event_id, 0) <> 4648 and ends_with(security.account_name, '$')
    union all
    select
        security.host,
        security.computer,
        security.event_time,
        security.target_server as name,
        'service in 4769' as how
    from security
    where security.event_id = 4769 and ends_with(security.target_server, '$')
),

plain as (
    select
        named.host as named_by,
        regexp_replace(lower(named.computer), '^[^.]*[.]?', '') as dns_domain,
        named.how,
        regexp_replace(regexp_replace(lower(named.name), '^\\\\', ''), '[.$]$', '') as name,
        count(*) as records,
        min(named.event_time) as first_time,
        max(named.event_time) as last_time
    from named
    where named.host is not null and coalesce(named.name, '') not in ('', '-', '.')
    group by
        named.host,
        regexp_replace(lower(named.computer), '^[^.]*[.]?', ''),
        named.how,
        regexp_replace(regexp_replace(lower(named.name), '^\\\\', ''), '[.$]$', '')
),

usable as (
    select
        plain.named_by,
        plain.how,
        plain.name,
        plain.records,
        plain.first_time,
        plain.last_time,
        case
            when regexp_matches(plain.name, '^[0-9]{1,3}([.][0-9]{1,3}){3}$')
                then
                    '00000000000000000000ffff'
                    || lpad(lower(hex(try_cast(split_part(plain.name, '.', 1) as integer))), 2, '0')
                    || lpad(lower(hex(try_cast(split_part(plain.name, '.', 2) as integer))), 2, '0')
                    || lpad(lower(hex(try_cast(split_part(plain.name, '.', 3) as integer))), 2, '0')
                    || lpad(lower(hex(try_cast(split_part(plain.name, '.', 4) as integer))), 2, '0')
        end as ip_key,
        contains(plain.name, ':') or regexp_matches(plain.name, '^[0-9.]+$') as is_address
    from plain
    where
        plain.name is distinct from plain.dns_domain
        and coalesce(plain.name, '') not in ('localhost', 'localhost.localdomain', 'local')
        and regexp_matches(plain.name, '^[^\[\]\s/\\@$%!"''`<>|,;*?(){}=]+$')
        and (
            not regexp_matches(coalesce(plain.name, ''), '^[0-9.]+$|:')
            or regexp_matches(
                plain.name,
                '^(10|127|192[.]168|169[.]254|172[.](1[6-9]|2[0-9]|3[01]))[.][0-9.]+$|^(f[cd]|fe[89ab])[0-9a-f:]+$'
            )
        )
),

owned as (
    select
        usable.named_by,
        usable.how,
        case
            when address_owner.host is not null then address_owner.host
            when usable.is_address then usable.name
            else split_part(usable.name, '.', 1)
        end as host,
        usable.name,
        usable.is_address and address_owner.host is null as is_address,
        usable.records,
        usable.first_time,
        usable.last_time
    from usable
    left join address_owner
        on
            usable.ip_key = address_owner.ip_key
            and address_owner.owner_date is null
    where
        not starts_with(coalesce(usable.name, ''), '127.')
        and coalesce(address_owner.owners, 1) = 1
),

names as (
    select
        host_name.name,
        host_name.host,
        split_part(host_name.host, '.', 1) as first_label
    from host_name
),

known as (
    select names.name
    from names
    union
    select names.host as name
    from names
    union
    select names.first_label as name
    from names
    where not regexp_matches(coalesce(names.host, ''), '^[0-9.]+$')
    union
    select substr(names.first_label, 1, 15) as name
    from names
    where not regexp_matches(coalesce(names.host, ''), '^[0-9.]+$')
),

final as (
    select
        owned.host,
        owned.is_address,
        owned.how,
        owned.named_by,
        cast(sum(owned.records) as bigint) as records,
        min(owned.first_time) as first_time,
        max(owned.last_time) as last_time
    from owned
    left join known as by_host on owned.host = by_host.name
    left join known as by_name on owned.name = by_name.name
    where
        by_host.name is null
        and by_name.name is null
        and coalesce(owned.host, '') <> ''
    group by owned.host, owned.is_address, owned.how, owned.named_by
)

select * from final
