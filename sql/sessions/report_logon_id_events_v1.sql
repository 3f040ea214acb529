-- /// analytic
-- id = "report_logon_id_events"
-- version = 1
-- title = "Every event of a host that names one logon id"
-- description = "All events by the logon ids that they name, for following one session through a host: filter on host and logon_id, or use wmiwh session HOST LOGON_ID."
-- kind = "context"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid", "logon_id"]
-- severity = "informational"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "Query: All Events for Host by Logon ID", note = "All ids at once; host and logon id are filters." },
-- ]
-- requires = [
--     { channel = "Security", event_id = 4624, columns = ["logon_id"] },
--     { channel = "Security", event_id = 4688, columns = ["logon_id"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["logon_id"] },
-- ]
-- false_positive_rate = "high"
-- considerations = [
--     "An id is used again after a boot: mind the times.",
-- ]
-- artifacts = [
--     "Every event of the Security log, and of Sysmon, that bears a logon id",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries will try to reach other systems by way of Windows Management Instrumentation."
-- platforms = ["Windows"]
-- contributors = ["Hunter"]
-- created = "2023-08-06"
-- data_sources = [
--     { name = "Security log: logons, logoffs, process creation", platform = "Windows", attack_data_source = "Authentication logs" },
--     { name = "Sysmon 1, process create", platform = "Windows", attack_data_source = "Process Monitoring" },
-- ]
-- tested_on = [
--     { type = "The report's own run", status = "27 hits", dataset = "BOTs v2, 2017-08-23 to 2017-08-25" },
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
--     "LogonId, SubjectLogonId and TargetLogonId count; TargetLinkedLogonId is another session.",
-- ]
-- ///
create or replace view hunt.report_logon_id_events_v1 as
with final as (
    select
        event.event_time,
        event.host,
        event.event_uid,
        event.named_id as logon_id,
        event.named_by,
        event.user_name,
        event.user_domain,
        event.logon_type,
        event.process_name,
        event.process_id,
        event.command_line,
        event.source_ip,
        event.source_port,
        event.target_server,
        event.object_name,
        event.share_name,
        event.relative_target_name,
        event.channel,
        event.event_id,
        event.record_id,
        event.source_file,
        event.source_record
    from logon_id_event as event
)

select * from final
