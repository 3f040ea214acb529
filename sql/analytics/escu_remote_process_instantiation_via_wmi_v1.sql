-- /// analytic
-- id = "escu_remote_process_instantiation_via_wmi"
-- version = 1
-- title = "Remote Process Instantiation via WMI"
-- description = "wmic.exe, or a renamed copy that its version resource betrays, told to start a process on another computer; one row per process and host, however many records tell of it."
-- kind = "detection"
-- side = "source"
-- filters = "events"
-- order_by = ["last_time desc", "dest", "process_id"]
-- key = ["dest", "user", "parent_process_name", "process_name", "process", "process_id", "parent_process_id"]
-- severity = "medium"
-- risk_score = 49
-- impact = 70
-- confidence = 70
-- message = "A WMIC process on $dest was told to start a process elsewhere: $process"
-- implements = [
--     { document = "escu-remote-process-instantiation-via-wmi", item = "Remote Process Instantiation via WMI", dialect = "spl" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["process_name", "original_file_name", "command_line"] },
--     { channel = "Security", event_id = 4688, columns = ["process_name", "command_line"] },
--     { channel = "crowdstrike/ProcessRollup2", columns = ["process_name", "command_line"] },
-- ]
-- risk_objects = [
--     { field = "dest", type = "system", score = 49 },
--     { field = "user", type = "user", score = 49 },
-- ]
-- creates_notable = true
-- creates_risk_event = true
-- notable_fields = ["user", "dest"]
-- false_positive_rate = "low"
-- false_positives = [
--     "Administrators may use wmic with these switches to manage other computers, but few do.",
-- ]
-- considerations = [
--     "If confirmed, someone can run any code on other computers and spread from there.",
-- ]
-- implementation = [
--     "Wants process records of endpoints with process GUID, process name, parent process and the whole command line.",
--     "Here those are Sysmon 1, Security 4688 with command lines audited, and CrowdStrike exports; no data model has to be accelerated.",
-- ]
-- artifacts = ["Process creation records with the whole command line, on the source host"]
-- response = [
--     "Read the command line for the target and the command, and look on the target for the child of WmiPrvSE.exe (wmiprvse_children).",
--     "Ask the account's owner; a known administrator's script belongs into one's own exceptions.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- kill_chain = ["Installation"]
-- nist = ["DE.CM"]
-- cis = ["CIS 10"]
-- threat_actors = [
--     "APT29", "APT32", "APT41", "Aquatic Panda", "Blue Mockingbird", "Chimera", "Cinnamon Tempest", "Deep Panda",
--     "Earth Lusca", "Ember Bear", "FIN13", "FIN6", "FIN7", "FIN8", "GALLIUM", "Gamaredon Group", "INC Ransom",
--     "Indrik Spider", "Lazarus Group", "Leviathan", "Magic Hound", "MuddyWater", "Mustang Panda", "Naikon", "OilRig",
--     "Sandworm Team", "Stealth Falcon", "TA2541", "Threat Group-3390", "ToddyCat", "Volt Typhoon", "Windshift",
--     "Wizard Spider", "menuPass",
-- ]
-- story = ["Risk Based Analytics (RBA)"]
-- analytic_type = "TTP"
-- platforms = ["Windows"]
-- document_version = "9"
-- hypothesis = "Adversaries and red teams abuse wmic.exe to run a process on a remote system and so spread through the network."
-- data_sources = [
--     { name = "CrowdStrike ProcessRollup2", sourcetype = "crowdstrike:events:sensor", source = "crowdstrike" },
--     { name = "Sysmon EventID 1", platform = "Windows", sourcetype = "xmlwineventlog", source = "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational" },
--     { name = "Windows Event Log Security 4688", platform = "Windows", sourcetype = "xmlwineventlog", source = "XmlWinEventLog:Security" },
-- ]
-- macros = [
--     { name = "process_wmic", value = "(Processes.process_name=wmic.exe OR Processes.original_file_name=wmic.exe)", note = "The two branches of the view." },
--     { name = "remote_process_instantiation_via_wmi_filter", value = "search *", note = "Empty by default: a place for one's own exceptions without touching the query." },
--     { name = "security_content_summariesonly", value = "summariesonly", note = "Of Splunk's data models; nothing here." },
--     { name = "security_content_ctime", value = "strftime", note = "Times are printed by the driver." },
--     { name = "drop_dm_object_name", value = "rename Processes.* as *", note = "The columns bear the short names." },
-- ]
-- tested_on = [
--     { type = "Validation", status = "Passing", dataset = "N/A", source = "N/A", sourcetype = "N/A" },
--     { type = "Unit", status = "Passing", dataset = "Dataset", source = "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational", sourcetype = "XmlWinEventLog" },
--     { type = "Integration", status = "Passing", dataset = "Dataset", source = "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational", sourcetype = "XmlWinEventLog" },
-- ]
-- references = [
--     { title = "Data set of the unit test, as published with an earlier version: Splunk attack_data, T1047, Atomic Red Team", url = "https://media.githubusercontent.com/media/splunk/attack_data/master/datasets/attack_techniques/T1047/atomic_red_team/windows-sysmon.log" },
--     { title = "Splunk security content: Remote Process Instantiation via WMI" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
--     { version = "9", notes = "The document's version that this view follows." },
-- ]
-- notes = [
--     "user is domain\\user in lower case, process is the command line (CIM's word) and process ids are numbers, so that the Sysmon 1 and the 4688 of one process are one row. A key that a log lacks stays NULL and is a key of its own.",
--     "A row has no event time of its own: time, host and user filters belong beneath the aggregation.",
--     "The renamed copies come from the logged records alone: only a 4688 that names no parent needs one looked up by process id, and no 4688 knows OriginalFileName.",
--     "The document's risk message names the process twice; it is said once here.",
--     "The document's link list of references and the data set's address did not survive in its text.",
--     "The name of the analytic story did not survive either: behind its label stands only the heading of the next section, on risk.",
-- ]
--
-- [schedule]
-- cron = "0 * * * *"
-- earliest = "-70m@m"
-- latest = "-10m@m"
-- window = "auto"
-- enabled = false
-- ///
create or replace view hunt.escu_remote_process_instantiation_via_wmi_v1 as
with wmic as (
    select
        process.event_time,
        process.host as dest,
        case
            when process.user_class = 'none' then null
            when coalesce(process.user_domain, '') in ('', '-') then lower(process.user_name)
            else lower(process.user_domain || '\' || process.user_name)
        end as user,
        lower(process.parent_process_name) as parent_process_name,
        lower(process.process_name) as process_name,
        process.command_line as process,
        process.process_id,
        process.parent_process_id
    from process_creation as process
    where
        process.process_name = 'wmic.exe'
        and contains(lower(process.command_line), '/node:')
        and contains(lower(process.command_line), 'process')
        and contains(lower(process.command_line), 'call')
        and contains(lower(process.command_line), 'create')
),

renamed_wmic as (
    select
        process.event_time,
        process.host as dest,
        case
            when process.user_class = 'none' then null
            when coalesce(process.user_domain, '') in ('', '-') then lower(process.user_name)
            else lower(process.user_domain || '\' || process.user_name)
        end as user,
        lower(process.parent_process_name) as parent_process_name,
        lower(process.process_name) as process_name,
        process.command_line as process,
        process.process_id,
        process.parent_process_id
    from process_event as process
    where
        lower(process.original_file_name) = 'wmic.exe'
        and coalesce(process.process_name, '') <> 'wmic.exe'
        and contains(lower(process.command_line), '/node:')
        and contains(lower(process.command_line), 'process')
        and contains(lower(process.command_line), 'call')
        and contains(lower(process.command_line), 'create')
),

hits as (
    select
        wmic.event_time,
        wmic.dest,
        wmic.user,
        wmic.parent_process_name,
        wmic.process_name,
        wmic.process,
        wmic.process_id,
        wmic.parent_process_id
    from wmic
    union all
    select
        renamed_wmic.event_time,
        renamed_wmic.dest,
        renamed_wmic.user,
        renamed_wmic.parent_process_name,
        renamed_wmic.process_name,
        renamed_wmic.process,
        renamed_wmic.process_id,
        renamed_wmic.parent_process_id
    from renamed_wmic
),

final as (
    select
        hits.dest,
        hits.user,
        hits.parent_process_name,
        hits.process_name,
        hits.process,
        hits.process_id,
        hits.parent_process_id,
        count(*) as count,
        min(hits.event_time) as first_time,
        max(hits.event_time) as last_time,
        'A WMIC process on ' || coalesce(hits.dest, 'an unnamed host')
        || ' was told to start a process elsewhere: ' || hits.process as risk_message,
        49 as risk_score
    from hits
    group by
        hits.dest,
        hits.user,
        hits.parent_process_name,
        hits.process_name,
        hits.process,
        hits.process_id,
        hits.parent_process_id
)

select * from final
