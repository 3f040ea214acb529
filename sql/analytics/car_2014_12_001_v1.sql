-- /// analytic
-- id = "car_2014_12_001"
-- version = 1
-- title = "Inbound RPC followed by a child of WmiPrvSE (CAR-2014-12-001)"
-- description = "A TCP connection that came in from another host between two dynamic ports, and a process that WmiPrvSE.exe started on the same host less than a second after: remotely launched by WMI."
-- kind = "detection"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "medium"
-- implements = [
--     { document = "car-2016-03-002", item = "Related analytic: CAR-2014-12-001", note = "After CAR's pseudocode, as far as host logs carry it." },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 3, columns = ["source_port", "destination_port", "is_initiated"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["parent_process_name"] },
-- ]
-- impact = 60
-- confidence = 50
-- risk_score = 30
-- message = "$source_ip connected to $host, and WmiPrvSE.exe there started $process_name"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "Two things that happen in one second by chance, on a host with much RPC traffic.",
-- ]
-- considerations = [
--     "Host logs show no RPC interface: that the connection spoke to WMI's is not proven.",
--     "Real Sysmon 3 records may bear a time after the child's: of four real acts this finds one. car_2014_12_001_session does not depend on times.",
-- ]
-- artifacts = [
--     "Sysmon 3 and 1 on the target host",
-- ]
-- response = [
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
--     "Both ports are dynamic (49152 and above), the connection was not opened here, and comes from another address.",
-- ]
-- ///
create or replace view hunt.car_2014_12_001_v1 as
with inbound as (
    select
        connection.event_uid,
        connection.event_time,
        connection.host,
        connection.source_ip,
        connection.source_ip_key,
        connection.source_port,
        connection.destination_port,
        connection.process_name,
        connection.record_id
    from network_connection as connection
    where
        connection.is_initiated is false
        and connection.channel = 'Microsoft-Windows-Sysmon/Operational'
        and lower(coalesce(connection.protocol, 'tcp')) = 'tcp'
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

nearest as (
    select
        children.host,
        children.event_uid,
        arg_max(
            {
                'event_uid': inbound.event_uid,
                'event_time': inbound.event_time,
                'source_ip': inbound.source_ip,
                'source_port': inbound.source_port,
                'destination_port': inbound.destination_port,
                'record_id': inbound.record_id
            },
            { 't': inbound.event_time, 'u': inbound.event_uid }
        ) as connection
    from children
    inner join inbound on children.host = inbound.host
    where
        inbound.source_port >= 49152
        and inbound.destination_port >= 49152
        and children.event_time >= inbound.event_time
        and children.event_time < inbound.event_time + interval '1' second
    group by children.host, children.event_uid
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
        nearest.connection.source_ip,
        nearest.connection.source_port,
        nearest.connection.destination_port,
        nearest.connection.event_time as connection_time,
        nearest.connection.event_uid as connection_uid,
        nearest.connection.record_id as connection_record_id,
        children.channel,
        children.event_id,
        children.record_id,
        children.source_file,
        children.source_record
    from children
    inner join nearest
        on
            children.host = nearest.host
            and children.event_uid = nearest.event_uid
)

select * from final
