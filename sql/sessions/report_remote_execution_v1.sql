-- /// analytic
-- id = "report_remote_execution"
-- version = 1
-- title = "Network logons followed by processes in the same session"
-- description = "Logon sessions of type 3 on a host in which processes were created: who logged on over the network, from where, for how long, and what ran."
-- kind = "session"
-- side = "destination"
-- filters = "rows"
-- order_by = ["start", "host", "logon_id"]
-- severity = "medium"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "Query: Systems with Network 4624 Event followed by Sysmon Process Creations - Destination Host", note = "Joined by host and logon id; 4688 counts beside Sysmon 1." },
--     { document = "hunt-report-wmi-lateral-movement", item = "Results: Remote Execution via WMI - Destination Host" },
-- ]
-- requires = [
--     { channel = "Security", event_id = 4624, columns = ["logon_id", "source_ip"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["logon_id"] },
--     { channel = "Security", event_id = 4688, columns = ["logon_id"] },
-- ]
-- message = "$process_count records of processes that $user ran on $host in a network logon from $source_ip"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user", type = "user" },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "Administration over the network: management agents, remote shells, software distribution.",
--     "A session whose 4624 fell out of the log is not here at all.",
-- ]
-- considerations = [
--     "The account and the address of the 4624 lead to the source host; the first parent tells the vehicle (WmiPrvSE.exe, wsmprovhost.exe, services.exe).",
--     "process_count counts creation records: Sysmon 1 and 4688 of one process are two. event_count counts every event of the host that names the logon id.",
--     "A process after the logoff of its session, or before its logon, belongs to no session.",
-- ]
-- artifacts = [
--     "Security 4624 and process creation on the target host",
-- ]
-- response = [
--     "Print the whole session: wmiwh session HOST LOGON_ID.",
--     "Look at the source address: lateral_movement names the host and the process there.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries will try to reach other systems by way of Windows Management Instrumentation."
-- platforms = ["Windows"]
-- contributors = ["Hunter"]
-- created = "2023-08-06"
-- data_sources = [
--     { name = "Security log: logons, logoffs, process creation", platform = "Windows", attack_data_source = "Authentication logs" },
--     { name = "Sysmon 1, process create", platform = "Windows", attack_data_source = "Process Monitoring" },
-- ]
-- tested_on = [
--     { type = "The report's own run", status = "2 hits", dataset = "BOTs v2, 2017-08-23 to 2017-08-25" },
-- ]
-- references = [
--     { title = "Example hunt report: WMI - Lateral Movement Hunt" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047" },
--     { title = "ATT&CK T1059.001, PowerShell", url = "https://attack.mitre.org/techniques/T1059/001/" },
--     { title = "ATT&CK T1132, data encoding", url = "https://attack.mitre.org/techniques/T1132/" },
--     { title = "JPCERT/CC: Detecting Lateral Movement through Tracking Event Logs, version 2", url = "https://www.jpcert.or.jp/english/pub/sr/Detecting%20Lateral%20Movement%20through%20Tracking%20Event%20Logs_version2.pdf" },
--     { title = "JPCERT/CC: Tool Analysis Result Sheet", url = "https://jpcertcc.github.io/ToolAnalysisResultSheet/" },
--     { title = "Hunting lateral movement in Windows infrastructure", url = "https://www.slideshare.net/votadlos/hunting-lateral-movement-in-windows-infrastructure" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
--     { version = "1", date = "2023-08-06", notes = "The hunt was written up and run." },
-- ]
-- notes = [
--     "The document's transaction has neither a host nor a time in its key: here both are, so that one logon id on two hosts or after a boot is never one session.",
--     "Sessions are never joined on LogonGuid.",
-- ]
-- ///
create or replace view hunt.report_remote_execution_v1 as
with inside as (
    select
        session_process.host,
        session_process.session_uid,
        count(*) as process_count,
        arg_min(
            session_process.parent_process_name,
            case
                when session_process.parent_process_name is not null
                    then { 't': session_process.event_time, 'u': session_process.event_uid }
            end
        ) as first_parent_process_name,
        arg_min(
            session_process.parent_command_line,
            case
                when session_process.parent_command_line is not null
                    then { 't': session_process.event_time, 'u': session_process.event_uid }
            end
        ) as first_parent_command_line,
        list_sort(
            list(
                {
                    'event_time': session_process.event_time,
                    'event_uid': session_process.event_uid,
                    'host': session_process.host,
                    'channel': session_process.channel,
                    'event_id': session_process.event_id,
                    'record_id': session_process.record_id,
                    'process_name': session_process.process_name,
                    'process_id': session_process.process_id,
                    'command_line': session_process.command_line,
                    'parent_process_name': session_process.parent_process_name,
                    'join_key': session_process.join_key,
                    'source_file': session_process.source_file,
                    'source_record': session_process.source_record
                }
            )
        ) as processes
    from session_process
    where session_process.logon_type = 3
    group by session_process.host, session_process.session_uid
),

sessions as (
    select
        session.host,
        session.logon_id,
        session.event_uid,
        session.user_name,
        session.user_domain,
        session.user_sid,
        session.user_class,
        session.source_ip,
        session.source_scope,
        session.source_port,
        session.workstation,
        session.is_self,
        session.start_time,
        session.end_time,
        session.end_source,
        session.channel,
        session.event_id,
        session.record_id,
        session.source_file,
        session.source_record,
        inside.process_count,
        inside.first_parent_process_name,
        inside.first_parent_command_line,
        inside.processes,
        lead(session.start_time) over (
            partition by session.host, session.logon_id order by session.start_time, session.event_uid
        ) as next_start_time,
        row_number() over (
            partition by session.host, session.logon_id order by session.start_time, session.event_uid
        ) as session_number
    from logon_session as session
    inner join inside
        on
            session.host = inside.host
            and session.event_uid = inside.session_uid
),

naming as (
    select
        sessions.host,
        sessions.event_uid,
        count(*) as event_count
    from sessions
    inner join logon_id_event
        on
            sessions.host = logon_id_event.host
            and sessions.logon_id = logon_id_event.named_id
    where
        (sessions.session_number = 1 or logon_id_event.event_time >= sessions.start_time)
        and (sessions.next_start_time is null or logon_id_event.event_time < sessions.next_start_time)
    group by sessions.host, sessions.event_uid
),

final as (
    select
        sessions.start_time as event_time,
        sessions.host,
        sessions.event_uid,
        sessions.logon_id,
        case
            when coalesce(sessions.user_domain, '') in ('', '-') then sessions.user_name
            else sessions.user_domain || '\' || sessions.user_name
        end as user,
        sessions.user_sid,
        sessions.user_class,
        sessions.source_ip,
        sessions.source_scope,
        sessions.source_port,
        sessions.workstation,
        sessions.is_self,
        sessions.start_time as start,
        sessions.end_time as "end",
        sessions.end_source,
        cast(date_diff('microsecond', sessions.start_time, sessions.end_time) as double) / 1000000 as duration_seconds,
        sessions.first_parent_process_name,
        sessions.first_parent_command_line,
        sessions.process_count,
        naming.event_count,
        sessions.processes,
        sessions.channel,
        sessions.event_id,
        sessions.record_id,
        sessions.source_file,
        sessions.source_record
    from sessions
    inner join naming
        on
            sessions.host = naming.host
            and sessions.event_uid = naming.event_uid
)

select * from final
