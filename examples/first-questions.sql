-- First questions to a warehouse, for the DuckDB shell:
--   duckdb -readonly case42/warehouse.duckdb < examples/first-questions.sql

-- Which hosts are there, from when to when, and in which logs?
select host, channel, count(*) as records, min(event_time) as first_time, max(event_time) as last_time
from events
group by host, channel
order by host, records desc;

-- Who aimed wmic at other machines, and what was to run there?
select event_time, host, user_name, targets, remote_command
from process_creation
where process_name = 'wmic.exe' and targets is not null
order by event_time;

-- What did WMI start, on how many hosts? The rare ones first.
select process_name, user_class, count(*) as starts, count(distinct host) as hosts
from process_creation
where parent_process_name = 'wmiprvse.exe'
group by process_name, user_class
order by starts, process_name;

-- From where did people (not machines) log on over the network?
select host, user_name, source_ip, source_scope, count(*) as logons
from logon
where logon_type = 3 and user_class = 'domain'
group by host, user_name, source_ip, source_scope
order by logons;

-- Which records can I not rely on, because their time was not logged with a zone?
select source_file, time_source, count(*) as records
from events
where time_source <> 'logged'
group by source_file, time_source
order by records desc;
