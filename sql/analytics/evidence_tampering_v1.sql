-- /// analytic
-- id = "evidence_tampering"
-- version = 1
-- title = "A log was cleared, or what is logged was changed"
-- description = "The event log was cleared or its service stopped, the audit policy was changed, or Sysmon was stopped or configured anew. What these records announce is a hole: what a hunt does not find on that host before or after that time may have been there."
-- kind = "detection"
-- side = "both"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "medium"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "Outputs: the visibility gap that the hunt ran into", note = "Gaps that somebody made, beside those of collection." },
-- ]
-- requires = [
--     { channel = "Security", event_id = 1102, columns = ["subject_name"] },
--     { channel = "System", event_id = 104, columns = ["object_name"] },
--     { channel = "Security", event_id = 1100, columns = ["provider"] },
--     { channel = "Security", event_id = 4719, columns = ["registry_details"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 4, columns = ["object_name"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 16, columns = ["object_name"] },
-- ]
-- impact = 60
-- confidence = 45
-- risk_score = 27
-- message = "$host: $tampering, by $user_name"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "Every shutdown stops the event log service (1100) and Sysmon; is_at_shutdown marks those whose shutdown or boot is in the logs.",
--     "Group policy sets the audit policy (4719) as the computer's own account, mostly after a start or when a policy was changed.",
--     "Sysmon's installation and updates of its configuration (16).",
--     "Administrators who clear logs while they build or image a machine, and laboratories before each test.",
-- ]
-- considerations = [
--     "A cleared Security log writes its 1102 as the first record of the new log: it is all that is left of the time before.",
--     "is_less_logged is false where auditing was only added; it is empty where a record does not say, as with Sysmon's configurations.",
--     "wevtutil or a script that clears every log leaves dozens of 104 within seconds; the Security log's own clearing is the 1102.",
--     "Somebody who kills Sysmon or unloads its driver leaves no record 4: a Sysmon log that ends while others go on says as much (data_coverage).",
-- ]
-- artifacts = ["The record of the clearing itself, which outlives it", "Copies of the records at a collector, up to that time"]
-- response = [
--     "Look at what else the account did on that host, and where its logon_id came from.",
--     "Ask the collector, backups and other hosts' logs for what was cleared.",
--     "Compare the time with the acts of lateral_movement on that host.",
-- ]
-- attack = [
--     { technique = "T1070.001", name = "Indicator Removal: Clear Windows Event Logs", tactics = ["TA0005 Defense Evasion"] },
--     { technique = "T1562.002", name = "Impair Defenses: Disable Windows Event Logging", tactics = ["TA0005 Defense Evasion"] },
-- ]
-- platforms = ["Windows"]
-- hypothesis = "Adversaries will try to reach other systems by way of Windows Management Instrumentation."
-- data_sources = [
--     { name = "Security 1102, the audit log was cleared", platform = "Windows" },
--     { name = "System 104, an event log was cleared", platform = "Windows" },
--     { name = "Security 1100, the event logging service has shut down", platform = "Windows" },
--     { name = "Security 4719, system audit policy was changed", platform = "Windows" },
--     { name = "Sysmon 4 and 16, service state and configuration changed", platform = "Windows" },
-- ]
-- references = [
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "ATT&CK T1070.001, clear Windows event logs", url = "https://attack.mitre.org/techniques/T1070/001/" },
--     { title = "ATT&CK T1562.002, disable Windows event logging", url = "https://attack.mitre.org/techniques/T1562/002/" },
--     { title = "Microsoft: 4719, system audit policy was changed", url = "https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4719" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "Sysmon 4 counts only where Sysmon stopped; that it started ends a gap and is no hit.",
--     "is_at_shutdown: the host told of its shutdown (Kernel-General 13, Kernel-Power 109, User32 1074) within 5 minutes of a stop, or booted within 15 minutes after it.",
--     "nearest_act_*: the act of lateral_movement on this host that is nearest in time, at most 24 hours away; seconds_after_act is negative where the act came after.",
--     "A 1100 names no account, and Sysmon 4 and 16 none but the SID of a 16.",
-- ]
-- ///
create or replace view hunt.evidence_tampering_v1 as
with tamperings as (
    select
        audit_tampering.event_time,
        audit_tampering.host,
        audit_tampering.event_uid,
        audit_tampering.tampering_kind,
        audit_tampering.tampering,
        audit_tampering.object_name,
        audit_tampering.details,
        audit_tampering.is_less_logged,
        audit_tampering.user_name,
        audit_tampering.user_domain,
        audit_tampering.user_sid,
        audit_tampering.user_class,
        audit_tampering.logon_id,
        audit_tampering.channel,
        audit_tampering.event_id,
        audit_tampering.record_id,
        audit_tampering.source_file,
        audit_tampering.source_record
    from audit_tampering
    where coalesce(audit_tampering.tampering_kind, '') <> 'sensor_started'
),

marks as (
    select
        events.host,
        events.event_time - interval '5' minute as from_time,
        events.event_time + interval '5' minute as until_time
    from events
    where
        events.channel = 'System'
        and (
            (events.provider = 'Microsoft-Windows-Kernel-General' and events.event_id = 13)
            or (events.provider = 'Microsoft-Windows-Kernel-Power' and events.event_id = 109)
            or (events.provider in ('User32', 'USER32') and events.event_id = 1074)
        )
    union all
    select
        host_boot.host,
        host_boot.event_time - interval '15' minute as from_time,
        host_boot.event_time as until_time
    from host_boot
),

shutdowns as (
    select distinct
        tamperings.event_uid,
        tamperings.host
    from tamperings
    inner join marks
        on
            tamperings.host = marks.host
            and tamperings.event_time >= marks.from_time
            and tamperings.event_time <= marks.until_time
    where tamperings.tampering_kind in ('logging_stopped', 'sensor_stopped')
),

acts as (
    select
        lateral_edge.source_host as host,
        lateral_edge.first,
        lateral_edge.source,
        lateral_edge.target,
        lateral_edge.user
    from lateral_edge
    where lateral_edge.source_host is not null
    union
    select
        lateral_edge.target_host as host,
        lateral_edge.first,
        lateral_edge.source,
        lateral_edge.target,
        lateral_edge.user
    from lateral_edge
    where lateral_edge.target_host is not null
),

near as (
    select
        tamperings.event_uid,
        tamperings.host,
        arg_min(
            { 'first': acts.first, 'source': acts.source, 'target': acts.target, 'user': acts.user },
            {
                'apart': abs(date_diff('microsecond', acts.first, tamperings.event_time)),
                'first': acts.first,
                'source': acts.source,
                'target': acts.target,
                'user': acts.user
            }
        ) as act
    from tamperings
    inner join acts
        on
            tamperings.host = acts.host
            and tamperings.event_time >= acts.first - interval '24' hour
            and tamperings.event_time <= acts.first + interval '24' hour
    group by tamperings.event_uid, tamperings.host
),

final as (
    select
        tamperings.event_time,
        tamperings.host,
        tamperings.event_uid,
        tamperings.tampering_kind,
        tamperings.tampering,
        tamperings.object_name,
        tamperings.details,
        tamperings.is_less_logged,
        shutdowns.event_uid is not null as is_at_shutdown,
        near.act.first as nearest_act_time,
        near.act.source as nearest_act_source,
        near.act.target as nearest_act_target,
        near.act.user as nearest_act_user,
        cast(date_diff('microsecond', near.act.first, tamperings.event_time) as double)
        / 1000000 as seconds_after_act,
        tamperings.user_name,
        tamperings.user_domain,
        tamperings.user_sid,
        tamperings.user_class,
        tamperings.logon_id,
        tamperings.channel,
        tamperings.event_id,
        tamperings.record_id,
        tamperings.source_file,
        tamperings.source_record
    from tamperings
    left join shutdowns
        on
            tamperings.event_uid = shutdowns.event_uid
            and tamperings.host = shutdowns.host
    left join near
        on
            tamperings.event_uid = near.event_uid
            and tamperings.host = near.host
)

select * from final
