-- /// analytic
-- id = "car_2014_12_001_session"
-- version = 1
-- title = "A child of WmiPrvSE whose session names an inbound connection"
-- description = "The robust form of CAR-2014-12-001: the logon session of the child (4624) names the source address and port of a connection that came in on that host; where the 4624 is missing, a connection between dynamic ports -2 to +5 seconds around."
-- kind = "detection"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "high"
-- implements = [
--     { document = "car-2016-03-002", item = "Related analytic: CAR-2014-12-001", note = "By the session's address and port and not by time." },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 3, columns = ["source_port", "source_ip", "is_initiated"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["parent_process_name", "logon_id"] },
--     { channel = "Security", event_id = 4688, columns = ["logon_id"] },
--     { channel = "Security", event_id = 4624, columns = ["source_ip", "source_port"] },
-- ]
-- impact = 80
-- confidence = 85
-- risk_score = 68
-- message = "$source_ip logged on to $host, and WmiPrvSE.exe there started $process_name"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "low"
-- false_positives = [
--     "Administrators and management servers that start programs by WMI.",
-- ]
-- considerations = [
--     "tied_by session is exact: address and port of the child's own logon. tied_by time is used only where the 4624 is not in the logs.",
-- ]
-- artifacts = [
--     "Sysmon 3 or WFP 5156, process creation and Security 4624 on the target host",
-- ]
-- response = [
--     "Take source_ip and source_port to the source host's connections: they name the process there.",
--     "Look for the act in lateral_movement.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries use WMI to run commands on other computers of the network."
-- platforms = ["Windows"]
-- references = [
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "CAR-2014-12-001: Remotely Launched Executables via WMI", url = "https://car.mitre.org/analytics/CAR-2014-12-001/" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "Any port and no test of time where the session is known.",
-- ]
-- ///
create or replace view hunt.car_2014_12_001_session_v1 as
with inbound as (
    select
        connection.event_uid,
        connection.event_time,
        connection.host,
        connection.source_ip,
        connection.source_ip_key,
        connection.source_port,
        connection.destination_port,
        connection.record_id
    from network_connection as connection
    where
        connection.is_initiated is false
        and lower(coalesce(connection.protocol, 'tcp')) in ('tcp', '6')
        and connection.source_scope in ('internal', 'external')
        and connection.source_ip_key is distinct from connection.destination_ip_key
),

children as (
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
        process.parent_process_name,
        process.parent_process_id,
        process.parent_command_line,
        process.channel,
        process.event_id,
        process.record_id,
        process.source_file,
        process.source_record
    from process_creation as process
    where process.parent_process_name = 'wmiprvse.exe'
),

sessions as (
    select
        session_process.event_uid,
        session.host,
        session.event_uid as session_uid,
        session.start_time,
        session.source_ip_key,
        session.source_port
    from session_process
    inner join logon_session as session
        on
            session_process.host = session.host
            and session_process.session_uid = session.event_uid
    where session_process.parent_process_name = 'wmiprvse.exe'
),

tied as (
    select
        sessions.host,
        sessions.event_uid,
        sessions.session_uid,
        arg_min(
            {
                'event_uid': inbound.event_uid,
                'event_time': inbound.event_time,
                'source_ip': inbound.source_ip,
                'source_port': inbound.source_port,
                'destination_port': inbound.destination_port,
                'record_id': inbound.record_id
            },
            {
                't': abs(date_diff('microsecond', sessions.start_time, inbound.event_time)),
                'u': inbound.event_uid
            }
        ) as connection
    from sessions
    inner join inbound
        on
            sessions.host = inbound.host
            and sessions.source_ip_key = inbound.source_ip_key
            and sessions.source_port = inbound.source_port
    group by sessions.host, sessions.event_uid, sessions.session_uid
),

timed as (
    select
        children.host,
        children.event_uid,
        cast(null as varchar) as session_uid,
        arg_min(
            {
                'event_uid': inbound.event_uid,
                'event_time': inbound.event_time,
                'source_ip': inbound.source_ip,
                'source_port': inbound.source_port,
                'destination_port': inbound.destination_port,
                'record_id': inbound.record_id
            },
            {
                't': abs(date_diff('microsecond', children.event_time, inbound.event_time)),
                'u': inbound.event_uid
            }
        ) as connection
    from children
    left join sessions
        on
            children.host = sessions.host
            and children.event_uid = sessions.event_uid
    inner join inbound on children.host = inbound.host
    where
        sessions.event_uid is null
        and inbound.source_port >= 49152
        and inbound.destination_port >= 49152
        and children.event_time >= inbound.event_time - interval '2' second
        and children.event_time <= inbound.event_time + interval '5' second
    group by children.host, children.event_uid
),

found as (
    select
        tied.host,
        tied.event_uid,
        tied.session_uid,
        tied.connection,
        'session' as tied_by
    from tied
    union all
    select
        timed.host,
        timed.event_uid,
        timed.session_uid,
        timed.connection,
        'time' as tied_by
    from timed
),

final as (
    select
        children.event_time,
        children.host,
        children.event_uid,
        children.user_name,
        children.user_domain,
        children.user_class,
        children.logon_id,
        children.process_path,
        children.process_name,
        children.process_id,
        children.command_line,
        children.parent_process_name,
        children.parent_process_id,
        children.parent_command_line,
        found.tied_by,
        found.session_uid,
        found.connection.source_ip,
        found.connection.source_port,
        found.connection.destination_port,
        found.connection.event_time as connection_time,
        found.connection.event_uid as connection_uid,
        found.connection.record_id as connection_record_id,
        children.channel,
        children.event_id,
        children.record_id,
        children.source_file,
        children.source_record
    from children
    inner join found
        on
            children.host = found.host
            and children.event_uid = found.event_uid
)

select * from final
