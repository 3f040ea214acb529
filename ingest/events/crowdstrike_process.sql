-- /// event
-- title = "CrowdStrike: a process was started"
-- channel = "crowdstrike/ProcessRollup2"
-- provider = "CrowdStrike"
-- docs = ["https://github.com/CrowdStrike/FDR"]
-- ///
-- RawProcessId is Windows' process id. TargetProcessId and ParentProcessId are the sensor's own ids: they name one
-- process for good, so they stand where Sysmon's GUIDs do. Of the parent only the name of its file is known.
select
    coalesce(data ->> '$.UserName', data ->> '$.UserPrincipal') as user_name,
    data ->> '$.LogonDomain' as user_domain,
    coalesce(data ->> '$.UserSid', data ->> '$.UserSid_readable') as user_sid,
    logon_id(data ->> '$.AuthenticationId') as logon_id,
    data ->> '$.ImageFileName' as process_path,
    base_name(process_path) as process_name,
    process_number(data ->> '$.RawProcessId') as process_id,
    nullif(data ->> '$.TargetProcessId', '') as process_guid,
    data ->> '$.CommandLine' as command_line,
    data ->> '$.OriginalFilename' as original_file_name,
    nullif(
        concat_ws(
            ',',
            'MD5=' || nullif(regexp_replace(data ->> '$.MD5HashData', '^0+$', ''), ''),
            'SHA256=' || nullif(regexp_replace(data ->> '$.SHA256HashData', '^0+$', ''), '')
        ),
        ''
    ) as hashes,
    data ->> '$.IntegrityLevel' as integrity_level,
    base_name(data ->> '$.ParentBaseFileName') as parent_process_name,
    nullif(data ->> '$.ParentProcessId', '') as parent_process_guid
from records
