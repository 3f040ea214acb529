-- /// event
-- title = "PowerShell pipeline execution and engine state, classic log"
-- channel = "Windows PowerShell"
-- provider = "PowerShell"
-- event_ids = [400, 403, 600, 800]
-- docs = ["https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_logging_windows"]
-- ///
-- Classic events have a list of unnamed strings: kept as one text, a line break between them. Account, script and the
-- command line of the process that hosts the engine stand in its second string.
select
    strings_text(data ->> '$.Data') as script_text,
    nullif(trim(regexp_extract(script_text, '\n\s*UserId=([^\r\n]*)', 1)), '') as _user,
    account_name(_user) as user_name,
    account_domain(_user) as user_domain,
    nullif(
        regexp_extract(script_text, '\n\s*HostApplication=((?s:.*?))\r?\n\s*EngineVersion=', 1), ''
    ) as command_line,
    nullif(trim(regexp_extract(script_text, '\n\s*ScriptName=([^\r\n]*)', 1)), '') as object_name
from records
