-- /// event
-- title = "Permanent WMI subscription: event filter bound to a consumer"
-- channel = "Microsoft-Windows-WMI-Activity/Operational"
-- provider = "Microsoft-Windows-WMI-Activity"
-- event_ids = [5861]
-- docs = ["https://learn.microsoft.com/windows/win32/wmisdk/tracing-wmi-activity"]
-- ///
-- The possible cause is the text of both objects (MOF). Its strings have no line breaks of their own, so a property is
-- known by the line that it stands on, whatever a name or a script pretends to be. Collectors that leave UserData out
-- keep it in the message. CreatorSID is a list of bytes: revision, count, authority, then numbers of four bytes each.
select
    json_extract_string(data, '$.Message') as _message,
    coalesce(data ->> '$.PossibleCause', _message) as _cause,
    list_transform(
        [
            cast(
                try_cast(
                    string_split(
                        nullif(
                            regexp_extract(
                                _cause, '(?s)\nPerm\. Consumer:.*?\n\s*CreatorSID = \{([0-9, ]+)\};', 1
                            ),
                            ''
                        ),
                        ','
                    ) as utinyint[]
                ) as bigint[]
            )
        ],
        lambda b: if(
            len(b) = 8 + 4 * b[2] and list_count(b) = len(b),
            'S-' || cast(b[1] as varchar) || '-'
            || cast(b[3] * 1099511627776 + b[4] * 4294967296 + b[5] * 16777216 + b[6] * 65536 + b[7] * 256 + b[8] as varchar)
            || array_to_string(
                list_transform(
                    range(b[2]),
                    lambda i: '-' || cast(
                        b[9 + 4 * i] + b[10 + 4 * i] * 256 + b[11 + 4 * i] * 65536 + b[12 + 4 * i] * 16777216 as varchar
                    )
                ),
                ''
            ),
            null
        )
    )[1] as user_sid,
    data ->> '$.Namespace' as wmi_namespace,
    nullif(regexp_extract(_cause, '\n\s*Query = "(.*)";', 1), '') as wmi_query,
    regexp_replace(data ->> '$.ESS', ' \(refer to its activate eventid:5859\)$', '') as wmi_filter,
    data ->> '$.CONSUMER' as wmi_consumer,
    coalesce(
        data ->> '$.PossibleCause',
        nullif(regexp_extract(_message, '(?s)PossibleCause = (.*)$', 1), '')
    ) as wmi_result,
    -- What runs: a program and its command line, or a script or its file.
    nullif(
        concat_ws(
            ' ',
            nullif(regexp_extract(_cause, '\n\s*ExecutablePath = "(.*)";', 1), ''),
            nullif(regexp_extract(_cause, '\n\s*CommandLineTemplate = "(.*)";', 1), ''),
            nullif(regexp_extract(_cause, '\n\s*ScriptFileName = "(.*)";', 1), ''),
            nullif(regexp_extract(_cause, '\n\s*ScriptText = "(.*)";', 1), '')
        ),
        ''
    ) as script_text
from records
