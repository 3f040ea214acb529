-- /// model
-- name = "wmi_child"
-- title = "What WmiPrvSE started, one row for each process, however many records it has"
-- requires = ["process_creation", "session_process", "logon_session"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "Records of one host, process id and program at most 10 seconds apart are one process (Sysmon 1 and Security 4688). event_time is the latest of them: a time that was cut to seconds is always early.",
--     "session_uid is the 4624 of the process's logon session, NULL where it is not in the logs.",
-- ]
-- ///
create or replace view wmi_child as
with records as (
    select
        process.event_uid,
        process.event_time,
        process.host,
        process.user_name,
        process.user_domain,
        process.user_class,
        process.logon_id,
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
        lag(process.event_time) over (
            partition by process.host, coalesce(cast(process.process_id as varchar), process.event_uid), process.process_name
            order by process.event_time, process.event_uid
        ) as previous_time
    from process_creation as process
    where process.parent_process_name = 'wmiprvse.exe'
),

numbered as (
    select
        records.event_uid,
        records.event_time,
        records.host,
        records.user_name,
        records.user_domain,
        records.user_class,
        records.logon_id,
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
        cast(
            sum(case when records.event_time <= records.previous_time + interval '10' second then 0 else 1 end) over (
                partition by records.host, coalesce(cast(records.process_id as varchar), records.event_uid), records.process_name
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

final as (
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
        arg_max(
            coalesce(sessions.user_name, numbered.user_name),
            {
                's': sessions.session_uid is not null,
                'c': coalesce(numbered.user_class, '') in ('domain', 'local'),
                'u': numbered.event_uid
            }
        ) as user_name,
        arg_max(
            coalesce(sessions.user_domain, numbered.user_domain, ''),
            {
                's': sessions.session_uid is not null,
                'c': coalesce(numbered.user_class, '') in ('domain', 'local'),
                'u': numbered.event_uid
            }
        ) as user_domain,
        bool_or(coalesce(numbered.user_class, '') in ('domain', 'local')) as is_user,
        arg_max(
            sessions.session_uid, { 't': sessions.start_time, 'u': sessions.session_uid }
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
        coalesce(cast(numbered.process_id as varchar), numbered.event_uid),
        numbered.process_name,
        numbered.process_id,
        numbered.life
)

select * from final
