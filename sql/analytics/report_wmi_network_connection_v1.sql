-- /// analytic
-- id = "report_wmi_network_connection"
-- version = 1
-- title = "Connection of NETWORK SERVICE's svchost.exe"
-- description = "A network connection of a svchost.exe that runs as NETWORK SERVICE, which among much else is how a host's endpoint mapper answers remote callers on port 135."
-- kind = "detection"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "informational"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "WMI Network Connection - Destination Host", dialect = "spl" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 3, columns = ["process_path", "user_name", "user_domain"] },
-- ]
-- impact = 10
-- confidence = 5
-- risk_score = 0
-- message = "$process_name on $host: $source_ip to $destination_ip, port $destination_port"
-- risk_objects = [
--     { field = "host", type = "system" },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "Name resolution, time, updates and delivery optimisation run in such a svchost.exe too.",
-- ]
-- considerations = [
--     "Sees port 135, never the port that WMI itself then uses: that one belongs to a svchost.exe of SYSTEM.",
--     "The report found none, because its logs had no Sysmon 3 at all: a gap, and no answer.",
-- ]
-- artifacts = ["Network connections on the target host"]
-- response = [
--     "Look which host called port 135, and whether a child of WmiPrvSE.exe started here right after (wmiprvse_children).",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries will try to reach other systems by way of Windows Management Instrumentation."
-- platforms = ["Windows"]
-- contributors = ["Hunter"]
-- created = "2023-08-06"
-- data_sources = [
--     { name = "Sysmon 3, network connection", platform = "Windows" },
-- ]
-- tested_on = [
--     { type = "The report's own run", status = "0 hits", dataset = "BOTs v2, 2017-08-23 to 2017-08-25" },
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
--     "The account is compared by its English name; Sysmon 3 has no logon id that would tell it in other languages.",
-- ]
-- ///
create or replace view hunt.report_wmi_network_connection_v1 as
with final as (
    select
        network_connection.event_time,
        network_connection.host,
        network_connection.event_uid,
        network_connection.user_name,
        network_connection.user_domain,
        network_connection.user_class,
        network_connection.process_path,
        network_connection.process_name,
        network_connection.process_id,
        network_connection.source_ip,
        network_connection.source_port,
        network_connection.source_host,
        network_connection.destination_ip,
        network_connection.destination_scope,
        network_connection.destination_port,
        network_connection.destination_host,
        network_connection.protocol,
        network_connection.is_initiated,
        network_connection.is_self,
        network_connection.channel,
        network_connection.event_id,
        network_connection.record_id,
        network_connection.source_file,
        network_connection.source_record
    from network_connection
    where
        network_connection.channel = 'Microsoft-Windows-Sysmon/Operational'
        and network_connection.event_id = 3
        and lower(network_connection.process_path) = 'c:\windows\system32\svchost.exe'
        and lower(network_connection.user_domain) = 'nt authority'
        and lower(network_connection.user_name) = 'network service'
)

select * from final
