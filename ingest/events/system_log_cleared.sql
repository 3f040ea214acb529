-- /// event
-- title = "An event log was cleared"
-- channel = "System"
-- provider = "Microsoft-Windows-Eventlog"
-- event_ids = [104]
-- docs = ["https://learn.microsoft.com/windows/win32/wes/windows-event-log"]
-- ///
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    data ->> '$.Channel' as object_name
from records
