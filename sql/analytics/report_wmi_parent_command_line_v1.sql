-- /// analytic
-- id = "report_wmi_parent_command_line"
-- version = 1
-- title = "Child of WmiPrvSE.exe, by its whole command line"
-- description = "A process whose parent's command line is exactly that of the WMI provider host as Windows starts it for ordinary callers."
-- kind = "detection"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "medium"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "WMI Parent Command-Line", dialect = "spl" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["parent_command_line"] },
-- ]
-- impact = 60
-- confidence = 60
-- risk_score = 36
-- message = "WmiPrvSE.exe on $host started $process_name as $user_name"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "Management agents and inventory scripts that start programs by WMI.",
--     "Error reporting and installers that WMI providers start themselves.",
-- ]
-- considerations = [
--     "In the report the three hits were encoded PowerShell on two hosts that had been reached from a third one.",
--     "Misses a parent whose command line is a bare wmiprvse.exe, which common attack tools leave: wmiprvse_children has those too.",
-- ]
-- artifacts = ["Process creation records on the target host"]
-- response = [
--     "Look the logon id up: a network logon names the address that the caller came from.",
--     "Search the other hosts for a command line that carries this one (xql_wmic_remote_exec).",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries will try to reach other systems by way of Windows Management Instrumentation."
-- platforms = ["Windows"]
-- contributors = ["Hunter"]
-- created = "2023-08-06"
-- data_sources = [
--     { name = "Sysmon 1, process create", platform = "Windows", attack_data_source = "Process command-line parameters" },
-- ]
-- tested_on = [
--     { type = "The report's own run", status = "3 hits", dataset = "BOTs v2, 2017-08-23 to 2017-08-25" },
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
--     "The whole line is compared, without regard to case.",
-- ]
-- ///
create or replace view hunt.report_wmi_parent_command_line_v1 as
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
        and lower(process.parent_command_line) = 'c:\windows\system32\wbem\wmiprvse.exe -secured -embedding'
)

select * from final
