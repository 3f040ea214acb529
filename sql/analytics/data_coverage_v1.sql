-- /// analytic
-- id = "data_coverage"
-- version = 1
-- title = "What data each analytic had on each host"
-- description = "For every host and analytic: whether the records it needs are here, from when to when, how many of them carry the columns it asks for, what their siblings say about those that are missing, and what holes and clears their logs have. Hosts that only the logs of others name are listed too."
-- kind = "context"
-- side = "both"
-- filters = "events"
-- order_by = ["analytic", "status", "host"]
-- severity = "informational"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "Visibility gap: no Sysmon event id 3" },
--     { document = "hunt-report-wmi-lateral-movement", item = "Data That is Needed; What Data Do We Have?", note = "Beyond the document's query: per host and analytic, with what is missing." },
-- ]
-- requires = [
--     { channel = "Security", columns = ["channel"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", columns = ["channel"] },
-- ]
-- false_positive_rate = "unknown"
-- considerations = [
--     "Not seen can mean not audited, filtered, rolled over, not collected or did not happen. Seen does not prove that all was logged.",
--     "seen: records of every log source that feeds the analytic, and each needed column in all of them. partly: a source is missing, or some records lack a needed column. not seen: the host has logs, but none of these records. no logs: only the logs of others name the host.",
--     "The sources of an analytic are mostly alternatives, Sysmon 1 or 4688: partly may be all that it takes. requirements_seen and requirements_missing say which.",
--     "The sources that an EDR export gives are not missed on hosts that have no such export.",
--     "first_time and last_time are the ends of the records that are here; nothing says that the log is whole in between: see record_id_holes.",
--     "A host that fell silent stays in the list: compare last_time with that of the others.",
-- ]
-- response = [
--     "Ask for the logs of the hosts that have none, beginning with those that are targets of wmic.",
--     "Where a log was cleared or has holes, look at other logs of that host, at its neighbours and at forwarded copies.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries will try to reach other systems by way of Windows Management Instrumentation."
-- platforms = ["Windows"]
-- contributors = ["Hunter"]
-- data_sources = [
--     { name = "Authentication logs" },
--     { name = "Netflow" },
--     { name = "Process monitoring" },
--     { name = "Process command-line parameters" },
-- ]
-- references = [
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047" },
--     { title = "JPCERT/CC: Detecting Lateral Movement through Tracking Event Logs, version 2", url = "https://www.jpcert.or.jp/english/pub/sr/Detecting%20Lateral%20Movement%20through%20Tracking%20Event%20Logs_version2.pdf" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "column_name and share are the needed column that the fewest records carry, over the sources that were seen; requirements_seen has it for each source.",
--     "inferred is drawn from the kinds of records that are switched on together: a host that has 4624 would probably have 4648. It is a likelihood and no proof, and holes in the log weaken it.",
--     "record_id_holes, log_clears and last_clear (the time of the last clear) are about the whole logs that the analytic needs, whatever the filters. Logs number their records without gaps; holes also come from exports and subscriptions that took some events only.",
--     "Filters narrow the records beneath. Hosts with logs but without a record in the range are listed as not seen as long as the range holds more than one host; with --host only that host is told about, and the hosts that it names.",
--     "Copies are left out, as in the analytics.",
-- ]
-- ///
create or replace view hunt.data_coverage_v1 as
with requirement as (
    select
        needed.analytic,
        needed.requirement,
        needed.channel,
        needed.event_id,
        replace(replace(needed.channel, 'Microsoft-Windows-', ''), '/Operational', '')
        || coalesce(' ' || cast(needed.event_id as varchar), '') as source_name,
        case
            when contains(needed.channel, '/') and not starts_with(coalesce(needed.channel, ''), 'Microsoft-Windows-') then 1
            else 0
        end as is_export
    from analytic_requirement as needed
    where needed.analytic is distinct from 'data_coverage'
    group by needed.analytic, needed.requirement, needed.channel, needed.event_id
),

alternative as (
    select
        requirement.analytic,
        requirement.requirement,
        requirement.channel,
        requirement.event_id,
        requirement.source_name,
        requirement.is_export > min(requirement.is_export) over (partition by requirement.analytic) as is_optional
    from requirement
),

ranged as (
    select
        census.host,
        census.provider,
        census.channel,
        census.event_id,
        census.is_own_provider,
        census.records,
        census.first_time,
        census.last_time
    from event_census as census
    where census.host is not null
),

range_size as (
    select count(distinct ranged.host) as hosts
    from ranged
),

logged as (
    select
        ranged.host,
        true as is_in_range
    from ranged
    group by ranged.host
    union all
    select
        log_continuity.host,
        false as is_in_range
    from log_continuity
    cross join range_size
    left join ranged on log_continuity.host = ranged.host
    where
        ranged.host is null
        and range_size.hosts > 1
    group by log_continuity.host
),

asked as (
    select
        logged.host,
        logged.is_in_range,
        alternative.analytic,
        alternative.requirement,
        alternative.channel,
        alternative.event_id,
        alternative.source_name,
        alternative.is_optional
    from logged
    cross join alternative
),

met as (
    select
        asked.host,
        asked.analytic,
        asked.requirement,
        ranged.provider,
        ranged.channel,
        ranged.event_id,
        ranged.records,
        ranged.first_time,
        ranged.last_time
    from asked
    inner join ranged
        on
            asked.host = ranged.host
            and asked.channel = ranged.channel
            and (asked.event_id is null or asked.event_id = ranged.event_id)
    where ranged.is_own_provider
),

met_requirement as (
    select
        met.host,
        met.analytic,
        met.requirement,
        cast(sum(met.records) as bigint) as records
    from met
    group by met.host, met.analytic, met.requirement
),

met_once as (
    select distinct
        met.host,
        met.analytic,
        met.provider,
        met.channel,
        met.event_id,
        met.records,
        met.first_time,
        met.last_time
    from met
),

met_analytic as (
    select
        met_once.host,
        met_once.analytic,
        cast(sum(met_once.records) as bigint) as records,
        min(met_once.first_time) as first_time,
        max(met_once.last_time) as last_time
    from met_once
    group by met_once.host, met_once.analytic
),

shares as (
    select
        census.host,
        needed.analytic,
        needed.requirement,
        needed.column_name,
        census.records,
        census.carrying,
        cast(census.carrying as double) / census.records as share,  -- noqa: RF04
        row_number() over (
            partition by census.host, needed.analytic, needed.requirement
            order by cast(census.carrying as double) / census.records nulls last, needed.column_name
        ) as place,
        row_number() over (
            partition by census.host, needed.analytic
            order by cast(census.carrying as double) / census.records nulls last, needed.requirement, needed.column_name
        ) as place_in_analytic
    from analytic_requirement as needed
    inner join column_census as census
        on
            needed.channel = census.channel
            and needed.event_id is not distinct from census.event_id
            and needed.column_name = census.column_name
),

siblings as (
    select
        ranged.host,
        sibling.channel,
        sibling.event_id,
        sibling.inference,
        row_number() over (
            partition by ranged.host, sibling.channel, sibling.event_id
            order by sibling.preference, sibling.sibling_event_id
        ) as place
    from sibling_event as sibling
    inner join ranged
        on
            sibling.channel = ranged.channel
            and (sibling.sibling_event_id is null or sibling.sibling_event_id = ranged.event_id)
    where ranged.is_own_provider
),

told as (
    select
        asked.host,
        asked.analytic,
        asked.channel,
        asked.is_in_range,
        asked.source_name,
        asked.is_optional,
        met_requirement.records,
        case
            when met_requirement.records is not null
                then
                    asked.source_name || ' (' || cast(met_requirement.records as varchar)
                    || case
                        when coalesce(shares.share, 1) >= 1 then ''
                        when shares.share > 0 and shares.share < 0.01
                            then ', ' || shares.column_name || ' in under 1 %'
                        else
                            ', ' || shares.column_name || ' in '
                            || cast((100 * shares.carrying) // shares.records as varchar) || ' %'
                    end
                    || ')'
        end as seen,
        case
            when asked.is_optional then null
            when met_requirement.records is null and asked.is_in_range is not true
                then 'this host has logs, but no record in the range that was asked for'
            when met_requirement.records is null and siblings.inference is not null
                then
                    siblings.inference
                    || case
                        when contains(siblings.inference, 'probably') and continuity.record_id_holes > 0
                            then
                                ', unless it was among the ' || cast(continuity.record_id_holes as varchar)
                                || ' record numbers that are missing here'
                        else ''
                    end
            when met_requirement.records is null and continuity.channel is not null and asked.event_id is not null
                then 'no ' || asked.source_name || ' among the records of this log'
            when met_requirement.records is null and continuity.log_clears > 0
                then 'the log ' || asked.channel || ' was cleared, no record of it is here'
            when met_requirement.records is null
                then 'no record of the log ' || asked.channel || ' is here'
            when
                shares.carrying = 0
                and asked.channel = 'Security'
                and asked.event_id = 4688
                and shares.column_name = 'command_line'
                then 'process creation is audited (4688), command lines are not'
            when shares.carrying = 0 then 'no ' || asked.source_name || ' here has the column ' || shares.column_name
        end as inference
    from asked
    left join met_requirement
        on
            asked.host = met_requirement.host
            and asked.analytic = met_requirement.analytic
            and asked.requirement = met_requirement.requirement
    left join shares
        on
            asked.host = shares.host
            and asked.analytic = shares.analytic
            and asked.requirement = shares.requirement
            and shares.place = 1
    left join siblings
        on
            asked.host = siblings.host
            and asked.channel = siblings.channel
            and asked.event_id = siblings.event_id
            and siblings.place = 1
    left join log_continuity as continuity
        on
            asked.host = continuity.host
            and lower(asked.channel) = continuity.log_key
),

summed as (
    select
        told.host,
        told.analytic,
        max(case when told.records is null and told.is_optional is not true then 1 else 0 end) as missing,
        nullif(
            array_to_string(list_sort(list(distinct told.seen) filter (where told.seen is not null)), '; '), ''
        ) as requirements_seen,
        nullif(
            array_to_string(
                list_sort(
                    list(distinct told.source_name) filter (where told.records is null and told.is_optional is not true)
                ),
                '; '
            ),
            ''
        ) as requirements_missing,
        nullif(
            array_to_string(list_sort(list(distinct told.inference) filter (where told.inference is not null)), '; '), ''
        ) as inferred
    from told
    group by told.host, told.analytic
),

needed_log as (
    select distinct
        alternative.analytic,
        lower(alternative.channel) as log_key
    from alternative
),

doubts as (
    select
        continuity.host,
        needed_log.analytic,
        cast(sum(continuity.record_id_holes) as bigint) as record_id_holes,
        cast(sum(continuity.log_clears) as bigint) as log_clears,
        max(continuity.last_clear) as last_clear
    from needed_log
    inner join log_continuity as continuity on needed_log.log_key = continuity.log_key
    group by continuity.host, needed_log.analytic
),

with_logs as (
    select
        summed.host,
        summed.analytic,
        case
            when met_analytic.records is null then 'not seen'
            when summed.missing > 0 or shares.share < 1 then 'partly'
            else 'seen'
        end as status,
        coalesce(met_analytic.records, 0) as records,
        shares.column_name,
        shares.share,
        met_analytic.first_time,
        met_analytic.last_time,
        summed.requirements_seen,
        summed.requirements_missing,
        summed.inferred,
        doubts.record_id_holes,
        coalesce(doubts.log_clears, 0) as log_clears,
        doubts.last_clear
    from summed
    left join met_analytic
        on
            summed.host = met_analytic.host
            and summed.analytic = met_analytic.analytic
    left join shares
        on
            summed.host = shares.host
            and summed.analytic = shares.analytic
            and shares.place_in_analytic = 1
    left join doubts
        on
            summed.host = doubts.host
            and summed.analytic = doubts.analytic
),

named as (
    select
        named_host.host,
        named_host.is_address,
        nullif(array_to_string(list_sort(list(distinct named_host.how)), ', '), '') as hows,
        min(named_host.named_by) as named_by,
        count(distinct named_host.named_by) as namers
    from named_host
    group by named_host.host, named_host.is_address
),

wanted as (
    select
        alternative.analytic,
        nullif(
            array_to_string(
                list_sort(list(distinct alternative.source_name) filter (where alternative.is_optional is not true)), '; '
            ),
            ''
        ) as source_names
    from alternative
    group by alternative.analytic
),

without_logs as (
    select
        named.host,
        wanted.analytic,
        wanted.source_names as requirements_missing,
        case
            when named.is_address
                then 'no logs under this address; its host is unknown and may have logs here under its name'
            else 'no logs of this host are here'
        end
        || '; named on ' || named.named_by
        || case when named.namers > 1 then ' and ' || cast(named.namers - 1 as varchar) || ' more' else '' end
        || ' (' || named.hows || ')' as inferred
    from named
    cross join wanted
),

final as (
    select
        with_logs.host,
        with_logs.analytic,
        with_logs.status,
        with_logs.records,
        with_logs.column_name,
        with_logs.share,
        with_logs.first_time,
        with_logs.last_time,
        with_logs.requirements_seen,
        with_logs.requirements_missing,
        with_logs.inferred,
        with_logs.record_id_holes,
        with_logs.log_clears,
        with_logs.last_clear
    from with_logs
    union all
    select
        without_logs.host,
        without_logs.analytic,
        'no logs' as status,
        cast(0 as bigint) as records,
        cast(null as varchar) as column_name,
        cast(null as double) as share,  -- noqa: RF04
        cast(null as timestamptz) as first_time,
        cast(null as timestamptz) as last_time,
        cast(null as varchar) as requirements_seen,
        without_logs.requirements_missing,
        without_logs.inferred,
        cast(null as bigint) as record_id_holes,
        cast(null as bigint) as log_clears,
        cast(null as timestamptz) as last_clear
    from without_logs
)

select * from final
