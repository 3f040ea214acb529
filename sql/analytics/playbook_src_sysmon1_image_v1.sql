-- /// analytic
-- id = "playbook_src_sysmon1_image"
-- version = 1
-- title = "wmic started, by Sysmon 1"
-- description = "A new process wmic.exe in Sysmon's log. It shows that wmic ran; most calls are local."
-- kind = "detection"
-- side = "source"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "low"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Source Host: Sysmon 1, Image", dialect = "table" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["process_name"] },
-- ]
-- impact = 30
-- confidence = 20
-- risk_score = 6
-- message = "$user_name on $host started $process_path"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "Administrators and scripts that ask for inventory with wmic.",
--     "Installers and monitoring agents that call wmic on their own host.",
-- ]
-- considerations = [
--     "Mind which side a record belongs to: what happens on the source is not what happens on the destination.",
--     "wmic is seldom used on most computers: count hosts, users and parents and read the rare ones.",
--     "Renamed copies are caught by escu_remote_process_instantiation_via_wmi, by their OriginalFileName.",
-- ]
-- artifacts = ["Process creation records on the source host"]
-- response = [
--     "Read the command line, if there is one, for the switch /node: and for a method.",
--     "Look on the hosts that it names for the child of WmiPrvSE.exe (wmiprvse_children).",
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
-- ]
-- references = [
--     { title = "ThreatHunter-Playbook: Create Remote Process via WMIC (T1028_wmic_remote)" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "JPCERT/CC: Detecting Lateral Movement through Tracking Event Logs", url = "https://www.jpcert.or.jp/english/pub/sr/20170612ac-ir_research_en.pdf" },
--     { title = "Sysmon configuration for this hunt, T0000_wmic_remote.xml", url = "https://github.com/Cyb3rWard0g/ThreatHunter-Playbook/blob/master/attack_matrix/windows/sysmon_configs/T0000_wmic_remote.xml" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "'wmic' is read as the file name wmic.exe, whatever the folder.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.playbook_src_sysmon1_image_v1 as
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
        and process.process_name = 'wmic.exe'
)

select * from final
