-- /// event
-- title = "PowerShell pipeline execution and engine state, classic log"
-- channel = "Windows PowerShell"
-- provider = "PowerShell"
-- event_ids = [400, 403, 600, 800]
-- docs = ["https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_logging_windows"]
-- ///
-- Classic events have a list of unnamed strings: kept as one text.
select
    data ->> '$.Data' as script_text
from records
