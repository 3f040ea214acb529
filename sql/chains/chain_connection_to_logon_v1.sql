-- /// analytic
-- id = "chain_connection_to_logon"
-- version = 1
-- title = "A connection tied to the network logon that it carried"
-- description = "A connection whose own address and port stand in a network logon on another host within 120 seconds: which process on which host logged on there, without any command line."
-- kind = "chain"
-- side = "both"
-- filters = "rows"
-- order_by = ["event_time", "source_host", "target_host", "source_port"]
-- key = ["source_host", "source_ip", "source_port", "target_host", "event_time"]
-- severity = "low"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "Notes: Can we see network communication between Windows hosts?" },
--     { document = "hunt-report-wmi-lateral-movement", item = "Notes: What systems are communicating with one another?" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 3, columns = ["source_port", "source_ip"] },
--     { channel = "Security", event_id = 5156, columns = ["source_port", "source_ip"] },
--     { channel = "Security", event_id = 4624, columns = ["source_port", "source_ip"] },
-- ]
-- impact = 10
-- confidence = 5
-- risk_score = 0
-- message = "$source_process_name on $source_host logged on to $target_host as $user_name"
-- risk_objects = [
--     { field = "source_host", type = "system" },
--     { field = "target_host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "high"
-- false_positives = [
--     "Every ordinary network logon whose connection was logged: machine accounts to their domain controller all day.",
-- ]
-- considerations = [
--     "A tie alone is no attack; lateral_movement makes an edge of it only for a user over RPC's dynamic ports or WinRM.",
--     "The process is that of the connection record: for port 135 the RPC service, for SMB System.",
-- ]
-- artifacts = [
--     "Sysmon 3 or WFP 5156 on the source host, Security 4624 on the target",
-- ]
-- response = [
--     "Follow the logon ids on the target: wmiwh session TARGET LOGON_ID.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries use WMI to run commands on other computers of the network."
-- platforms = ["Windows"]
-- references = [
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "One row for each connection (source host, address, port) and target; its several logons stand in lists. The account is that of the first logon of a user, or of the first of all where none is.",
-- ]
-- ///
create or replace view hunt.chain_connection_to_logon_v1 as
with pairs as (
    select
        connection_logon.connection_time,
        connection_logon.source_host,
        connection_logon.source_ip,
        connection_logon.source_port,
        connection_logon.destination_ip,
        connection_logon.destination_port,
        connection_logon.source_process_name,
        connection_logon.source_process_id,
        connection_logon.source_user_name,
        connection_logon.source_user_domain,
        connection_logon.target_host,
        connection_logon.user_name,
        connection_logon.user_domain,
        connection_logon.user_class,
        connection_logon.logon_id,
        connection_logon.logon_time,
        connection_logon.clock_skew_seconds,
        connection_logon.connection_uid,
        connection_logon.session_uid,
        connection_logon.source_record,
        connection_logon.target_record,
        lag(connection_logon.connection_time) over (
            partition by
                connection_logon.source_host,
                connection_logon.source_ip,
                connection_logon.source_port,
                connection_logon.target_host
            order by connection_logon.connection_time, connection_logon.connection_uid, connection_logon.session_uid
        ) as previous_time
    from connection_logon
),

numbered as (
    select
        pairs.connection_time,
        pairs.source_host,
        pairs.source_ip,
        pairs.source_port,
        pairs.destination_ip,
        pairs.destination_port,
        pairs.source_process_name,
        pairs.source_process_id,
        pairs.source_user_name,
        pairs.source_user_domain,
        pairs.target_host,
        pairs.user_name,
        pairs.user_domain,
        pairs.user_class,
        pairs.logon_id,
        pairs.logon_time,
        pairs.clock_skew_seconds,
        pairs.connection_uid,
        pairs.session_uid,
        pairs.source_record,
        pairs.target_record,
        cast(
            sum(case when pairs.connection_time <= pairs.previous_time + interval '120' second then 0 else 1 end) over (
                partition by pairs.source_host, pairs.source_ip, pairs.source_port, pairs.target_host
                order by pairs.connection_time, pairs.connection_uid, pairs.session_uid
                rows between unbounded preceding and current row
            ) as bigint
        ) as connection_number
    from pairs
),

tied as (
    select
        min(numbered.connection_time) as event_time,
        numbered.source_host,
        numbered.target_host,
        numbered.source_ip,
        numbered.source_port,
        min(numbered.destination_ip) as destination_ip,
        min(numbered.destination_port) as destination_port,
        min(
            {
                'is_without_user': numbered.source_user_name is null,
                'is_without_process': numbered.source_process_name is null,
                'connection_time': numbered.connection_time,
                'event_uid': numbered.connection_uid,
                'process_name': numbered.source_process_name,
                'process_id': numbered.source_process_id,
                'user_name': numbered.source_user_name,
                'user_domain': numbered.source_user_domain
            }
        ) as connection,
        min(
            {
                'is_no_user': coalesce(numbered.user_class, '') not in ('domain', 'local'),
                'logon_time': numbered.logon_time,
                'event_uid': numbered.session_uid,
                'user_name': numbered.user_name,
                'user_domain': numbered.user_domain,
                'user_class': numbered.user_class
            }
        ) as logon,
        bool_or(numbered.user_class in ('domain', 'local')) as is_user,
        count(distinct numbered.logon_id) as logons,
        list_sort(list(distinct numbered.logon_id)) as logon_ids,
        min(numbered.logon_time) as first_logon,
        max(numbered.logon_time) as last_logon,
        min(numbered.clock_skew_seconds) as clock_skew_seconds,
        list_sort(list(distinct numbered.source_record)) as source_evidence,
        list_sort(list(distinct numbered.target_record)) as target_evidence
    from numbered
    group by
        numbered.source_host,
        numbered.target_host,
        numbered.source_ip,
        numbered.source_port,
        numbered.connection_number
),

final as (
    select
        tied.event_time,
        tied.source_host,
        tied.target_host,
        tied.source_ip,
        tied.source_port,
        tied.destination_ip,
        tied.destination_port,
        tied.connection.process_name as source_process_name,
        tied.connection.process_id as source_process_id,
        tied.connection.user_name as source_user_name,
        tied.connection.user_domain as source_user_domain,
        tied.logon.user_name,
        tied.logon.user_domain,
        tied.logon.user_class,
        tied.is_user,
        tied.logons,
        tied.logon_ids,
        tied.first_logon,
        tied.last_logon,
        tied.clock_skew_seconds,
        tied.source_evidence,
        tied.target_evidence
    from tied
)

select * from final
