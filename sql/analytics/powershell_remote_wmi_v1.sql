-- /// analytic
-- id = "powershell_remote_wmi"
-- version = 1
-- title = "PowerShell that calls WMI methods on another computer"
-- description = "Invoke-WmiMethod, Invoke-CimMethod, [wmiclass] and the like together with a computer's name, in what PowerShell logs of scripts, commands and pipelines. Shows whom it was aimed at and, where that can be told, what should run there."
-- kind = "detection"
-- side = "source"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "high"
-- implements = [
--     { document = "car-2016-03-002", item = "Description: other ways to create processes through WMI, PowerShell among them", note = "The document names the way and has no query for it." },
--     { document = "hunt-report-wmi-lateral-movement", item = "Conclusion: PowerShell as the means of the lateral movement", note = "The report finds it and has no query for the script's side." },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-PowerShell/Operational", event_id = 4103, columns = ["script_text"] },
--     { channel = "Microsoft-Windows-PowerShell/Operational", event_id = 4104, columns = ["script_text"] },
--     { channel = "Windows PowerShell", event_id = 800, columns = ["script_text"] },
-- ]
-- impact = 80
-- confidence = 65
-- risk_score = 52
-- message = "$user_name on $host called a WMI method on $targets from PowerShell: $remote_command"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "Administrators' scripts and management products that start programs or change settings on other computers by WMI.",
--     "A script's help or comment that shows such a call: text alone does not tell a comment from a command.",
--     "A long script that calls a method here and asks another computer something elsewhere.",
-- ]
-- considerations = [
--     "A 4103 is the surest of the three: it has the values, not the variables. A 4104 may only define what is never called.",
--     "One act is often seen four times: 4104, 4103, 800, and each once more where a download cradle runs it through Invoke-Expression.",
--     "is_process_creation says that Win32_Process and Create stand in it; without it, another method or class was used.",
--     "is_self marks calls that name only this computer; they are shown because a test run looks like that.",
--     "A target that is a variable or an expression stays as written ($computer, Get-Content hosts.txt): the 4103 beside it has the names.",
--     "A long script block is logged in pieces. A piece hits only if it has both the call and the name; search the others by script_block_id.",
--     "A comment that spells out a whole call with a computer's name cannot be told from one that runs, and hits.",
--     "On the target the command appears as a child of WmiPrvSE.exe (wmiprvse_children); a CIM session over WinRM arrives on 5985 or 5986 instead of RPC.",
-- ]
-- permissions = ["Administrator on the target, whose firewall lets DCOM or WinRM in"]
-- artifacts = [
--     "Script block logging (4104) or module logging (4103, 800) on the source host; without these policies PowerShell logs only what it finds suspicious itself",
-- ]
-- response = [
--     "Look for the command on each target, as a child of WmiPrvSE.exe at the same time.",
--     "Read the other script blocks of the same process, and what started it.",
--     "Check whether account and time fit a known administrative task.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries might call WMI from PowerShell, with stolen credentials, to start a process on a remote host of this network."
-- platforms = ["Windows"]
-- data_sources = [
--     { name = "PowerShell 4103, module logging", platform = "Windows", attack_data_source = "Command", attack_data_component = "Command Execution" },
--     { name = "PowerShell 4104, script block logging", platform = "Windows", attack_data_source = "Script", attack_data_component = "Script Execution" },
--     { name = "Windows PowerShell 800, pipeline execution details", platform = "Windows", attack_data_source = "Command", attack_data_component = "Command Execution" },
-- ]
-- references = [
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "Invoke-WmiMethod", url = "https://learn.microsoft.com/powershell/module/microsoft.powershell.management/invoke-wmimethod" },
--     { title = "Invoke-CimMethod", url = "https://learn.microsoft.com/powershell/module/cimcmdlets/invoke-cimmethod" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "targets are read from -ComputerName and its short forms, the host's name in \\\\HOST\\root, New-CimSession, ConnectServer, a splatted hashtable, and the parameter bindings of 4103 and 800; each once, sorted.",
--     "Backticks inside words are ignored and lines that they or a pipe continue are joined. Words put together at run time are seen only where module logging has the result.",
--     "The command line of the hosting process, which every 800 repeats, is left out of the search, so one powershell.exe -Command does not make each of its pipelines a hit.",
--     "A 4104 names its account by SID alone; the name is that which a 4103 of the same host gives to the SID.",
-- ]
-- ///
create or replace view hunt.powershell_remote_wmi_v1 as
with scripts as (
    select
        script.event_time,
        script.host,
        script.event_uid,
        script.user_name,
        script.user_domain,
        script.user_sid,
        script.user_class,
        script.computer,
        script.process_id,
        script.command_line,
        script.object_name,
        script.script_block_id,
        script.message_number,
        script.message_total,
        script.script_text,
        script.channel,
        script.event_id,
        script.record_id,
        script.source_file,
        script.source_record,
        case
            when script.event_id = 800
                then
                    coalesce(
                        nullif(regexp_extract(script.script_text, '(?s)\n\s*CommandLine=(.*)$', 1), ''),
                        script.script_text
                    )
            else script.script_text
        end as own_text
    from script_execution as script
    where
        script.event_id in (4103, 4104, 800)
        and regexp_matches(
            replace(script.script_text, '`', ''),
            '(?i)wmimethod|cimmethod|\biwmi\b|\bicim\b|win32_process\b|wmiclass|managementclass|swbemlocator'
        )
),

continued as (
    select
        scripts.event_time,
        scripts.host,
        scripts.event_uid,
        scripts.user_name,
        scripts.user_domain,
        scripts.user_sid,
        scripts.user_class,
        scripts.computer,
        scripts.process_id,
        scripts.command_line,
        scripts.object_name,
        scripts.script_block_id,
        scripts.message_number,
        scripts.message_total,
        scripts.script_text,
        scripts.channel,
        scripts.event_id,
        scripts.record_id,
        scripts.source_file,
        scripts.source_record,
        regexp_replace(
            regexp_replace(scripts.own_text, '`[ \t]*\r?\n\s*', ' ', 'g'), '\|[ \t]*\r?\n\s*', '| ', 'g'
        ) as joined
    from scripts
),

plain as (
    select
        continued.event_time,
        continued.host,
        continued.event_uid,
        continued.user_name,
        continued.user_domain,
        continued.user_sid,
        continued.user_class,
        continued.computer,
        continued.process_id,
        continued.command_line,
        continued.object_name,
        continued.script_block_id,
        continued.message_number,
        continued.message_total,
        continued.script_text,
        continued.channel,
        continued.event_id,
        continued.record_id,
        continued.source_file,
        continued.source_record,
        continued.joined,
        translate(replace(continued.joined, '`', ''), '–—―', '---') as code
    from continued
),

evidence as (
    select
        plain.event_time,
        plain.host,
        plain.event_uid,
        plain.user_name,
        plain.user_domain,
        plain.user_sid,
        plain.user_class,
        plain.computer,
        plain.process_id,
        plain.command_line,
        plain.object_name,
        plain.script_block_id,
        plain.message_number,
        plain.message_total,
        plain.script_text,
        plain.channel,
        plain.event_id,
        plain.record_id,
        plain.source_file,
        plain.source_record,
        plain.joined,
        nullif(
            lower(regexp_extract(plain.code, '(?i)\b(invoke-wmimethod|invoke-cimmethod|iwmi|icim)\b', 1)), ''
        ) as invoked,
        nullif(
            lower(
                regexp_extract(
                    plain.code, '(?i)\b(wmiclass|managementclass|swbemlocator|get-wmiobject|gwmi|get-cimclass|gcls)\b', 1
                )
            ),
            ''
        ) as class_by,
        regexp_matches(plain.code, '(?i)\.\s*(?:create|invokemethod|execmethod_?)\s*\(') as is_method_called,
        regexp_matches(plain.code, '(?i)win32_process\b') as is_process_class,
        regexp_matches(plain.code, '(?i)\bcreate\b') as is_create,
        -- Every place where a computer's name may stand; commas between.
        replace(
            replace(
                replace(
                    regexp_replace(
                        array_to_string(
                            regexp_extract_all(
                                plain.code,
                                '(?i)\b(?:invoke-wmimethod|iwmi|invoke-cimmethod|icim|new-cimsession|ncms|'
                                || 'get-wmiobject|gwmi|get-ciminstance|gcim|get-cimclass|gcls|set-wmiinstance|swmi)\b'
                                || '[^\r\n;"'']*?(?:(?:"[^"\r\n]*"|''[^''\r\n]*'')[^\r\n;"'']*?)*?'
                                || '\s-(?:com(?:p[a-z]*)?|cn|servername)(?:\s+|:\s*)'
                                || '([$@]?\([^)\r\n]*\)|(?:"[^"\r\n]*"|''[^''\r\n]*''|[^\s,;|(){}"'']+)'
                                || '(?:\s*,\s*(?:"[^"\r\n]*"|''[^''\r\n]*''|[^\s,;|(){}"'']+))*)',
                                1
                            ),
                            ','
                        )
                        || ','
                        || array_to_string(
                            regexp_extract_all(
                                plain.code,
                                '(?i)\b(?:new-cimsession|ncms)\s+'
                                || '((?:"[^"\r\n]*"|''[^''\r\n]*''|[^\s,;|(){}"''=-][^\s,;|(){}"'']*)'
                                || '(?:\s*,\s*(?:"[^"\r\n]*"|''[^''\r\n]*''|[^\s,;|(){}"'']+))*)',
                                1
                            ),
                            ','
                        )
                        || ','
                        || array_to_string(
                            regexp_extract_all(
                                plain.code,
                                '(?i)parameterbinding\((?:invoke-wmimethod|iwmi|invoke-cimmethod|icim|new-cimsession|ncms|'
                                || 'get-wmiobject|gwmi|get-ciminstance|gcim|get-cimclass|gcls|set-wmiinstance|swmi)\): '
                                || 'name="(?:computername|cimsession)"; value="([^"\r\n]*)"',
                                1
                            ),
                            ','
                        )
                        || ','
                        || array_to_string(
                            regexp_extract_all(plain.code, '(?i)(?:\\\\|(?:^|[^:])//)([^\\/\s"'',;)]+)[\\/]root\b', 1), ','
                        )
                        || ','
                        || array_to_string(
                            regexp_extract_all(plain.code, '(?i)connectserver\(\s*["'']?([^"'',)\s]+)', 1), ','
                        )
                        || ','
                        || case
                            when
                                regexp_matches(
                                    plain.code,
                                    '(?i)\b(?:invoke-wmimethod|iwmi|invoke-cimmethod|icim|new-cimsession|ncms)\s[^\r\n]*?@[a-z_]'
                                )
                                then
                                    array_to_string(
                                        regexp_extract_all(
                                            plain.code,
                                            '(?i)(?:^|[^$a-z_])computername["'']?\s*=\s*'
                                            || '([$@]?\([^)\r\n]*\)|(?:"[^"\r\n]*"|''[^''\r\n]*''|[^\s,;|(){}"'']+)'
                                            || '(?:\s*,\s*(?:"[^"\r\n]*"|''[^''\r\n]*''|[^\s,;|(){}"'']+))*)',
                                            1
                                        ),
                                        ','
                                    )
                            else ''
                        end,
                        '(?i)cimsession: |, \.\.\.|[$@]?\(|\)',
                        '',
                        'g'
                    ),
                    '"',
                    ''
                ),
                '''',
                ''
            ),
            '&quot;',
            ''
        ) as computers
    from plain
),

hits as (
    select
        evidence.event_time,
        evidence.host,
        evidence.event_uid,
        evidence.user_name,
        evidence.user_domain,
        evidence.user_sid,
        evidence.user_class,
        evidence.computer,
        evidence.process_id,
        evidence.command_line,
        case coalesce(evidence.invoked, evidence.class_by)
            when 'iwmi' then 'invoke-wmimethod'
            when 'icim' then 'invoke-cimmethod'
            when 'gwmi' then 'get-wmiobject'
            when 'gcls' then 'get-cimclass'
            else coalesce(evidence.invoked, evidence.class_by)
        end as cmdlet,
        list_sort(list_distinct(regexp_extract_all(evidence.computers, '([^,\s](?:[^,]*[^,\s])?)', 1))) as targets,
        evidence.is_process_class and evidence.is_create as is_process_creation,
        case
            when evidence.is_process_class
                then
                    coalesce(
                        nullif(
                            nullif(
                                regexp_extract(
                                    evidence.joined,
                                    '(?i)parameterbinding\(invoke-(?:wmi|cim)method\): '
                                    || 'name="(?:argumentlist|arguments)"; '
                                    || 'value="([^\r\n]*?)(?:, \.\.\.)?"[ \t]*(?:[\r\n]|$)',
                                    1
                                ),
                                'System.Collections.Hashtable'
                            ),
                            ''
                        ),
                        nullif(
                            replace(replace(regexp_extract(
                                evidence.joined,
                                '(?is)[\s{;"'']commandline["'']?\s*=\s*"([^"`]*(?:(?:`.|"")[^"`]*)*)"',
                                1
                            ), '`"', '"'), '""', '"'),
                            ''
                        ),
                        nullif(
                            replace(regexp_extract(
                                evidence.joined,
                                '(?is)[\s{;"'']commandline["'']?\s*=\s*''([^'']*(?:''''[^'']*)*)''',
                                1
                            ), '''''', ''''),
                            ''
                        ),
                        nullif(
                            replace(replace(regexp_extract(
                                evidence.joined,
                                '(?is)\s[–—―-]arg[a-z]*(?:\s+|:\s*)@?\(?\s*"([^"`]*(?:(?:`.|"")[^"`]*)*)"',
                                1
                            ), '`"', '"'), '""', '"'),
                            ''
                        ),
                        nullif(
                            replace(regexp_extract(
                                evidence.joined,
                                '(?is)\s[–—―-]arg[a-z]*(?:\s+|:\s*)@?\(?\s*''([^'']*(?:''''[^'']*)*)''',
                                1
                            ), '''''', ''''),
                            ''
                        ),
                        nullif(
                            replace(
                                replace(
                                    regexp_extract(evidence.joined, '(?is)\.\s*create\s*\(\s*"([^"`]*(?:(?:`.|"")[^"`]*)*)"', 1), '`"', '"'
                                ),
                                '""',
                                '"'
                            ),
                            ''
                        ),
                        nullif(
                            replace(
                                regexp_extract(evidence.joined, '(?is)\.\s*create\s*\(\s*''([^'']*(?:''''[^'']*)*)''', 1), '''''', ''''
                            ),
                            ''
                        ),
                        nullif(
                            replace(replace(regexp_extract(
                                evidence.joined,
                                '(?is)\.\s*invokemethod\s*\(\s*["'']create["'']\s*,\s*@?\(?\s*"([^"`]*(?:(?:`.|"")[^"`]*)*)"',
                                1
                            ), '`"', '"'), '""', '"'),
                            ''
                        ),
                        nullif(
                            replace(regexp_extract(
                                evidence.joined,
                                '(?is)\.\s*invokemethod\s*\(\s*["'']create["'']\s*,\s*@?\(?\s*''([^'']*(?:''''[^'']*)*)''',
                                1
                            ), '''''', ''''),
                            ''
                        ),
                        nullif(
                            regexp_extract(evidence.joined, '(?i)\s[–—―-]arg[a-z]*(?:\s+|:\s*)@?\(?\s*([^\s"'',;|(){}@]+)', 1),
                            ''
                        ),
                        nullif(
                            regexp_extract(evidence.joined, '(?i)[\s{;]commandline["'']?\s*=\s*(\$\w+)', 1),
                            ''
                        ),
                        nullif(
                            regexp_extract(evidence.joined, '(?i)\.\s*create\s*\(\s*(\$\w+)', 1),
                            ''
                        )
                    )
        end as remote_command,
        evidence.object_name,
        evidence.script_block_id,
        evidence.message_number,
        evidence.message_total,
        evidence.script_text,
        evidence.channel,
        evidence.event_id,
        evidence.record_id,
        evidence.source_file,
        evidence.source_record
    from evidence
    where
        regexp_matches(evidence.computers, '[^,\s]')
        and (
            evidence.invoked is not null
            or coalesce(evidence.class_by, '') in ('wmiclass', 'managementclass', 'swbemlocator')
            or (evidence.class_by is not null and evidence.is_process_class and evidence.is_method_called)
        )
),

accounts as (
    select
        script.host,
        script.user_sid,
        arg_min(
            {
                'user_name': script.user_name,
                'user_domain': script.user_domain,
                'user_class': script.user_class
            },
            { 't': script.event_time, 'u': script.event_uid }
        ) as known
    from script_execution as script
    where
        script.event_id = 4103
        and script.user_sid is not null
        and script.user_name is not null
    group by script.host, script.user_sid
),

final as (
    select
        hits.event_time,
        hits.host,
        hits.event_uid,
        coalesce(hits.user_name, accounts.known.user_name) as user_name,
        coalesce(hits.user_domain, accounts.known.user_domain) as user_domain,
        hits.user_sid,
        case when hits.user_name is null then coalesce(accounts.known.user_class, hits.user_class) else hits.user_class end as user_class,
        hits.process_id,
        hits.command_line,
        hits.cmdlet,
        hits.targets,
        hits.is_process_creation,
        regexp_replace(
            replace(
                replace(
                    replace(
                        '<' || lower(array_to_string(hits.targets, '><')) || '>',
                        '<' || coalesce(hits.host, '') || '>',
                        ''
                    ),
                    '<' || substr(coalesce(hits.host, ''), 1, 15) || '>',
                    ''
                ),
                '<' || lower(coalesce(hits.computer, '')) || '>',
                ''
            ),
            '<(?:localhost|\.|127\.[0-9.]+|::1|\$env:computername)>',
            '',
            'g'
        ) = '' as is_self,
        hits.remote_command,
        hits.object_name,
        hits.script_block_id,
        hits.message_number,
        hits.message_total,
        hits.script_text,
        hits.channel,
        hits.event_id,
        hits.record_id,
        hits.source_file,
        hits.source_record
    from hits
    left join accounts
        on
            hits.host = accounts.host
            and hits.user_sid = accounts.user_sid
)

select * from final
