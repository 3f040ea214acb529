-- /// analytic
-- id = "wmi_activity"
-- version = 1
-- title = "What WMI did: providers, failed calls, subscriptions"
-- description = "WMI's own log (5857 to 5861) and Sysmon's WMI events (19 to 21) in one shape: which provider was loaded into which process, which calls failed and for whom, which filters and consumers were set up."
-- kind = "context"
-- side = "both"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "informational"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "Notes: which data sets give a view of lateral movement and of communication between Windows hosts", note = "The log that WMI keeps of itself, which none of the documents reads." },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-WMI-Activity/Operational", event_id = 5857, columns = ["object_name", "process_id"] },
--     { channel = "Microsoft-Windows-WMI-Activity/Operational", event_id = 5858, columns = ["wmi_client_machine", "wmi_operation"] },
--     { channel = "Microsoft-Windows-WMI-Activity/Operational", event_id = 5859, columns = ["wmi_query"] },
--     { channel = "Microsoft-Windows-WMI-Activity/Operational", event_id = 5860, columns = ["wmi_query"] },
--     { channel = "Microsoft-Windows-WMI-Activity/Operational", event_id = 5861, columns = ["wmi_consumer"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 19, columns = ["wmi_filter"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 20, columns = ["wmi_consumer"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 21, columns = ["wmi_consumer"] },
-- ]
-- message = "$operation_kind on $host for $user_name from $wmi_client_machine"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "Every computer writes these all day: group policy, inventory, monitoring, Windows itself.",
-- ]
-- considerations = [
--     "Not an alarm: read it around a time that another view names.",
--     "A failed call (5858) names the client's machine and process id on that machine. A remote call that succeeds is not logged here; one that was refused or cancelled is, such as the end of a polling query.",
--     "A loaded provider (5857) ties a WmiPrvSE process id to what it was started for: CIMWin32 for Win32_Process, ActiveScriptEventConsumer or CommandLineEventConsumer when a subscription fires.",
--     "Permanent subscriptions with whoever made them: wmi_subscription.",
-- ]
-- artifacts = ["WMI-Activity/Operational is on by default from Windows 8 and Server 2012", "Sysmon 19 to 21 need WmiEvent rules in its configuration"]
-- response = [
--     "Where is_remote is true, search the client machine for the process with process_id at that time.",
--     "For a provider, look for the children of the process with process_id on this host (wmiprvse_children).",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- platforms = ["Windows"]
-- hypothesis = "Adversaries will try to reach other systems by way of Windows Management Instrumentation."
-- data_sources = [
--     { name = "WMI-Activity 5857, provider started", platform = "Windows" },
--     { name = "WMI-Activity 5858, operation failed", platform = "Windows" },
--     { name = "WMI-Activity 5859 to 5861, event subscriptions", platform = "Windows" },
--     { name = "Sysmon 19, 20 and 21, WMI filter, consumer and binding", platform = "Windows", attack_data_source = "WMI" },
-- ]
-- references = [
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "Microsoft: Tracing WMI activity", url = "https://learn.microsoft.com/windows/win32/wmisdk/tracing-wmi-activity" },
--     { title = "Microsoft: Sysmon", url = "https://learn.microsoft.com/sysinternals/downloads/sysmon" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "operation_kind: provider_loaded, operation_failed, temporary_subscription, permanent_subscription, subscription (a 5859 whose cause is neither), filter, consumer, binding.",
--     "is_remote compares short names; it is empty where the record names no client machine, as all but 5858 and 5860.",
--     "wmi_query of a failed call is what the call was about: a query, an object path, or a class and its method.",
--     "wmi_result is the code of 5857 and 5858 and the cause of 5859 and 5860; the long text of a 5861 is split into its columns.",
-- ]
-- ///
create or replace view hunt.wmi_activity_v1 as
with final as (
    select
        wmi.event_time,
        wmi.host,
        wmi.event_uid,
        wmi.operation_kind,
        wmi.operation_action,
        wmi.user_name,
        wmi.user_domain,
        wmi.user_sid,
        wmi.user_class,
        wmi.wmi_client_machine,
        wmi.is_remote,
        wmi.process_name,
        wmi.process_id,
        wmi.wmi_provider_name,
        wmi.wmi_provider_path,
        wmi.wmi_namespace,
        wmi.wmi_operation,
        wmi.wmi_query,
        wmi.wmi_consumer,
        wmi.consumer_type,
        wmi.wmi_filter,
        wmi.script_text,
        case when coalesce(wmi.event_id, 0) <> 5861 then wmi.wmi_result end as wmi_result,
        wmi.channel,
        wmi.event_id,
        wmi.record_id,
        wmi.source_file,
        wmi.source_record
    from wmi_event as wmi
)

select * from final
