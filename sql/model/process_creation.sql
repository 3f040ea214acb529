-- /// model
-- name = "process_creation"
-- title = "New processes with their parents, logged or found by the creator's process id"
-- requires = ["process_event", "process_parent"]
-- kept = true
-- shared = true
-- notes = [
--     "parent_source says how the parent is known: logged, or pid for a 4688 that names none.",
-- ]
-- ///
create or replace view process_creation as
with final as (
    select
        process.event_uid,
        process.event_time,
        process.time_source,
        process.utc_time,
        process.host,
        process.computer,
        process.provider,
        process.channel,
        process.event_id,
        process.version,
        process.record_id,
        process.event_data,
        process.source_id,
        process.source_file,
        process.source_record,
        process.format,
        process.batch_id,
        process.ingested_at,
        process.user_name,
        process.user_domain,
        process.user_sid,
        process.user_class,
        process.subject_name,
        process.subject_domain,
        process.subject_sid,
        process.subject_logon_id,
        process.target_name,
        process.target_domain,
        process.target_sid,
        process.target_logon_id,
        process.logon_id,
        process.process_path,
        process.process_name,
        process.process_id,
        process.process_guid,
        process.command_line,
        process.current_directory,
        process.original_file_name,
        process.hashes,
        process.integrity_level,
        process.parent_process_path,
        process.parent_process_name,
        process.parent_process_id,
        process.parent_process_guid,
        process.parent_command_line,
        process.parent_user,
        process.parent_source,
        process.targets,
        process.remote_command,
        process.explicit_user
    from process_event as process
    where
        process.channel is distinct from 'Security'
        or process.parent_source is not null
    union all
    select
        process.event_uid,
        process.event_time,
        process.time_source,
        process.utc_time,
        process.host,
        process.computer,
        process.provider,
        process.channel,
        process.event_id,
        process.version,
        process.record_id,
        process.event_data,
        process.source_id,
        process.source_file,
        process.source_record,
        process.format,
        process.batch_id,
        process.ingested_at,
        process.user_name,
        process.user_domain,
        process.user_sid,
        process.user_class,
        process.subject_name,
        process.subject_domain,
        process.subject_sid,
        process.subject_logon_id,
        process.target_name,
        process.target_domain,
        process.target_sid,
        process.target_logon_id,
        process.logon_id,
        process.process_path,
        process.process_name,
        process.process_id,
        process.process_guid,
        process.command_line,
        process.current_directory,
        process.original_file_name,
        process.hashes,
        process.integrity_level,
        coalesce(process_parent.parent_process_path, process.parent_process_path) as parent_process_path,
        coalesce(process_parent.parent_process_name, process.parent_process_name) as parent_process_name,
        process.parent_process_id,
        process.parent_process_guid,
        coalesce(process_parent.parent_command_line, process.parent_command_line) as parent_command_line,
        process.parent_user,
        coalesce(process_parent.parent_source, process.parent_source) as parent_source,
        process.targets,
        process.remote_command,
        process.explicit_user
    from process_event as process
    left join process_parent
        on
            process.host = process_parent.host
            and process.parent_process_id = process_parent.parent_process_id
            and process.event_time = process_parent.event_time
            and coalesce(process.record_id, -1) = process_parent.record_order
    where
        process.channel = 'Security'
        and process.parent_source is null
)

select * from final
