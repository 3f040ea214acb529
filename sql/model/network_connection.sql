-- /// model
-- name = "network_connection"
-- title = "Network connections: Sysmon 3, and WFP 5156 where Sysmon has none, copies left out"
-- requires = ["events", "connection_twin"]
-- notes = [
--     "A WFP 5156 comes in only if its host has no Sysmon 3 of the same addresses and ports within 120 seconds, so one connection seen by both is not counted twice. Several 5156 of one connection (its retries) stay as they are.",
--     "Source is who opened the connection, whichever end the log is from; is_initiated says that it was opened here. 5156 bears no account, no host names, and the device path of the program.",
--     "destination_scope and source_scope are those of events; what settings will count as one's own networks and domains reaches analytics through these two columns.",
-- ]
-- ///
create or replace view network_connection as
with sysmon as (
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
        events.source_ip,
        events.source_ip_key,
        events.source_scope,
        events.source_port,
        events.source_host,
        events.destination_ip,
        events.destination_ip_key,
        events.destination_scope,
        events.destination_port,
        events.destination_host,
        events.protocol,
        events.is_initiated,
        events.is_self
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Microsoft-Windows-Sysmon/Operational'
        and events.event_id = 3
        and coalesce(events.provider, 'Microsoft-Windows-Sysmon') = 'Microsoft-Windows-Sysmon'
),

wfp as (
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
        events.source_ip,
        events.source_ip_key,
        events.source_scope,
        events.source_port,
        events.source_host,
        events.destination_ip,
        events.destination_ip_key,
        events.destination_scope,
        events.destination_port,
        events.destination_host,
        events.protocol,
        events.is_initiated,
        events.is_self
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Security'
        and events.event_id = 5156
        and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing') = 'Microsoft-Windows-Security-Auditing'
),

final as (
    select
        sysmon.event_uid,
        sysmon.event_time,
        sysmon.time_source,
        sysmon.utc_time,
        sysmon.host,
        sysmon.computer,
        sysmon.provider,
        sysmon.channel,
        sysmon.event_id,
        sysmon.version,
        sysmon.record_id,
        sysmon.event_data,
        sysmon.source_id,
        sysmon.source_file,
        sysmon.source_record,
        sysmon.format,
        sysmon.batch_id,
        sysmon.ingested_at,
        sysmon.user_name,
        sysmon.user_domain,
        sysmon.user_sid,
        sysmon.user_class,
        sysmon.process_path,
        sysmon.process_name,
        sysmon.process_id,
        sysmon.process_guid,
        sysmon.source_ip,
        sysmon.source_ip_key,
        sysmon.source_scope,
        sysmon.source_port,
        sysmon.source_host,
        sysmon.destination_ip,
        sysmon.destination_ip_key,
        sysmon.destination_scope,
        sysmon.destination_port,
        sysmon.destination_host,
        sysmon.protocol,
        sysmon.is_initiated,
        sysmon.is_self
    from sysmon
    union all
    select
        wfp.event_uid,
        wfp.event_time,
        wfp.time_source,
        wfp.utc_time,
        wfp.host,
        wfp.computer,
        wfp.provider,
        wfp.channel,
        wfp.event_id,
        wfp.version,
        wfp.record_id,
        wfp.event_data,
        wfp.source_id,
        wfp.source_file,
        wfp.source_record,
        wfp.format,
        wfp.batch_id,
        wfp.ingested_at,
        wfp.user_name,
        wfp.user_domain,
        wfp.user_sid,
        wfp.user_class,
        wfp.process_path,
        wfp.process_name,
        wfp.process_id,
        wfp.process_guid,
        wfp.source_ip,
        wfp.source_ip_key,
        wfp.source_scope,
        wfp.source_port,
        wfp.source_host,
        wfp.destination_ip,
        wfp.destination_ip_key,
        wfp.destination_scope,
        wfp.destination_port,
        wfp.destination_host,
        wfp.protocol,
        wfp.is_initiated,
        wfp.is_self
    from wfp
    left join connection_twin
        on
            wfp.event_uid = connection_twin.event_uid
            and wfp.channel = connection_twin.channel
            and wfp.host = connection_twin.host
            and wfp.destination_port = connection_twin.destination_port
    where connection_twin.event_uid is null
)

select * from final
