-- /// analytic
-- id = "playbook_src_sysmon3_dcom_135"
-- version = 1
-- title = "Connection to an internal host's port 135"
-- description = "A connection in Sysmon's log to the endpoint mapper of a computer inside the network, where every remote call by DCOM, and so by WMI, begins."
-- kind = "detection"
-- side = "source"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "informational"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Source Host: Sysmon 3, DestinationIP, Destination Hostname and DestinationPort", dialect = "table" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 3, columns = ["destination_ip", "destination_port"] },
-- ]
-- impact = 10
-- confidence = 5
-- risk_score = 0
-- message = "$process_name on $host: $source_ip to $destination_ip, port 135"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "Workstations and their domain controllers, certificate services, mail clients, management agents: much of Windows begins at port 135.",
-- ]
-- considerations = [
--     "Mind which side a record belongs to: what happens on the source is not what happens on the destination.",
--     "Leave loopback out, as the document says: it is not internal here. is_self marks a host that talks to its own address.",
--     "is_initiated = false is the record of the host that was called, about half of real ones.",
--     "stack_src_process_to_135 counts the calling processes; the rare ones deserve a look.",
-- ]
-- artifacts = ["Network connections on the source host"]
-- response = [
--     "Look which process called, and whether the called host started a child of WmiPrvSE.exe right after (wmiprvse_children).",
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
--     { name = "Sysmon 3, network connection", platform = "Windows" },
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
--     "The call itself goes on over another port; 135 alone shows only that one was asked for.",
--     "Internal is by address, the private, link-local and unique local ranges and the settings' networks (destination_scope), or by a host name in or below one of the settings' domains. A name makes no loopback and no multicast address internal.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.playbook_src_sysmon3_dcom_135_v1 as
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
    cross join settings
    where
        network_connection.channel = 'Microsoft-Windows-Sysmon/Operational'
        and network_connection.event_id = 3
        and (
            network_connection.destination_scope = 'internal'
            or (
                network_connection.destination_scope in ('external', 'none')
                and list_contains(
                    list_transform(
                        settings.internal_domains,
                        lambda zone: ends_with(
                            '.' || rtrim(lower(network_connection.destination_host), '.'),
                            '.' || zone -- noqa: RF02
                        )
                    ),
                    true
                )
            )
        )
        and network_connection.destination_port = 135
)

select * from final
