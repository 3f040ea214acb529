-- Values of an event by position: exports of .NET's objects (Get-WinEvent) carry no names. They follow from provider,
-- event id, version and, because Sysmon has changed its fields without changing the version, the number of values.
-- Taken from the Data elements of real logs; what those lack from Microsoft's documentation of the events and Sysmon's
-- own manifest. @Subject and @Target stand for sid, name, domain and logon id.
create or replace view property_names as
with known as (
    select
        provider,
        event_id,
        version,
        regexp_extract_all(
            replace(
                replace(names, '@Subject', 'SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId'),
                '@Target', 'TargetUserSid TargetUserName TargetDomainName TargetLogonId'
            ),
            '\S+'
        ) as names
    from (
        values
        ('Microsoft-Windows-Security-Auditing', 4616, 1, '@Subject PreviousTime NewTime ProcessId ProcessName'),
        ('Microsoft-Windows-Security-Auditing', 4622, 0, 'SecurityPackageName'),
        ('Microsoft-Windows-Security-Auditing', 4624, 0, '
            @Subject @Target LogonType LogonProcessName AuthenticationPackageName WorkstationName LogonGuid
            TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort'),
        ('Microsoft-Windows-Security-Auditing', 4624, 1, '
            @Subject @Target LogonType LogonProcessName AuthenticationPackageName WorkstationName LogonGuid
            TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort ImpersonationLevel'),
        ('Microsoft-Windows-Security-Auditing', 4624, 2, '
            @Subject @Target LogonType LogonProcessName AuthenticationPackageName WorkstationName LogonGuid
            TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort ImpersonationLevel
            RestrictedAdminMode TargetOutboundUserName TargetOutboundDomainName VirtualAccount TargetLinkedLogonId
            ElevatedToken'),
        ('Microsoft-Windows-Security-Auditing', 4625, 0, '
            @Subject TargetUserSid TargetUserName TargetDomainName Status FailureReason SubStatus LogonType
            LogonProcessName AuthenticationPackageName WorkstationName TransmittedServices LmPackageName KeyLength
            ProcessId ProcessName IpAddress IpPort'),
        ('Microsoft-Windows-Security-Auditing', 4627, 0, '
            @Subject @Target LogonType EventIdx EventCountTotal GroupMembership'),
        ('Microsoft-Windows-Security-Auditing', 4634, 0, '@Target LogonType'),
        ('Microsoft-Windows-Security-Auditing', 4647, 0, '@Target'),
        ('Microsoft-Windows-Security-Auditing', 4648, 0, '
            @Subject LogonGuid TargetUserName TargetDomainName TargetLogonGuid TargetServerName TargetInfo ProcessId
            ProcessName IpAddress IpPort'),
        ('Microsoft-Windows-Security-Auditing', 4656, 1, '
            @Subject ObjectServer ObjectType ObjectName HandleId TransactionId AccessList AccessReason AccessMask
            PrivilegeList RestrictedSidCount ProcessId ProcessName ResourceAttributes'),
        ('Microsoft-Windows-Security-Auditing', 4658, 0, '@Subject ObjectServer HandleId ProcessId ProcessName'),
        ('Microsoft-Windows-Security-Auditing', 4660, 0, '
            @Subject ObjectServer HandleId ProcessId ProcessName TransactionId'),
        ('Microsoft-Windows-Security-Auditing', 4661, 1, '
            @Subject ObjectServer ObjectType ObjectName HandleId TransactionId AccessList AccessReason AccessMask
            PrivilegeList Properties RestrictedSidCount ProcessId ProcessName'),
        ('Microsoft-Windows-Security-Auditing', 4662, 0, '
            @Subject ObjectServer ObjectType ObjectName OperationType HandleId AccessList AccessMask Properties
            AdditionalInfo AdditionalInfo2'),
        ('Microsoft-Windows-Security-Auditing', 4663, 0, '
            @Subject ObjectServer ObjectType ObjectName HandleId AccessList AccessMask ProcessId ProcessName'),
        ('Microsoft-Windows-Security-Auditing', 4663, 1, '
            @Subject ObjectServer ObjectType ObjectName HandleId AccessList AccessMask ProcessId ProcessName
            ResourceAttributes'),
        ('Microsoft-Windows-Security-Auditing', 4664, 0, '@Subject FileName LinkName TransactionId'),
        ('Microsoft-Windows-Security-Auditing', 4670, 0, '
            @Subject ObjectServer ObjectType ObjectName HandleId OldSd NewSd ProcessId ProcessName'),
        ('Microsoft-Windows-Security-Auditing', 4672, 0, '@Subject PrivilegeList'),
        ('Microsoft-Windows-Security-Auditing', 4673, 0, '
            @Subject ObjectServer Service PrivilegeList ProcessId ProcessName'),
        ('Microsoft-Windows-Security-Auditing', 4674, 0, '
            @Subject ObjectServer ObjectType ObjectName HandleId AccessMask PrivilegeList ProcessId ProcessName'),
        ('Microsoft-Windows-Security-Auditing', 4688, 0, '
            @Subject NewProcessId NewProcessName TokenElevationType ProcessId'),
        ('Microsoft-Windows-Security-Auditing', 4688, 1, '
            @Subject NewProcessId NewProcessName TokenElevationType ProcessId CommandLine'),
        ('Microsoft-Windows-Security-Auditing', 4688, 2, '
            @Subject NewProcessId NewProcessName TokenElevationType ProcessId CommandLine @Target'),
        ('Microsoft-Windows-Security-Auditing', 4688, 2, '
            @Subject NewProcessId NewProcessName TokenElevationType ProcessId CommandLine @Target ParentProcessName
            MandatoryLabel'),
        ('Microsoft-Windows-Security-Auditing', 4689, 0, '@Subject Status ProcessId ProcessName'),
        ('Microsoft-Windows-Security-Auditing', 4690, 0, '
            @Subject SourceHandleId SourceProcessId TargetHandleId TargetProcessId'),
        ('Microsoft-Windows-Security-Auditing', 4697, 0, '
            @Subject ServiceName ServiceFileName ServiceType ServiceStartType ServiceAccount'),
        ('Microsoft-Windows-Security-Auditing', 4698, 0, '@Subject TaskName TaskContent'),
        ('Microsoft-Windows-Security-Auditing', 4699, 0, '@Subject TaskName TaskContent'),
        ('Microsoft-Windows-Security-Auditing', 4702, 0, '@Subject TaskName TaskContentNew'),
        ('Microsoft-Windows-Security-Auditing', 4704, 0, '@Subject TargetSid PrivilegeList'),
        ('Microsoft-Windows-Security-Auditing', 4705, 0, '@Subject TargetSid PrivilegeList'),
        ('Microsoft-Windows-Security-Auditing', 4706, 0, '
            DomainName DomainSid @Subject TdoType TdoDirection TdoAttributes SidFilteringEnabled'),
        ('Microsoft-Windows-Security-Auditing', 4717, 0, '@Subject TargetSid AccessGranted'),
        ('Microsoft-Windows-Security-Auditing', 4718, 0, '@Subject TargetSid AccessRemoved'),
        ('Microsoft-Windows-Security-Auditing', 4719, 0, '
            @Subject CategoryId SubcategoryId SubcategoryGuid AuditPolicyChanges'),
        ('Microsoft-Windows-Security-Auditing', 4720, 0, '
            TargetUserName TargetDomainName TargetSid @Subject PrivilegeList SamAccountName DisplayName
            UserPrincipalName HomeDirectory HomePath ScriptPath ProfilePath UserWorkstations PasswordLastSet
            AccountExpires PrimaryGroupId AllowedToDelegateTo OldUacValue NewUacValue UserAccountControl
            UserParameters SidHistory LogonHours'),
        ('Microsoft-Windows-Security-Auditing', 4722, 0, 'TargetUserName TargetDomainName TargetSid @Subject'),
        ('Microsoft-Windows-Security-Auditing', 4723, 0, '
            TargetUserName TargetDomainName TargetSid @Subject PrivilegeList'),
        ('Microsoft-Windows-Security-Auditing', 4724, 0, 'TargetUserName TargetDomainName TargetSid @Subject'),
        ('Microsoft-Windows-Security-Auditing', 4726, 0, '
            TargetUserName TargetDomainName TargetSid @Subject PrivilegeList'),
        ('Microsoft-Windows-Security-Auditing', 4728, 0, '
            MemberName MemberSid TargetUserName TargetDomainName TargetSid @Subject PrivilegeList'),
        ('Microsoft-Windows-Security-Auditing', 4729, 0, '
            MemberName MemberSid TargetUserName TargetDomainName TargetSid @Subject PrivilegeList'),
        ('Microsoft-Windows-Security-Auditing', 4732, 0, '
            MemberName MemberSid TargetUserName TargetDomainName TargetSid @Subject PrivilegeList'),
        ('Microsoft-Windows-Security-Auditing', 4733, 0, '
            MemberName MemberSid TargetUserName TargetDomainName TargetSid @Subject PrivilegeList'),
        ('Microsoft-Windows-Security-Auditing', 4738, 0, '
            Dummy TargetUserName TargetDomainName TargetSid @Subject PrivilegeList SamAccountName DisplayName
            UserPrincipalName HomeDirectory HomePath ScriptPath ProfilePath UserWorkstations PasswordLastSet
            AccountExpires PrimaryGroupId AllowedToDelegateTo OldUacValue NewUacValue UserAccountControl
            UserParameters SidHistory LogonHours'),
        ('Microsoft-Windows-Security-Auditing', 4739, 0, '
            DomainPolicyChanged DomainName DomainSid @Subject PrivilegeList MinPasswordAge MaxPasswordAge
            ForceLogoff LockoutThreshold LockoutObservationWindow LockoutDuration PasswordProperties
            MinPasswordLength PasswordHistoryLength MachineAccountQuota MixedDomainMode DomainBehaviorVersion
            OemInformation'),
        ('Microsoft-Windows-Security-Auditing', 4741, 0, '
            TargetUserName TargetDomainName TargetSid @Subject PrivilegeList SamAccountName DisplayName
            UserPrincipalName HomeDirectory HomePath ScriptPath ProfilePath UserWorkstations PasswordLastSet
            AccountExpires PrimaryGroupId AllowedToDelegateTo OldUacValue NewUacValue UserAccountControl
            UserParameters SidHistory LogonHours DnsHostName ServicePrincipalNames'),
        ('Microsoft-Windows-Security-Auditing', 4742, 0, '
            ComputerAccountChange TargetUserName TargetDomainName TargetSid @Subject PrivilegeList SamAccountName
            DisplayName UserPrincipalName HomeDirectory HomePath ScriptPath ProfilePath UserWorkstations
            PasswordLastSet AccountExpires PrimaryGroupId AllowedToDelegateTo OldUacValue NewUacValue
            UserAccountControl UserParameters SidHistory LogonHours DnsHostName ServicePrincipalNames'),
        ('Microsoft-Windows-Security-Auditing', 4743, 0, '
            TargetUserName TargetDomainName TargetSid @Subject PrivilegeList'),
        ('Microsoft-Windows-Security-Auditing', 4756, 0, '
            MemberName MemberSid TargetUserName TargetDomainName TargetSid @Subject PrivilegeList'),
        ('Microsoft-Windows-Security-Auditing', 4765, 0, '
            SourceUserName SourceSid TargetUserName TargetDomainName TargetSid @Subject PrivilegeList SidList'),
        ('Microsoft-Windows-Security-Auditing', 4768, 0, '
            TargetUserName TargetDomainName TargetSid ServiceName ServiceSid TicketOptions Status
            TicketEncryptionType PreAuthType IpAddress IpPort CertIssuerName CertSerialNumber CertThumbprint'),
        ('Microsoft-Windows-Security-Auditing', 4769, 0, '
            TargetUserName TargetDomainName ServiceName ServiceSid TicketOptions TicketEncryptionType IpAddress
            IpPort Status LogonGuid TransmittedServices'),
        ('Microsoft-Windows-Security-Auditing', 4770, 0, '
            TargetUserName TargetDomainName ServiceName ServiceSid TicketOptions TicketEncryptionType IpAddress
            IpPort'),
        ('Microsoft-Windows-Security-Auditing', 4771, 0, '
            TargetUserName TargetSid ServiceName TicketOptions Status PreAuthType IpAddress IpPort CertIssuerName
            CertSerialNumber CertThumbprint'),
        ('Microsoft-Windows-Security-Auditing', 4776, 0, 'PackageName TargetUserName Workstation Status'),
        ('Microsoft-Windows-Security-Auditing', 4778, 0, '
            AccountName AccountDomain LogonID SessionName ClientName ClientAddress'),
        ('Microsoft-Windows-Security-Auditing', 4779, 0, '
            AccountName AccountDomain LogonID SessionName ClientName ClientAddress'),
        ('Microsoft-Windows-Security-Auditing', 4781, 0, '
            OldTargetUserName NewTargetUserName TargetDomainName TargetSid @Subject PrivilegeList'),
        ('Microsoft-Windows-Security-Auditing', 4794, 0, '@Subject Workstation Status'),
        ('Microsoft-Windows-Security-Auditing', 4798, 0, '
            TargetUserName TargetDomainName TargetSid @Subject CallerProcessId CallerProcessName'),
        ('Microsoft-Windows-Security-Auditing', 4799, 0, '
            TargetUserName TargetDomainName TargetSid @Subject CallerProcessId CallerProcessName'),
        ('Microsoft-Windows-Security-Auditing', 4825, 0, 'AccountName AccountDomain LogonID ClientAddress'),
        ('Microsoft-Windows-Security-Auditing', 4865, 0, '
            ForestRoot ForestRootSid OperationId EntryType Flags TopLevelName DnsName NetbiosName DomainSid @Subject'),
        ('Microsoft-Windows-Security-Auditing', 4876, 0, 'BackupType @Subject'),
        ('Microsoft-Windows-Security-Auditing', 4877, 0, '@Subject'),
        ('Microsoft-Windows-Security-Auditing', 4885, 0, 'AuditFilter @Subject'),
        ('Microsoft-Windows-Security-Auditing', 4908, 0, 'SidList'),
        ('Microsoft-Windows-Security-Auditing', 4929, 1, '
            DestinationDRA SourceDRA SourceAddr NamingContext Options StatusCode'),
        ('Microsoft-Windows-Security-Auditing', 4935, 0, 'ReplicationEvent AuditStatusCode'),
        ('Microsoft-Windows-Security-Auditing', 4936, 0, 'ReplicationEvent AuditStatusCode ReplicationStatusCode'),
        ('Microsoft-Windows-Security-Auditing', 4950, 0, 'ProfileChanged SettingType SettingValue'),
        ('Microsoft-Windows-Security-Auditing', 4964, 0, '@Subject LogonGuid @Target TargetLogonGuid SidList'),
        ('Microsoft-Windows-Security-Auditing', 4985, 0, '
            @Subject TransactionId NewState ResourceManager ProcessId ProcessName'),
        ('Microsoft-Windows-Security-Auditing', 5123, 0, 'PropertyName NewValue @Subject'),
        ('Microsoft-Windows-Security-Auditing', 5124, 0, 'NewSecuritySettings @Subject'),
        ('Microsoft-Windows-Security-Auditing', 5136, 0, '
            OpCorrelationID AppCorrelationID @Subject DSName DSType ObjectDN ObjectGUID ObjectClass
            AttributeLDAPDisplayName AttributeSyntaxOID AttributeValue OperationType'),
        ('Microsoft-Windows-Security-Auditing', 5137, 0, '
            OpCorrelationID AppCorrelationID @Subject DSName DSType ObjectDN ObjectGUID ObjectClass'),
        ('Microsoft-Windows-Security-Auditing', 5140, 0, '@Subject IpAddress IpPort ShareName'),
        ('Microsoft-Windows-Security-Auditing', 5140, 1, '
            @Subject ObjectType IpAddress IpPort ShareName ShareLocalPath AccessMask AccessList'),
        ('Microsoft-Windows-Security-Auditing', 5142, 0, '@Subject ShareName ShareLocalPath'),
        ('Microsoft-Windows-Security-Auditing', 5143, 0, '
            @Subject ObjectType ShareName ShareLocalPath OldRemark NewRemark OldMaxUsers NewMaxUsers OldShareFlags
            NewShareFlags OldSD NewSD'),
        ('Microsoft-Windows-Security-Auditing', 5145, 0, '
            @Subject ObjectType IpAddress IpPort ShareName ShareLocalPath RelativeTargetName AccessMask AccessList
            AccessReason'),
        ('Microsoft-Windows-Security-Auditing', 5156, 0, '
            ProcessID Application Direction SourceAddress SourcePort DestAddress DestPort Protocol FilterRTID
            LayerName LayerRTID'),
        ('Microsoft-Windows-Security-Auditing', 5156, 1, '
            ProcessID Application Direction SourceAddress SourcePort DestAddress DestPort Protocol FilterRTID
            LayerName LayerRTID RemoteUserID RemoteMachineID'),
        ('Microsoft-Windows-Security-Auditing', 5157, 0, '
            ProcessID Application Direction SourceAddress SourcePort DestAddress DestPort Protocol FilterRTID
            LayerName LayerRTID'),
        ('Microsoft-Windows-Security-Auditing', 5157, 1, '
            ProcessID Application Direction SourceAddress SourcePort DestAddress DestPort Protocol FilterRTID
            LayerName LayerRTID RemoteUserID RemoteMachineID'),
        ('Microsoft-Windows-Security-Auditing', 5376, 1, '@Subject BackupFileName ProcessCreationTime ClientProcessId'),
        ('Microsoft-Windows-Security-Auditing', 5379, 0, '
            @Subject TargetName Type CountOfCredentialsReturned ReadOperation ReturnCode ProcessCreationTime
            ClientProcessId'),
        ('Microsoft-Windows-Security-Auditing', 5381, 0, '
            @Subject Flags CountOfCredentialsReturned ProcessCreationTime ClientProcessId'),
        ('Microsoft-Windows-Security-Auditing', 5382, 0, '
            @Subject SchemaFriendlyName Schema Resource Identity PackageSid Flags ReturnCode ProcessCreationTime
            ClientProcessId'),
        ('Microsoft-Windows-Security-Auditing', 5447, 0, '
            ProcessId UserSid UserName ProviderKey ProviderName ChangeType FilterKey FilterName FilterType FilterId
            LayerKey LayerName LayerId Weight Conditions Action CalloutKey CalloutName'),
        ('Microsoft-Windows-Security-Auditing', 6416, 0, '
            @Subject DeviceId DeviceDescription ClassId ClassName VendorIds CompatibleIds LocationInformation'),
        ('Microsoft-Windows-Security-Auditing', 6416, 1, '
            @Subject DeviceId DeviceDescription ClassId ClassName VendorIds CompatibleIds LocationInformation'),
        ('Microsoft-Windows-Eventlog', 104, 0, 'SubjectUserName SubjectDomainName Channel BackupPath'),
        ('Microsoft-Windows-Eventlog', 1102, 0, '@Subject'),
        ('Microsoft-Windows-Sysmon', 1, 5, '
            UtcTime ProcessGuid ProcessId Image CommandLine CurrentDirectory User LogonGuid LogonId
            TerminalSessionId IntegrityLevel Hashes ParentProcessGuid ParentProcessId ParentImage ParentCommandLine'),
        ('Microsoft-Windows-Sysmon', 1, 5, '
            UtcTime ProcessGuid ProcessId Image FileVersion Description Product Company CommandLine CurrentDirectory
            User LogonGuid LogonId TerminalSessionId IntegrityLevel Hashes ParentProcessGuid ParentProcessId
            ParentImage ParentCommandLine'),
        ('Microsoft-Windows-Sysmon', 1, 5, '
            RuleName UtcTime ProcessGuid ProcessId Image FileVersion Description Product Company CommandLine
            CurrentDirectory User LogonGuid LogonId TerminalSessionId IntegrityLevel Hashes ParentProcessGuid
            ParentProcessId ParentImage ParentCommandLine'),
        ('Microsoft-Windows-Sysmon', 1, 5, '
            RuleName UtcTime ProcessGuid ProcessId Image FileVersion Description Product Company OriginalFileName
            CommandLine CurrentDirectory User LogonGuid LogonId TerminalSessionId IntegrityLevel Hashes
            ParentProcessGuid ParentProcessId ParentImage ParentCommandLine'),
        ('Microsoft-Windows-Sysmon', 1, 5, '
            RuleName UtcTime ProcessGuid ProcessId Image FileVersion Description Product Company OriginalFileName
            CommandLine CurrentDirectory User LogonGuid LogonId TerminalSessionId IntegrityLevel Hashes
            ParentProcessGuid ParentProcessId ParentImage ParentCommandLine ParentUser'),
        ('Microsoft-Windows-Sysmon', 2, 4, '
            RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime PreviousCreationUtcTime'),
        ('Microsoft-Windows-Sysmon', 2, 4, '
            RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime PreviousCreationUtcTime User'),
        ('Microsoft-Windows-Sysmon', 3, 5, '
            RuleName UtcTime ProcessGuid ProcessId Image User Protocol Initiated SourceIsIpv6 SourceIp
            SourceHostname SourcePort SourcePortName DestinationIsIpv6 DestinationIp DestinationHostname
            DestinationPort DestinationPortName'),
        ('Microsoft-Windows-Sysmon', 4, 3, 'UtcTime State Version SchemaVersion'),
        ('Microsoft-Windows-Sysmon', 5, 3, 'RuleName UtcTime ProcessGuid ProcessId Image'),
        ('Microsoft-Windows-Sysmon', 5, 3, 'RuleName UtcTime ProcessGuid ProcessId Image User'),
        ('Microsoft-Windows-Sysmon', 6, 3, 'RuleName UtcTime ImageLoaded Hashes Signed Signature SignatureStatus'),
        ('Microsoft-Windows-Sysmon', 7, 3, '
            RuleName UtcTime ProcessGuid ProcessId Image ImageLoaded FileVersion Description Product Company
            OriginalFileName Hashes Signed Signature SignatureStatus'),
        ('Microsoft-Windows-Sysmon', 7, 3, '
            RuleName UtcTime ProcessGuid ProcessId Image ImageLoaded FileVersion Description Product Company
            OriginalFileName Hashes Signed Signature SignatureStatus User'),
        ('Microsoft-Windows-Sysmon', 8, 2, '
            RuleName UtcTime SourceProcessGuid SourceProcessId SourceImage TargetProcessGuid TargetProcessId
            TargetImage NewThreadId StartAddress StartModule StartFunction'),
        ('Microsoft-Windows-Sysmon', 8, 2, '
            RuleName UtcTime SourceProcessGuid SourceProcessId SourceImage TargetProcessGuid TargetProcessId
            TargetImage NewThreadId StartAddress StartModule StartFunction SourceUser TargetUser'),
        ('Microsoft-Windows-Sysmon', 9, 2, 'RuleName UtcTime ProcessGuid ProcessId Image Device'),
        ('Microsoft-Windows-Sysmon', 9, 2, 'RuleName UtcTime ProcessGuid ProcessId Image Device User'),
        ('Microsoft-Windows-Sysmon', 10, 3, '
            RuleName UtcTime SourceProcessGUID SourceProcessId SourceThreadId SourceImage TargetProcessGUID
            TargetProcessId TargetImage GrantedAccess CallTrace'),
        ('Microsoft-Windows-Sysmon', 10, 3, '
            RuleName UtcTime SourceProcessGUID SourceProcessId SourceThreadId SourceImage TargetProcessGUID
            TargetProcessId TargetImage GrantedAccess CallTrace SourceUser TargetUser'),
        ('Microsoft-Windows-Sysmon', 11, 2, '
            RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime'),
        ('Microsoft-Windows-Sysmon', 11, 2, '
            RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime User'),
        ('Microsoft-Windows-Sysmon', 12, 2, 'RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject'),
        ('Microsoft-Windows-Sysmon', 12, 2, 'RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject User'),
        ('Microsoft-Windows-Sysmon', 13, 2, '
            RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject Details'),
        ('Microsoft-Windows-Sysmon', 13, 2, '
            RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject Details User'),
        ('Microsoft-Windows-Sysmon', 14, 2, '
            RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject NewName'),
        ('Microsoft-Windows-Sysmon', 14, 2, '
            RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject NewName User'),
        ('Microsoft-Windows-Sysmon', 15, 2, '
            RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime Hash Contents'),
        ('Microsoft-Windows-Sysmon', 15, 2, '
            RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime Hash Contents User'),
        ('Microsoft-Windows-Sysmon', 16, 3, 'UtcTime Configuration ConfigurationFileHash'),
        ('Microsoft-Windows-Sysmon', 17, 1, 'RuleName EventType UtcTime ProcessGuid ProcessId PipeName Image'),
        ('Microsoft-Windows-Sysmon', 17, 1, 'RuleName EventType UtcTime ProcessGuid ProcessId PipeName Image User'),
        ('Microsoft-Windows-Sysmon', 18, 1, 'RuleName EventType UtcTime ProcessGuid ProcessId PipeName Image'),
        ('Microsoft-Windows-Sysmon', 18, 1, 'RuleName EventType UtcTime ProcessGuid ProcessId PipeName Image User'),
        ('Microsoft-Windows-Sysmon', 19, 3, 'RuleName EventType UtcTime Operation User EventNamespace Name Query'),
        ('Microsoft-Windows-Sysmon', 20, 3, 'RuleName EventType UtcTime Operation User Name Type Destination'),
        ('Microsoft-Windows-Sysmon', 21, 3, 'RuleName EventType UtcTime Operation User Consumer Filter'),
        ('Microsoft-Windows-Sysmon', 22, 5, '
            RuleName UtcTime ProcessGuid ProcessId QueryName QueryStatus QueryResults Image'),
        ('Microsoft-Windows-Sysmon', 22, 5, '
            RuleName UtcTime ProcessGuid ProcessId QueryName QueryStatus QueryResults Image User'),
        ('Microsoft-Windows-Sysmon', 23, 5, '
            RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes IsExecutable Archived'),
        ('Microsoft-Windows-Sysmon', 26, 5, '
            RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes IsExecutable'),
        ('Microsoft-Windows-Sysmon', 255, 3, 'UtcTime ID Description'),
        ('Microsoft-Windows-PowerShell', 4100, 1, 'ContextInfo UserData Payload'),
        ('Microsoft-Windows-PowerShell', 4103, 1, 'ContextInfo UserData Payload'),
        ('Microsoft-Windows-PowerShell', 4104, 1, 'MessageNumber MessageTotal ScriptBlockText ScriptBlockId'),
        ('Microsoft-Windows-PowerShell', 4104, 1, 'MessageNumber MessageTotal ScriptBlockText ScriptBlockId Path'),
        ('Microsoft-Windows-PowerShell', 53504, 1, 'param1 param2'),
        ('Microsoft-Windows-WMI-Activity', 5857, 0, 'ProviderName Code HostProcess ProcessID ProviderPath'),
        ('Microsoft-Windows-WMI-Activity', 5858, 0, '
            Id ClientMachine User ClientProcessId Component Operation ResultCode PossibleCause'),
        ('Microsoft-Windows-WMI-Activity', 5859, 0, '
            NamespaceName Query User processid Provider queryid PossibleCause'),
        ('Microsoft-Windows-WMI-Activity', 5860, 0, 'NamespaceName Query User processid ClientMachine PossibleCause'),
        ('Microsoft-Windows-WMI-Activity', 5861, 0, 'Namespace ESS CONSUMER PossibleCause'),
        ('Service Control Manager', 7000, 0, 'param1 param2 Binary'),
        ('Service Control Manager', 7009, 0, 'param1 param2 Binary'),
        ('Service Control Manager', 7036, 0, 'param1 param2 Binary'),
        ('Service Control Manager', 7045, 0, 'ServiceName ImagePath ServiceType StartType AccountName'),
        ('Microsoft-Windows-Kernel-General', 12, 0, '
            MajorVersion MinorVersion BuildVersion QfeVersion ServiceVersion BootMode StartTime')
    ) as listed (provider, event_id, version, names)
)

-- Of two versions with as many values the later one comes first.
select
    provider,
    event_id,
    len(names) as properties,
    list({ 'version': version, 'names': names } order by version desc) as versions
from known
group by all;

-- The names for an event of *version*: of its own version, or of the nearest lower one with as many values.
create or replace macro names_of(versions, version) as
    list_filter(versions, lambda known: known.version <= version)[1].names;

-- Values (a list of JSON) under their names, as JSON text. Numbers that Windows shows in hexadecimal come as decimals, or
-- as '0' without the prefix; logon ids come as numbers or padded with zeros.
create or replace macro named_values(names, texts) as
    cast(
        to_json(
            map_from_entries(
                list_transform(
                    list_zip(names, texts),
                    lambda pair: {
                        'k': pair[1],
                        'v': case
                            when
                                pair[1] in ('Code', 'ResultCode', 'Status', 'SubStatus', 'TicketOptions', 'TicketEncryptionType')
                                and try_cast(json_extract_string(pair[2], '$') as bigint) is not null
                                then to_json(
                                    '0x' || lower(
                                        to_hex(
                                            try_cast(json_extract_string(pair[2], '$') as bigint)
                                            & cast(4294967295 as bigint)
                                        )
                                    )
                                )
                            when ends_with(pair[1], 'LogonId')
                                then to_json(
                                    coalesce(
                                        logon_id(json_extract_string(pair[2], '$')),
                                        json_extract_string(pair[2], '$')
                                    )
                                )
                            else pair[2]
                        end
                    }
                )
            )
        ) as varchar
    );

-- The values of .NET's EventProperty objects; a SecurityIdentifier is an object of its own.
create or replace macro property_values(properties) as
    list_transform(
        properties,
        lambda item: case
            when json_type(item, '$.Value') = 'OBJECT'
                then coalesce(json_extract(item, '$.Value.Value'), json_extract(item, '$.Value.value'))
            else json_extract(item, '$.Value')
        end
    );
