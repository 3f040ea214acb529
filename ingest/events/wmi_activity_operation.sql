-- /// event
-- title = "WMI operation failed, or event filter activated"
-- channel = "Microsoft-Windows-WMI-Activity/Operational"
-- provider = "Microsoft-Windows-WMI-Activity"
-- event_ids = [5858, 5859, 5860]
-- docs = ["https://learn.microsoft.com/windows/win32/wmisdk/tracing-wmi-activity"]
-- ///
-- Collectors that leave UserData out keep the message, which names some fields otherwise. The owner of a permanent
-- filter is written as a SID where it is a group, such as S-1-5-32-544.
select
    json_extract_string(data, '$.Message') as _message,
    coalesce(data ->> '$.User', regexp_extract(_message, '; (?:OwnerName|UserName) = ([^;]*)', 1)) as _user,
    nullif(regexp_replace(account_name(_user), '^S-1-[0-9-]+$', ''), '') as user_name,
    account_domain(_user) as user_domain,
    nullif(regexp_extract(_user, '^S-1-[0-9-]+$'), '') as user_sid,
    process_number(
        coalesce(
            data ->> '$.ClientProcessId',
            data ->> '$.processid',
            data ->> '$.Processid',
            regexp_extract(_message, '; (?:HostProcessID|ClientProcessID) = ([0-9]+)', 1)
        )
    ) as process_id,
    case when event_id = 5860 then nullif(regexp_extract(_message, ', ClientMachine = ([^;]*)', 1), '') end as _caller,
    coalesce(data ->> '$.ClientMachine', data ->> '$.ClientMachineFQDN', _caller) as wmi_client_machine,
    coalesce(
        data ->> '$.Provider', nullif(regexp_extract(_message, ';\s+Provider ?= ?(.*?), queryID = ', 1), '')
    ) as object_name,
    coalesce(data ->> '$.Operation', data ->> '$.Component') as wmi_operation,
    coalesce(data ->> '$.NamespaceName', data ->> '$.Namespace') as wmi_namespace,
    coalesce(
        data ->> '$.Query',
        nullif(regexp_extract(_message, '(?s)NotificationQuery = (.*?); (?:OwnerName|UserName) = ', 1), '')
    ) as wmi_query,
    coalesce(
        data ->> '$.ResultCode',
        data ->> '$.PossibleCause',
        nullif(regexp_extract(_message, '(?s)PossibleCause = (.*)$', 1), '')
    ) as wmi_result
from records
