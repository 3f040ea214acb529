-- /// event
-- title = "WMI provider loaded into a host process"
-- channel = "Microsoft-Windows-WMI-Activity/Operational"
-- provider = "Microsoft-Windows-WMI-Activity"
-- event_ids = [5857]
-- docs = ["https://learn.microsoft.com/windows/win32/wmisdk/tracing-wmi-activity"]
-- ///
-- Collectors that leave UserData out keep the message: '<provider> provider started with result code <code>. ...'.
select
    json_extract_string(data, '$.Message') as _message,
    coalesce(
        data ->> '$.ProviderName',
        nullif(regexp_extract(_message, '^(.*?) provider started with result code ', 1), '')
    ) as object_name,
    process_number(data ->> '$.ProcessID') as process_id,
    data ->> '$.HostProcess' as process_path,
    base_name(process_path) as process_name,
    data ->> '$.ProviderPath' as wmi_provider_path,
    coalesce(
        data ->> '$.Code',
        nullif(
            regexp_extract(_message, ' provider started with result code (0x[0-9A-Fa-f]+)', 1), ''
        )
    ) as wmi_result
from records
