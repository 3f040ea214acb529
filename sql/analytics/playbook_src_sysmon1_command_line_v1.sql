-- /// analytic
-- id = "playbook_src_sysmon1_command_line"
-- version = 1
-- title = "Command line of a remote process call, by Sysmon 1"
-- description = "A new process in Sysmon's log whose command line has both the switch for another computer and the method that starts a process: wmic, a renamed wmic, or the shell that called it."
-- kind = "detection"
-- side = "source"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "high"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Source Host: Sysmon 1, CommandLine", dialect = "table" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["command_line"] },
-- ]
-- impact = 80
-- confidence = 65
-- risk_score = 52
-- message = "$user_name on $host ran $command_line"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "unknown"
-- false_positives = [
--     "Scripts of administrators that start programs on other computers with wmic.",
--     "Software distribution that still uses wmic.",
-- ]
-- considerations = [
--     "Mind which side a record belongs to: what happens on the source is not what happens on the destination.",
--     "The program is not tested on purpose: a shell that wraps the call (cmd /c wmic ...) hits as well as wmic itself, so one act may be two hits.",
--     "The blanks of both patterns count: doubled blanks, or a quote right behind create, escape it; xql_wmic_remote_exec catches those.",
-- ]
-- artifacts = ["Process creation records with the whole command line, on the source host"]
-- response = [
--     "Read targets and remote_command, and look on the named hosts for the child of WmiPrvSE.exe (wmiprvse_children).",
--     "Find out who used the account, and from which parent process.",
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
--     { name = "Sysmon 1, process create", platform = "Windows", attack_data_source = "Process command-line parameters" },
-- ]
-- references = [
--     { title = "ThreatHunter-Playbook: Create Remote Process via WMIC (T1028_wmic_remote)" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "MITRE CAR: CAR-2016-03-002", url = "https://car.mitre.org/wiki/CAR-2016-03-002" },
--     { title = "Sysmon configuration for this hunt, T0000_wmic_remote.xml", url = "https://github.com/Cyb3rWard0g/ThreatHunter-Playbook/blob/master/attack_matrix/windows/sysmon_configs/T0000_wmic_remote.xml" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "The stars at both ends of the document's patterns make them plain substrings, matched in any case.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.playbook_src_sysmon1_command_line_v1 as
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
        and contains(lower(process.command_line), ' process call create ')
        and contains(lower(process.command_line), ' /node:')
)

select * from final
