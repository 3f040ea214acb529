-- /// analytic
-- id = "playbook_dst_4624_user"
-- version = 1
-- title = "Logon of a domain account"
-- description = "A domain account logged on to this host, from wherever and in whatever way."
-- kind = "context"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "informational"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Destination Host: WinEvent 4624, TargetUsername", dialect = "table" },
-- ]
-- requires = [
--     { channel = "Security", event_id = 4624, columns = ["target_name", "target_domain"] },
-- ]
-- message = "$user_name logged on to $host from $source_ip"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "Every logon of every user: true of every working day.",
-- ]
-- considerations = [
--     "Mind which side a record belongs to: what happens on the source is not what happens on the destination.",
--     "A remote call by WMI is a logon of type 3.",
--     "Leaving local accounts out brings new or borrowed domain credentials to the fore.",
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
--     "'NOT Local username' is the account class domain: neither local, nor a computer, nor a built-in account.",
--     "is_self here is what the record itself proves: loopback, or no address and the host's own name.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.playbook_dst_4624_user_v1 as
with final as (
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
        logon.is_self,
        logon.subject_name,
        logon.subject_domain,
        logon.process_name,
        logon.channel,
        logon.event_id,
        logon.record_id,
        logon.source_file,
        logon.source_record
    from logon
    where logon.user_class = 'domain'
)

select * from final
