-- /// model
-- name = "event_census"
-- title = "How many records of each kind each host has, from when to when, and how many of them carry each column"
-- requires = ["events"]
-- remembered = true
-- notes = [
--     "One pass over the columns of the lake, copies left out: what every statement on coverage is worked out from.",
--     "with_<column> counts the records in which the column is neither NULL nor empty. Only event_data is not counted: no hunt searches it, and reading it costs more than all other columns together.",
--     "is_own_provider is false where another program wrote into a log whose event ids an analytic reads: ids repeat between providers. Exports without a provider are taken by their channel.",
-- ]
-- ///
create or replace view event_census as
with final as (
    select
        events.host,
        events.provider,
        events.channel,
        events.event_id,
        case
            when events.provider is null then true
            when events.channel = 'Microsoft-Windows-Sysmon/Operational' then events.provider = 'Microsoft-Windows-Sysmon'
            when events.channel = 'Security' and events.event_id >= 4000
                then events.provider = 'Microsoft-Windows-Security-Auditing'
            when
                (events.channel = 'Security' and events.event_id >= 1100)
                or (events.channel = 'System' and events.event_id = 104)
                then events.provider = 'Microsoft-Windows-Eventlog'
            else true
        end as is_own_provider,
        count(*) as records,
        min(events.event_time) as first_time,
        max(events.event_time) as last_time,
        count(events.event_time) as with_event_time,
        count(nullif(events.time_source, '')) as with_time_source,
        count(events.utc_time) as with_utc_time,
        count(nullif(events.computer, '')) as with_computer,
        count(nullif(events.provider, '')) as with_provider,
        count(nullif(events.channel, '')) as with_channel,
        count(events.version) as with_version,
        count(events.record_id) as with_record_id,
        count(nullif(events.task, '')) as with_task,
        count(events.level) as with_level,
        count(events.opcode) as with_opcode,
        count(nullif(events.keywords, '')) as with_keywords,
        count(events.execution_process_id) as with_execution_process_id,
        count(events.execution_thread_id) as with_execution_thread_id,
        count(nullif(events.activity_id, '')) as with_activity_id,
        count(nullif(events.related_activity_id, '')) as with_related_activity_id,
        count(nullif(events.system_user_sid, '')) as with_system_user_sid,
        count(nullif(events.user_name, '')) as with_user_name,
        count(nullif(events.user_domain, '')) as with_user_domain,
        count(nullif(events.user_sid, '')) as with_user_sid,
        count(nullif(events.subject_name, '')) as with_subject_name,
        count(nullif(events.subject_domain, '')) as with_subject_domain,
        count(nullif(events.subject_sid, '')) as with_subject_sid,
        count(nullif(events.subject_logon_id, '')) as with_subject_logon_id,
        count(nullif(events.target_name, '')) as with_target_name,
        count(nullif(events.target_domain, '')) as with_target_domain,
        count(nullif(events.target_sid, '')) as with_target_sid,
        count(nullif(events.target_logon_id, '')) as with_target_logon_id,
        count(nullif(events.logon_id, '')) as with_logon_id,
        count(nullif(events.linked_logon_id, '')) as with_linked_logon_id,
        count(events.logon_type) as with_logon_type,
        count(nullif(events.logon_process, '')) as with_logon_process,
        count(nullif(events.authentication_package, '')) as with_authentication_package,
        count(nullif(events.workstation, '')) as with_workstation,
        count(nullif(events.target_server, '')) as with_target_server,
        count(nullif(events.target_info, '')) as with_target_info,
        count(nullif(events.privileges, '')) as with_privileges,
        count(nullif(events.outbound_user_name, '')) as with_outbound_user_name,
        count(nullif(events.outbound_domain, '')) as with_outbound_domain,
        count(nullif(events.process_path, '')) as with_process_path,
        count(nullif(events.process_name, '')) as with_process_name,
        count(events.process_id) as with_process_id,
        count(nullif(events.process_guid, '')) as with_process_guid,
        count(nullif(events.command_line, '')) as with_command_line,
        count(nullif(events.current_directory, '')) as with_current_directory,
        count(nullif(events.original_file_name, '')) as with_original_file_name,
        count(nullif(events.hashes, '')) as with_hashes,
        count(nullif(events.integrity_level, '')) as with_integrity_level,
        count(nullif(events.parent_process_path, '')) as with_parent_process_path,
        count(nullif(events.parent_process_name, '')) as with_parent_process_name,
        count(events.parent_process_id) as with_parent_process_id,
        count(nullif(events.parent_process_guid, '')) as with_parent_process_guid,
        count(nullif(events.parent_command_line, '')) as with_parent_command_line,
        count(nullif(events.parent_user, '')) as with_parent_user,
        count(nullif(events.source_ip, '')) as with_source_ip,
        count(nullif(events.source_ip_key, '')) as with_source_ip_key,
        count(events.source_port) as with_source_port,
        count(nullif(events.source_host, '')) as with_source_host,
        count(nullif(events.destination_ip, '')) as with_destination_ip,
        count(nullif(events.destination_ip_key, '')) as with_destination_ip_key,
        count(events.destination_port) as with_destination_port,
        count(nullif(events.destination_host, '')) as with_destination_host,
        count(nullif(events.protocol, '')) as with_protocol,
        count(events.is_initiated) as with_is_initiated,
        count(nullif(events.registry_event_type, '')) as with_registry_event_type,
        count(nullif(events.registry_path, '')) as with_registry_path,
        count(nullif(events.registry_details, '')) as with_registry_details,
        count(nullif(events.object_name, '')) as with_object_name,
        count(nullif(events.object_type, '')) as with_object_type,
        count(nullif(events.share_name, '')) as with_share_name,
        count(nullif(events.relative_target_name, '')) as with_relative_target_name,
        count(nullif(events.wmi_operation, '')) as with_wmi_operation,
        count(nullif(events.wmi_namespace, '')) as with_wmi_namespace,
        count(nullif(events.wmi_query, '')) as with_wmi_query,
        count(nullif(events.wmi_consumer, '')) as with_wmi_consumer,
        count(nullif(events.wmi_filter, '')) as with_wmi_filter,
        count(nullif(events.wmi_client_machine, '')) as with_wmi_client_machine,
        count(nullif(events.wmi_result, '')) as with_wmi_result,
        count(nullif(events.wmi_provider_path, '')) as with_wmi_provider_path,
        count(nullif(events.script_text, '')) as with_script_text
    from events
    where not coalesce(events.is_duplicate, false)
    group by events.host, events.provider, events.channel, events.event_id
)

select * from final
