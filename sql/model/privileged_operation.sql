-- /// model
-- name = "privileged_operation"
-- title = "Privileged services called and privileged objects opened (Security 4673, 4674), copies left out"
-- requires = ["events"]
-- notes = [
--     "user_* and logon_id are the caller (Subject*).",
--     "Kernel objects bear their kernel names, such as \\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services.",
-- ]
-- ///
create or replace view privileged_operation as
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
        events.logon_id,
        events.process_path,
        events.process_name,
        events.process_id,
        events.object_name,
        events.object_type,
        events.privileges
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Security'
        and events.event_id in (4673, 4674)
        and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing') = 'Microsoft-Windows-Security-Auditing'
)

select * from final
