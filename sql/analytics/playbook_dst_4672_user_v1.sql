-- /// analytic
-- id = "playbook_dst_4672_user"
-- version = 1
-- title = "Special privileges for a domain account"
-- description = "A domain account logged on with administrative privileges."
-- kind = "context"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "informational"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Destination Host: WinEvent 4672, SubjectAccountName", dialect = "table" },
-- ]
-- requires = [
--     { channel = "Security", event_id = 4672, columns = ["subject_name", "subject_domain"] },
-- ]
-- message = "$user_name logged on to $host with special privileges"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "Every logon of an administrator or of a privileged service account: true of every working day.",
-- ]
-- considerations = [
--     "Mind which side a record belongs to: what happens on the source is not what happens on the destination.",
--     "logon_id is that of the 4624 beside it, and of what the session then ran.",
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
--     { name = "Security 4672, special privileges assigned to new logon", platform = "Windows", attack_data_source = "Authentication logs" },
-- ]
-- references = [
--     { title = "ThreatHunter-Playbook: Create Remote Process via WMIC (T1028_wmic_remote)" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "'NOT Local username' is the account class domain: neither local, nor the computer, nor a built-in account.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.playbook_dst_4672_user_v1 as
with final as (
    select
        special_privileges.event_time,
        special_privileges.host,
        special_privileges.event_uid,
        special_privileges.user_name,
        special_privileges.user_domain,
        special_privileges.user_sid,
        special_privileges.user_class,
        special_privileges.logon_id,
        special_privileges.privileges,
        special_privileges.channel,
        special_privileges.event_id,
        special_privileges.record_id,
        special_privileges.source_file,
        special_privileges.source_record
    from special_privileges
    where special_privileges.user_class = 'domain'
)

select * from final
