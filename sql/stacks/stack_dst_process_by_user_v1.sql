-- /// analytic
-- id = "stack_dst_process_by_user"
-- version = 1
-- title = "Processes under another account than their creator's, counted"
-- description = "Programs that run under a domain account which is not that of the process that created them, as WMI, services, tasks and runas start them; by program, parent and account, the rarest first."
-- kind = "stack"
-- side = "destination"
-- filters = "events"
-- order_by = ["events", "hosts", "process_name", "parent_process_name", "user"]
-- severity = "informational"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Hunter Notes: processes executed by a different user" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["user_name", "parent_process_guid"] },
--     { channel = "Security", event_id = 4688, columns = ["subject_name", "target_name"] },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "The first processes of a logon at the keyboard, services and tasks of domain accounts, COM servers that svchost.exe starts for a user, runas.",
-- ]
-- considerations = [
--     "Mind which side a record belongs to: what happens on the source is not what happens on the destination.",
--     "The document asks for this on the destination host: filter local accounts out, keep processes run by a different user, and stack the values.",
-- ]
-- artifacts = ["Process creation records on the target host"]
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
--     { name = "Sysmon 1, process create", platform = "Windows", attack_data_source = "Process Monitoring" },
--     { name = "Security 4688, a new process has been created", platform = "Windows", attack_data_source = "Process Monitoring" },
-- ]
-- references = [
--     { title = "ThreatHunter-Playbook: Create Remote Process via WMIC (T1028_wmic_remote)" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "JPCERT/CC: Detecting Lateral Movement through Tracking Event Logs", url = "https://www.jpcert.or.jp/english/pub/sr/20170612ac-ir_research_en.pdf" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "The creator's account is the Subject of a 4688 and, for Sysmon 1, ParentUser or the parent's own record; where neither is known the process is left out.",
--     "A different account has another name, or the same name in a domain whose first label is another.",
--     "A 4688 that has no Target* (version 1, or none other than its creator) runs under its creator's account by definition.",
--     "The Sysmon 1 and the 4688 of one process are two events.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.stack_dst_process_by_user_v1 as
with processes as (
    select
        process.event_time,
        process.host,
        process.event_uid,
        process.process_name,
        process.parent_process_name,
        lower(process.user_name) as user_name,
        lower(coalesce(process.user_domain, '')) as user_domain,
        process.parent_process_guid,
        case
            when process.channel = 'Security' then lower(process.subject_name)
            when contains(process.parent_user, '\') then lower(split_part(process.parent_user, '\', 2))
            else lower(process.parent_user)
        end as creator_name,
        case
            when process.channel = 'Security' then lower(process.subject_domain)
            when contains(process.parent_user, '\') then lower(split_part(process.parent_user, '\', 1))
        end as creator_domain
    from process_creation as process
    where process.user_class = 'domain'
),

parents as (
    select
        processes.event_uid,
        arg_max(
            { 'user_name': mark.user_name, 'user_domain': mark.user_domain },
            { 't': mark.event_time, 'u': mark.event_uid }
        ) as creator
    from processes
    inner join process_mark as mark
        on
            processes.host = mark.host
            and processes.parent_process_guid = mark.life_key
    where
        coalesce(processes.creator_name, '') in ('', '-')
        and mark.mark = 'start'
    group by processes.event_uid
),

created as (
    select
        processes.event_time,
        processes.host,
        processes.process_name,
        processes.parent_process_name,
        processes.user_name,
        processes.user_domain,
        case
            when coalesce(processes.creator_name, '') in ('', '-') then lower(parents.creator.user_name)
            else processes.creator_name
        end as creator_name,
        case
            when coalesce(processes.creator_name, '') in ('', '-') then lower(parents.creator.user_domain)
            else processes.creator_domain
        end as creator_domain
    from processes
    left join parents on processes.event_uid = parents.event_uid
),

hits as (
    select
        created.event_time,
        created.host,
        created.process_name,
        created.parent_process_name,
        created.user_domain || '\' || created.user_name as user
    from created
    where
        coalesce(created.creator_name, '') not in ('', '-')
        and (
            created.creator_name is distinct from created.user_name
            or split_part(coalesce(created.creator_domain, ''), '.', 1)
            is distinct from split_part(created.user_domain, '.', 1)
        )
),

final as (
    select
        hits.process_name,
        hits.parent_process_name,
        hits.user,
        count(*) as events,
        count(distinct hits.host) as hosts,
        count(distinct hits.user) as users,
        min(hits.event_time) as first_seen,
        max(hits.event_time) as last_seen
    from hits
    group by hits.process_name, hits.parent_process_name, hits.user
)

select * from final
