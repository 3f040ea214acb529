-- /// model
-- name = "lateral_edge"
-- title = "Acts of moving from one host to another, put together from both sides' records"
-- requires = ["network_connection", "special_privileges", "explicit_credentials", "script_execution", "logon_session", "session_process", "address_owner", "connection_logon", "wmi_child", "wmic_call", "wmic_child", "remote_child"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "What hunt.lateral_movement returns, for views that have to know where an act is near.",
-- ]
-- ///
create or replace view lateral_edge as
with core as (
    select
        'tie' as kind,
        connection_logon.source_host,
        connection_logon.source_ip,
        connection_logon.source_ip_key,
        connection_logon.target_host,
        connection_logon.target_host as target,
        connection_logon.logon_time as event_time,
        connection_logon.user_name,
        connection_logon.user_domain,
        connection_logon.session_uid,
        connection_logon.logon_id,
        'connection' as source_via,
        connection_logon.destination_port,
        connection_logon.source_process_name,
        cast(null as varchar) as source_command_line,
        cast(null as varchar) as remote_command,
        cast(null as varchar) as child_process_name,
        cast(null as varchar) as child_command_line,
        connection_logon.clock_skew_seconds,
        [connection_logon.source_record] as source_evidence,
        [connection_logon.target_record] as target_evidence
    from connection_logon
    where
        connection_logon.user_class in ('domain', 'local')
        and (connection_logon.destination_port >= 49152 or connection_logon.destination_port in (5985, 5986))
    union all
    select
        'command' as kind,
        wmic_child.source_host,
        cast(null as varchar) as source_ip,
        cast(null as varchar) as source_ip_key,
        wmic_child.target_host,
        wmic_child.target_host as target,
        wmic_child.child_time as event_time,
        coalesce(
            wmic_child.user_name,
            nullif(split_part(wmic_child.explicit_user, '\', 2), ''),
            wmic_child.explicit_user,
            wmic_child.source_user_name
        ) as user_name,
        case
            when wmic_child.user_name is not null then wmic_child.user_domain
            when contains(wmic_child.explicit_user, '\') then split_part(wmic_child.explicit_user, '\', 1)
            when wmic_child.explicit_user is null then wmic_child.source_user_domain
        end as user_domain,
        wmic_child.session_uid,
        cast(null as varchar) as logon_id,
        'command' as source_via,
        cast(null as integer) as destination_port,
        wmic_child.source_process_name,
        wmic_child.source_command_line,
        wmic_child.remote_command,
        wmic_child.process_name as child_process_name,
        wmic_child.command_line as child_command_line,
        wmic_child.clock_skew_seconds,
        wmic_child.source_evidence,
        wmic_child.target_evidence
    from wmic_child
    where wmic_child.source_host is distinct from wmic_child.target_host
    union all
    select
        'child' as kind,
        remote_child.source_host,
        remote_child.source_ip,
        remote_child.source_ip_key,
        remote_child.host as target_host,
        remote_child.host as target,
        remote_child.event_time,
        remote_child.user_name,
        remote_child.user_domain,
        remote_child.session_uid,
        remote_child.logon_id,
        remote_child.source_via,
        cast(null as integer) as destination_port,
        cast(null as varchar) as source_process_name,
        cast(null as varchar) as source_command_line,
        cast(null as varchar) as remote_command,
        remote_child.process_name as child_process_name,
        remote_child.command_line as child_command_line,
        cast(null as double) as clock_skew_seconds,
        cast([] as struct(
            event_time timestamptz,
            event_uid varchar,
            host varchar,
            channel varchar,
            event_id integer,
            record_id bigint,
            source_file varchar,
            source_record bigint
        )[]) as source_evidence,
        list_concat(remote_child.evidence, [remote_child.session_record]) as target_evidence
    from remote_child
    union all
    select
        'call' as kind,
        wmic_call.host as source_host,
        cast(null as varchar) as source_ip,
        cast(null as varchar) as source_ip_key,
        cast(null as varchar) as target_host,
        wmic_call.target,
        wmic_call.event_time,
        coalesce(
            nullif(split_part(wmic_call.explicit_user, '\', 2), ''), wmic_call.explicit_user, wmic_call.user_name
        ) as user_name,
        case
            when contains(wmic_call.explicit_user, '\') then split_part(wmic_call.explicit_user, '\', 1)
            when wmic_call.explicit_user is null then wmic_call.user_domain
        end as user_domain,
        cast(null as varchar) as session_uid,
        cast(null as varchar) as logon_id,
        'command' as source_via,
        cast(null as integer) as destination_port,
        wmic_call.process_name as source_process_name,
        wmic_call.command_line as source_command_line,
        wmic_call.remote_command,
        cast(null as varchar) as child_process_name,
        cast(null as varchar) as child_command_line,
        cast(null as double) as clock_skew_seconds,
        wmic_call.evidence as source_evidence,
        cast([] as struct(
            event_time timestamptz,
            event_uid varchar,
            host varchar,
            channel varchar,
            event_id integer,
            record_id bigint,
            source_file varchar,
            source_record bigint
        )[]) as target_evidence
    from wmic_call
    where
        wmic_call.target_host is null
        and coalesce(wmic_call.target, '') <> ''
        and not starts_with(coalesce(wmic_call.target, ''), '@')
),

keyed as (
    select
        core.kind,
        core.source_host,
        core.source_ip,
        core.source_ip_key,
        core.target_host,
        core.target,
        core.event_time,
        core.user_name,
        core.user_domain,
        core.session_uid,
        core.logon_id,
        core.source_via,
        core.destination_port,
        core.source_process_name,
        core.source_command_line,
        core.remote_command,
        core.child_process_name,
        core.child_command_line,
        core.clock_skew_seconds,
        core.source_evidence,
        core.target_evidence,
        coalesce(core.source_host, core.source_ip, 'unknown') as source,
        coalesce(lower(split_part(core.user_name, '@', 1)), '') as user_key,
        nullif(nullif(lower(split_part(core.user_domain, '.', 1)), ''), '-') as domain_label
    from core
),

labelled as (
    select
        keyed.kind,
        keyed.source_host,
        keyed.source_ip,
        keyed.source_ip_key,
        keyed.target_host,
        keyed.target,
        keyed.event_time,
        keyed.user_name,
        keyed.user_domain,
        keyed.session_uid,
        keyed.logon_id,
        keyed.source_via,
        keyed.destination_port,
        keyed.source_process_name,
        keyed.source_command_line,
        keyed.remote_command,
        keyed.child_process_name,
        keyed.child_command_line,
        keyed.clock_skew_seconds,
        keyed.source_evidence,
        keyed.target_evidence,
        keyed.source,
        keyed.user_key,
        coalesce(
            keyed.domain_label,
            case
                when
                    min(keyed.domain_label) over (partition by keyed.source, keyed.target, keyed.user_key)
                    = max(keyed.domain_label) over (partition by keyed.source, keyed.target, keyed.user_key)
                    then max(keyed.domain_label) over (partition by keyed.source, keyed.target, keyed.user_key)
            end,
            ''
        ) as domain_key
    from keyed
),

stepped as (
    select
        labelled.kind,
        labelled.source_host,
        labelled.source_ip,
        labelled.source_ip_key,
        labelled.target_host,
        labelled.target,
        labelled.event_time,
        labelled.user_name,
        labelled.user_domain,
        labelled.session_uid,
        labelled.logon_id,
        labelled.source_via,
        labelled.destination_port,
        labelled.source_process_name,
        labelled.source_command_line,
        labelled.remote_command,
        labelled.child_process_name,
        labelled.child_command_line,
        labelled.clock_skew_seconds,
        labelled.source_evidence,
        labelled.target_evidence,
        labelled.source,
        labelled.user_key,
        labelled.domain_key,
        case
            when
                labelled.event_time
                <= lag(labelled.event_time) over (
                    partition by labelled.source, labelled.target, labelled.user_key, labelled.domain_key
                    order by labelled.event_time
                ) + interval '120' second
                then 0
            else 1
        end as begins
    from labelled
),

numbered as (
    select
        stepped.kind,
        stepped.source_host,
        stepped.source_ip,
        stepped.source_ip_key,
        stepped.target_host,
        stepped.target,
        stepped.event_time,
        stepped.user_name,
        stepped.user_domain,
        stepped.session_uid,
        stepped.logon_id,
        stepped.source_via,
        stepped.destination_port,
        stepped.source_process_name,
        stepped.source_command_line,
        stepped.remote_command,
        stepped.child_process_name,
        stepped.child_command_line,
        stepped.clock_skew_seconds,
        stepped.source_evidence,
        stepped.target_evidence,
        stepped.source,
        stepped.user_key,
        stepped.domain_key,
        stepped.source || '|' || stepped.target || '|' || stepped.user_key || '|' || stepped.domain_key || '|'
        || cast(
            sum(stepped.begins) over (
                partition by stepped.source, stepped.target, stepped.user_key, stepped.domain_key
                order by stepped.event_time
                range between unbounded preceding and current row
            ) as varchar
        ) as act
    from stepped
),

acts as (
    select
        numbered.act,
        numbered.source,
        numbered.target,
        numbered.user_key,
        min(numbered.source_host) as source_host,
        min(numbered.source_ip) as source_ip,
        min(numbered.target_host) as target_host,
        min(numbered.user_name) as user_name,
        max(numbered.user_domain) as user_domain,
        min(numbered.event_time) as first_time,
        max(numbered.event_time) as last_time,
        min(numbered.source_via) as source_via,
        max(numbered.clock_skew_seconds) as clock_skew_seconds,
        max(case when numbered.kind = 'tie' then 1 else 0 end) as has_tie,
        max(case when numbered.kind = 'command' then 1 else 0 end) as has_command,
        max(case when numbered.kind = 'child' then 1 else 0 end) as has_child,
        max(case when numbered.kind = 'call' then 1 else 0 end) as has_call,
        max(case when numbered.destination_port in (5985, 5986) then 1 else 0 end) as has_winrm,
        coalesce(
            min(case when numbered.kind in ('command', 'call') then numbered.source_process_name end),
            min(numbered.source_process_name)
        ) as source_process_name,
        min(numbered.source_command_line) as source_command_line,
        min(numbered.remote_command) as remote_command,
        min(numbered.child_process_name) as child_process_name,
        min(numbered.child_command_line) as child_command_line,
        -- Of none, list() makes NULL on one engine and an empty list on the other.
        case
            when count(numbered.logon_id) > 0
                then list_sort(list(distinct numbered.logon_id) filter (where numbered.logon_id is not null))
        end as logon_ids
    from numbered
    group by numbered.act, numbered.source, numbered.target, numbered.user_key
),

sessions as (
    select distinct
        numbered.act,
        numbered.source_host,
        numbered.target_host,
        session.event_uid as session_uid,
        session.start_time,
        session.logon_id,
        session.source_ip_key
    from numbered
    inner join logon_session as session
        on
            numbered.target_host = session.host
            and numbered.session_uid = session.event_uid
),

tool as (
    select
        acts.act,
        wmic_call.evidence
    from acts
    inner join wmic_call
        on
            acts.source_host = wmic_call.host
            and acts.target = coalesce(wmic_call.target_host, wmic_call.target)
    where
        wmic_call.event_time >= acts.first_time - interval '120' second
        and wmic_call.event_time <= acts.last_time + interval '120' second
    union all
    select
        acts.act,
        [
            {
                'event_time': script.event_time,
                'event_uid': script.event_uid,
                'host': script.host,
                'channel': script.channel,
                'event_id': script.event_id,
                'record_id': script.record_id,
                'source_file': script.source_file,
                'source_record': script.source_record
            }
        ] as evidence
    from acts
    inner join script_execution as script on acts.source_host = script.host
    where
        script.event_time >= acts.first_time - interval '120' second
        and script.event_time <= acts.last_time + interval '120' second
        and length(split_part(acts.target, '.', 1)) >= 3
        and contains(lower(script.script_text), split_part(acts.target, '.', 1))
        and regexp_matches(lower(script.script_text), 'invoke-wmimethod|invoke-cimmethod|wmiclass|new-cimsession|invoke-command')
),

supporting as (
    select
        tool.act,
        'tool' as kind,
        'source' as side,
        unnest(tool.evidence) as record
    from tool
    union all
    select
        acts.act,
        'credentials' as kind,
        'source' as side,
        {
            'event_time': credentials.event_time,
            'event_uid': credentials.event_uid,
            'host': credentials.host,
            'channel': credentials.channel,
            'event_id': credentials.event_id,
            'record_id': credentials.record_id,
            'source_file': credentials.source_file,
            'source_record': credentials.source_record
        } as record
    from acts
    inner join explicit_credentials as credentials
        on
            acts.source_host = credentials.host
            and acts.user_key = lower(split_part(credentials.target_name, '@', 1))
    where
        credentials.event_time >= acts.first_time - interval '120' second
        and credentials.event_time <= acts.last_time + interval '120' second
        and split_part(acts.target, '.', 1) = replace(
            split_part(regexp_replace(lower(credentials.target_server), '^[^/]*/', ''), '.', 1), '$', ''
        )
    union all
    select
        sessions.act,
        'resolved' as kind,
        'target' as side,
        cast(null as struct(
            event_time timestamptz,
            event_uid varchar,
            host varchar,
            channel varchar,
            event_id integer,
            record_id bigint,
            source_file varchar,
            source_record bigint
        )) as record
    from sessions
    inner join address_owner
        on
            sessions.source_ip_key = address_owner.ip_key
            and cast(sessions.start_time as date) = address_owner.owner_date
            and sessions.source_host = address_owner.host
    union all
    select
        sessions.act,
        'privileges' as kind,
        'target' as side,
        {
            'event_time': special_privileges.event_time,
            'event_uid': special_privileges.event_uid,
            'host': special_privileges.host,
            'channel': special_privileges.channel,
            'event_id': special_privileges.event_id,
            'record_id': special_privileges.record_id,
            'source_file': special_privileges.source_file,
            'source_record': special_privileges.source_record
        } as record
    from sessions
    inner join special_privileges
        on
            sessions.target_host = special_privileges.host
            and sessions.logon_id = special_privileges.logon_id
    where
        special_privileges.event_time >= sessions.start_time - interval '5' second
        and special_privileges.event_time <= sessions.start_time + interval '5' second
    union all
    select
        acts.act,
        'mapper' as kind,
        'source' as side,
        {
            'event_time': connection.event_time,
            'event_uid': connection.event_uid,
            'host': connection.host,
            'channel': connection.channel,
            'event_id': connection.event_id,
            'record_id': connection.record_id,
            'source_file': connection.source_file,
            'source_record': connection.source_record
        } as record
    from acts
    inner join network_connection as connection on acts.source_host = connection.host
    inner join address_owner
        on
            connection.destination_ip_key = address_owner.ip_key
            and cast(connection.event_time as date) = address_owner.owner_date
            and acts.target_host = address_owner.host
    where
        connection.destination_port = 135
        and connection.is_initiated
        and connection.event_time >= acts.first_time - interval '120' second
        and connection.event_time <= acts.last_time + interval '120' second
),

support as (
    select
        supporting.act,
        max(case when supporting.kind = 'tool' then 1 else 0 end) as has_tool,
        max(case when supporting.kind = 'credentials' then 1 else 0 end) as has_credentials,
        max(case when supporting.kind = 'resolved' then 1 else 0 end) as has_resolved,
        max(case when supporting.kind = 'privileges' then 1 else 0 end) as has_privileges,
        max(case when supporting.kind = 'mapper' then 1 else 0 end) as has_mapper
    from supporting
    group by supporting.act
),

evidence as (
    select
        numbered.act,
        'source' as side,
        unnest(numbered.source_evidence) as record
    from numbered
    union all
    select
        numbered.act,
        'target' as side,
        unnest(numbered.target_evidence) as record
    from numbered
    union all
    select
        supporting.act,
        supporting.side,
        supporting.record
    from supporting
    where supporting.record is not null
),

gathered as (
    select
        evidence.act,
        case
            when bool_or(evidence.side = 'source')
                then list_sort(list(distinct evidence.record) filter (where evidence.side = 'source'))
        end as source_evidence,
        case
            when bool_or(evidence.side = 'target')
                then list_sort(list(distinct evidence.record) filter (where evidence.side = 'target'))
        end as target_evidence
    from evidence
    group by evidence.act
),

shells as (
    select distinct numbered.act
    from numbered
    inner join session_process
        on
            numbered.target_host = session_process.host
            and numbered.session_uid = session_process.session_uid
    where session_process.process_name = 'wsmprovhost.exe'
),

pairs as (
    select
        connection_logon.source_host,
        connection_logon.target_host,
        min(connection_logon.logon_time) as first_time
    from connection_logon
    where connection_logon.user_class in ('domain', 'local')
    group by connection_logon.source_host, connection_logon.target_host
),

commands as (
    select
        wmi_child.process_name,
        count(distinct wmi_child.host) as hosts
    from wmi_child
    group by wmi_child.process_name
),

scored as (
    select
        acts.act,
        acts.source,
        acts.target,
        acts.source_host,
        acts.target_host,
        acts.source_ip,
        acts.user_name,
        acts.user_domain,
        acts.first_time,
        acts.last_time,
        acts.source_via,
        acts.clock_skew_seconds,
        acts.source_process_name,
        acts.source_command_line,
        acts.remote_command,
        acts.child_process_name,
        acts.child_command_line,
        acts.logon_ids,
        acts.has_tie,
        acts.has_command,
        acts.has_child,
        coalesce(support.has_tool, acts.has_call) as has_tool,
        coalesce(support.has_credentials, 0) as has_credentials,
        coalesce(support.has_resolved, 0) as has_resolved,
        coalesce(support.has_privileges, 0) as has_privileges,
        coalesce(support.has_mapper, 0) as has_mapper,
        case
            when acts.has_child = 1 or acts.has_command = 1 or acts.has_call = 1 then 'wmiprvse'
            when acts.has_winrm = 1 or shells.act is not null then 'wsmprovhost'
            else 'other'
        end as vehicle,
        concat_ws(
            ', ',
            case
                when
                    regexp_matches(
                        lower(coalesce(acts.child_command_line, acts.remote_command, '')),
                        '\s[-/]e(nc|ncodedcommand|nco|c)?\s+[a-z0-9+/=]{16,}|frombase64string'
                    )
                    then 'encoded command'
            end,
            case
                when
                    regexp_matches(
                        coalesce(acts.child_process_name, ''),
                        '^(powershell|pwsh|cmd|cscript|wscript|mshta|rundll32|regsvr32)[.]exe$'
                    )
                    then 'script child'
            end,
            case
                when acts.has_tie = 1 and pairs.first_time >= acts.first_time - interval '120' second then 'first-seen pair'
            end,
            case when commands.hosts = 1 then 'rare command' end
        ) as suspicion
    from acts
    left join support on acts.act = support.act
    left join shells on acts.act = shells.act
    left join pairs
        on
            acts.source_host = pairs.source_host
            and acts.target_host = pairs.target_host
    left join commands on acts.child_process_name = commands.process_name
),

weighed as (
    select
        scored.act,
        scored.source,
        scored.target,
        scored.source_host,
        scored.target_host,
        scored.source_ip,
        scored.user_name,
        scored.user_domain,
        scored.first_time,
        scored.last_time,
        scored.source_via,
        scored.clock_skew_seconds,
        scored.source_process_name,
        scored.source_command_line,
        scored.remote_command,
        scored.child_process_name,
        scored.child_command_line,
        scored.logon_ids,
        scored.vehicle,
        scored.suspicion,
        cast(
            least(
                100,
                40 * scored.has_tie
                + 30 * scored.has_command
                + 25 * scored.has_child
                + 15 * scored.has_tool
                + 10 * scored.has_credentials
                + 10 * scored.has_resolved
                + 5 * scored.has_privileges
                + 5 * scored.has_mapper
            ) as integer
        ) as confidence,
        concat_ws(
            ', ',
            case when scored.has_tie = 1 then 'exact tie 40' end,
            case when scored.has_command = 1 then 'remote command = child 30' end,
            case when scored.has_child = 1 then 'child in session 25' end,
            case when scored.has_tool = 1 then 'tool names host 15' end,
            case when scored.has_credentials = 1 then '4648 to it 10' end,
            case when scored.has_resolved = 1 then 'address resolves to source 10' end,
            case when scored.has_privileges = 1 then '4672 of the session 5' end,
            case when scored.has_mapper = 1 then 'port 135 5' end
        ) as why
    from scored
),

final as (
    select
        weighed.first_time as first,
        weighed.last_time as last,
        weighed.source,
        weighed.target,
        weighed.source_host,
        weighed.target_host,
        case
            when coalesce(weighed.user_domain, '') in ('', '-') then weighed.user_name
            else weighed.user_domain || '\' || weighed.user_name
        end as user,
        weighed.vehicle,
        weighed.confidence,
        case
            when weighed.confidence >= 70 then 'high'
            when weighed.confidence >= 40 then 'medium'
            else 'low'
        end as certainty,
        weighed.why,
        case
            when weighed.source_host is null then 'source'
            when weighed.target_host is null then 'target'
        end as side_without_logs,
        weighed.suspicion,
        weighed.remote_command,
        weighed.child_process_name,
        weighed.child_command_line,
        weighed.source_process_name,
        weighed.source_command_line,
        weighed.source_ip,
        weighed.source_via,
        weighed.logon_ids,
        weighed.clock_skew_seconds,
        gathered.source_evidence,
        gathered.target_evidence
    from weighed
    left join gathered on weighed.act = gathered.act
)

select * from final
