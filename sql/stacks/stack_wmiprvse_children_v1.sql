-- /// analytic
-- id = "stack_wmiprvse_children"
-- version = 1
-- title = "What WMI started, counted"
-- description = "Children of the WMI provider host by program and account, the rarest first."
-- kind = "stack"
-- side = "destination"
-- filters = "events"
-- order_by = ["events", "hosts", "process_name", "user"]
-- severity = "informational"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Hunter Notes: WmiPrvse.exe as a parent" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["parent_process_name"] },
--     { channel = "Security", event_id = 4688, columns = ["parent_process_id"] },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "Management agents and inventory scripts that start programs by WMI.",
--     "Error reporting and installers that WMI providers start themselves.",
-- ]
-- considerations = [
--     "What stands on many hosts is management software; what stands once deserves a look in wmiprvse_children.",
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
--     "The Sysmon 1 and the 4688 of one process are two events.",
--     "user is domain\\user in lower case; NULL where a record names none.",
--     "The document's number T1028 is the old one; T1047 is today's.",
--     "Hunting techniques that the document recommends: grouping, searching, stack counting.",
-- ]
-- ///
create or replace view hunt.stack_wmiprvse_children_v1 as
with hits as (
    select
        process.event_time,
        process.host,
        process.parent_process_name,
        process.process_name,
        case
            when process.user_class = 'none' then null
            when coalesce(process.user_domain, '') in ('', '-') then lower(process.user_name)
            else lower(process.user_domain || '\' || process.user_name)
        end as user
    from process_creation as process
    where process.parent_process_name = 'wmiprvse.exe'
),

final as (
    select
        hits.parent_process_name,
        hits.process_name,
        hits.user,
        count(*) as events,
        count(distinct hits.host) as hosts,
        count(distinct hits.user) as users,
        min(hits.event_time) as first_seen,
        max(hits.event_time) as last_seen
    from hits
    group by hits.parent_process_name, hits.process_name, hits.user
)

select * from final
