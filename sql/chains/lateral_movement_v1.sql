-- /// analytic
-- id = "lateral_movement"
-- version = 1
-- title = "Lateral movement: who moved from which host to which, how sure, and why"
-- description = "One row for each act of moving from one host to another with WMI or remote management, put together from both sides' records, with the points of each kind of evidence."
-- kind = "chain"
-- side = "both"
-- filters = "rows"
-- order_by = ["confidence desc", "first", "source", "target"]
-- key = ["source", "target", "user", "first"]
-- severity = "high"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "Notes: What users are associated with those systems?" },
--     { document = "hunt-report-wmi-lateral-movement", item = "Task: Create detection logic for encoded PowerShell", note = "As a suspicion beside the confidence, for what WMI started." },
--     { document = "hunt-report-wmi-lateral-movement", item = "Task: Identify future instances of WMI lateral movement activity" },
--     { document = "huntquery-windows-wmic-remoteexec", item = "Considerations: correlating both events" },
--     { document = "hunt-report-wmi-lateral-movement", item = "Hypothesis: Adversaries move laterally to other systems using WMI" },
--     { document = "hunt-report-wmi-lateral-movement", item = "Notes: What systems are communicating with one another?" },
--     { document = "hunt-report-wmi-lateral-movement", item = "Task: Create detection logic for specific orders of action that might indicate lateral movement", note = "Each kind of evidence, both sides, in their order in time." },
--     { document = "thp-t1028-wmic-remote", item = "Hypothesis: wmic and stolen credentials for lateral movement" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["parent_process_name", "logon_id"] },
--     { channel = "Security", event_id = 4688, columns = ["logon_id"] },
--     { channel = "Security", event_id = 4624, columns = ["source_ip", "source_port"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 3, columns = ["source_port"] },
-- ]
-- impact = 90
-- confidence = 90
-- confidence_field = "confidence"
-- risk_score = 81
-- message = "$user moved from $source to $target by $vehicle (confidence $confidence)"
-- risk_objects = [
--     { field = "source", type = "system" },
--     { field = "target", type = "system" },
--     { field = "user", type = "user" },
-- ]
-- false_positive_rate = "low"
-- false_positives = [
--     "Administrators and management servers that run commands on other hosts.",
-- ]
-- considerations = [
--     "confidence is how sure it is that these records are one act from here to there, not how bad the act is; suspicion is a column apart.",
--     "side_without_logs names the side that no log was read of: such an edge is half seen.",
--     "No edge without a child, a tie or a command that fits, but a wmic call to a host without any logs shows as half an edge.",
-- ]
-- artifacts = [
--     "Process creation, connections and logons on both hosts",
-- ]
-- response = [
--     "Isolate or watch both hosts; reset the account's credentials.",
--     "Print the session on the target: wmiwh session TARGET LOGON_ID.",
--     "Look for the same command, address and account on other hosts.",
--     "Keep the logs of both hosts before they roll over.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries use WMI to run commands on other computers of the network."
-- platforms = ["Windows"]
-- references = [
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "Points: exact tie 40, remote command = child 30, WmiPrvSE child in a network session 25, source tool names the host 15, 4648 to it 10, address resolves to the source 10, 4672 of the session 5, port 135 5; each kind once, at most 100. high from 70, medium from 40.",
--     "Times are the target's clock where there is one; evidence at most 120 seconds apart is one act.",
-- ]
-- ///
create or replace view hunt.lateral_movement_v1 as
with final as (
    select
        lateral_edge.first,
        lateral_edge.last,
        lateral_edge.source,
        lateral_edge.target,
        lateral_edge.source_host,
        lateral_edge.target_host,
        lateral_edge.user,
        lateral_edge.vehicle,
        lateral_edge.confidence,
        lateral_edge.certainty,
        lateral_edge.why,
        lateral_edge.side_without_logs,
        lateral_edge.suspicion,
        lateral_edge.remote_command,
        lateral_edge.child_process_name,
        lateral_edge.child_command_line,
        lateral_edge.source_process_name,
        lateral_edge.source_command_line,
        lateral_edge.source_ip,
        lateral_edge.source_via,
        lateral_edge.logon_ids,
        lateral_edge.clock_skew_seconds,
        lateral_edge.source_evidence,
        lateral_edge.target_evidence
    from lateral_edge
)

select * from final
