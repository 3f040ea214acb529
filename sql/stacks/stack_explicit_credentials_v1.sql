-- /// analytic
-- id = "stack_explicit_credentials"
-- version = 1
-- title = "Credentials given on the spot, counted"
-- description = "Who used whose credentials for which server and by which program, the rarest first."
-- kind = "stack"
-- side = "source"
-- filters = "events"
-- order_by = ["events", "hosts", "subject_account", "target_account", "target_server", "process_name"]
-- severity = "informational"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Hunter Notes: new or explicit credentials" },
-- ]
-- requires = [
--     { channel = "Security", event_id = 4648, columns = ["subject_name", "target_name", "target_server"] },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "Logons at the keyboard, scheduled tasks and services: their subject is the computer's own account.",
-- ]
-- considerations = [
--     "One password spray fills playbook_src_4648_explicit_credentials; here it is a few rows with many targets.",
-- ]
-- artifacts = ["Credential use on the source host"]
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
--     "Every 4648 is counted, also where both names are the same: is_same_name_other_domain then says whether the domain is another one.",
--     "subject_account and target_account are domain\\user in lower case; users counts the subjects.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.stack_explicit_credentials_v1 as
with hits as (
    select
        credentials.event_time,
        credentials.host,
        case
            when coalesce(credentials.subject_name, '') in ('', '-') then null
            when coalesce(credentials.subject_domain, '') in ('', '-') then lower(credentials.subject_name)
            else lower(credentials.subject_domain || '\' || credentials.subject_name)
        end as subject_account,
        case
            when coalesce(credentials.target_name, '') in ('', '-') then null
            when coalesce(credentials.target_domain, '') in ('', '-') then lower(credentials.target_name)
            else lower(credentials.target_domain || '\' || credentials.target_name)
        end as target_account,
        lower(credentials.target_server) as target_server,
        credentials.process_name,
        credentials.is_same_name_other_domain
    from explicit_credentials as credentials
),

final as (
    select
        hits.subject_account,
        hits.target_account,
        hits.target_server,
        hits.process_name,
        hits.is_same_name_other_domain,
        count(*) as events,
        count(distinct hits.host) as hosts,
        count(distinct hits.subject_account) as users,
        min(hits.event_time) as first_seen,
        max(hits.event_time) as last_seen
    from hits
    group by hits.subject_account, hits.target_account, hits.target_server, hits.process_name, hits.is_same_name_other_domain
)

select * from final
