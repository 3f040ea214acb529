-- /// event
-- title = "WMI provider loaded into a host process"
-- channel = "Microsoft-Windows-WMI-Activity/Operational"
-- provider = "Microsoft-Windows-WMI-Activity"
-- event_ids = [5857]
-- docs = ["https://learn.microsoft.com/windows/win32/wmisdk/tracing-wmi-activity"]
-- ///
select
    data ->> '$.ProviderName' as object_name,
    process_number(data ->> '$.ProcessID') as process_id,
    data ->> '$.HostProcess' as process_path,
    base_name(data ->> '$.HostProcess') as process_name,
    data ->> '$.ProviderPath' as wmi_provider_path,
    data ->> '$.Code' as wmi_result
from records
