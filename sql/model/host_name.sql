-- /// model
-- name = "host_name"
-- title = "Names by which the hosts with logs are known, each of one host only"
-- requires = []
-- kept = true
-- notes = [
--     "A host is known by its short name, by what its records bear as computer name, by the 15 characters that NetBIOS leaves of it, and by the aliases of the settings. A name that two hosts share names neither.",
-- ]
-- ///
create or replace view host_name as
with hosts as (
    select distinct
        lake_hosts.host,
        lower(lake_hosts.computer) as computer
    from lake_hosts
    where lake_hosts.host is not null
),

names as (
    select
        hosts.host,
        hosts.host as name
    from hosts
    union
    select
        hosts.host,
        hosts.computer as name
    from hosts
    where hosts.computer is not null
    union
    select
        hosts.host,
        split_part(hosts.host, '.', 1) as name
    from hosts
    where not regexp_matches(coalesce(hosts.host, ''), '^[0-9.]+$')
    union
    select
        hosts.host,
        substr(split_part(hosts.host, '.', 1), 1, 15) as name
    from hosts
    where not regexp_matches(coalesce(hosts.host, ''), '^[0-9.]+$')
    union
    select
        host_alias.host,
        host_alias.alias as name
    from host_alias
),

final as (
    select
        names.name,
        min(names.host) as host
    from names
    where coalesce(names.name, '') <> ''
    group by names.name
    having count(distinct names.host) = 1
)

select * from final
