-- /// model
-- name = "events"
-- title = "Every record of the lake, with what detection adds to it"
-- requires = []
-- notes = [
--     "The account that an event is about is chosen here and nowhere else: Target* for logons, logoffs and tickets; for a new process Target* unless that name is empty or '-', then Subject*; Subject* for every other Security event that has one.",
--     "The logon id of a new process is TargetLogonId unless that is zero, then SubjectLogonId: for a child of WMI the Subject is NETWORK SERVICE's 0x3e4 and not the session.",
--     "targets, remote_command and explicit_user are worked out only on rows whose command line has the word. HTML escapes that an exporter left are decoded for them; the stored text stays as logged. A blank on either side of the colon (/node : x) is read as wmic reads it.",
--     "The settings' networks are internal and the settings' accounts local. settings has one row and is only ever looked into, so that no record is counted twice and a change needs no new ingest.",
--     "A host that goes by its whole name shares the short one with another computer (see docs/settings.md): there a whole name proves itself only by the whole host.",
--     "is_self is true only where the event itself proves that both ends are one machine; it is NULL for events that have no two ends.",
-- ]
-- ///
create or replace view events as
with copies as (
    select distinct
        lake_duplicates.source_id,
        lake_duplicates.source_file,
        lake_duplicates.source_record
    from lake_duplicates
),

attributed as (
    select
        lake.event_uid,
        lake.event_time,
        lake.time_source,
        lake.utc_time,
        lake.host,
        lake.computer,
        lake.provider,
        lake.channel,
        lake.event_id,
        lake.version,
        lake.record_id,
        lake.task,
        lake.level,
        lake.opcode,
        lake.keywords,
        lake.execution_process_id,
        lake.execution_thread_id,
        lake.activity_id,
        lake.related_activity_id,
        lake.system_user_sid,
        lake.event_data,
        lake.source_id,
        lake.source_file,
        lake.source_record,
        lake.format,
        lake.batch_id,
        lake.ingested_at,
        copies.source_id is not null as is_duplicate,
        lake.user_name as own_name,
        lake.user_domain as own_domain,
        lake.user_sid as own_sid,
        lake.subject_name,
        lake.subject_domain,
        lake.subject_sid,
        lake.subject_logon_id,
        lake.target_name,
        lake.target_domain,
        lake.target_sid,
        lake.target_logon_id,
        lake.linked_logon_id,
        lake.logon_type,
        lake.logon_process,
        lake.authentication_package,
        lake.workstation,
        lake.target_server,
        lake.target_info,
        lake.privileges,
        lake.outbound_user_name,
        lake.outbound_domain,
        lake.process_path,
        lake.process_name,
        lake.process_id,
        lake.process_guid,
        lake.command_line,
        lake.current_directory,
        lake.original_file_name,
        lake.hashes,
        lake.integrity_level,
        lake.parent_process_path,
        lake.parent_process_name,
        lake.parent_process_id,
        lake.parent_process_guid,
        lake.parent_command_line,
        lake.parent_user,
        lake.source_ip,
        lake.source_ip_key,
        lake.source_port,
        lake.source_host,
        lake.destination_ip,
        lake.destination_ip_key,
        lake.destination_port,
        lake.destination_host,
        lake.protocol,
        lake.is_initiated,
        lake.registry_event_type,
        lake.registry_path,
        lake.registry_details,
        lake.object_name,
        lake.object_type,
        lake.share_name,
        lake.relative_target_name,
        lake.wmi_operation,
        lake.wmi_namespace,
        lake.wmi_query,
        lake.wmi_consumer,
        lake.wmi_filter,
        lake.wmi_client_machine,
        lake.wmi_result,
        lake.wmi_provider_path,
        lake.script_text,
        lower(split_part(coalesce(lake.computer, lake.host), '.', 1)) as machine_name,
        case
            when lake.user_name is not null or lake.user_sid is not null then 'own'
            when
                coalesce(lake.channel, '') <> 'Security'
                or coalesce(lake.provider, 'Microsoft-Windows-Security-Auditing') <> 'Microsoft-Windows-Security-Auditing'
                then 'subject'
            when lake.event_id = 4688 and coalesce(lake.target_name, '') not in ('', '-') then 'target'
            when lake.event_id = 4688 then 'subject'
            when
                lake.event_id between 4624 and 4627
                or lake.event_id between 4768 and 4779
                or lake.event_id between 4800 and 4803
                or lake.event_id = 4634
                or lake.event_id = 4647
                or lake.event_id = 4649
                or lake.event_id = 4675
                or lake.event_id = 4964
                then 'target'
            when coalesce(lake.subject_name, '') in ('', '-') and coalesce(lake.target_name, '') not in ('', '-')
                then 'target'
            else 'subject'
        end as account_side,
        case
            when lake.logon_id is not null then lake.logon_id
            when
                lake.event_id = 4688
                and lake.channel = 'Security'
                and coalesce(lake.target_logon_id, '') in ('', '-', '0x0')
                then lake.subject_logon_id
            when lake.event_id = 4688 and lake.channel = 'Security' then lake.target_logon_id
        end as given_logon_id,
        case
            when
                contains(lower(lake.command_line), 'node')
                or contains(lower(lake.command_line), 'user')
                or contains(lower(lake.command_line), 'create')
                then
                    replace(
                        replace(replace(replace(lake.command_line, '&quot;', '"'), '&#39;', ''''), '&apos;', ''''),
                        '&amp;',
                        '&'
                    )
        end as switches
    from lake_events as lake
    left join copies
        on
            lake.source_id = copies.source_id
            and lake.source_record = copies.source_record
            and lake.source_file is not distinct from copies.source_file
),

named as (
    select
        attributed.event_uid,
        attributed.event_time,
        attributed.time_source,
        attributed.utc_time,
        attributed.host,
        attributed.computer,
        attributed.provider,
        attributed.channel,
        attributed.event_id,
        attributed.version,
        attributed.record_id,
        attributed.task,
        attributed.level,
        attributed.opcode,
        attributed.keywords,
        attributed.execution_process_id,
        attributed.execution_thread_id,
        attributed.activity_id,
        attributed.related_activity_id,
        attributed.system_user_sid,
        attributed.event_data,
        attributed.source_id,
        attributed.source_file,
        attributed.source_record,
        attributed.format,
        attributed.batch_id,
        attributed.ingested_at,
        attributed.is_duplicate,
        case attributed.account_side
            when 'own' then attributed.own_name
            when 'target' then attributed.target_name
            else attributed.subject_name
        end as user_name,
        case attributed.account_side
            when 'own' then attributed.own_domain
            when 'target' then attributed.target_domain
            else attributed.subject_domain
        end as user_domain,
        case attributed.account_side
            when 'own' then attributed.own_sid
            when 'target' then attributed.target_sid
            else attributed.subject_sid
        end as user_sid,
        attributed.machine_name,
        settings.local_accounts,
        case
            when attributed.given_logon_id is not null then attributed.given_logon_id
            when attributed.account_side = 'target' then attributed.target_logon_id
            else attributed.subject_logon_id
        end as logon_id,
        case attributed.account_side
            when 'own' then attributed.given_logon_id
            when 'target' then attributed.target_logon_id
            else attributed.subject_logon_id
        end as account_logon_id,
        attributed.subject_name,
        attributed.subject_domain,
        attributed.subject_sid,
        attributed.subject_logon_id,
        attributed.target_name,
        attributed.target_domain,
        attributed.target_sid,
        attributed.target_logon_id,
        attributed.linked_logon_id,
        attributed.logon_type,
        attributed.logon_process,
        attributed.authentication_package,
        attributed.workstation,
        attributed.target_server,
        attributed.target_info,
        attributed.privileges,
        attributed.outbound_user_name,
        attributed.outbound_domain,
        attributed.process_path,
        attributed.process_name,
        attributed.process_id,
        attributed.process_guid,
        attributed.command_line,
        attributed.current_directory,
        attributed.original_file_name,
        attributed.hashes,
        attributed.integrity_level,
        attributed.parent_process_path,
        attributed.parent_process_name,
        attributed.parent_process_id,
        attributed.parent_process_guid,
        attributed.parent_command_line,
        attributed.parent_user,
        attributed.source_ip,
        attributed.source_ip_key,
        attributed.source_port,
        attributed.source_host,
        attributed.destination_ip,
        attributed.destination_ip_key,
        attributed.destination_port,
        attributed.destination_host,
        attributed.protocol,
        attributed.is_initiated,
        attributed.registry_event_type,
        attributed.registry_path,
        attributed.registry_details,
        attributed.object_name,
        attributed.object_type,
        attributed.share_name,
        attributed.relative_target_name,
        attributed.wmi_operation,
        attributed.wmi_namespace,
        attributed.wmi_query,
        attributed.wmi_consumer,
        attributed.wmi_filter,
        attributed.wmi_client_machine,
        attributed.wmi_result,
        attributed.wmi_provider_path,
        attributed.script_text,
        case
            when attributed.source_ip_key is null then 'none'
            when
                attributed.source_ip_key in (
                    '00000000000000000000000000000000', '00000000000000000000000000000001', '00000000000000000000ffff00000000'
                )
                or starts_with(attributed.source_ip_key, '00000000000000000000ffff7f')
                then 'loopback'
            when
                starts_with(attributed.source_ip_key, 'ff')
                or attributed.source_ip_key between '00000000000000000000ffffe0000000' and '00000000000000000000ffffefffffff'
                then 'multicast'
            when
                starts_with(attributed.source_ip_key, '00000000000000000000ffff0a')
                or attributed.source_ip_key between '00000000000000000000ffffac100000' and '00000000000000000000ffffac1fffff'
                or starts_with(attributed.source_ip_key, '00000000000000000000ffffc0a8')
                or starts_with(attributed.source_ip_key, '00000000000000000000ffffa9fe')
                or substr(attributed.source_ip_key, 1, 2) in ('fc', 'fd')
                or substr(attributed.source_ip_key, 1, 3) in ('fe8', 'fe9', 'fea', 'feb')
                or list_contains(
                    list_transform(
                        settings.internal_networks,
                        lambda network: attributed.source_ip_key between network.low and network.high -- noqa: RF01
                    ),
                    true
                )
                then 'internal'
            else 'external'
        end as source_scope,
        case
            when attributed.destination_ip_key is null then 'none'
            when
                attributed.destination_ip_key in (
                    '00000000000000000000000000000000', '00000000000000000000000000000001', '00000000000000000000ffff00000000'
                )
                or starts_with(attributed.destination_ip_key, '00000000000000000000ffff7f')
                then 'loopback'
            when
                starts_with(attributed.destination_ip_key, 'ff')
                or attributed.destination_ip_key between '00000000000000000000ffffe0000000' and '00000000000000000000ffffefffffff'
                then 'multicast'
            when
                starts_with(attributed.destination_ip_key, '00000000000000000000ffff0a')
                or attributed.destination_ip_key between '00000000000000000000ffffac100000' and '00000000000000000000ffffac1fffff'
                or starts_with(attributed.destination_ip_key, '00000000000000000000ffffc0a8')
                or starts_with(attributed.destination_ip_key, '00000000000000000000ffffa9fe')
                or substr(attributed.destination_ip_key, 1, 2) in ('fc', 'fd')
                or substr(attributed.destination_ip_key, 1, 3) in ('fe8', 'fe9', 'fea', 'feb')
                or list_contains(
                    list_transform(
                        settings.internal_networks,
                        lambda network: attributed.destination_ip_key between network.low and network.high -- noqa: RF01
                    ),
                    true
                )
                then 'internal'
            else 'external'
        end as destination_scope,
        attributed.switches,
        -- A /node: in the quoted command that is to run elsewhere is not wmic's own.
        case
            when contains(lower(attributed.switches), 'node')
                then
                    regexp_replace(
                        attributed.switches,
                        '(?is)\bcall\s+create\s+(?:"(?:[^"\\]+|\\"|\\)*"|\\"[^"]*?\\*"|''[^'']*'')',
                        ' ',
                        'g'
                    )
        end as own_switches
    from attributed
    cross join settings
),

final as (
    select
        named.event_uid,
        named.event_time,
        named.time_source,
        named.utc_time,
        named.host,
        named.computer,
        named.provider,
        named.channel,
        named.event_id,
        named.version,
        named.record_id,
        named.task,
        named.level,
        named.opcode,
        named.keywords,
        named.execution_process_id,
        named.execution_thread_id,
        named.activity_id,
        named.related_activity_id,
        named.system_user_sid,
        named.event_data,
        named.source_id,
        named.source_file,
        named.source_record,
        named.format,
        named.batch_id,
        named.ingested_at,
        named.is_duplicate,
        named.user_name,
        named.user_domain,
        named.user_sid,
        case
            when coalesce(named.user_name, '') in ('', '-') then 'none'
            when
                lower(named.user_name) in (
                    named.host || '$',
                    substr(named.host, 1, 15) || '$',
                    named.machine_name || '$',
                    substr(named.machine_name, 1, 15) || '$'
                )
                then 'self'
            when ends_with(split_part(named.user_name, '@', 1), '$') then 'machine'
            when
                regexp_matches(upper(named.user_sid), '^S-1-5-(7|18|19|20|(80|82|83|90|96|111)(-.*)?)$')
                or regexp_matches(named.account_logon_id, '^0x3e[2-7]$')
                then 'system'
            when
                regexp_matches(
                    lower(named.user_domain),
                    '^(nt[ -]authority|nt-autorit.*|nt-autoriteit|autorit.{1,2} nt|'
                    || 'autoridade nt|autoridad nt|autorità nt|nt[ -]instans|nt-myndighe[dt]|'
                    || 'zarz.{1,2}dzanie nt|nt[ -]service|nt-dienst|service nt|servicio nt|'
                    || 'servizio nt|servi.{1,2}o nt|nt-tj.{1,2}nst|window manager|fenster-manager|'
                    || 'fenstermanager|gestionnaire de fen.{1,2}tres|administrador de ventanas|'
                    || 'gestione finestre|gerenciador de janelas|font driver host|schriftartentreiberhost|'
                    || 'iis apppool|virtual users|virtuelle benutzer|nt virtual machine|'
                    || 'builtin|vordefiniert|integrado|predefinito|incorporado|intégré)$'
                )
                and not regexp_matches(upper(coalesce(named.user_sid, '')), '^S-1-(5-21|12-1)-')
                then 'system'
            when
                coalesce(lower(named.user_domain), '') in ('', '-', '.', 'microsoftaccount')
                or lower(named.user_domain) in (
                    named.host,
                    substr(named.host, 1, 15),
                    named.machine_name,
                    substr(named.machine_name, 1, 15),
                    lower(named.computer)
                )
                then 'local'
            when
                list_contains(
                    list_transform(
                        named.local_accounts,
                        lambda account: account in ( -- noqa: RF03
                            lower(split_part(named.user_name, '@', 1)),
                            lower(named.user_domain) || '\' || lower(named.user_name),
                            lower(split_part(named.user_domain, '.', 1)) || '\' || lower(named.user_name)
                        )
                        or (
                            starts_with(account, lower(named.user_domain) || '.') -- noqa: RF03
                            and ends_with(account, '\' || lower(named.user_name)) -- noqa: RF03
                            and contains(named.user_domain, '.') is not true
                        )
                    ),
                    true
                )
                then 'local'
            else 'domain'
        end as user_class,
        named.subject_name,
        named.subject_domain,
        named.subject_sid,
        named.subject_logon_id,
        named.target_name,
        named.target_domain,
        named.target_sid,
        named.target_logon_id,
        named.logon_id,
        named.linked_logon_id,
        named.logon_type,
        named.logon_process,
        named.authentication_package,
        named.workstation,
        named.target_server,
        named.target_info,
        named.privileges,
        named.outbound_user_name,
        named.outbound_domain,
        named.process_path,
        named.process_name,
        named.process_id,
        named.process_guid,
        named.command_line,
        named.current_directory,
        named.original_file_name,
        named.hashes,
        named.integrity_level,
        named.parent_process_path,
        named.parent_process_name,
        named.parent_process_id,
        named.parent_process_guid,
        named.parent_command_line,
        named.parent_user,
        case when coalesce(named.parent_process_name, '') not in ('', '-') then 'logged' end as parent_source,
        case
            when contains(lower(named.switches), 'node')
                then
                    regexp_extract_all(
                        nullif(
                            replace(
                                replace(
                                    replace(
                                        array_to_string(
                                            regexp_extract_all(
                                                case
                                                    when regexp_matches(named.own_switches, '(?i)[/-]node\s*:')
                                                        then named.own_switches
                                                    else named.switches
                                                end,
                                                '(?i)(?:^|[^/-])[/-]node\s*:\s*('
                                                || '@?\\?(?:"[^"]*"|''[^'']*''|["''][^\s,"'']+|[^\s,"''/|&<>;)]+)'
                                                || '(?:\s*,\s*'
                                                || '@?\\?(?:"[^"]*"|''[^'']*''|["''][^\s,"'']+|[^\s,"''/|&<>;)]+)'
                                                || ')*)',
                                                1
                                            ),
                                            ','
                                        ),
                                        '\"',
                                        ''
                                    ),
                                    '"',
                                    ''
                                ),
                                '''',
                                ''
                            ),
                            ''
                        ),
                        '([^,\s](?:[^,]*[^,\s])?)',
                        1
                    )
        end as targets,
        case
            when contains(lower(named.switches), 'create')
                then
                    coalesce(
                        nullif(
                            replace(
                                regexp_extract(
                                    named.switches,
                                    '(?is)\bcall\s+create\s+"((?:[^"\\]+|\\"|\\)*)"',
                                    1
                                ),
                                '\"',
                                '"'
                            ),
                            ''
                        ),
                        nullif(regexp_extract(named.switches, '(?is)\bcall\s+create\s+\\"([^"]*?)\\*"', 1), ''),
                        nullif(regexp_extract(named.switches, '(?is)\bcall\s+create\s+''([^'']*)''', 1), ''),
                        -- A line that an agent cut off has no closing quote.
                        nullif(
                            replace(
                                regexp_extract(named.switches, '(?is)\bcall\s+create\s+\\?["'']([^"''].*?)\s*$', 1), '\"', '"'
                            ),
                            ''
                        ),
                        nullif(
                            regexp_extract(
                                named.switches,
                                '(?is)\bcall\s+create\s+([^"'',\s][^"'',]*?)\s*(?:["'']\s*$|,|'
                                || '\s[/-](?:node|user|password|namespace|role|implevel|authlevel|'
                                || 'authority|locale|privileges|trace|record|interactive|failfast|'
                                || 'output|append|aggregate)\s*:|$)',
                                1
                            ),
                            ''
                        ),
                        nullif(
                            regexp_extract(
                                named.switches,
                                '(?is)\bcall\s+create\s+([^"'',\s][^,]*?)\s*(?:,|\s[/-](?:node|'
                                || 'user|password|namespace|role|implevel|authlevel|authority|locale|'
                                || 'privileges|trace|record|interactive|failfast|output|append|aggregate)'
                                || '\s*:|$)',
                                1
                            ),
                            ''
                        )
                    )
        end as remote_command,
        case
            when contains(lower(named.switches), 'user')
                then
                    nullif(
                        regexp_extract(
                            coalesce(
                                nullif(
                                    regexp_extract(
                                        named.switches, '(?i)(?:^|[^/-])[/-]user\s*:\s*\\?["'']([^"'':/]*)["'']', 1
                                    ),
                                    ''
                                ),
                                regexp_extract(
                                    named.switches, '(?i)(?:^|[^/-])[/-]user\s*:\s*\\?["'']?([^\s,"''/:|&<>;)]+)', 1
                                )
                            ),
                            '(?is)^\s*(.*?)[\s\\]*(?:-password.*)?$',
                            1
                        ),
                        ''
                    )
        end as explicit_user,
        named.source_ip,
        named.source_ip_key,
        named.source_scope,
        named.source_port,
        named.source_host,
        named.destination_ip,
        named.destination_ip_key,
        named.destination_scope,
        named.destination_port,
        named.destination_host,
        named.protocol,
        named.is_initiated,
        case
            when named.source_ip_key is not null and named.destination_ip_key is not null
                then
                    named.source_ip_key = named.destination_ip_key
                    or named.source_scope = 'loopback'
                    or named.destination_scope = 'loopback'
            when named.channel = 'Security' and named.event_id in (4624, 4625)
                then
                    named.source_scope = 'loopback'
                    or (
                        named.source_scope = 'none'
                        and (
                            lower(coalesce(named.workstation, '')) in (named.host, lower(named.computer))
                            or (
                                lower(split_part(coalesce(named.workstation, ''), '.', 1)) in (
                                    named.host,
                                    substr(named.host, 1, 15),
                                    named.machine_name,
                                    substr(named.machine_name, 1, 15)
                                )
                                and (contains(named.workstation, '.') and contains(named.host, '.')) is not true
                            )
                        )
                    )
            when named.channel = 'Security' and named.event_id = 4648
                then
                    lower(coalesce(named.target_server, '')) in (named.host, lower(named.computer))
                    or (
                        lower(split_part(coalesce(named.target_server, ''), '.', 1)) in (
                            'localhost',
                            named.host,
                            substr(named.host, 1, 15),
                            named.machine_name,
                            substr(named.machine_name, 1, 15)
                        )
                        and (contains(named.target_server, '.') and contains(named.host, '.')) is not true
                    )
        end as is_self,
        named.registry_event_type,
        named.registry_path,
        named.registry_details,
        named.object_name,
        named.object_type,
        named.share_name,
        named.relative_target_name,
        named.wmi_operation,
        named.wmi_namespace,
        named.wmi_query,
        named.wmi_consumer,
        named.wmi_filter,
        named.wmi_client_machine,
        named.wmi_result,
        named.wmi_provider_path,
        named.script_text
    from named
)

select * from final
