-- /// model
-- name = "logon"
-- title = "Successful logons (Security 4624), copies left out"
-- requires = ["events"]
-- kept = true
-- notes = [
--     "user_* and logon_id are the account that logged on (Target*); subject_* is who asked for the logon on the host itself.",
-- ]
-- ///
create or replace view logon as
with final as (
    select
        events.event_uid,
        events.event_time,
        events.time_source,
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
        events.linked_logon_id,
        events.logon_type,
        events.logon_process,
        events.authentication_package,
        events.workstation,
        events.outbound_user_name,
        events.outbound_domain,
        events.process_path,
        events.process_name,
        events.process_id,
        events.source_ip,
        events.source_ip_key,
        events.source_scope,
        events.source_port,
        events.is_self
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Security'
        and events.event_id = 4624
        and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing') = 'Microsoft-Windows-Security-Auditing'
)

select * from final
