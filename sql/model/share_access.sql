-- /// model
-- name = "share_access"
-- title = "Shares and the files on them that were accessed over the network (Security 5140, 5145), copies left out"
-- requires = ["events"]
-- notes = [
--     "user_* and logon_id are the account that reached for the share (Subject* in these events), logon_id that of its network logon here.",
--     "share_name is as logged, \\\\*\\ADMIN$; relative_target_name, which only 5145 has, is the path below the share.",
--     "A machine that opens its own share is logged with a loopback address or its own; such rows are in here too.",
-- ]
-- ///
create or replace view share_access as
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
        events.source_ip,
        events.source_ip_key,
        events.source_scope,
        events.source_port,
        events.object_type,
        events.share_name,
        events.relative_target_name
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Security'
        and events.event_id in (5140, 5145)
        and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing') = 'Microsoft-Windows-Security-Auditing'
)

select * from final
