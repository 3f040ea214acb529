-- /// event
-- title = "Process Create"
-- channel = "Microsoft-Windows-Sysmon/Operational"
-- provider = "Microsoft-Windows-Sysmon"
-- event_ids = [1]
-- at_least_one = ["process_path", "command_line"]
-- docs = ["https://learn.microsoft.com/sysinternals/downloads/sysmon"]
-- ///
select
    utc_text(data ->> '$.UtcTime') as utc_time,
    data ->> '$.User' as _user,
    account_name(_user) as user_name,
    account_domain(_user) as user_domain,
    logon_id(data ->> '$.LogonId') as logon_id,
    data ->> '$.Image' as process_path,
    base_name(process_path) as process_name,
    process_number(data ->> '$.ProcessId') as process_id,
    guid(data ->> '$.ProcessGuid') as process_guid,
    data ->> '$.CommandLine' as command_line,
    data ->> '$.CurrentDirectory' as current_directory,
    data ->> '$.OriginalFileName' as original_file_name,
    data ->> '$.Hashes' as hashes,
    data ->> '$.IntegrityLevel' as integrity_level,
    data ->> '$.ParentImage' as parent_process_path,
    base_name(parent_process_path) as parent_process_name,
    process_number(data ->> '$.ParentProcessId') as parent_process_id,
    guid(data ->> '$.ParentProcessGuid') as parent_process_guid,
    data ->> '$.ParentCommandLine' as parent_command_line,
    data ->> '$.ParentUser' as parent_user
from records
