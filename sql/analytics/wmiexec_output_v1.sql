-- /// analytic
-- id = "wmiexec_output"
-- version = 1
-- title = "Commands whose output goes to a share of their own host, and who read it there"
-- description = "Processes whose command line sends its output to a file on a share of the same computer, as impacket's wmiexec, smbexec and dcomexec do, with the Security 5145 of another address that opened this very file: the address of the attacker, whatever the session says."
-- kind = "detection"
-- side = "destination"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "high"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "Notes: which data sets show lateral movement and communication between Windows hosts", note = "The output file and its reader are such a data set, which the report does not use." },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 1, columns = ["command_line"] },
--     { channel = "Security", event_id = 4688, columns = ["command_line"] },
--     { channel = "Security", event_id = 5145, columns = ["share_name", "relative_target_name", "source_ip"] },
-- ]
-- impact = 85
-- confidence = 90
-- risk_score = 76
-- message = "$process_name on $host ran $executed_command as $user_name; $source_ip read the output"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
--     { field = "source_ip", type = "other" },
-- ]
-- false_positive_rate = "low"
-- false_positives = [
--     "Tests of security teams with the same tools.",
--     "A scheduled script that writes its log to a share of its own server by the server's name.",
-- ]
-- considerations = [
--     "A name of two underscores and a time in seconds (__1619425227.894209) is wmiexec's or dcomexec's, __output smbexec's; the number is the attacker's clock at the start of the shell, one for all commands of it.",
--     "is_wmi_child tells wmiexec from its relatives: a service (smbexec) or another COM server (dcomexec) is the parent there.",
--     "The writing itself is logged too, with a loopback address or the host's own; only a reader elsewhere is shown.",
--     "Without a matching 5145 the row stands alone, source_ip NULL: detailed file share auditing is off by default, and shells without output leave no file.",
-- ]
-- permissions = ["Administrator on the target"]
-- artifacts = [
--     "Process creation records with command lines, on the target",
--     "Security 5145 (audit detailed file share), on the target",
-- ]
-- response = [
--     "Find out what source_ip was at that time: it may be an attacker's own machine that keeps no logs for you.",
--     "Read all rows of the same output_file: they are one shell, command by command.",
--     "Take the credentials of share_user as lost.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries might run commands on a remote host by WMI from a machine that is not ours, and fetch the output over the host's administrative shares."
-- platforms = ["Windows"]
-- data_sources = [
--     { name = "Sysmon 1, process create", platform = "Windows", attack_data_source = "Process Monitoring" },
--     { name = "Security 4688, a new process has been created", platform = "Windows", attack_data_source = "Process Monitoring" },
--     { name = "Security 5145, a network share object was checked", platform = "Windows", attack_data_source = "Network Share", attack_data_component = "Network Share Access" },
-- ]
-- references = [
--     { title = "Notes of the hunt report on WMI lateral movement" },
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "impacket, wmiexec.py", url = "https://github.com/fortra/impacket/blob/master/examples/wmiexec.py" },
--     { title = "Event 5145", url = "https://learn.microsoft.com/windows/security/threat-protection/auditing/event-5145" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "Loopback addresses and localhost count with any share, the host's own name only with an administrative one (its name ends in $).",
--     "The 5145 is the nearest in time from 5 seconds before the process to 300 after it, of the same host, share and file, from an internal or external address that the host is not known to own (host_address).",
--     "executed_command is what stands between /c and the redirection; an echo that smbexec puts before it is dropped.",
--     "One row for each process record: a process with Sysmon 1 and 4688 has two.",
-- ]
-- ///
create or replace view hunt.wmiexec_output_v1 as
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
        process.computer,
        process.command_line,
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
        replace(replace(replace(process.command_line, '&gt;', '>'), '&quot;', '"'), '&amp;', '&') as decoded
    from process_creation as process
    where regexp_matches(process.command_line, '(?:>|&gt;)\s*["^]*(?:&quot;)?\\\\[^\\]+\\[^\\]+\\')
),

outputs as (
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
        lines.computer,
        lines.command_line,
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
        regexp_replace(
            regexp_extract(lines.decoded, '(?is)/c\s+(.*?)\s*(?:\b1)?\^?>\s*"?\\\\', 1), '^(?i:echo)\s+', ''
        ) as unechoed_command,
        regexp_extract(lines.decoded, '(?is)/c\s+(.*?)\s*(?:\b1)?\^?>\s*"?\\\\', 1) as whole_command,
        regexp_matches(lines.decoded, '\^>\s*"?\\\\') as is_echoed,
        lower(regexp_extract(lines.decoded, '>\s*"?\\\\([^\\\s"]+)\\([^\\\s"]+)\\([^\s"&|<>^]+)', 1)) as output_host,
        regexp_extract(lines.decoded, '>\s*"?\\\\([^\\\s"]+)\\([^\\\s"]+)\\([^\s"&|<>^]+)', 2) as output_share,
        regexp_extract(lines.decoded, '>\s*"?\\\\([^\\\s"]+)\\([^\\\s"]+)\\([^\s"&|<>^]+)', 3) as output_file
    from lines
),

children as (
    select
        outputs.event_time,
        outputs.host,
        outputs.event_uid,
        outputs.user_name,
        outputs.user_domain,
        outputs.user_class,
        outputs.logon_id,
        outputs.process_path,
        outputs.process_name,
        outputs.process_id,
        outputs.command_line,
        nullif(case when outputs.is_echoed then outputs.unechoed_command else outputs.whole_command end, '') as executed_command,
        outputs.output_share,
        outputs.output_file,
        outputs.parent_process_path,
        outputs.parent_process_name,
        outputs.parent_process_id,
        outputs.parent_command_line,
        outputs.parent_source,
        outputs.channel,
        outputs.event_id,
        outputs.record_id,
        outputs.source_file,
        outputs.source_record
    from outputs
    where
        coalesce(outputs.output_file, '') <> ''
        and (
            regexp_matches(outputs.output_host, '^(?:127\.[0-9.]+|localhost|\.|::1|0--1\.ipv6-literal\.net)$')
            or (
                ends_with(outputs.output_share, '$')
                and (
                    outputs.output_host in ('%computername%', outputs.host, substr(outputs.host, 1, 15))
                    or outputs.output_host = lower(outputs.computer)
                )
            )
        )
),

readers as (
    select
        opened.event_uid,
        opened.event_time,
        opened.host,
        opened.record_id,
        opened.user_name,
        opened.user_domain,
        opened.logon_id,
        opened.source_ip,
        opened.source_scope,
        opened.source_port,
        lower(split_part(opened.share_name, '\', -1)) as share_key,
        lower(opened.relative_target_name) as file_key
    from share_access as opened
    left join host_address
        on
            opened.host = host_address.host
            and opened.source_ip_key = host_address.ip_key
            and opened.event_time >= host_address.first_time - interval '24' hour
            and opened.event_time <= host_address.last_time + interval '24' hour
    where
        opened.event_id = 5145
        and opened.source_scope in ('internal', 'external')
        and host_address.ip_key is null
),

pairs as (
    select
        children.event_uid,
        children.channel,
        children.host,
        children.event_time,
        readers.event_uid as share_event_uid,
        readers.event_time as share_time,
        readers.record_id as share_record_id,
        readers.user_name as share_user_name,
        readers.user_domain as share_user_domain,
        readers.logon_id as share_logon_id,
        readers.source_ip,
        readers.source_scope,
        readers.source_port,
        row_number() over (
            partition by children.event_uid, children.host
            order by
                case
                    when readers.event_time >= children.event_time then readers.event_time - children.event_time
                    else children.event_time - readers.event_time
                end,
                readers.event_time,
                readers.event_uid
        ) as nearness
    from children
    inner join readers
        on
            children.host = readers.host
            and lower(children.output_share) = readers.share_key
            and lower(children.output_file) = readers.file_key
            and readers.event_time >= children.event_time - interval '5' second
            and readers.event_time <= children.event_time + interval '300' second
),

final as (
    select
        children.event_time,
        children.host,
        children.event_uid,
        children.user_name,
        children.user_domain,
        children.user_class,
        children.logon_id,
        children.process_path,
        children.process_name,
        children.process_id,
        children.command_line,
        children.executed_command,
        children.output_share,
        children.output_file,
        pairs.source_ip,
        pairs.source_scope,
        pairs.source_port,
        case
            when coalesce(pairs.share_user_domain, '') in ('', '-') then pairs.share_user_name
            else pairs.share_user_domain || '\' || pairs.share_user_name
        end as share_user,
        pairs.share_logon_id,
        pairs.share_time,
        pairs.share_event_uid,
        pairs.share_record_id,
        children.parent_process_path,
        children.parent_process_name,
        children.parent_process_id,
        children.parent_command_line,
        children.parent_source,
        coalesce(children.parent_process_name, '') = 'wmiprvse.exe' as is_wmi_child,
        children.channel,
        children.event_id,
        children.record_id,
        children.source_file,
        children.source_record
    from children
    left join pairs
        on
            children.event_uid = pairs.event_uid
            and children.host = pairs.host
            and children.channel = pairs.channel
            and children.event_time = pairs.event_time
            and pairs.nearness = 1
)

select * from final
