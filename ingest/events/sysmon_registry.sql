-- /// event
-- title = "Registry object added or deleted, value set, or object renamed"
-- channel = "Microsoft-Windows-Sysmon/Operational"
-- provider = "Microsoft-Windows-Sysmon"
-- event_ids = [12, 13, 14]
-- docs = ["https://learn.microsoft.com/sysinternals/downloads/sysmon"]
-- ///
-- User stands in these events from Sysmon 13.30 on.
select
    utc_text(data ->> '$.UtcTime') as utc_time,
    data ->> '$.User' as _user,
    account_name(_user) as user_name,
    account_domain(_user) as user_domain,
    data ->> '$.Image' as process_path,
    base_name(process_path) as process_name,
    process_number(data ->> '$.ProcessId') as process_id,
    guid(data ->> '$.ProcessGuid') as process_guid,
    data ->> '$.EventType' as registry_event_type,
    data ->> '$.TargetObject' as registry_path,
    coalesce(data ->> '$.Details', data ->> '$.NewName') as registry_details
from records
