-- /// analytic
-- id = "report_logon_id_events"
-- version = 1
-- title = "Every event of a host that names one logon id"
-- description = "All events by the logon ids that they name, for following one session through a host: filter on host and logon_id, or use wmiwh session HOST LOGON_ID."
-- kind = "context"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid", "logon_id"]
-- severity = "informational"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "Query: All Events for Host by Logon ID", note = "All ids at once; host and logon id are filters." },
-- ]
-- requires = [
--     { channel = "Security", event_id = 4624, columns = ["logon_id"] },
--     { channel = "Security", event_id = 4688, columns = ["logon_id"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["logon_id"] },
-- ]
-- false_positive_rate = "high"
-- considerations = [
--     "An id is used again after a boot: mind the times.",
-- ]
-- artifacts = [
--     "Every event of the Security log, and of Sysmon, that bears a logon id",
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
--     "LogonId, SubjectLogonId and TargetLogonId count; TargetLinkedLogonId is another session.",
-- ]
-- ///
create or replace view hunt.report_logon_id_events_v1 as
with final as (
    select
        event.event_time,
        event.host,
        event.event_uid,
        event.named_id as logon_id,
        event.named_by,
        event.user_name,
        event.user_domain,
        event.logon_type,
        event.process_name,
        event.process_id,
        event.command_line,
        event.source_ip,
        event.source_port,
        event.target_server,
        event.object_name,
        event.share_name,
        event.relative_target_name,
        event.channel,
        event.event_id,
        event.record_id,
        event.source_file,
        event.source_record
    from logon_id_event as event
)

select * from final
