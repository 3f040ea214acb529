-- What an event's text in Event Viewer's words tells, for exports that carry the text and no data. The Security log's
-- text has sections ('New Logon:', then 'Account Name:  anna'), and the same label stands in several of them.
-- Sysmon's and WMI-Activity's texts name their fields themselves. English only: the words are the system's language.

-- The lines of the Security log's text by event id: section (alternatives between bars, none for lines of their own),
-- and label=field. @Account stands for the four lines of an account. Lines that no field is known for stay text only.
create or replace view message_labels as
with listed as (
    select
        unnest(event_ids) as event_id,
        sections,
        replace(lines, '@Account', 'Security ID=@UserSid;Account Name=@UserName;Account Domain=@DomainName;Logon ID=@LogonId') as lines,
        account,
        position
    from (
        values
        (1, [4624, 4625, 4648, 4656, 4658, 4661, 4662, 4663, 4672, 4673, 4674, 4688, 4689, 4697, 4698, 4699, 4702, 4719, 4720,
             4722, 4723, 4724, 4725, 4726, 4728, 4732, 4738, 4740, 4741, 4742, 4743, 4756, 4798, 4799, 5140, 5142, 5145],
         'Subject|Creator Subject', 'Subject', '@Account'),
        (2, [1102], 'Subject', 'Subject', 'Security ID=@UserSid;Account Name=@UserName;Domain Name=@DomainName;Logon ID=@LogonId'),
        (3, [4634, 4647], 'Subject', 'Target', '@Account'),
        (4, [4648], 'Subject', '', 'Logon GUID=LogonGuid'),
        (5, [4624, 4634], '|Logon Information|Subject', '', 'Logon Type=LogonType'),
        (6, [4625], '', '', 'Logon Type=LogonType'),
        (7, [4624], '|Logon Information', '', 'Impersonation Level=ImpersonationLevel'),
        (8, [4624], 'Logon Information', '',
         'Restricted Admin Mode=RestrictedAdminMode;Virtual Account=VirtualAccount;Elevated Token=ElevatedToken'),
        (9, [4624], 'New Logon', 'Target', '@Account'),
        (10, [4624], 'New Logon', '',
         'Linked Logon ID=TargetLinkedLogonId;Network Account Name=TargetOutboundUserName;'
         || 'Network Account Domain=TargetOutboundDomainName;Logon GUID=LogonGuid'),
        (11, [4625], 'Account For Which Logon Failed', 'Target', 'Security ID=@UserSid;Account Name=@UserName;Account Domain=@DomainName'),
        (12, [4625], 'Failure Information', '', 'Failure Reason=FailureReason;Status=Status;Sub Status=SubStatus'),
        (13, [4648], 'Account Whose Credentials Were Used', '',
         'Account Name=TargetUserName;Account Domain=TargetDomainName;Logon GUID=TargetLogonGuid'),
        (14, [4648], 'Target Server', '', 'Target Server Name=TargetServerName;Additional Information=TargetInfo'),
        (15, [4624, 4648, 4656, 4658, 4661, 4663, 4673, 4674, 4689, 4798, 4799], 'Process Information|Process', '',
         'Process ID=ProcessId;Process Name=ProcessName'),
        (16, [4625], 'Process Information', '', 'Caller Process ID=ProcessId;Caller Process Name=ProcessName'),
        (17, [4688], 'Target Subject', 'Target', '@Account'),
        (18, [4688], 'Process Information', '',
         'New Process ID=NewProcessId;New Process Name=NewProcessName;Token Elevation Type=TokenElevationType;'
         || 'Mandatory Label=MandatoryLabel;Creator Process ID=ProcessId;Creator Process Name=ParentProcessName;'
         || 'Process Command Line=CommandLine'),
        (19, [4689], 'Process Information', '', 'Exit Status=Status'),
        (20, [4624, 4625], 'Network Information', '',
         'Workstation Name=WorkstationName;Source Network Address=IpAddress;Source Port=IpPort'),
        (21, [4648], 'Network Information', '', 'Network Address=IpAddress;Port=IpPort'),
        (22, [4624, 4625], 'Detailed Authentication Information', '',
         'Logon Process=LogonProcessName;Authentication Package=AuthenticationPackageName;'
         || 'Transited Services=TransmittedServices;Package Name (NTLM only)=LmPackageName;Key Length=KeyLength'),
        (23, [4672], '', '', 'Privileges=PrivilegeList'),
        (24, [4656, 4658, 4661, 4662, 4663, 4674], 'Object', '',
         'Object Server=ObjectServer;Object Type=ObjectType;Object Name=ObjectName;Handle ID=HandleId;Object Handle=HandleId'),
        (25, [4673], 'Service', '', 'Server=ObjectServer;Service Name=Service'),
        (26, [4673], 'Service Request Information', '', 'Privileges=PrivilegeList'),
        (27, [4674], 'Requested Operation', '', 'Desired Access=AccessMask;Privileges=PrivilegeList'),
        (28, [4656, 4661, 4663], 'Access Request Information', '', 'Accesses=AccessList;Access Mask=AccessMask'),
        (29, [4719], 'Audit Policy Change', '',
         'Category=CategoryId;Subcategory=SubcategoryId;Subcategory GUID=SubcategoryGuid;Changes=AuditPolicyChanges'),
        (30, [4768, 4769, 4770, 4771], 'Account Information', '',
         'Account Name=TargetUserName;Supplied Realm Name=TargetDomainName;Account Domain=TargetDomainName;'
         || 'Security ID=TargetSid;User ID=TargetSid;Logon GUID=LogonGuid'),
        (31, [4768, 4769, 4770, 4771], 'Service Information', '', 'Service Name=ServiceName;Service ID=ServiceSid'),
        (32, [4768, 4769, 4770, 4771], 'Network Information', '', 'Client Address=IpAddress;Client Port=IpPort'),
        (33, [4768, 4769, 4770, 4771], 'Additional Information', '',
         'Ticket Options=TicketOptions;Result Code=Status;Failure Code=Status;Ticket Encryption Type=TicketEncryptionType;'
         || 'Pre-Authentication Type=PreAuthType;Transited Services=TransmittedServices'),
        (34, [4768, 4771], 'Certificate Information', '',
         'Certificate Issuer Name=CertIssuerName;Certificate Serial Number=CertSerialNumber;'
         || 'Certificate Thumbprint=CertThumbprint'),
        (35, [4776], '', '',
         'Authentication Package=PackageName;Logon Account=TargetUserName;Source Workstation=Workstation;Error Code=Status'),
        (36, [5140, 5145], 'Network Information', '', 'Object Type=ObjectType;Source Address=IpAddress;Source Port=IpPort'),
        (37, [5140, 5145], 'Share Information', '',
         'Share Name=ShareName;Share Path=ShareLocalPath;Relative Target Name=RelativeTargetName'),
        (38, [5140, 5145], 'Access Request Information', '',
         'Access Mask=AccessMask;Accesses=AccessList;Access Check Results=AccessReason'),
        (39, [5156, 5157], 'Application Information', '', 'Process ID=ProcessID;Application Name=Application'),
        (40, [5156, 5157], 'Network Information', '',
         'Direction=Direction;Source Address=SourceAddress;Source Port=SourcePort;Destination Address=DestAddress;'
         || 'Destination Port=DestPort;Protocol=Protocol'),
        (41, [5156, 5157], 'Filter Information', '',
         'Filter Run-Time ID=FilterRTID;Layer Name=LayerName;Layer Run-Time ID=LayerRTID')
    ) as sections (position, event_ids, sections, account, lines)
),

labelled as (
    select
        event_id,
        position,
        sections,
        unnest(string_split(lines, ';')) as line,
        generate_subscripts(string_split(lines, ';'), 1) as place,
        account
    from listed
),

fields as (
    select
        event_id,
        sections,
        split_part(line, '=', 1) as label,
        replace(split_part(line, '=', 2), '@', account) as field,
        row_number() over (partition by event_id, split_part(line, '=', 1) order by position, place) as nth
    from labelled
),

-- 'New Logon/Account Name' to field; and for exports that have only made lists of equal labels, the place in the list.
keyed as (
    select
        event_id,
        unnest(string_split(sections, '|')) || '/' || label as key,
        field
    from fields
)

select
    lists.event_id,
    maps.labels,
    lists.lists
from (select event_id, list({ 'label': label, 'field': field, 'nth': nth }) as lists from fields group by event_id) as lists
inner join (select event_id, map(list(key), list(field)) as labels from keyed group by event_id) as maps using (event_id);

-- Names and values ({k, v}), the first of equal names, as JSON text; names that are NULL are left out. Real texts have up to
-- fifty names: a hostile one costs no more than two hundred.
create or replace macro first_entries(named) as
    list_transform(
        list_transform(
            [list_filter(named, lambda entry: entry.k is not null)[:200]],
            lambda entries: { 'entries': entries, 'names': list_transform(entries, lambda entry: entry.k) }
        ),
        -- Not to_json of a map, which takes twice the time.
        lambda found: '{' || array_to_string(
            list_transform(
                list_filter(found.entries, lambda entry, i: list_position(found.names, entry.k) = i),
                lambda entry: cast(to_json(entry.k) as varchar) || ':' || coalesce(cast(to_json(entry.v) as varchar), 'null')
            ),
            ','
        ) || '}'
    )[1];

create or replace macro first_of_each(names, texts) as
    first_entries(list_transform(list_zip(names, texts), lambda pair: { 'k': pair[1], 'v': pair[2] }));

create or replace macro plain_lines(message) as replace(message, chr(13) || chr(10), chr(10));

-- The text of a Security event by section: a line at the margin that ends with a colon, then indented lines 'Label: value';
-- what such a line goes on with stands further in. Lines at the margin may have a label and a value of their own, as if in
-- a section without a title. A pattern's whole matches cost a fifth of its two groups, so they are cut at the colon.
-- Windows ends lines with both characters, exporters often with one.
create or replace macro security_message(message, labels) as
    first_entries(
        flatten(
            list_transform(
                list_transform(
                    [plain_lines(message)],
                    lambda text: list_concat(
                        [':' || chr(10) || text],
                        regexp_extract_all(text, '(?m)^[^\s:][^\n:]*:[ \t]*\n(?:[ \t]+[^\n]*(?:\n|$))+')
                    )
                )[1],
                lambda block, i: list_transform(
                    if(
                        i = 1,
                        regexp_extract_all(block, '(?m)^[^\s:][^\n:]*:[ \t]+\S[^\n]*(?:\n\t\t+[^\n:]*$)*'),
                        regexp_extract_all(block, '(?m)^[ \t]+[^\s:][^\n:]*:[ \t]*[^\n]*(?:\n\t\t+[^\n:]*$)*')
                    ),
                    lambda line: {
                        'k': labels[split_part(block, ':', 1) || '/' || ltrim(split_part(line, ':', 1), ' ' || chr(9))],
                        'v': replace(
                            ltrim(substr(line, strpos(line, ':') + 1), ' ' || chr(9)),
                            chr(10) || chr(9),
                            chr(13) || chr(10) || chr(9)
                        )
                    }
                )
            )
        )
    );

-- A new process: its command line comes last and may have lines of its own, which must not pass for others' labels.
create or replace macro process_message(message, labels) as
    list_transform(
        [string_split(plain_lines(message), chr(10) || chr(9) || 'Process Command Line:')],
        lambda parts: json_merge_patch(
            security_message(parts[1], labels),
            json_object(
                'CommandLine',
                if(
                    len(parts) > 1,
                    ltrim(
                        split_part(
                            array_to_string(parts[2:], chr(10) || chr(9) || 'Process Command Line:'),
                            chr(10) || chr(10) || 'Token Elevation Type indicates',
                            1
                        ),
                        ' ' || chr(9)
                    ),
                    null
                )
            )
        )
    )[1];

-- Sysmon's text: 'Name: value' lines; a value may go on in lines without a colon.
create or replace macro sysmon_message(message) as
    first_entries(
        list_transform(
            regexp_extract_all(plain_lines(message), '(?m)^[A-Za-z0-9]+: ?[^\n]*(?:\n[^\n:]+$)*'),
            lambda line: {
                'k': split_part(line, ':', 1),
                'v': substr(line, strpos(line, ':') + if(starts_with(line, split_part(line, ':', 1) || ': '), 2, 1))
            }
        )
    );

-- WMI-Activity's text: 'Name = value; Name = value'. What it names otherwise than the event does, or ends where a value
-- may have a semicolon of its own, ingest/events takes from the text itself.
create or replace macro wmi_activity_message(message) as
    first_of_each(
        list_transform(
            regexp_extract_all(message, '(?:^|[.;,] +)([A-Za-z]+) ?= ?([^;]*)', 1),
            lambda name: case
                when name = 'Eventfilter' then 'ESS'
                when name = 'Consumer' then 'CONSUMER'
                when
                    name in (
                        'HostProcess',
                        'ProcessID',
                        'ProviderPath',
                        'User',
                        'ClientMachine',
                        'ClientProcessId',
                        'Operation',
                        'Namespace',
                        'ResultCode'
                    )
                    then name
            end
        ),
        regexp_extract_all(message, '(?:^|[.;,] +)([A-Za-z]+) ?= ?([^;]*)', 2)
    );

create or replace macro powershell_message(event_id, message) as
    case event_id
        when 4103
            then cast(
                json_object(
                    'Payload', regexp_extract(message, '(?s)^(.*?)\n\nContext:\n', 1),
                    'ContextInfo', regexp_extract(message, '(?s)\n\nContext:\n(.*?)(?:\n\nUser Data:\n|$)', 1)
                ) as varchar
            )
        when 4104
            then cast(
                json_object(
                    'MessageNumber', regexp_extract(message, '^[^\n(]*\((\d+) \S+ \d+\):\n', 1),
                    'MessageTotal', regexp_extract(message, '^[^\n(]*\(\d+ \S+ (\d+)\):\n', 1),
                    'ScriptBlockText',
                    regexp_extract(message, '(?s)^[^\n(]*\(\d+ \S+ \d+\):\n(.*)\n\nScriptBlock ID: [^\n]*\nPath: ?[^\n]*$', 1),
                    'ScriptBlockId', regexp_extract(message, '(?s)\n\nScriptBlock ID: ([^\n]*)\nPath: ?[^\n]*$', 1),
                    'Path', regexp_extract(message, '(?s)\n\nScriptBlock ID: [^\n]*\nPath: ?([^\n]*)$', 1)
                ) as varchar
            )
        else '{}'
    end;

-- Fields of an event from its text alone, as JSON; '{}' where the text tells nothing that is known. An event of Windows
-- has 64 KB at most, so what is longer is no text of Windows.
create or replace macro message_data(channel, event_id, message, labels) as
    case
        when message is null or length(message) > 262144 then '{}'
        when lower(channel) = 'security' and event_id = 4688 then process_message(message, labels)
        when lower(channel) = 'security' and labels is not null then security_message(message, labels)
        when lower(channel) = 'microsoft-windows-sysmon/operational' then sysmon_message(message)
        when lower(channel) = 'microsoft-windows-wmi-activity/operational' then wmi_activity_message(message)
        when lower(channel) = 'microsoft-windows-powershell/operational' then powershell_message(event_id, plain_lines(message))
        else '{}'
    end;

-- 'New Logon/Account Name' -> 'new_logon.account_name'
create or replace macro described_name(key) as
    lower(replace(replace(ltrim(key, '/'), '/', '.'), ' ', '_'));

-- Where an exporter has made fields of the text itself.
create or replace macro described_data(record, labels) as
    first_of_each(
        list_transform(
            map_entries(labels),
            lambda entry: case
                when json_extract_string(record, '$."' || described_name(entry.key) || '"') is not null then entry.value
            end
        ),
        list_transform(
            map_entries(labels), lambda entry: json_extract_string(record, '$."' || described_name(entry.key) || '"')
        )
    );

-- Splunk's classic events: 'Name=value' lines, then the text behind 'Message='. They are looked for behind a line end, and so
-- one is put before the first.
create or replace macro classic_lines(raw) as
    chr(10) || if(contains(raw, chr(10) || 'Message='), split_part(raw, chr(10) || 'Message=', 1), raw);
create or replace macro classic_header(lines, name) as
    nullif(rtrim(split_part(split_part(lines, chr(10) || name || '=', 2), chr(10), 1), chr(13)), '');
create or replace macro classic_message(raw) as
    case
        when contains(raw, chr(10) || 'Message=') and contains(raw, 'EventCode=')
            then substr(raw, strpos(raw, chr(10) || 'Message=') + 9)
    end;

-- The line before that header: a local time, as Splunk's Windows input writes it everywhere.
create or replace macro classic_time(raw) as
    try_strptime(
        regexp_extract(raw, '^\s*([0-9]{1,2}/[0-9]{1,2}/[0-9]{4} [0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?: [AP]M)?)', 1),
        ['%m/%d/%Y %I:%M:%S %p', '%m/%d/%Y %I:%M:%S.%f %p', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %H:%M:%S.%f']
    );
-- Sysmon's own time in such a text.
create or replace macro classic_utc_time(raw) as
    case
        when contains(raw, 'SourceName=Microsoft-Windows-Sysmon')
            then utc_text(nullif(regexp_extract(raw, '\nUtcTime: ([0-9][0-9 :.-]*[0-9])', 1), '') || '+00')
    end;

-- Three names of that header are also names of data: there they must not pass for the event's.
create or replace macro splunk_header(log, user_name, event_type, type) as
    if(
        log is null,
        '{}',
        json_object(
            'User', null, 'EventType', null, 'Type', null,
            '#Header', json_object('User', user_name, 'EventType', event_type, 'Type', type)
        )
    );

-- Where only Splunk's own fields are left: Account_Name is a list if the text names it in more than one section.
create or replace macro listed_data(record, lists) as
    cast(
        to_json(
            map_from_entries(
                list_filter(
                    list_transform(
                        lists,
                        lambda line: {
                            'k': line.field,
                            'v': coalesce(
                                json_extract_string(
                                    record, '$."' || replace(line.label, ' ', '_') || '"[' || cast(line.nth - 1 as varchar) || ']'
                                ),
                                case
                                    when line.nth = 1
                                        then json_extract_string(record, '$."' || replace(line.label, ' ', '_') || '"')
                                end
                            )
                        }
                    ),
                    lambda entry: entry.v is not null
                )
            )
        ) as varchar
    );

-- Time as a number since 1970: seconds with a fraction, milliseconds, microseconds or nanoseconds.
create or replace macro unix_time(value) as
    case
        when regexp_full_match(value, '[0-9]{1,11}([.][0-9]{1,9})?')
            then timezone('UTC', make_timestamp(cast(round(try_cast(value as decimal(24, 9)) * 1000000) as bigint)))
        when regexp_full_match(value, '[0-9]{12,14}([.]0*)?')
            then timezone('UTC', make_timestamp(try_cast(split_part(value, '.', 1) as bigint) * 1000))
        when regexp_full_match(value, '[0-9]{15,17}') then timezone('UTC', make_timestamp(try_cast(value as bigint)))
        when regexp_full_match(value, '[0-9]{18,19}')
            then timezone('UTC', make_timestamp(cast(try_cast(value as bigint) // 1000 as bigint)))
    end;
