-- /// event
-- title = "WMI filter, consumer, or binding of the two"
-- channel = "Microsoft-Windows-Sysmon/Operational"
-- provider = "Microsoft-Windows-Sysmon"
-- event_ids = [19, 20, 21]
-- docs = ["https://learn.microsoft.com/sysinternals/downloads/sysmon"]
-- ///
-- Name is the filter's in 19 (which has a Query) and the consumer's in 20 (which has a Type). NXLog leaves out all fields
-- of a 20 whose script has odd line ends, and keeps them in the message. object_name is the kind of consumer.
select
    json_extract_string(data, '$.Message') as _message,
    coalesce(
        utc_text(data ->> '$.UtcTime'), utc_text(regexp_extract(_message, '\nUtcTime: ([^\r\n]*)', 1))
    ) as utc_time,
    coalesce(data ->> '$.User', nullif(regexp_extract(_message, '\nUser: ([^\r\n]*)', 1), '')) as _user,
    account_name(_user) as user_name,
    account_domain(_user) as user_domain,
    coalesce(data ->> '$.Type', nullif(regexp_extract(_message, '\nType: ([^\r\n]*)', 1), '')) as object_name,
    coalesce(
        data ->> '$.Operation', nullif(regexp_extract(_message, '\nOperation: ([^\r\n]*)', 1), '')
    ) as wmi_operation,
    data ->> '$.EventNamespace' as wmi_namespace,
    data ->> '$.Query' as wmi_query,
    coalesce(
        data ->> '$.Consumer',
        case
            when data ->> '$.Type' is not null then data ->> '$.Name'
            when data ->> '$.Name' is null
                then nullif(regexp_extract(_message, '\nName: ([^\r\n]*)\r?\nType: ', 1), '')
        end
    ) as wmi_consumer,
    coalesce(data ->> '$.Filter', case when data ->> '$.Query' is not null then data ->> '$.Name' end) as wmi_filter,
    coalesce(
        data ->> '$.Destination', nullif(regexp_extract(_message, '(?s)\nDestination: (.*)$', 1), '')
    ) as script_text
from records
