-- /// analytic
-- id = "stack_src_process_to_135"
-- version = 1
-- title = "Programs that call port 135 of internal hosts, counted"
-- description = "Connections that were opened here to the endpoint mapper of another computer inside the network, by program, the rarest first."
-- kind = "stack"
-- side = "source"
-- filters = "events"
-- order_by = ["events", "hosts", "process_name"]
-- severity = "informational"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Hunter Notes: process names talking to internal systems on port 135" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 3, columns = ["process_name", "destination_ip", "destination_port", "is_initiated"] },
--     { channel = "Security", event_id = 5156, columns = ["process_name", "destination_ip", "destination_port", "is_initiated"] },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "svchost.exe, lsass.exe and management agents call port 135 everywhere.",
-- ]
-- considerations = [
--     "A script host, an Office program or anything from a user's folder that calls port 135 is what to look for.",
--     "A call of wmic often shows as svchost.exe here: RPC's own service asks port 135 for it, and wmic.exe then talks to the port that it is told.",
-- ]
-- artifacts = ["Network connections on the source host"]
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
--     { name = "Security 5156, the filtering platform has permitted a connection", platform = "Windows" },
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
--     "Left out: loopback, and a host that calls its own address.",
--     "users counts accounts that Sysmon 3 names; a 5156 names none and counts only where Sysmon has no such connection.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.stack_src_process_to_135_v1 as
with hits as (
    select
        network_connection.event_time,
        network_connection.host,
        network_connection.process_name,
        network_connection.destination_port,
        case
            when network_connection.user_class = 'none' then null
            when coalesce(network_connection.user_domain, '') in ('', '-') then lower(network_connection.user_name)
            else lower(network_connection.user_domain || '\' || network_connection.user_name)
        end as user
    from network_connection
    where
        network_connection.destination_port = 135
        and network_connection.destination_scope = 'internal'
        and network_connection.is_initiated
        and not coalesce(network_connection.is_self, false)
),

final as (
    select
        hits.process_name,
        hits.destination_port,
        count(*) as events,
        count(distinct hits.host) as hosts,
        count(distinct hits.user) as users,
        min(hits.event_time) as first_seen,
        max(hits.event_time) as last_seen
    from hits
    group by hits.process_name, hits.destination_port
)

select * from final
