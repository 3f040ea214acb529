-- /// model
-- name = "session_process"
-- title = "New processes with the logon session that they belong to"
-- requires = ["process_creation", "logon_session"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "A process belongs to the latest 4624 of its host and logon id that is not later than itself, unless that session had ended. Processes without a session are not here, nor is a child of WmiPrvSE that a 4688 before version 2 tells of: that has its creator's logon id.",
--     "session_uid is the event_uid of the session's 4624; join_key names the field of the process record that bears the logon id: LogonId (Sysmon 1), TargetLogonId or SubjectLogonId (4688).",
-- ]
-- ///
create or replace view session_process as
with final as (
    select
        session.event_uid as session_uid,
        session.logon_type,
        process.event_uid,
        process.event_time,
        process.host,
        process.logon_id,
        case
            when coalesce(process.channel, '') <> 'Security' then 'LogonId'
            when coalesce(process.target_logon_id, '') = process.logon_id then 'TargetLogonId'
            else 'SubjectLogonId'
        end as join_key,
        process.user_name,
        process.user_domain,
        process.user_class,
        process.process_path,
        process.process_name,
        process.process_id,
        process.command_line,
        process.parent_process_name,
        process.parent_process_id,
        process.parent_command_line,
        process.parent_source,
        process.channel,
        process.event_id,
        process.record_id,
        process.source_file,
        process.source_record
    from process_creation as process
    inner join logon_session as session
        on
            process.host = session.host
            and process.logon_id = session.logon_id
    where
        process.event_time >= session.start_time
        and (session.covers_until is null or process.event_time < session.covers_until)
        -- Before version 2 a 4688 bears the creator's logon id alone: of a child of WmiPrvSE that says nothing.
        and (
            coalesce(process.parent_process_name, '') <> 'wmiprvse.exe'
            or coalesce(process.channel, '') <> 'Security'
            or coalesce(process.version, case when process.target_logon_id is not null then 2 end, 0) >= 2
        )
)

select * from final
