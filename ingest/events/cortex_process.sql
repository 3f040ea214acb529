-- /// event
-- title = "Cortex XDR: a process was started"
-- channel = "cortex/xdr_data"
-- provider = "Cortex XDR"
-- docs = ["https://docs-cortex.paloaltonetworks.com/r/Cortex-XDR/Cortex-XDR-XQL-Schema-Reference"]
-- ///
-- The actor started the process: it is the parent, and actor_effective_username the parent's account. The new process's
-- own is action_process_username.
select
    data ->> '$.action_process_username' as _user,
    account_name(_user) as user_name,
    account_domain(_user) as user_domain,
    data ->> '$.action_process_user_sid' as user_sid,
    coalesce(data ->> '$.action_process_image_path', data ->> '$.action_process_image_name') as process_path,
    base_name(process_path) as process_name,
    process_number(data ->> '$.action_process_os_pid') as process_id,
    data ->> '$.action_process_instance_id' as process_guid,
    data ->> '$.action_process_image_command_line' as command_line,
    nullif(
        concat_ws(
            ',',
            'MD5=' || (data ->> '$.action_process_image_md5'),
            'SHA256=' || (data ->> '$.action_process_image_sha256')
        ),
        ''
    ) as hashes,
    data ->> '$.action_process_integrity_level' as integrity_level,
    coalesce(data ->> '$.actor_process_image_path', data ->> '$.actor_process_image_name') as parent_process_path,
    base_name(parent_process_path) as parent_process_name,
    process_number(data ->> '$.actor_process_os_pid') as parent_process_id,
    data ->> '$.actor_process_instance_id' as parent_process_guid,
    coalesce(
        data ->> '$.actor_process_command_line', data ->> '$.actor_process_image_command_line'
    ) as parent_command_line,
    coalesce(data ->> '$.actor_effective_username', data ->> '$.actor_primary_username') as parent_user
from records
