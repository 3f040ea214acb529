-- /// analytic
-- id = "explicit_credentials_rpcss"
-- version = 1
-- title = "Credentials given for a remote RPC service"
-- description = "Another account's credentials, or the own ones anew, were given for the RPC service of another computer, as wmic with /user: and other DCOM clients do."
-- kind = "detection"
-- side = "source"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "medium"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Source Host: WinEvent 4648, SubjectAccountName and TargetUserName", note = "Only what DCOM clients such as wmic leave, but with one name on both sides too." },
-- ]
-- requires = [
--     { channel = "Security", event_id = 4648, columns = ["target_info"] },
-- ]
-- impact = 60
-- confidence = 60
-- risk_score = 36
-- message = "$subject_name on $host used the credentials of $target_name for $target_info"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "subject_name", type = "user" },
--     { field = "target_name", type = "user" },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "Administrators who manage other computers by WMI or DCOM under a second account.",
-- ]
-- considerations = [
--     "Mind which side a record belongs to: what happens on the source is not what happens on the destination.",
--     "Names the target host and the account, which no process record of the source does without its command line.",
--     "One call makes several of these.",
-- ]
-- artifacts = ["Credential use on the source host"]
-- response = [
--     "Take process_id to the process creation of that host: for wmic it is wmic's own.",
--     "Look on the target for that account's network logon and for children of WmiPrvSE.exe (wmiprvse_children).",
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
--     "TargetInfo is the service principal name that was asked for; RPCSS/host is that of RPC and so of WMI.",
--     "is_same_name_other_domain marks one name in two domains, such as a local Administrator used on another host.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.explicit_credentials_rpcss_v1 as
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
    where starts_with(lower(credentials.target_info), 'rpcss/')
)

select * from final
