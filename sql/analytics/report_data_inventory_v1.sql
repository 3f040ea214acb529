-- /// analytic
-- id = "report_data_inventory"
-- version = 1
-- title = "What data there is"
-- description = "How many records of which log and event id each host has, from when to when, and when the last of them came in; with the totals of the log over all hosts."
-- kind = "context"
-- side = "both"
-- filters = "events"
-- order_by = ["channel_events desc", "channel", "events desc", "event_id", "host"]
-- severity = "informational"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "What Data Do We Have?", dialect = "spl" },
-- ]
-- requires = [
--     { channel = "Security", columns = ["channel"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", columns = ["channel"] },
-- ]
-- false_positive_rate = "unknown"
-- considerations = [
--     "Ask first which logs show movement between hosts at all; the report's own gap was that no Sysmon 3 had been collected.",
--     "Copies count here: it is about what was delivered, not about what happened.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries will try to reach other systems by way of Windows Management Instrumentation."
-- platforms = ["Windows"]
-- contributors = ["Hunter"]
-- created = "2023-08-06"
-- data_sources = [
--     { name = "Authentication logs" },
--     { name = "Netflow" },
--     { name = "Process monitoring" },
--     { name = "Process command-line parameters" },
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
--     "channel_* are the totals of the log over all hosts, as the document's query has them per source type; rows are in its order, the largest log first.",
--     "first and last are event times; last_ingested is when a record was last taken in.",
--     "The document's recentTime, when data was last indexed, is last_ingested.",
--     "Data that the hunt needs: authentication logs, netflow, process monitoring, command lines.",
-- ]
-- ///
create or replace view hunt.report_data_inventory_v1 as
with counted as (
    select
        events.host,
        events.channel,
        events.event_id,
        count(*) as events,
        min(events.event_time) as first,
        max(events.event_time) as last,
        max(events.ingested_at) as last_ingested
    from events
    group by events.host, events.channel, events.event_id
),

channels as (
    select
        counted.channel,
        cast(sum(counted.events) as bigint) as events,
        min(counted.first) as first,
        max(counted.last) as last,
        max(counted.last_ingested) as last_ingested
    from counted
    group by counted.channel
),

final as (
    select
        counted.host,
        counted.channel,
        counted.event_id,
        counted.events,
        counted.first,
        counted.last,
        counted.last_ingested,
        channels.events as channel_events,
        channels.first as channel_first,
        channels.last as channel_last,
        channels.last_ingested as channel_last_ingested
    from counted
    inner join channels on counted.channel is not distinct from channels.channel
)

select * from final
