-- /// analytic
-- id = "playbook_dst_sysmon1_parent_image"
-- version = 1
-- title = "Child of WmiPrvSE.exe, by Sysmon 1"
-- description = "A process whose parent is the WMI provider host, as Sysmon logs it: what WMI started on this host, for a remote caller, a subscription or a local script."
-- kind = "detection"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "medium"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Destination Host: Sysmon 1, ParentImage", dialect = "table" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["parent_process_name"] },
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
--     "Mind which side a record belongs to: what happens on the source is not what happens on the destination.",
--     "Less usual than one would think, so worth reading one by one.",
--     "wmiprvse_children is the same with the Security log added.",
-- ]
-- artifacts = ["Process creation records on the target host"]
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
--     "'wmiprvse.exe' is read as the file name, whatever the folder.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.playbook_dst_sysmon1_parent_image_v1 as
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
        and process.parent_process_name = 'wmiprvse.exe'
)

select * from final
