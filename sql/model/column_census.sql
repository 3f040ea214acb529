-- /// model
-- name = "column_census"
-- title = "How many records of each host carry each column that some analytic needs of them"
-- requires = ["event_census"]
-- notes = [
--     "analytic_requirement has what the newest analytics need, from their heads: log, event id (NULL: any) and column.",
--     "carrying is NULL for a column that the census does not count.",
-- ]
-- ///
create or replace view column_census as
with needed as (
    select distinct
        analytic_requirement.channel,
        analytic_requirement.event_id,
        analytic_requirement.column_name
    from analytic_requirement
),

final as (
    select
        census.host,
        needed.channel,
        needed.event_id,
        needed.column_name,
        cast(sum(census.records) as bigint) as records,
        cast(
            sum(
                case needed.column_name
                    when 'event_time' then census.with_event_time
                    when 'time_source' then census.with_time_source
                    when 'utc_time' then census.with_utc_time
                    when 'computer' then census.with_computer
                    when 'provider' then census.with_provider
                    when 'channel' then census.with_channel
                    when 'version' then census.with_version
                    when 'record_id' then census.with_record_id
                    when 'task' then census.with_task
                    when 'level' then census.with_level
                    when 'opcode' then census.with_opcode
                    when 'keywords' then census.with_keywords
                    when 'execution_process_id' then census.with_execution_process_id
                    when 'execution_thread_id' then census.with_execution_thread_id
                    when 'activity_id' then census.with_activity_id
                    when 'related_activity_id' then census.with_related_activity_id
                    when 'system_user_sid' then census.with_system_user_sid
                    when 'user_name' then census.with_user_name
                    when 'user_domain' then census.with_user_domain
                    when 'user_sid' then census.with_user_sid
                    when 'subject_name' then census.with_subject_name
                    when 'subject_domain' then census.with_subject_domain
                    when 'subject_sid' then census.with_subject_sid
                    when 'subject_logon_id' then census.with_subject_logon_id
                    when 'target_name' then census.with_target_name
                    when 'target_domain' then census.with_target_domain
                    when 'target_sid' then census.with_target_sid
                    when 'target_logon_id' then census.with_target_logon_id
                    when 'logon_id' then census.with_logon_id
                    when 'linked_logon_id' then census.with_linked_logon_id
                    when 'logon_type' then census.with_logon_type
                    when 'logon_process' then census.with_logon_process
                    when 'authentication_package' then census.with_authentication_package
                    when 'workstation' then census.with_workstation
                    when 'target_server' then census.with_target_server
                    when 'target_info' then census.with_target_info
                    when 'privileges' then census.with_privileges
                    when 'outbound_user_name' then census.with_outbound_user_name
                    when 'outbound_domain' then census.with_outbound_domain
                    when 'process_path' then census.with_process_path
                    when 'process_name' then census.with_process_name
                    when 'process_id' then census.with_process_id
                    when 'process_guid' then census.with_process_guid
                    when 'command_line' then census.with_command_line
                    when 'current_directory' then census.with_current_directory
                    when 'original_file_name' then census.with_original_file_name
                    when 'hashes' then census.with_hashes
                    when 'integrity_level' then census.with_integrity_level
                    when 'parent_process_path' then census.with_parent_process_path
                    when 'parent_process_name' then census.with_parent_process_name
                    when 'parent_process_id' then census.with_parent_process_id
                    when 'parent_process_guid' then census.with_parent_process_guid
                    when 'parent_command_line' then census.with_parent_command_line
                    when 'parent_user' then census.with_parent_user
                    when 'source_ip' then census.with_source_ip
                    when 'source_ip_key' then census.with_source_ip_key
                    when 'source_port' then census.with_source_port
                    when 'source_host' then census.with_source_host
                    when 'destination_ip' then census.with_destination_ip
                    when 'destination_ip_key' then census.with_destination_ip_key
                    when 'destination_port' then census.with_destination_port
                    when 'destination_host' then census.with_destination_host
                    when 'protocol' then census.with_protocol
                    when 'is_initiated' then census.with_is_initiated
                    when 'registry_event_type' then census.with_registry_event_type
                    when 'registry_path' then census.with_registry_path
                    when 'registry_details' then census.with_registry_details
                    when 'object_name' then census.with_object_name
                    when 'object_type' then census.with_object_type
                    when 'share_name' then census.with_share_name
                    when 'relative_target_name' then census.with_relative_target_name
                    when 'wmi_operation' then census.with_wmi_operation
                    when 'wmi_namespace' then census.with_wmi_namespace
                    when 'wmi_query' then census.with_wmi_query
                    when 'wmi_consumer' then census.with_wmi_consumer
                    when 'wmi_filter' then census.with_wmi_filter
                    when 'wmi_client_machine' then census.with_wmi_client_machine
                    when 'wmi_result' then census.with_wmi_result
                    when 'wmi_provider_path' then census.with_wmi_provider_path
                    when 'script_text' then census.with_script_text
                end
            ) as bigint
        ) as carrying
    from needed
    inner join event_census as census
        on
            needed.channel = census.channel
            and (needed.event_id is null or needed.event_id = census.event_id)
    where
        census.is_own_provider
        and census.host is not null
    group by census.host, needed.channel, needed.event_id, needed.column_name
)

select * from final
