-- /// analytic
-- id = "wmic_remote_broad"
-- version = 1
-- title = "wmic against another computer, however it is written"
-- description = "Process creation whose command line has wmic call a method of a process class on another computer: any spelling of the switch, alias, path or class, any method, renamed programs, quotes and carets inside words, and the shells around it. Passwords are masked."
-- kind = "detection"
-- side = "source"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "high"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Description: wmic.exe also executes WMI methods", note = "The document's rows know process call create alone." },
--     { document = "thp-t1028-wmic-remote", item = "Hunter Notes: new or explicit credentials used to create processes", note = "explicit_user is the account that wmic was given." },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["process_name", "command_line"] },
--     { channel = "Security", event_id = 4688, columns = ["process_name", "command_line"] },
--     { channel = "cortex/xdr_data", columns = ["process_name", "command_line"] },
--     { channel = "crowdstrike/ProcessRollup2", columns = ["process_name", "command_line"] },
-- ]
-- impact = 80
-- confidence = 65
-- risk_score = 52
-- message = "$user_name on $host aimed wmic at $targets: $wmi_method $remote_command"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "Administrators' scripts that start or stop programs on other computers with wmic.",
--     "Programs whose command line only quotes such a line: a search for it, an editor, a ticket's title. is_wrapper marks what is not wmic itself.",
-- ]
-- considerations = [
--     "Broader than the documents' queries and so the one to read first; where several of them hit the same record, they agree.",
--     "is_process_creation tells starting a program from ending, changing or deleting one.",
--     "A method other than create leaves no child of WmiPrvSE.exe on the target.",
--     "A password on the command line is masked here, in the parent's too; the record itself and Security 4688 on disk still have it.",
-- ]
-- permissions = ["Administrator on the target, whose firewall lets DCOM and RPC in"]
-- artifacts = ["Process creation records with the whole command line, on the source host"]
-- response = [
--     "Search the targets for the command as a child of WmiPrvSE.exe (wmiprvse_children).",
--     "Find out how the parent came to run; carets and quotes inside words are no administrator's habit.",
--     "If explicit_user is set, take that account's password as known to whoever ran this and reset it.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries might use wmic with stolen credentials, and write it so that simple patterns miss it, to act on a remote host of this network."
-- simulation = [
--     { title = "Atomic Red Team: WMIC Process Call Create", author = "atomic-red-team", url = "https://github.com/redcanaryco/atomic-red-team/blob/20a447e63de9d5ef836534743c6f8fdef16c5874/atomics/T1028/T1028.md#atomic-test-3---wmic-process-call-create" },
-- ]
-- platforms = ["Windows"]
-- data_sources = [
--     { name = "Sysmon 1, process create", platform = "Windows", attack_data_source = "Process Monitoring" },
--     { name = "Security 4688, a new process has been created", platform = "Windows", attack_data_source = "Process Monitoring" },
-- ]
-- references = [
--     { title = "ThreatHunter-Playbook: Create Remote Process via WMIC (T1028_wmic_remote)" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "wmic", url = "https://learn.microsoft.com/windows/win32/wmisdk/wmic" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "The line is read without quotes and carets and with single blanks; targets, method and, where the quoted form cannot be read, remote_command come from that form.",
--     "What names only the own computer (localhost, ., a loopback address, the host's own name) is left out; @file counts as another computer.",
--     "The mask runs to the next blank outside of quotes, and where quotes are not closed to the end of the line: rather too much than too little.",
--     "wmic that is run through a name it was given elsewhere, within a shell's command line, is seen only in its own record, by its original file name.",
-- ]
-- ///
create or replace view hunt.wmic_remote_broad_v1 as
with lines as (
    select
        process.event_time,
        process.host,
        process.event_uid,
        process.user_name,
        process.user_domain,
        process.user_class,
        process.logon_id,
        process.process_path,
        process.process_name,
        process.process_id,
        process.original_file_name,
        process.computer,
        process.command_line,
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
        coalesce(process.process_name, '') = 'wmic.exe'
        or lower(coalesce(process.original_file_name, '')) = 'wmic.exe' as is_wmic,
        trim(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        replace(
                            replace(replace(replace(process.command_line, '&quot;', ''), '&#39;', ''), '&apos;', ''), '&amp;', '&'
                        ),
                        '\\?"|\^|''',
                        '',
                        'g'
                    ),
                    '(?i)[/-]password\s*:', ' /password:', 'g'
                ),
                '\s+',
                ' ',
                'g'
            )
        ) as bare
    from process_creation as process
    where regexp_matches(process.command_line, '(?i)[/-]["''^\\]*n["''^\\]*o["''^\\]*d["''^\\]*e["''^\\]*\s*:')
),

calls as (
    select
        lines.event_time,
        lines.host,
        lines.event_uid,
        lines.user_name,
        lines.user_domain,
        lines.user_class,
        lines.logon_id,
        lines.process_path,
        lines.process_name,
        lines.process_id,
        lines.original_file_name,
        lines.computer,
        lines.command_line,
        lines.remote_command,
        lines.explicit_user,
        lines.parent_process_path,
        lines.parent_process_name,
        lines.parent_process_id,
        lines.parent_command_line,
        lines.parent_source,
        lines.channel,
        lines.event_id,
        lines.record_id,
        lines.source_file,
        lines.source_record,
        lines.is_wmic,
        lines.bare,
        regexp_extract_all(
            array_to_string(
                regexp_extract_all(
                    lines.bare,
                    '(?i)(?:^|[^/-])[/-]node ?: ?(@?[^\s,/|&<>;)]+(?: ?, ?@?[^\s,/|&<>;)]+)*)',
                    1
                ),
                ','
            ),
            '([^,\s](?:[^,]*[^,\s])?)',
            1
        ) as targets,
        coalesce(
            nullif(
                lower(
                    regexp_extract(
                        lines.bare,
                        '(?i)(?:(?:path|class) ?[^ ]*win32_process[^a-z_]|[ /]process ).*?\bcall ([a-z0-9_]+)',
                        1
                    )
                ),
                ''
            ),
            nullif(
                lower(
                    regexp_extract(
                        lines.bare || ' ',
                        '(?i)(?:(?:path|class) ?[^ ]*win32_process[^a-z_]|[ /]process )(?:.*[ )])?(create|delete) ',
                        1
                    )
                ),
                ''
            )
        ) as wmi_method
    from lines
    where
        regexp_matches(lines.bare, '(?i)[/-]node ?:')
        and regexp_matches(
            lines.bare || ' ',
            '(?i)(?:(?:path|class) ?[^ ]*win32_process[^a-z_]|[ /]process )(?:.*[ )])?(?:call [a-z]|create |delete )'
        )
        and (
            lines.is_wmic
            or regexp_matches(lines.bare, '(?i)(?:^|[^a-z0-9_.-])wmic(?:\.exe)?(?:[^a-z0-9_.-]|$)')
        )
),

final as (
    select
        calls.event_time,
        calls.host,
        calls.event_uid,
        calls.user_name,
        calls.user_domain,
        calls.user_class,
        calls.logon_id,
        calls.process_path,
        calls.process_name,
        calls.process_id,
        calls.original_file_name,
        regexp_replace(
            calls.command_line,
            '(?i)(?:&quot;|\\?")[/-]["''^\\]*p["''^\\]*a["''^\\]*s["''^\\]*s'
            || '["''^\\]*w["''^\\]*o["''^\\]*r["''^\\]*d["''^\\]*\s*:[^"]*(?:"|$)|'
            || '[/-]["''^\\]*p["''^\\]*a["''^\\]*s["''^\\]*s'
            || '["''^\\]*w["''^\\]*o["''^\\]*r["''^\\]*d["''^\\]*\s*:\s*'
            || '(?:&quot;.*?(?:&quot;|$)|\\"(?:[^"\\]|\\[^"])*(?:\\"|$)|"[^"]*(?:"|$)|''[^'']*(?:''|$)|[^\s"''&]|&)+',
            '/password:***',
            'g'
        ) as command_line,
        calls.is_wmic is not true as is_wrapper,
        calls.targets,
        calls.wmi_method,
        coalesce(calls.wmi_method, '') = 'create' as is_process_creation,
        regexp_replace(
            coalesce(
                calls.remote_command,
                nullif(
                    regexp_extract(
                        calls.bare,
                        '(?i)(?:call )?create (.+?)(?: ?[/-](?:node|user|password|namespace|role|implevel|'
                        || 'authlevel|authority|locale|privileges|trace|record|interactive|failfast|'
                        || 'output|append|aggregate) ?:|$)',
                        1
                    ),
                    ''
                )
            ),
            '(?i)(?:&quot;|\\?")[/-]["''^\\]*p["''^\\]*a["''^\\]*s["''^\\]*s'
            || '["''^\\]*w["''^\\]*o["''^\\]*r["''^\\]*d["''^\\]*\s*:[^"]*(?:"|$)|'
            || '[/-]["''^\\]*p["''^\\]*a["''^\\]*s["''^\\]*s'
            || '["''^\\]*w["''^\\]*o["''^\\]*r["''^\\]*d["''^\\]*\s*:\s*'
            || '(?:&quot;.*?(?:&quot;|$)|\\"(?:[^"\\]|\\[^"])*(?:\\"|$)|"[^"]*(?:"|$)|''[^'']*(?:''|$)|[^\s"''&]|&)+',
            '/password:***',
            'g'
        ) as remote_command,
        coalesce(
            calls.explicit_user,
            nullif(regexp_extract(calls.bare, '(?i)(?:^|[^/-])[/-]user ?: ?([^\s,/|&<>;)]+)', 1), '')
        ) as explicit_user,
        calls.parent_process_path,
        calls.parent_process_name,
        calls.parent_process_id,
        regexp_replace(
            calls.parent_command_line,
            '(?i)(?:&quot;|\\?")[/-]["''^\\]*p["''^\\]*a["''^\\]*s["''^\\]*s'
            || '["''^\\]*w["''^\\]*o["''^\\]*r["''^\\]*d["''^\\]*\s*:[^"]*(?:"|$)|'
            || '[/-]["''^\\]*p["''^\\]*a["''^\\]*s["''^\\]*s'
            || '["''^\\]*w["''^\\]*o["''^\\]*r["''^\\]*d["''^\\]*\s*:\s*'
            || '(?:&quot;.*?(?:&quot;|$)|\\"(?:[^"\\]|\\[^"])*(?:\\"|$)|"[^"]*(?:"|$)|''[^'']*(?:''|$)|[^\s"''&]|&)+',
            '/password:***',
            'g'
        ) as parent_command_line,
        calls.parent_source,
        calls.channel,
        calls.event_id,
        calls.record_id,
        calls.source_file,
        calls.source_record
    from calls
    where
        coalesce(
            regexp_replace(
                replace(
                    replace(
                        replace(
                            '<' || lower(array_to_string(calls.targets, '><')) || '>',
                            '<' || coalesce(calls.host, '') || '>',
                            ''
                        ),
                        '<' || substr(coalesce(calls.host, ''), 1, 15) || '>',
                        ''
                    ),
                    '<' || lower(coalesce(calls.computer, '')) || '>',
                    ''
                ),
                '<(?:localhost|\.|127\.[0-9.]+|::1|%computername%)?>',
                '',
                'g'
            ),
            ''
        ) <> ''
)

select * from final
