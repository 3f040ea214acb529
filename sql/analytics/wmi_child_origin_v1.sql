-- /// analytic
-- id = "wmi_child_origin"
-- version = 1
-- title = "Children of WmiPrvSE by where their session came from"
-- description = "Every process that WmiPrvSE.exe started, with the logon session it runs in and so whether it was asked for from elsewhere, by a local script, or by a subscription or service; and the WMI provider that the host process had loaded."
-- kind = "detection"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "medium"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Hunter Notes: WmiPrvse.exe as a parent", note = "With the origin of each child's session." },
--     { document = "car-2016-03-002", item = "CAR-2014-12-001: remote process creation by WMI", note = "Origin by logon session and not by network sensor." },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["parent_process_name", "logon_id"] },
--     { channel = "Security", event_id = 4688, columns = ["parent_process_id", "logon_id"] },
--     { channel = "Security", event_id = 4624, columns = ["logon_id"] },
-- ]
-- impact = 60
-- confidence = 60
-- risk_score = 36
-- message = "WmiPrvSE.exe on $host started $process_name as $user_name, origin $origin"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "Management agents that run programs by WMI.",
-- ]
-- considerations = [
--     "unknown means that the 4624 of the child's session is not in the logs: too old, rolled over or not collected. It does not mean local.",
--     "A 4688 of version 1 or 0 bears only its creator's logon id, never the child's, so its origin is unknown.",
-- ]
-- artifacts = [
--     "Process creation and Security 4624 on the target host, WMI-Activity 5857",
-- ]
-- response = [
--     "remote: take the address and port to lateral_movement.",
--     "subscription or service: look at wmi_subscription for what is bound there.",
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
--     "origin is remote for logon types 3 and 8, local for the others, subscription or service for the system's own logon ids.",
--     "wmi_providers are those that the same host process had loaded (5857) within 24 hours before.",
-- ]
-- ///
create or replace view hunt.wmi_child_origin_v1 as
with children as (
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
        process.parent_source,
        process.version,
        process.target_logon_id,
        process.channel,
        process.event_id,
        process.record_id,
        process.source_file,
        process.source_record
    from process_creation as process
    where process.parent_process_name = 'wmiprvse.exe'
),

providers as (
    select
        children.event_uid,
        children.host,
        nullif(array_to_string(list_sort(list(distinct events.object_name)), ', '), '') as wmi_providers
    from children
    inner join events
        on
            children.host = events.host
            and children.parent_process_id = events.process_id
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Microsoft-Windows-WMI-Activity/Operational'
        and events.event_id = 5857
        and coalesce(events.provider, 'Microsoft-Windows-WMI-Activity') = 'Microsoft-Windows-WMI-Activity'
        and events.event_time > children.event_time - interval '24' hour
        and events.event_time <= children.event_time + interval '5' second
    group by children.event_uid, children.host
),

sessions as (
    select
        session_process.event_uid,
        session_process.join_key,
        session.host,
        session.event_uid as session_uid,
        session.start_time,
        session.logon_type,
        session.source_ip,
        session.source_port,
        session.workstation,
        session.is_self
    from session_process
    inner join logon_session as session
        on
            session_process.host = session.host
            and session_process.session_uid = session.event_uid
    where session_process.parent_process_name = 'wmiprvse.exe'
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
        children.parent_source,
        case
            when sessions.logon_type in (3, 8) then 'remote'
            when sessions.logon_type is not null then 'local'
            when
                length(children.logon_id) = 5
                and children.logon_id between '0x3e2' and '0x3e7'
                and (
                    coalesce(children.channel, '') <> 'Security'
                    or coalesce(children.version, case when children.target_logon_id is not null then 2 end, 0) >= 2
                )
                then 'subscription or service'
            else 'unknown'
        end as origin,
        sessions.logon_type,
        sessions.start_time as logon_time,
        sessions.source_ip,
        sessions.source_port,
        sessions.workstation,
        sessions.is_self,
        sessions.join_key,
        sessions.session_uid,
        providers.wmi_providers,
        children.channel,
        children.event_id,
        children.record_id,
        children.source_file,
        children.source_record
    from children
    left join sessions
        on
            children.host = sessions.host
            and children.event_uid = sessions.event_uid
    left join providers
        on
            children.host = providers.host
            and children.event_uid = providers.event_uid
)

select * from final
