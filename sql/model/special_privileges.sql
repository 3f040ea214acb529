-- /// model
-- name = "special_privileges"
-- title = "Logons that got special privileges (Security 4672), copies left out"
-- requires = ["events"]
-- kept = true
-- notes = [
--     "user_* and logon_id are the account that logged on (Subject* in this event); logon_id is that of its 4624.",
-- ]
-- ///
create or replace view special_privileges as
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
        events.privileges
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Security'
        and events.event_id = 4672
        and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing') = 'Microsoft-Windows-Security-Auditing'
)

select * from final
