-- /// event
-- title = "Events that name one process: end, file, image, thread, pipe, DNS"
-- channel = "Microsoft-Windows-Sysmon/Operational"
-- provider = "Microsoft-Windows-Sysmon"
-- event_ids = [2, 5, 7, 9, 11, 15, 17, 18, 22, 23, 26]
-- docs = ["https://learn.microsoft.com/sysinternals/downloads/sysmon"]
-- ///
select
    utc_text(data ->> '$.UtcTime') as utc_time,
    data ->> '$.User' as _user,
    account_name(_user) as user_name,
    account_domain(_user) as user_domain,
    data ->> '$.Image' as process_path,
    base_name(process_path) as process_name,
    process_number(data ->> '$.ProcessId') as process_id,
    guid(data ->> '$.ProcessGuid') as process_guid,
    coalesce(
        data ->> '$.TargetFilename', data ->> '$.ImageLoaded', data ->> '$.PipeName', data ->> '$.QueryName', data ->> '$.Device'
    ) as object_name
from records
