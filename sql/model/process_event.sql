-- /// model
-- name = "process_event"
-- title = "New processes as logged: Sysmon 1, Security 4688 and EDR records, copies left out"
-- requires = ["events"]
-- notes = [
--     "Parents are as logged here; process_creation adds those that follow from the creator's process id.",
--     "Provider and channel stand beside each event id, because ids repeat between logs; exports without a provider are taken by their channel.",
--     "Records of an EDR have no event id. The list of ids repeats what follows it: as a condition of one column the scan tests it first, and passes over what has none of them.",
-- ]
-- ///
create or replace view process_event as
with final as (
    select
        events.event_uid,
        events.event_time,
        events.time_source,
        events.utc_time,
        events.host,
        events.computer,
        events.provider,
        events.channel,
        events.event_id,
        events.version,
        events.record_id,
        events.event_data,
        events.source_id,
        events.source_file,
        events.source_record,
        events.format,
        events.batch_id,
        events.ingested_at,
        events.user_name,
        events.user_domain,
        events.user_sid,
        events.user_class,
        events.subject_name,
        events.subject_domain,
        events.subject_sid,
        events.subject_logon_id,
        events.target_name,
        events.target_domain,
        events.target_sid,
        events.target_logon_id,
        events.logon_id,
        events.process_path,
        events.process_name,
        events.process_id,
        events.process_guid,
        events.command_line,
        events.current_directory,
        events.original_file_name,
        events.hashes,
        events.integrity_level,
        events.parent_process_path,
        events.parent_process_name,
        events.parent_process_id,
        events.parent_process_guid,
        events.parent_command_line,
        events.parent_user,
        events.parent_source,
        events.targets,
        events.remote_command,
        events.explicit_user
    from events
    where
        not coalesce(events.is_duplicate, false)
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
)

select * from final
