-- /// event
-- title = "Sysmon service state or configuration changed"
-- channel = "Microsoft-Windows-Sysmon/Operational"
-- provider = "Microsoft-Windows-Sysmon"
-- event_ids = [4, 16]
-- docs = ["https://learn.microsoft.com/sysinternals/downloads/sysmon"]
-- ///
select
    utc_text(data ->> '$.UtcTime') as utc_time,
    coalesce(data ->> '$.State', data ->> '$.Configuration') as object_name
from records
