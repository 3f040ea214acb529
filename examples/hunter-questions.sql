-- Ten questions of a hunter, for `wmiwh sql` one at a time, or all in the DuckDB shell:
--   wmiwh shell -w case42 < examples/hunter-questions.sql
-- Times are UTC. No rows say that nothing was logged: whether it could have been, `wmiwh coverage` says.

-- 1. Who moved where, and how sure is that? The surest first.
select
    first,
    source,
    target,
    "user",
    vehicle,
    confidence,
    certainty,
    remote_command
from hunt.lateral_movement
order by confidence desc, first asc
limit 20;

-- 2. On which machines does one account start WMI children, and does that spread within a day?
select
    user_name,
    event_time::date as day,
    count(distinct host) as hosts,
    string_agg(distinct host, ', ' order by host) as host_names
from hunt.wmiprvse_children
where user_name is not null
group by user_name, event_time::date
having count(distinct host) > 1
order by hosts desc, day asc, user_name asc;

-- 3. Which command lines did WMI start on one host only? What an administrator rolls out is on many.
select
    lower(command_line) as command_line,
    any_value(process_name) as process_name,
    min(host) as host,
    min(event_time) as first_time
from hunt.wmiprvse_children
where coalesce(command_line, '') <> ''
group by lower(command_line)
having count(distinct host) = 1
order by first_time
limit 20;

-- 4. Which machines were aimed at or logged on from, but have no logs here? (No rows: none is missing.)
select
    host,
    is_address,
    how,
    named_by,
    records,
    first_time,
    last_time
from named_host
order by records desc, host asc
limit 20;

-- 5. Which accounts logged on over the network from an address that nobody else used?
select
    source_ip,
    min(user_name) as user_name,
    count(*) as logons,
    count(distinct host) as hosts,
    min(event_time) as first_time
from logon
where logon_type = 3 and user_class = 'domain' and source_ip_key is not null
group by source_ip
having count(distinct lower(user_name)) = 1
order by logons, source_ip
limit 20;

-- 6. Whose first network logon on a host was in the last day of the logs? New ways are worth a look.
with first_logon as (
    select
        host,
        lower(user_name) as user_name,
        min(event_time) as first_time
    from logon
    where logon_type = 3 and coalesce(user_class, '') <> 'machine'
    group by host, lower(user_name)
)

select
    host,
    user_name,
    first_time
from first_logon
where first_time > (select max(event_time) from logon) - interval 1 day
order by first_time desc;

-- 7. What did WMI's children start in turn? Four generations at most.
with recursive family as (
    select
        host,
        process_id,
        process_name,
        command_line,
        event_time,
        0 as generation
    from process_creation
    where parent_process_name = 'wmiprvse.exe'
    union all
    select
        child.host,
        child.process_id,
        child.process_name,
        child.command_line,
        child.event_time,
        family.generation + 1 as generation
    from process_creation as child
    inner join family
        on
            child.host = family.host
            and child.parent_process_id = family.process_id
            and child.event_time >= family.event_time
            and child.event_time < family.event_time + interval 1 hour
    where family.generation < 4
)

select distinct
    host,
    event_time,
    generation,
    process_name,
    command_line
from family
where generation > 0
order by host, event_time
limit 40;

-- 8. Which passwords stand in command lines? They are burnt, whoever typed them.
select
    event_time,
    host,
    user_name,
    explicit_user,
    command_line
from process_creation
where regexp_matches(coalesce(command_line, ''), '(?i)/password\s*:\s*\S')
order by event_time;

-- 9. When does each account work? Starts by hour of the day: night shifts stand out.
select
    user_name,
    count(*) as starts,
    histogram(hour(event_time)) as by_hour
from process_creation
where user_class = 'domain'
group by user_name
order by starts desc
limit 20;

-- 10. Where do logs end early, have holes or were cleared? What is missing there was not looked at.
select
    host,
    channel,
    records,
    first_time,
    last_time,
    record_id_holes,
    log_clears,
    last_clear
from log_continuity
where record_id_holes > 0 or log_clears > 0
order by log_clears desc, record_id_holes desc
limit 20;
