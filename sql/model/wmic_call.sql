-- /// model
-- name = "wmic_call"
-- title = "Processes that wmic was told to create elsewhere, one row for each call and target"
-- requires = ["process_creation", "host_name", "connection_logon", "address_owner"]
-- whole = true
-- kept = true
-- notes = [
--     "Records of one host, process id, program and command line at most 10 seconds apart are one call (Sysmon 1 and Security 4688); process ids are used again within seconds. Of command lines letters and digits are compared: exporters spell the rest in their own ways. event_time is the latest of them: a time that was cut to seconds is always early.",
--     "target is the name as typed, in lower case; target_host the host that it stands for, NULL where the logs know none of that name. A short name that several hosts share is the one with the calling host's own DNS suffix, as Windows looks it up; an address that nobody owns is the host to which the calling host's connections to it are tied that day. localhost, a full stop and loopback addresses are the own host. A list in a file (@file) stays as text and names no host.",
--     "command_key is the remote command for comparing: lower case, quotes dropped, two percent signs to one, blanks collapsed.",
-- ]
-- ///
create or replace view wmic_call as
with keyed as (
    select
        process.event_uid,
        process.event_time,
        process.host,
        regexp_extract(lower(process.computer), '^[^.]*([.].+)$', 1) as dns_suffix,
        process.user_name,
        process.user_domain,
        process.user_class,
        process.process_path,
        process.process_name,
        process.process_id,
        process.command_line,
        process.parent_process_name,
        process.targets,
        process.remote_command,
        process.explicit_user,
        process.channel,
        process.event_id,
        process.record_id,
        process.source_file,
        process.source_record,
        coalesce(cast(process.process_id as varchar), process.event_uid) as process_key,
        regexp_replace(lower(process.command_line), '(?:&(?:amp|lt|gt|quot|apos|#39);|[^a-z0-9&]|&)+', '', 'g') as line_key
    from process_creation as process
    -- The words are what targets and remote_command begin with. The two stand under a CASE because DuckDB would have the
    -- scan test them, which sets their expressions up anew in every row group.
    where
        contains(lower(process.command_line), 'node')
        and contains(lower(process.command_line), 'create')
        and case
            when process.process_name = 'wmic.exe' or lower(process.original_file_name) = 'wmic.exe'
                then process.targets is not null and process.remote_command is not null
        end
),

records as (
    select
        keyed.event_uid,
        keyed.event_time,
        keyed.host,
        keyed.dns_suffix,
        keyed.user_name,
        keyed.user_domain,
        keyed.user_class,
        keyed.process_path,
        keyed.process_name,
        keyed.process_id,
        keyed.command_line,
        keyed.parent_process_name,
        keyed.targets,
        keyed.remote_command,
        keyed.explicit_user,
        keyed.channel,
        keyed.event_id,
        keyed.record_id,
        keyed.source_file,
        keyed.source_record,
        keyed.process_key,
        keyed.line_key,
        lag(keyed.event_time) over (
            partition by keyed.host, keyed.process_key, keyed.process_name, keyed.line_key
            order by keyed.event_time, keyed.event_uid
        ) as previous_time
    from keyed
),

numbered as (
    select
        records.event_uid,
        records.event_time,
        records.host,
        records.dns_suffix,
        records.user_name,
        records.user_domain,
        records.user_class,
        records.process_path,
        records.process_name,
        records.process_id,
        records.command_line,
        records.parent_process_name,
        records.targets,
        records.remote_command,
        records.explicit_user,
        records.channel,
        records.event_id,
        records.record_id,
        records.source_file,
        records.source_record,
        records.process_key,
        records.line_key,
        cast(
            sum(case when records.event_time <= records.previous_time + interval '10' second then 0 else 1 end) over (
                partition by records.host, records.process_key, records.process_name, records.line_key
                order by records.event_time, records.event_uid
                rows between unbounded preceding and current row
            ) as bigint
        ) as life
    from records
),

calls as (
    select
        numbered.host,
        max(numbered.dns_suffix) as dns_suffix,
        min(numbered.event_uid) as call_uid,
        max(numbered.event_time) as event_time,
        bool_or(date_trunc('second', numbered.event_time) = numbered.event_time) as is_cut,
        numbered.process_name,
        numbered.process_id,
        max(numbered.process_path) as process_path,
        max(numbered.command_line) as command_line,
        max(numbered.parent_process_name) as parent_process_name,
        max(
            {
                'is_user': coalesce(numbered.user_class, '') in ('domain', 'local'),
                'user_domain': coalesce(numbered.user_domain, ''),
                'user_name': coalesce(numbered.user_name, '')
            }
        ) as caller,
        max(numbered.explicit_user) as explicit_user,
        max(numbered.remote_command) as remote_command,
        arg_max(
            numbered.targets,
            case
                when numbered.targets is not null
                    then { 'n': length(array_to_string(numbered.targets, ',')), 'u': numbered.event_uid }
            end
        ) as targets,
        list_sort(
            list(
                {
                    'event_time': numbered.event_time,
                    'event_uid': numbered.event_uid,
                    'host': numbered.host,
                    'channel': numbered.channel,
                    'event_id': numbered.event_id,
                    'record_id': numbered.record_id,
                    'source_file': numbered.source_file,
                    'source_record': numbered.source_record
                }
            )
        ) as evidence
    from numbered
    group by
        numbered.host,
        numbered.process_key,
        numbered.process_name,
        numbered.process_id,
        numbered.line_key,
        numbered.life
),

exploded as (
    select
        calls.host,
        calls.dns_suffix,
        calls.call_uid,
        calls.event_time,
        calls.is_cut,
        calls.process_name,
        calls.process_id,
        calls.process_path,
        calls.command_line,
        calls.parent_process_name,
        nullif(calls.caller.user_name, '') as user_name,
        nullif(calls.caller.user_domain, '') as user_domain,
        calls.explicit_user,
        calls.remote_command,
        calls.evidence,
        unnest(list_distinct(calls.targets)) as typed_target
    from calls
),

named as (
    select
        exploded.host,
        exploded.dns_suffix,
        exploded.call_uid,
        exploded.event_time,
        exploded.is_cut,
        exploded.process_name,
        exploded.process_id,
        exploded.process_path,
        exploded.command_line,
        exploded.parent_process_name,
        exploded.user_name,
        exploded.user_domain,
        exploded.explicit_user,
        exploded.remote_command,
        exploded.evidence,
        lower(trim(replace(replace(replace(exploded.typed_target, '\', ''), '[', ''), ']', ''))) as target
    from exploded
),

grouped as (
    select
        named.host,
        named.dns_suffix,
        named.call_uid,
        named.event_time,
        named.is_cut,
        named.process_name,
        named.process_id,
        named.process_path,
        named.command_line,
        named.parent_process_name,
        named.user_name,
        named.user_domain,
        named.explicit_user,
        named.remote_command,
        named.evidence,
        named.target,
        -- The groups before and after '::', each with its leading zeros.
        array_to_string(
            regexp_extract_all(replace(':' || split_part(named.target, '::', 1), ':', ':000'), '([0-9a-f]{4})(?::|$)', 1),
            ''
        ) as head_groups,
        array_to_string(
            regexp_extract_all(replace(':' || split_part(named.target, '::', 2), ':', ':000'), '([0-9a-f]{4})(?::|$)', 1),
            ''
        ) as tail_groups
    from named
),

addressed as (
    select
        grouped.host,
        grouped.dns_suffix,
        grouped.call_uid,
        grouped.event_time,
        grouped.is_cut,
        grouped.process_name,
        grouped.process_id,
        grouped.process_path,
        grouped.command_line,
        grouped.parent_process_name,
        grouped.user_name,
        grouped.user_domain,
        grouped.explicit_user,
        grouped.remote_command,
        grouped.evidence,
        grouped.target,
        grouped.target in ('localhost', '.', '::1', '0.0.0.0') or starts_with(grouped.target, '127.') as is_loopback,
        case
            when
                regexp_matches(
                    grouped.target, '^(::ffff:)?((25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])$'
                )
                then
                    '00000000000000000000ffff'
                    || lpad(lower(hex(cast(split_part(regexp_replace(grouped.target, '^::ffff:', ''), '.', 1) as bigint))), 2, '0')
                    || lpad(lower(hex(cast(split_part(grouped.target, '.', 2) as bigint))), 2, '0')
                    || lpad(lower(hex(cast(split_part(grouped.target, '.', 3) as bigint))), 2, '0')
                    || lpad(lower(hex(cast(split_part(grouped.target, '.', 4) as bigint))), 2, '0')
            -- '::' stands for as many groups of zeros as are missing.
            when contains(grouped.target, ':') and regexp_matches(grouped.target, '^[0-9a-f:]+$')
                then
                    rpad(grouped.head_groups, cast(32 - length(grouped.tail_groups) as integer), '0') || grouped.tail_groups
        end as target_ip_key
    from grouped
),

ties as (
    select
        connection_logon.source_host,
        connection_logon.destination_ip,
        cast(connection_logon.connection_time as date) as tie_date,
        min(connection_logon.target_host) as target_host
    from connection_logon
    group by
        connection_logon.source_host, connection_logon.destination_ip, cast(connection_logon.connection_time as date)
    having count(distinct connection_logon.target_host) = 1
),

final as (
    select
        addressed.call_uid,
        addressed.event_time,
        addressed.host,
        addressed.is_cut,
        addressed.process_name,
        addressed.process_id,
        addressed.process_path,
        addressed.command_line,
        addressed.parent_process_name,
        addressed.user_name,
        addressed.user_domain,
        addressed.explicit_user,
        addressed.remote_command,
        trim(
            regexp_replace(replace(replace(lower(addressed.remote_command), '"', ''), '%%', '%'), '\s+', ' ', 'g')
        ) as command_key,
        addressed.target,
        case
            when addressed.is_loopback or coalesce(addressed.target_ip_key, '') = lpad('1', 32, '0') then addressed.host
            else coalesce(
                exact.host,
                neighbour.host,
                short.host,
                ties.target_host,
                of_day.host,
                case when of_day.ip_key is null then of_any_day.host end
            )
        end as target_host,
        addressed.evidence
    from addressed
    left join host_name as exact on addressed.target = exact.name
    left join host_name as neighbour
        on
            strpos(addressed.target, '.') = 0
            and addressed.target || addressed.dns_suffix = neighbour.name
    left join host_name as short
        on
            addressed.target_ip_key is null
            and split_part(addressed.target, '.', 1) = short.name
    left join ties
        on
            addressed.host = ties.source_host
            and addressed.target = ties.destination_ip
            and cast(addressed.event_time as date) = ties.tie_date
    left join address_owner as of_day
        on
            addressed.target_ip_key = of_day.ip_key
            and cast(addressed.event_time as date) = of_day.owner_date
    left join address_owner as of_any_day
        on
            addressed.target_ip_key = of_any_day.ip_key
            and of_any_day.owner_date is null
)

select * from final
