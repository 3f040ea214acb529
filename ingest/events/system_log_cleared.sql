-- /// event
-- title = "An event log was cleared"
-- channel = "System"
-- provider = "Microsoft-Windows-Eventlog"
-- event_ids = [104]
-- docs = ["https://learn.microsoft.com/windows/win32/wes/windows-event-log"]
-- ///
-- The log that was cleared is the event's Channel. In a flat export (one with SourceName) that name is the record's own
-- channel, which is always System: there only the message tells.
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    coalesce(
        nullif(
            regexp_extract(json_extract_string(data, '$.Message'), '^The (.+) log file was cleared', 1), ''
        ),
        case when json_extract_string(data, '$.SourceName') is null then data ->> '$.Channel' end
    ) as object_name
from records
