-- /// analytic
-- id = "xql_wmic_remote_exec"
-- version = 1
-- title = "Detection of Remote Process Execution via WMIC"
-- description = "wmic.exe with the switch for another computer and the words process, call and create anywhere in its command line. Shows whom it was aimed at and what should run there, who started it, and the known ancestors."
-- kind = "detection"
-- side = "source"
-- filters = "rows"
-- order_by = ["event_time desc", "event_uid"]
-- severity = "high"
-- risk_score = 85
-- implements = [
--     { document = "huntquery-windows-wmic-remoteexec", item = "HuntQuery-Windows-WMIC-RemoteExec", dialect = "xql" },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["process_name", "command_line"] },
--     { channel = "Security", event_id = 4688, columns = ["process_name", "command_line"] },
--     { channel = "cortex/xdr_data", columns = ["process_name", "command_line"] },
--     { channel = "crowdstrike/ProcessRollup2", columns = ["process_name", "command_line"] },
-- ]
-- message = "$user_name on $host aimed wmic.exe at $targets to run $remote_command"
-- risk_objects = [
--     { field = "host", type = "system", score = 85 },
--     { field = "user_name", type = "user", score = 85 },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "Administrators' scripts that install or manage software on other computers with wmic.",
--     "Management products, SCCM among them, that start remote tasks this way.",
--     "What surrounds it decides: a known script of a known administrator is one thing, an unusual parent that launches powershell.exe on a server another.",
-- ]
-- considerations = [
--     "The two finds of a hit are the target (targets) and the command run there (remote_command).",
--     "This is the source's side. On the target the command appears as a child of WmiPrvSE.exe: put both together (wmiprvse_children).",
--     "The Chaos ransomware group started its encryptor on other hosts in exactly this way.",
-- ]
-- permissions = ["Administrator on the target, whose firewall lets DCOM and RPC in"]
-- artifacts = ["Process creation records with the whole command line, on the source host"]
-- response = [
--     "Isolate both sides, the host and every target, at once.",
--     "Read the command: it shows what the attacker wanted on the target.",
--     "On the source, find out how the attacker got in and was able to run wmic.",
--     "On the target, follow what the started process did next.",
--     "Take the credentials as lost: reset them and review what else they did.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0008 Lateral Movement", "TA0002 Execution"] },
-- ]
-- threat_actors = ["Chaos ransomware group"]
-- platforms = ["WindowsEndpoint", "WindowsServer"]
-- created = "2025-07-28"
-- document_version = "1.0"
-- hypothesis = "Intruders, the Chaos ransomware group for one, start their programs on other hosts with wmic.exe, and its command line names target and command."
-- data_sources = [
--     { name = "Cortex XSIAM", provider = "Cortex XSIAM", event_name = "xdr_data", attack_data_source = "Process", attack_data_component = "Process Creation" },
-- ]
-- references = [
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "Cisco Talos on the Chaos group", url = "https://blog.talosintelligence.com/new-chaos-ransomware/" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
--     { version = "1.0", date = "2025-07-28", impact = "Initial Detection", notes = "The hunt query was written." },
-- ]
-- notes = [
--     "The document lists T1047 under Lateral Movement too; ATT&CK itself has it under Execution alone.",
--     "agent_id is the product's own where an export has one, else the computer's name as logged.",
--     "effective_user is the account of the process that started wmic.exe: Sysmon's ParentUser, or the Subject of a 4688, or the parent's own record.",
--     "causality lists the known ancestors, oldest first; it climbs at most three records, by Sysmon's GUIDs or by process ids. causality_command_line and causality_user belong to the oldest ancestor that has a record, else to the parent as logged.",
--     "causality_sha256 is that of the oldest ancestor whose hash is known; only Sysmon logs hashes.",
--     "The words match in any order and with any spacing, so it finds more than car_2016_03_002.",
-- ]
-- ///
create or replace view hunt.xql_wmic_remote_exec_v1 as
with hits as (
    select
        process.event_time,
        process.host,
        process.event_uid,
        case
            when process.channel = 'crowdstrike/ProcessRollup2'
                then coalesce(process.event_data ->> '$.aid', process.computer)
            when process.channel = 'cortex/xdr_data'
                then coalesce(process.event_data ->> '$.agent_id', process.computer)
            else process.computer
        end as agent_id,
        case
            when process.channel = 'Microsoft-Windows-Sysmon/Operational' then 'Microsoft Sysmon'
            when process.channel = 'Security' then 'Microsoft Windows Security'
            when process.channel = 'crowdstrike/ProcessRollup2' then 'CrowdStrike Falcon'
            when process.channel = 'cortex/xdr_data' then 'Palo Alto Cortex XDR'
        end as product,
        process.user_name,
        process.user_domain,
        process.user_class,
        process.logon_id,
        case
            when coalesce(process.parent_user, '') not in ('', '-') then process.parent_user
            when process.channel = 'Security' and coalesce(process.subject_name, '') not in ('', '-')
                then coalesce(process.subject_domain, '') || '\' || process.subject_name
        end as creator,
        process.process_path,
        process.process_name,
        process.process_id,
        process.command_line,
        process.targets,
        process.remote_command,
        process.explicit_user,
        process.parent_process_path,
        process.parent_process_name,
        process.parent_process_id,
        process.parent_command_line,
        process.parent_source,
        process.channel,
        process.event_id,
        process.record_id,
        process.source_file,
        process.source_record,
        case
            when process.channel = 'Security' then 'pid ' || cast(process.parent_process_id as varchar)
            else process.parent_process_guid
        end as parent_life_key
    from process_creation as process
    where
        process.process_name = 'wmic.exe'
        and contains(lower(process.command_line), '/node:')
        and contains(lower(process.command_line), 'process')
        and contains(lower(process.command_line), 'call')
        and contains(lower(process.command_line), 'create')
),

keys_1 as (
    select
        child.event_uid,
        child.host,
        child.parent_life_key as life_key,
        child.event_time as before_time,
        child.record_id as before_order,
        starts_with(child.parent_life_key, 'pid ') as is_pid
    from hits as child
    union all
    select
        child.event_uid,
        child.host,
        'boot' as life_key,
        child.event_time as before_time,
        child.record_id as before_order,
        true as is_pid
    from hits as child
    where starts_with(child.parent_life_key, 'pid ')
),

climb_1 as (
    select
        child.event_uid,
        child.host,
        arg_max(
            {
                'mark': mark.mark,
                'event_time': mark.event_time,
                'mark_order': mark.mark_order,
                'process_name': mark.process_name,
                'command_line': mark.command_line,
                'user_name': mark.user_name,
                'user_domain': mark.user_domain,
                'hashes': mark.hashes,
                'parent_name': mark.parent_process_name,
                'parent_life_key': mark.parent_life_key
            },
            { 't': mark.event_time, 'o': mark.mark_order, 'u': mark.event_uid }
        ) as up
    from keys_1 as child
    inner join process_mark as mark
        on
            child.host = mark.host
            and child.life_key = mark.life_key
    where
        child.is_pid is not true
        or (
            mark.event_time > child.before_time - interval '24' hour
            and (
                mark.event_time < child.before_time
                or (mark.event_time = child.before_time and mark.mark_order < child.before_order)
            )
        )
    group by child.event_uid, child.host
),

ancestor_1 as (
    select
        climb_1.event_uid,
        climb_1.host,
        climb_1.up
    from climb_1
    inner join hits as child on climb_1.event_uid = child.event_uid
    where
        climb_1.up.mark = 'start'
        and (coalesce(child.parent_process_name, '') in ('', '-') or child.parent_process_name = climb_1.up.process_name)
),

keys_2 as (
    select
        child.event_uid,
        child.host,
        child.up.parent_life_key as life_key,
        child.up.event_time as before_time,
        child.up.mark_order as before_order,
        starts_with(child.up.parent_life_key, 'pid ') as is_pid
    from ancestor_1 as child
    union all
    select
        child.event_uid,
        child.host,
        'boot' as life_key,
        child.up.event_time as before_time,
        child.up.mark_order as before_order,
        true as is_pid
    from ancestor_1 as child
    where starts_with(child.up.parent_life_key, 'pid ')
),

climb_2 as (
    select
        child.event_uid,
        child.host,
        arg_max(
            {
                'mark': mark.mark,
                'event_time': mark.event_time,
                'mark_order': mark.mark_order,
                'process_name': mark.process_name,
                'command_line': mark.command_line,
                'user_name': mark.user_name,
                'user_domain': mark.user_domain,
                'hashes': mark.hashes,
                'parent_name': mark.parent_process_name,
                'parent_life_key': mark.parent_life_key
            },
            { 't': mark.event_time, 'o': mark.mark_order, 'u': mark.event_uid }
        ) as up
    from keys_2 as child
    inner join process_mark as mark
        on
            child.host = mark.host
            and child.life_key = mark.life_key
    where
        child.is_pid is not true
        or (
            mark.event_time > child.before_time - interval '24' hour
            and (
                mark.event_time < child.before_time
                or (mark.event_time = child.before_time and mark.mark_order < child.before_order)
            )
        )
    group by child.event_uid, child.host
),

ancestor_2 as (
    select
        climb_2.event_uid,
        climb_2.host,
        climb_2.up
    from climb_2
    inner join ancestor_1 as child on climb_2.event_uid = child.event_uid
    where
        climb_2.up.mark = 'start'
        and (coalesce(child.up.parent_name, '') in ('', '-') or child.up.parent_name = climb_2.up.process_name)
),

keys_3 as (
    select
        child.event_uid,
        child.host,
        child.up.parent_life_key as life_key,
        child.up.event_time as before_time,
        child.up.mark_order as before_order,
        starts_with(child.up.parent_life_key, 'pid ') as is_pid
    from ancestor_2 as child
    union all
    select
        child.event_uid,
        child.host,
        'boot' as life_key,
        child.up.event_time as before_time,
        child.up.mark_order as before_order,
        true as is_pid
    from ancestor_2 as child
    where starts_with(child.up.parent_life_key, 'pid ')
),

climb_3 as (
    select
        child.event_uid,
        child.host,
        arg_max(
            {
                'mark': mark.mark,
                'event_time': mark.event_time,
                'mark_order': mark.mark_order,
                'process_name': mark.process_name,
                'command_line': mark.command_line,
                'user_name': mark.user_name,
                'user_domain': mark.user_domain,
                'hashes': mark.hashes,
                'parent_name': mark.parent_process_name,
                'parent_life_key': mark.parent_life_key
            },
            { 't': mark.event_time, 'o': mark.mark_order, 'u': mark.event_uid }
        ) as up
    from keys_3 as child
    inner join process_mark as mark
        on
            child.host = mark.host
            and child.life_key = mark.life_key
    where
        child.is_pid is not true
        or (
            mark.event_time > child.before_time - interval '24' hour
            and (
                mark.event_time < child.before_time
                or (mark.event_time = child.before_time and mark.mark_order < child.before_order)
            )
        )
    group by child.event_uid, child.host
),

ancestor_3 as (
    select
        climb_3.event_uid,
        climb_3.host,
        climb_3.up
    from climb_3
    inner join ancestor_2 as child on climb_3.event_uid = child.event_uid
    where
        climb_3.up.mark = 'start'
        and (coalesce(child.up.parent_name, '') in ('', '-') or child.up.parent_name = climb_3.up.process_name)
),

final as (
    select
        hits.event_time,
        hits.host,
        hits.event_uid,
        hits.agent_id,
        hits.product,
        hits.user_name,
        hits.user_domain,
        hits.user_class,
        hits.logon_id,
        coalesce(hits.creator, ancestor_1.up.user_domain || '\' || ancestor_1.up.user_name) as effective_user,
        hits.process_path,
        hits.process_name,
        hits.process_id,
        hits.command_line,
        hits.targets,
        hits.remote_command,
        hits.explicit_user,
        hits.parent_process_path,
        hits.parent_process_name,
        hits.parent_process_id,
        coalesce(hits.parent_command_line, ancestor_1.up.command_line) as parent_command_line,
        hits.parent_source,
        concat_ws(
            ' > ',
            ancestor_3.up.parent_name,
            coalesce(ancestor_3.up.process_name, ancestor_2.up.parent_name),
            coalesce(ancestor_2.up.process_name, ancestor_1.up.parent_name),
            coalesce(ancestor_1.up.process_name, hits.parent_process_name)
        ) as causality,
        case
            when ancestor_3.event_uid is not null then ancestor_3.up.command_line
            when ancestor_2.event_uid is not null then ancestor_2.up.command_line
            when ancestor_1.event_uid is not null then ancestor_1.up.command_line
            else hits.parent_command_line
        end as causality_command_line,
        case
            when ancestor_3.event_uid is not null then ancestor_3.up.user_domain || '\' || ancestor_3.up.user_name
            when ancestor_2.event_uid is not null then ancestor_2.up.user_domain || '\' || ancestor_2.up.user_name
            when ancestor_1.event_uid is not null then ancestor_1.up.user_domain || '\' || ancestor_1.up.user_name
            else hits.creator
        end as causality_user,
        nullif(
            lower(
                regexp_extract(
                    coalesce(ancestor_3.up.hashes, ancestor_2.up.hashes, ancestor_1.up.hashes),
                    '(?i)SHA256=([0-9a-f]{64})',
                    1
                )
            ),
            ''
        ) as causality_sha256,
        hits.channel,
        hits.event_id,
        hits.record_id,
        hits.source_file,
        hits.source_record
    from hits
    left join ancestor_1 on hits.event_uid = ancestor_1.event_uid
    left join ancestor_2 on hits.event_uid = ancestor_2.event_uid
    left join ancestor_3 on hits.event_uid = ancestor_3.event_uid
)

select * from final
