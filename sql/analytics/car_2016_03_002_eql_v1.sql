-- /// analytic
-- id = "car_2016_03_002_eql"
-- version = 1
-- title = "Create Remote Process via WMIC (EQL form)"
-- description = "A new wmic.exe whose command line has both the switch for another computer and the method that starts a process: someone on this host tried to run a program elsewhere by WMI."
-- kind = "detection"
-- side = "source"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "high"
-- implements = [
--     { document = "car-2016-03-002", item = "Eql, EQL native", dialect = "eql", note = "The first pattern of the document lost its last star; the pseudocode's is meant." },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["process_name", "command_line"] },
--     { channel = "Security", event_id = 4688, columns = ["process_name", "command_line"] },
-- ]
-- impact = 80
-- confidence = 70
-- risk_score = 56
-- message = "$user_name on $host ran $command_line"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "unknown"
-- false_positives = [
--     "Scripts of administrators that start programs on other computers with wmic.",
--     "Software distribution that still uses wmic.",
-- ]
-- considerations = [
--     "Narrower than watching the target: PowerShell, scripts and implants reach WMI without wmic.exe.",
--     "The blanks of both patterns count: doubled blanks, or a quote right behind create, escape it; xql_wmic_remote_exec and escu_remote_process_instantiation_via_wmi catch those.",
--     "The target may be named by host name or by address, with or without quotes: column targets.",
-- ]
-- artifacts = ["Process creation records with the whole command line, on the source host"]
-- response = [
--     "Read targets and remote_command, and look on the named hosts for the child of WmiPrvSE.exe (wmiprvse_children).",
--     "Find out who used the account, and from which parent process.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"], coverage = "low", subtechnique = "N/A" },
-- ]
-- d3fend = [
--     { id = "D3-PSA", name = "Process Spawn Analysis", url = "https://d3fend.mitre.org/technique/d3f:ProcessSpawnAnalysis" },
-- ]
-- information_domain = "Host"
-- hypothesis = "Adversaries may move laterally by launching programs on other computers with WMI; where they use wmic.exe, its command line on the source host tells."
-- subtypes = ["Process"]
-- analytic_type = "TTP"
-- platforms = ["Windows"]
-- contributors = ["MITRE"]
-- created = "2016-03-28"
-- data_sources = [
--     { name = "Sysmon 1, process create", platform = "Windows" },
--     { name = "Security 4688, a new process has been created", platform = "Windows" },
-- ]
-- data_model_references = [
--     { object = "process", action = "create", field = "exe" },
--     { object = "process", action = "create", field = "command_line" },
-- ]
-- references = [
--     { title = "MITRE CAR: CAR-2016-03-002", url = "https://car.mitre.org/analytics/CAR-2016-03-002/" },
--     { title = "MITRE CAR: CAR-2014-12-001, the same activity seen on the target", url = "https://car.mitre.org/analytics/CAR-2014-12-001/" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "ATT&CK T1059.001, the other built-in way", url = "https://attack.mitre.org/techniques/T1059/001/" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
--     { version = "1", date = "2016-03-28", notes = "Submitted to CAR." },
-- ]
-- notes = [
--     "Taken literally, \"* process call create \" would want the line to end right there, and nothing could follow: the document's pattern lost its last star. It is read as the pseudocode has it.",
--     "So the rows are those of car_2016_03_002.",
--     "exe == \"wmic.exe\" is read as the file name, whatever the folder.",
--     "Both a Sysmon 1 and a Security 4688 of one process are hits: they are two pieces of evidence.",
-- ]
-- ///
create or replace view hunt.car_2016_03_002_eql_v1 as
with final as (
    select
        process.event_time,
        process.host,
        process.event_uid,
        process.user_name,
        process.user_domain,
        process.user_class,
        process.logon_id,
        process.process_path,
        process.process_name,
        process.process_id,
        process.command_line,
        process.targets,
        process.remote_command,
        process.explicit_user,
        process.parent_process_path,
        process.parent_process_name,
        process.parent_process_id,
        process.parent_command_line,
        process.parent_source,
        process.channel,
        process.event_id,
        process.record_id,
        process.source_file,
        process.source_record
    from process_creation as process
    where
        process.process_name = 'wmic.exe'
        and contains(lower(process.command_line), ' process call create ')
        and contains(lower(process.command_line), ' /node:')
)

select * from final
