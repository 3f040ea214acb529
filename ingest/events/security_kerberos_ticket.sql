-- /// event
-- title = "A Kerberos ticket was requested"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [4768, 4769, 4770, 4771]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4768"]
-- ///
-- The service stands in target_server: for a 4769 the account of the machine that the ticket is for.
select
    data ->> '$.TargetUserName' as target_name,
    data ->> '$.TargetDomainName' as target_domain,
    data ->> '$.TargetUserSid' as target_sid,
    data ->> '$.ServiceName' as target_server,
    data ->> '$.IpAddress' as _source_address,
    ip_text(_source_address, source_ip_key) as source_ip,
    ip_key(_source_address) as source_ip_key,
    try_cast(data ->> '$.IpPort' as integer) as source_port
from records
