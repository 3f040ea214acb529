-- /// event
-- title = "The domain controller validated the credentials of an account"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [4776]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4776"]
-- ///
select
    data ->> '$.TargetUserName' as target_name,
    data ->> '$.Workstation' as workstation,
    data ->> '$.PackageName' as authentication_package
from records
