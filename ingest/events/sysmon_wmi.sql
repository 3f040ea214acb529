-- /// event
-- title = "WMI filter, consumer, or binding of the two"
-- channel = "Microsoft-Windows-Sysmon/Operational"
-- provider = "Microsoft-Windows-Sysmon"
-- event_ids = [19, 20, 21]
-- docs = ["https://learn.microsoft.com/sysinternals/downloads/sysmon"]
-- ///
-- Name is the filter's in 19 (which has a Query) and the consumer's in 20 (which has a Type).
select
    utc_text(data ->> '$.UtcTime') as utc_time,
    account_name(data ->> '$.User') as user_name,
    account_domain(data ->> '$.User') as user_domain,
    data ->> '$.Operation' as wmi_operation,
    data ->> '$.EventNamespace' as wmi_namespace,
    data ->> '$.Query' as wmi_query,
    coalesce(data ->> '$.Consumer', case when data ->> '$.Type' is not null then data ->> '$.Name' end) as wmi_consumer,
    coalesce(data ->> '$.Filter', case when data ->> '$.Query' is not null then data ->> '$.Name' end) as wmi_filter,
    data ->> '$.Destination' as script_text
from records
