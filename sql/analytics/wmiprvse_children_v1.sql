-- /// analytic
-- id = "wmiprvse_children"
-- version = 1
-- title = "Processes started by the WMI provider host"
-- description = "Every process whose parent is WmiPrvSE.exe, as logged or as found by the creator's process id: what WMI started on this host, for a remote caller, a subscription or a local script."
-- kind = "detection"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "medium"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Hunter Notes: WmiPrvse.exe as a parent", note = "Made wider: 4688 and bare parent command lines too." },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["parent_process_name"] },
--     { channel = "Security", event_id = 4688, columns = ["parent_process_id"] },
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
--     "Seldom on an ordinary computer, so worth reading one by one.",
--     "The account and the logon id lead to the session and so to the source address.",
--     "Common attack tools leave a bare wmiprvse.exe as the parent's command line, which the literal \"-secured -Embedding\" rows of the documents miss.",
-- ]
-- artifacts = ["Process creation records on the target host; with Security 4688 before Windows 10 also those of WmiPrvSE.exe itself"]
-- response = [
--     "Look the logon id up: a network logon names the address that the caller came from.",
--     "Search the other hosts for a command line that carries this one (xql_wmic_remote_exec).",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries might use wmic with stolen credentials to move laterally and start a process on a remote host of this network."
-- simulation = [
--     { title = "Atomic Red Team: WMIC Process Call Create", author = "atomic-red-team", url = "https://github.com/redcanaryco/atomic-red-team/blob/20a447e63de9d5ef836534743c6f8fdef16c5874/atomics/T1028/T1028.md#atomic-test-3---wmic-process-call-create" },
-- ]
-- platforms = ["Windows"]
-- contributors = ["Cyb3rWard0g"]
-- data_sources = [
--     { name = "Sysmon 1, process create", platform = "Windows", attack_data_source = "Process Monitoring" },
--     { name = "Security 4688, a new process has been created", platform = "Windows", attack_data_source = "Process Monitoring" },
-- ]
-- references = [
--     { title = "ThreatHunter-Playbook: Create Remote Process via WMIC (T1028_wmic_remote)" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "JPCERT/CC: Detecting Lateral Movement through Tracking Event Logs", url = "https://www.jpcert.or.jp/english/pub/sr/20170612ac-ir_research_en.pdf" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "parent_source says whether the parent was logged or found by process id.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.wmiprvse_children_v1 as
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
    from process_creation as process
    where process.parent_process_name = 'wmiprvse.exe'
)

select * from final
