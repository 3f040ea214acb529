-- /// event
-- title = "Sysmon service state or configuration changed"
-- channel = "Microsoft-Windows-Sysmon/Operational"
-- provider = "Microsoft-Windows-Sysmon"
-- event_ids = [4, 16]
-- docs = ["https://learn.microsoft.com/sysinternals/downloads/sysmon"]
-- ///
-- registry_details is the hash of the configuration's file: two machines with one policy have one hash.
select
    utc_text(data ->> '$.UtcTime') as utc_time,
    coalesce(data ->> '$.State', data ->> '$.Configuration') as object_name,
    data ->> '$.ConfigurationFileHash' as registry_details
from records
