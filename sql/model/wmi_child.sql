-- /// model
-- name = "wmi_child"
-- title = "What WmiPrvSE started, one row for each process, however many records it has"
-- requires = ["process_creation", "session_process", "logon_session"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "Records of one host, process id, program and command line at most 10 seconds apart are one process (Sysmon 1 and Security 4688); process ids are used again within seconds. Of command lines letters and digits are compared: exporters spell the rest in their own ways. A record without one belongs to the nearest that has one. event_time is the latest of them: a time that was cut to seconds is always early.",
--     "session_uid is the 4624 of the process's logon session, NULL where it is not in the logs.",
-- ]
-- ///
create or replace view wmi_child as
with logged as (
    select
        process.event_uid,
        process.event_time,
        process.host,
        process.user_name,
        process.user_domain,
        process.user_class,
        process.process_path,
        process.process_name,
        process.process_id,
        process.command_line,
        process.parent_process_id,
        process.channel,
        process.event_id,
        process.record_id,
        process.source_file,
        process.source_record,
        coalesce(cast(process.process_id as varchar), process.event_uid) as process_key,
        nullif(
            regexp_replace(lower(process.command_line), '(?:&(?:amp|lt|gt|quot|apos|#39);|[^a-z0-9&]|&)+', '', 'g'), ''
        ) as line_key
    from process_creation as process
    where process.parent_process_name = 'wmiprvse.exe'
),

neighboured as (
    select
        logged.event_uid,
        logged.event_time,
        logged.host,
        logged.user_name,
        logged.user_domain,
        logged.user_class,
        logged.process_path,
        logged.process_name,
        logged.process_id,
        logged.command_line,
        logged.parent_process_id,
        logged.channel,
        logged.event_id,
        logged.record_id,
        logged.source_file,
        logged.source_record,
        logged.process_key,
        logged.line_key,
        max(case when logged.line_key is not null then { 't': logged.event_time, 'k': logged.line_key } end) over (
            partition by logged.host, logged.process_key, logged.process_name
            order by logged.event_time, logged.event_uid
            rows between unbounded preceding and current row
        ) as earlier,
        min(case when logged.line_key is not null then { 't': logged.event_time, 'k': logged.line_key } end) over (
            partition by logged.host, logged.process_key, logged.process_name
            order by logged.event_time, logged.event_uid
            rows between current row and unbounded following
        ) as later
    from logged
),

keyed as (
    select
        neighboured.event_uid,
        neighboured.event_time,
        neighboured.host,
        neighboured.user_name,
        neighboured.user_domain,
        neighboured.user_class,
        neighboured.process_path,
        neighboured.process_name,
        neighboured.process_id,
        neighboured.command_line,
        neighboured.parent_process_id,
        neighboured.channel,
        neighboured.event_id,
        neighboured.record_id,
        neighboured.source_file,
        neighboured.source_record,
        neighboured.process_key,
        case
            when neighboured.line_key is not null then neighboured.line_key
            when
                neighboured.event_time - neighboured.earlier.t <= neighboured.later.t - neighboured.event_time
                or neighboured.later is null
                then neighboured.earlier.k
            else neighboured.later.k
        end as line_key
    from neighboured
),

records as (
    select
        keyed.event_uid,
        keyed.event_time,
        keyed.host,
        keyed.user_name,
        keyed.user_domain,
        keyed.user_class,
        keyed.process_path,
        keyed.process_name,
        keyed.process_id,
        keyed.command_line,
        keyed.parent_process_id,
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
        records.user_name,
        records.user_domain,
        records.user_class,
        records.process_path,
        records.process_name,
        records.process_id,
        records.command_line,
        records.parent_process_id,
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

sessions as (
    select
        session_process.event_uid,
        session_process.host,
        session_process.session_uid,
        session.start_time,
        session.logon_type,
        session.user_name,
        session.user_domain
    from session_process
    inner join logon_session as session
        on
            session_process.host = session.host
            and session_process.session_uid = session.event_uid
    where session_process.parent_process_name = 'wmiprvse.exe'
),

children as (
    select
        numbered.host,
        min(numbered.event_uid) as child_uid,
        max(numbered.event_time) as event_time,
        min(numbered.event_time) as first_time,
        bool_or(date_trunc('second', numbered.event_time) = numbered.event_time) as is_cut,
        numbered.process_name,
        numbered.process_id,
        max(numbered.process_path) as process_path,
        max(numbered.command_line) as command_line,
        max(numbered.parent_process_id) as parent_process_id,
        max(
            {
                'is_named': coalesce(sessions.user_name, numbered.user_name, '') <> '',
                'in_session': sessions.session_uid is not null,
                'is_user': coalesce(numbered.user_class, '') in ('domain', 'local'),
                'event_uid': numbered.event_uid,
                'user_name': coalesce(sessions.user_name, numbered.user_name),
                'user_domain': coalesce(sessions.user_domain, numbered.user_domain, '')
            }
        ) as known_as,
        bool_or(coalesce(numbered.user_class, '') in ('domain', 'local')) as is_user,
        arg_max(
            sessions.session_uid,
            case when sessions.session_uid is not null then { 't': sessions.start_time, 'u': sessions.session_uid } end
        ) as session_uid,
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
    left join sessions
        on
            numbered.host = sessions.host
            and numbered.event_uid = sessions.event_uid
    group by
        numbered.host,
        numbered.process_key,
        numbered.process_name,
        numbered.process_id,
        numbered.line_key,
        numbered.life
),

final as (
    select
        children.host,
        children.child_uid,
        children.event_time,
        children.first_time,
        children.is_cut,
        children.process_name,
        children.process_id,
        children.process_path,
        children.command_line,
        children.parent_process_id,
        children.known_as.user_name,
        children.known_as.user_domain,
        children.is_user,
        children.session_uid,
        children.evidence
    from children
)

select * from final
