-- /// event
-- title = "PowerShell script block, or pipeline execution"
-- channel = "Microsoft-Windows-PowerShell/Operational"
-- provider = "Microsoft-Windows-PowerShell"
-- event_ids = [4103, 4104]
-- docs = ["https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_logging_windows"]
-- ///
-- ContextInfo, which 4103 has and 4104 has not, is 'Name = value' in lines, in the language of the system.
select
    coalesce(data ->> '$.ScriptBlockText', data ->> '$.Payload') as script_text,
    nullif(trim(regexp_extract(data ->> '$.ContextInfo', '(?:^|\n)\s*User = ([^\r\n]*)', 1)), '') as _user,
    account_name(_user) as user_name,
    account_domain(_user) as user_domain,
    system_user_sid as user_sid,
    nullif(
        regexp_extract(
            data ->> '$.ContextInfo', '(?:^|\n)\s*Host Application = ((?s:.*?))\r?\n\s*Engine Version = ', 1
        ),
        ''
    ) as command_line,
    nullif(
        coalesce(
            data ->> '$.Path',
            trim(regexp_extract(data ->> '$.ContextInfo', '(?:^|\n)\s*Script Name = ([^\r\n]*)', 1))
        ),
        ''
    ) as object_name
from records
