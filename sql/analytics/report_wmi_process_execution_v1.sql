-- /// analytic
-- id = "report_wmi_process_execution"
-- version = 1
-- title = "The WMI provider host starts"
-- description = "DcomLaunch starts WmiPrvSE.exe as NETWORK SERVICE with its usual switches: somebody, here or elsewhere, asked this host's WMI for something."
-- kind = "detection"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "informational"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "WMI Process Execution - Destination Host", dialect = "spl" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["process_name", "command_line", "parent_command_line", "user_name"] },
-- ]
-- impact = 10
-- confidence = 5
-- risk_score = 0
-- message = "WmiPrvSE.exe started on $host"
-- risk_objects = [
--     { field = "host", type = "system" },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "Inventory, monitoring and Windows itself use WMI all day: each first use starts a provider host.",
-- ]
-- considerations = [
--     "No proof of anything remote: look for children of the provider host (wmiprvse_children) and for a network logon just before.",
-- ]
-- artifacts = ["Process creation records on the target host"]
-- response = [
--     "Look for children of this provider host and for the network logon just before it: both together name the caller (wmiprvse_children).",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries will try to reach other systems by way of Windows Management Instrumentation."
-- platforms = ["Windows"]
-- contributors = ["Hunter"]
-- created = "2023-08-06"
-- data_sources = [
--     { name = "Sysmon 1, process create", platform = "Windows", attack_data_source = "Process Monitoring" },
-- ]
-- tested_on = [
--     { type = "The report's own run", status = "11 hits", dataset = "BOTs v2, 2017-08-23 to 2017-08-25" },
-- ]
-- references = [
--     { title = "Example hunt report: WMI - Lateral Movement Hunt" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047" },
--     { title = "ATT&CK T1059.001, PowerShell", url = "https://attack.mitre.org/techniques/T1059/001/" },
--     { title = "ATT&CK T1132, data encoding", url = "https://attack.mitre.org/techniques/T1132/" },
--     { title = "JPCERT/CC: Detecting Lateral Movement through Tracking Event Logs, version 2", url = "https://www.jpcert.or.jp/english/pub/sr/Detecting%20Lateral%20Movement%20through%20Tracking%20Event%20Logs_version2.pdf" },
--     { title = "JPCERT/CC: Tool Analysis Result Sheet", url = "https://jpcertcc.github.io/ToolAnalysisResultSheet/" },
--     { title = "Hunting lateral movement in Windows infrastructure", url = "https://www.slideshare.net/votadlos/hunting-lateral-movement-in-windows-infrastructure" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
--     { version = "1", date = "2023-08-06", notes = "The hunt was written up and run." },
-- ]
-- notes = [
--     "Windows 10 adds -p to svchost.exe -k DcomLaunch, so the document's equality finds nothing there; here the parent must be svchost.exe run for the group DcomLaunch.",
--     "NETWORK SERVICE is told by its name or, in any language, by its logon id 0x3e4.",
--     "The document also tests CurrentDirectory and both folders; those add nothing and differ in case and between builds.",
-- ]
-- ///
create or replace view hunt.report_wmi_process_execution_v1 as
with final as (
    select
        process.event_time,
        process.host,
        process.event_uid,
        process.user_name,
        process.user_domain,
        process.user_class,
        process.logon_id,
        process.process_path,
        process.process_name,
        process.process_id,
        process.command_line,
        process.targets,
        process.remote_command,
        process.explicit_user,
        process.parent_process_path,
        process.parent_process_name,
        process.parent_process_id,
        process.parent_command_line,
        process.parent_source,
        process.channel,
        process.event_id,
        process.record_id,
        process.source_file,
        process.source_record
    from process_event as process
    where
        process.channel = 'Microsoft-Windows-Sysmon/Operational'
        and process.event_id = 1
        and process.process_name = 'wmiprvse.exe'
        and process.parent_process_name = 'svchost.exe'
        and regexp_matches(lower(process.parent_command_line), 'svchost\.exe"? +-k +dcomlaunch( |$)')
        and contains(lower(process.command_line), '-secured -embedding')
        and (lower(process.user_name) = 'network service' or process.logon_id = '0x3e4')
)

select * from final
