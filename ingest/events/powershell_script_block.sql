-- /// event
-- title = "PowerShell script block, or pipeline execution"
-- channel = "Microsoft-Windows-PowerShell/Operational"
-- provider = "Microsoft-Windows-PowerShell"
-- event_ids = [4103, 4104]
-- docs = ["https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_logging_windows"]
-- ///
select
    coalesce(data ->> '$.ScriptBlockText', data ->> '$.Payload') as script_text,
    data ->> '$.Path' as object_name
from records
