-- /// event
-- title = "A new process has been created"
-- channel = "Security"
-- provider = "Microsoft-Windows-Security-Auditing"
-- event_ids = [4688]
-- at_least_one = ["process_path", "command_line", "subject_name"]
-- docs = ["https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4688"]
-- ///
-- Version 0 has no command line, version 1 no Target* and no ParentProcessName.
select
    data ->> '$.SubjectUserName' as subject_name,
    data ->> '$.SubjectDomainName' as subject_domain,
    data ->> '$.SubjectUserSid' as subject_sid,
    logon_id(data ->> '$.SubjectLogonId') as subject_logon_id,
    data ->> '$.TargetUserName' as target_name,
    data ->> '$.TargetDomainName' as target_domain,
    data ->> '$.TargetUserSid' as target_sid,
    logon_id(data ->> '$.TargetLogonId') as target_logon_id,
    data ->> '$.NewProcessName' as process_path,
    base_name(process_path) as process_name,
    process_number(data ->> '$.NewProcessId') as process_id,
    data ->> '$.CommandLine' as command_line,
    data ->> '$.MandatoryLabel' as integrity_level,
    data ->> '$.ParentProcessName' as parent_process_path,
    base_name(parent_process_path) as parent_process_name,
    process_number(data ->> '$.ProcessId') as parent_process_id
from records
