-- /// model
-- name = "registry_event"
-- title = "Registry keys and values as Sysmon 12, 13 and 14 log them, copies left out"
-- requires = ["events"]
-- notes = [
--     "registry_event_type is Sysmon's EventType: CreateKey or DeleteKey (12), SetValue (13), RenameKey (14). registry_details is the value that was set or the new name.",
--     "Sysmon names the account from version 13.30 on.",
-- ]
-- ///
create or replace view registry_event as
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
        events.process_path,
        events.process_name,
        events.process_id,
        events.process_guid,
        events.registry_event_type,
        events.registry_path,
        events.registry_details
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Microsoft-Windows-Sysmon/Operational'
        and events.event_id in (12, 13, 14)
        and coalesce(events.provider, 'Microsoft-Windows-Sysmon') = 'Microsoft-Windows-Sysmon'
)

select * from final
