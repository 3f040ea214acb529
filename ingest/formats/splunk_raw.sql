-- /// format
-- name = "splunk_raw"
-- title = "Splunk's raw events: the classic text of the Windows input, one event behind the other"
-- reader = "text"
-- begins = '^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4} [0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?: [AP]M)?[ \t]{0,9}\r?\nLogName='
-- once = "\nLogName="
-- like = "splunk"
-- docs = ["https://docs.splunk.com/Documentation/Splunk/latest/Search/Exportsearchresults", "https://docs.splunk.com/Documentation/Splunk/latest/Data/MonitorWindowseventlogdata"]
-- carries = "what the English text of the events tells; times cut to seconds and without a zone; nothing parts the records, so text in an event that looks like the beginning of another makes two of it"
-- ///
-- First pass: the line before each event is the forwarder's local time. What Sysmon writes in UTC tells how far that is off.
select
    host_name(classic_header(classic_lines(record ->> '$._raw'), 'ComputerName')) as host,
    cast(classic_time(record ->> '$._raw') as date) as local_date,
    case when classic_utc_time(record ->> '$._raw') is not null then 'utc_time' end as evidence,
    try_cast(
        round((epoch(classic_time(record ->> '$._raw')) - epoch(classic_utc_time(record ->> '$._raw'))) / 900) * 900 as integer
    ) as offset_seconds
from records
