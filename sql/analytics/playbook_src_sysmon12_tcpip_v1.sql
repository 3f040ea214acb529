-- /// analytic
-- id = "playbook_src_sysmon12_tcpip"
-- version = 1
-- title = "wmic creates or opens the TCP/IP parameters, by Sysmon 12"
-- description = "wmic.exe created or opened the registry key of the TCP/IP parameters: it is about to use the network, which a call to its own host does not need."
-- kind = "detection"
-- side = "source"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "low"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Source Host: Sysmon 12, EventType and Image", dialect = "table" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 12, columns = ["registry_event_type", "process_name", "registry_path"] },
-- ]
-- impact = 30
-- confidence = 40
-- risk_score = 12
-- message = "$process_name on $host opened $registry_path"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "wmic that manages other computers on an administrator's behalf.",
-- ]
-- considerations = [
--     "Mind which side a record belongs to: what happens on the source is not what happens on the destination.",
--     "No command line stands here: take the process id to the process creation of that host.",
--     "Sysmon names the account from version 13.30 on.",
-- ]
-- artifacts = ["Registry access of wmic.exe on the source host"]
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
--     { name = "Sysmon 12, registry object added or deleted", platform = "Windows" },
-- ]
-- references = [
--     { title = "ThreatHunter-Playbook: Create Remote Process via WMIC (T1028_wmic_remote)" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "Sysmon configuration for this hunt, T0000_wmic_remote.xml", url = "https://github.com/Cyb3rWard0g/ThreatHunter-Playbook/blob/master/attack_matrix/windows/sysmon_configs/T0000_wmic_remote.xml" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "The document's second Image row holds a registry key, so TargetObject is meant.",
--     "CurrentControlSet stands for any control set; a subkey counts, a key that only begins alike does not.",
--     "The three rows with this event id are one analytic.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.playbook_src_sysmon12_tcpip_v1 as
with final as (
    select
        registry.event_time,
        registry.host,
        registry.event_uid,
        registry.user_name,
        registry.user_domain,
        registry.user_class,
        registry.process_path,
        registry.process_name,
        registry.process_id,
        registry.process_guid,
        registry.registry_event_type,
        registry.registry_path,
        registry.registry_details,
        registry.channel,
        registry.event_id,
        registry.record_id,
        registry.source_file,
        registry.source_record
    from registry_event as registry
    where
        registry.event_id = 12
        and lower(registry.registry_event_type) = 'createkey'
        and registry.process_name = 'wmic.exe'
        and regexp_matches(
            lower(registry.registry_path), '\\(controlset[0-9]+|currentcontrolset)\\services\\tcpip\\parameters(\\|$)'
        )
)

select * from final
