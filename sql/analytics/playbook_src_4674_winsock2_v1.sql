-- /// analytic
-- id = "playbook_src_4674_winsock2"
-- version = 1
-- title = "wmic opens the WinSock2 parameters, by Security 4674"
-- description = "wmic.exe attempted an operation on the registry key of the socket library's parameters: it is about to use the network, which a call to its own host does not need."
-- kind = "detection"
-- side = "source"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "low"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Source Host: WinEvent 4674, ProcessName and ObjectName", dialect = "table" },
-- ]
-- requires = [
--     { channel = "Security", event_id = 4674, columns = ["process_name", "object_name"] },
-- ]
-- impact = 30
-- confidence = 40
-- risk_score = 12
-- message = "$user_name on $host: $process_name opened $object_name"
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
--     "No command line stands here: take process_id to the process creation of that host.",
--     "One call opens the key several times.",
-- ]
-- implementation = [
--     "Wants the audit of sensitive privilege use; 4674 is written only when a privilege was needed for the access.",
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
--     { name = "Security 4674, an operation was attempted on a privileged object", platform = "Windows" },
-- ]
-- references = [
--     { title = "ThreatHunter-Playbook: Create Remote Process via WMIC (T1028_wmic_remote)" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "ControlSet001 in the document stands for any control set, by number or as CurrentControlSet; a subkey counts, a key that only begins alike does not.",
--     "Both of the document's rows with this event id are one analytic.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.playbook_src_4674_winsock2_v1 as
with final as (
    select
        privileged_operation.event_time,
        privileged_operation.host,
        privileged_operation.event_uid,
        privileged_operation.user_name,
        privileged_operation.user_domain,
        privileged_operation.user_class,
        privileged_operation.logon_id,
        privileged_operation.process_path,
        privileged_operation.process_name,
        privileged_operation.process_id,
        privileged_operation.object_name,
        privileged_operation.object_type,
        privileged_operation.privileges,
        privileged_operation.channel,
        privileged_operation.event_id,
        privileged_operation.record_id,
        privileged_operation.source_file,
        privileged_operation.source_record
    from privileged_operation
    where
        privileged_operation.event_id = 4674
        and privileged_operation.process_name = 'wmic.exe'
        and regexp_matches(
            lower(privileged_operation.object_name), '\\(controlset[0-9]+|currentcontrolset)\\services\\winsock2\\parameters(\\|$)'
        )
)

select * from final
