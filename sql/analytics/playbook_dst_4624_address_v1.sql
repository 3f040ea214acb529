-- /// analytic
-- id = "playbook_dst_4624_address"
-- version = 1
-- title = "Logon from an address"
-- description = "A logon that names an address inside or outside the network as its source, rather than none or loopback."
-- kind = "context"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "informational"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Destination Host: WinEvent 4624, SourceNetworkAddress", dialect = "table" },
-- ]
-- requires = [
--     { channel = "Security", event_id = 4624, columns = ["source_ip"] },
-- ]
-- message = "$user_name logged on to $host from $source_ip"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "Every logon over the network, of users and of computers: true of every working day.",
-- ]
-- considerations = [
--     "Mind which side a record belongs to: what happens on the source is not what happens on the destination.",
--     "source_scope external on a host that faces no internet is worth a question.",
--     "is_self marks logons of a host to itself by its own address, which domain controllers make all day.",
-- ]
-- artifacts = ["Logon records on the target host"]
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
--     { name = "Security 4624, an account was successfully logged on", platform = "Windows", attack_data_source = "Authentication logs" },
-- ]
-- references = [
--     { title = "ThreatHunter-Playbook: Create Remote Process via WMIC (T1028_wmic_remote)" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "'NOT Local IP OR Internal IPs' is read as a source that is another machine: any address but loopback and none.",
--     "is_self is true if the host itself opened connections from that very address, a day before or after at most (host_address). The settings may name further addresses of a host. Without either it is false, so false proves no other machine.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.playbook_dst_4624_address_v1 as
with own_address as (
    select distinct
        logon.host,
        logon.event_uid
    from logon
    inner join host_address
        on
            logon.host = host_address.host
            and logon.source_ip_key = host_address.ip_key
            and logon.event_time >= host_address.first_time - interval '24' hour
            and logon.event_time <= host_address.last_time + interval '24' hour
),

final as (
    select
        logon.event_time,
        logon.host,
        logon.event_uid,
        logon.user_name,
        logon.user_domain,
        logon.user_sid,
        logon.user_class,
        logon.logon_id,
        logon.logon_type,
        logon.logon_process,
        logon.authentication_package,
        logon.workstation,
        logon.source_ip,
        logon.source_scope,
        logon.source_port,
        coalesce(logon.is_self, false)
        or own_address.event_uid is not null
        or host_alias_address.host is not null as is_self,
        logon.subject_name,
        logon.subject_domain,
        logon.process_name,
        logon.channel,
        logon.event_id,
        logon.record_id,
        logon.source_file,
        logon.source_record
    from logon
    left join own_address
        on
            logon.host = own_address.host
            and logon.event_uid = own_address.event_uid
    left join host_alias_address
        on
            logon.host = host_alias_address.host
            and logon.source_ip_key = host_alias_address.ip_key
    where logon.source_scope in ('internal', 'external')
)

select * from final
