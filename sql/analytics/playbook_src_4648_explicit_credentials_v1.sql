-- /// analytic
-- id = "playbook_src_4648_explicit_credentials"
-- version = 1
-- title = "Another account's credentials were given"
-- description = "A process of one account gave the name and password of another one: runas, wmic /user:, a service, a task, or someone who uses what was stolen."
-- kind = "detection"
-- side = "source"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "low"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Source Host: WinEvent 4648, SubjectAccountName and TargetUserName", dialect = "table" },
-- ]
-- requires = [
--     { channel = "Security", event_id = 4648, columns = ["subject_name", "target_name"] },
-- ]
-- impact = 20
-- confidence = 5
-- risk_score = 1
-- message = "$subject_name on $host used the credentials of $target_name for $target_server"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "subject_name", type = "user" },
--     { field = "target_name", type = "user" },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "Every logon at the keyboard, scheduled task and service of a domain account: the subject is the computer's own account.",
--     "Administrators who keep an ordinary and a privileged account, as they should.",
-- ]
-- considerations = [
--     "Mind which side a record belongs to: what happens on the source is not what happens on the destination.",
--     "A spray of passwords fills this view: stack_explicit_credentials counts it first, by rarity.",
--     "is_self marks credentials used on this very host; the others went to target_server.",
--     "wmic's own requests name RPCSS in target_info: explicit_credentials_rpcss.",
-- ]
-- artifacts = ["Credential use on the source host"]
-- response = [
--     "Ask the owner of the target account.",
--     "Look for that account's network logon on target_server at that time.",
--     "Take process_id to the process creation of that host for the command line.",
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
--     { name = "Security 4648, a logon was attempted using explicit credentials", platform = "Windows", attack_data_source = "Authentication logs" },
-- ]
-- references = [
--     { title = "ThreatHunter-Playbook: Create Remote Process via WMIC (T1028_wmic_remote)" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "Only the names are compared, without regard to case: the domain is a NetBIOS name on one side and a DNS name on the other.",
--     "So one name in two domains is no hit here. is_same_name_other_domain marks it where the target is written name@domain, and in stack_explicit_credentials and explicit_credentials_rpcss on every row.",
--     "SubjectAccountName in the document is the event's SubjectUserName.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.playbook_src_4648_explicit_credentials_v1 as
with final as (
    select
        credentials.event_time,
        credentials.host,
        credentials.event_uid,
        credentials.subject_name,
        credentials.subject_domain,
        credentials.user_class,
        credentials.logon_id,
        credentials.target_name,
        credentials.target_domain,
        credentials.is_same_name_other_domain,
        credentials.target_server,
        credentials.target_info,
        credentials.process_path,
        credentials.process_name,
        credentials.process_id,
        credentials.source_ip,
        credentials.source_port,
        credentials.is_self,
        credentials.channel,
        credentials.event_id,
        credentials.record_id,
        credentials.source_file,
        credentials.source_record
    from explicit_credentials as credentials
    where lower(coalesce(credentials.subject_name, '')) <> lower(coalesce(credentials.target_name, ''))
)

select * from final
