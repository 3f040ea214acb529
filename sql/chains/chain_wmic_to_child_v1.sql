-- /// analytic
-- id = "chain_wmic_to_child"
-- version = 1
-- title = "wmic on one host tied to the process it created on another"
-- description = "A wmic call that names another host and a command, and the child of WmiPrvSE.exe on that host that fits in command and time: one row for each act."
-- kind = "chain"
-- side = "both"
-- filters = "rows"
-- order_by = ["event_time", "source_host", "target_host"]
-- key = ["source_host", "source_process_id", "target_host", "process_id", "event_time"]
-- severity = "high"
-- implements = [
--     { document = "huntquery-windows-wmic-remoteexec", item = "Considerations: correlating both events" },
--     { document = "thp-t1028-wmic-remote", item = "Hypothesis: wmic executes a process on a remote host", note = "Both sides at once." },
--     { document = "hunt-report-wmi-lateral-movement", item = "Notes: Are there actions taken on hosts that might indicate similar activities occurring on others?" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["command_line"] },
--     { channel = "Security", event_id = 4688, columns = ["command_line"] },
-- ]
-- impact = 80
-- confidence = 90
-- risk_score = 72
-- message = "wmic on $source_host started $process_name on $target_host"
-- risk_objects = [
--     { field = "source_host", type = "system" },
--     { field = "target_host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "low"
-- false_positives = [
--     "Administrators who start programs on other computers by wmic.",
-- ]
-- considerations = [
--     "match says how the commands agree: exact, contained, or image only (no command line was logged on the target).",
--     "Several calls of one command close together are tied by nearness in time.",
-- ]
-- artifacts = [
--     "Process creation with command line on both hosts",
-- ]
-- response = [
--     "Follow the child's session: wmiwh session TARGET LOGON_ID.",
--     "Look for further targets in the same call (xql_wmic_remote_exec).",
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
--     "delay_seconds is corrected by clock_skew_seconds, what the target's clock shows more than the source's.",
-- ]
-- ///
create or replace view hunt.chain_wmic_to_child_v1 as
with final as (
    select
        wmic_child.call_time as event_time,
        wmic_child.source_host,
        wmic_child.target_host,
        wmic_child.target,
        wmic_child.remote_command,
        wmic_child.command_match as match,
        wmic_child.delay_seconds,
        wmic_child.clock_skew_seconds,
        wmic_child.source_user_name,
        wmic_child.source_user_domain,
        wmic_child.explicit_user,
        wmic_child.source_process_name,
        wmic_child.source_process_id,
        wmic_child.source_command_line,
        wmic_child.child_time,
        wmic_child.user_name,
        wmic_child.user_domain,
        wmic_child.process_name,
        wmic_child.process_id,
        wmic_child.command_line,
        wmic_child.source_evidence,
        wmic_child.target_evidence
    from wmic_child
)

select * from final
