-- /// event
-- title = "WMI operation failed, or event filter and consumer registered"
-- channel = "Microsoft-Windows-WMI-Activity/Operational"
-- provider = "Microsoft-Windows-WMI-Activity"
-- event_ids = [5858, 5859, 5860, 5861]
-- docs = ["https://learn.microsoft.com/windows/win32/wmisdk/tracing-wmi-activity"]
-- ///
select
    account_name(data ->> '$.User') as user_name,
    account_domain(data ->> '$.User') as user_domain,
    process_number(coalesce(data ->> '$.ClientProcessId', data ->> '$.processid', data ->> '$.Processid')) as process_id,
    coalesce(data ->> '$.ClientMachine', data ->> '$.ClientMachineFQDN') as wmi_client_machine,
    coalesce(data ->> '$.Operation', data ->> '$.Component') as wmi_operation,
    coalesce(data ->> '$.NamespaceName', data ->> '$.Namespace') as wmi_namespace,
    data ->> '$.Query' as wmi_query,
    data ->> '$.ESS' as wmi_filter,
    data ->> '$.CONSUMER' as wmi_consumer,
    coalesce(data ->> '$.ResultCode', data ->> '$.PossibleCause') as wmi_result
from records
