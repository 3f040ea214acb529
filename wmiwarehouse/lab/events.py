"""The kinds of events that the lab writes, in one table: fields in Windows' own order with their stored types."""

from __future__ import annotations

from wmiwarehouse.lab.model import Body, EventKind
from wmiwarehouse.lab.shapes import (
    AUDIT_FAILURE,
    BY_AUDITING,
    BY_EVENTLOG,
    BY_KERNEL,
    BY_POWERSHELL,
    BY_SCM,
    CLEARED_NAMESPACE,
    PLAIN,
    POWERSHELL,
    SECURITY,
    SYSMON,
    SYSTEM,
    WINDOWS_POWERSHELL,
    WMI_ACTIVITY,
    classic,
    fields,
    security,
    sysmon,
    wmi,
)

__all__ = ["KINDS", "POWERSHELL", "SECURITY", "SYSMON", "SYSTEM", "WINDOWS_POWERSHELL", "WMI_ACTIVITY"]

_SUBJECT = "SubjectUserSid:sid SubjectUserName SubjectDomainName SubjectLogonId:hex"
_TARGET = "TargetUserSid:sid TargetUserName TargetDomainName TargetLogonId:hex"
_LOGON = (
    f"{_SUBJECT} {_TARGET} LogonType:u32 LogonProcessName AuthenticationPackageName WorkstationName LogonGuid:guid "
    "TransmittedServices LmPackageName KeyLength:u32 ProcessId:pid ProcessName IpAddress IpPort"
)
_NEW_PROCESS = f"{_SUBJECT} NewProcessId:pid NewProcessName TokenElevationType ProcessId:pid"
_SYSMON_PROCESS = "RuleName UtcTime ProcessGuid:guid ProcessId:u32 Image"
_SYSMON_CREATED = (
    "CommandLine CurrentDirectory User LogonGuid:guid LogonId:hex TerminalSessionId:u32 IntegrityLevel Hashes "
    "ParentProcessGuid:guid ParentProcessId:u32 ParentImage ParentCommandLine"
)


_LOGGED_ON = "An account was successfully logged on."
_CREATED = "A new process has been created."

SECURITY_1100 = EventKind(
    "security_1100", BY_EVENTLOG, SECURITY, 1100, 0, (), 103, 4, keywords=0x4020000000000000, body=Body.USER_DATA,
    root=("ServiceShutdown", CLEARED_NAMESPACE), category="Service shutdown",
    message="The event logging service has shut down.",
)  # fmt: skip
SECURITY_1102 = EventKind(
    "security_1102", BY_EVENTLOG, SECURITY, 1102, 0,
    fields("SubjectUserSid:sid SubjectUserName SubjectDomainName SubjectLogonId:hex"), 104, 4,
    keywords=0x4020000000000000, body=Body.USER_DATA, root=("LogFileCleared", CLEARED_NAMESPACE),
    category="Log clear", message="The audit log was cleared.",
)  # fmt: skip
SECURITY_4608 = security(4608, 0, 12288, "", "Security State Change", "Windows is starting up.")
SECURITY_4624_V0 = security(4624, 0, 12544, _LOGON, "Logon", _LOGGED_ON)
SECURITY_4624_V1 = security(4624, 1, 12544, f"{_LOGON} ImpersonationLevel", "Logon", _LOGGED_ON)
SECURITY_4624_V2 = security(
    4624, 2, 12544,
    f"{_LOGON} ImpersonationLevel RestrictedAdminMode TargetOutboundUserName TargetOutboundDomainName VirtualAccount "
    "TargetLinkedLogonId:hex ElevatedToken",
    "Logon", _LOGGED_ON,
)  # fmt: skip
SECURITY_4625 = EventKind(
    "security_4625_v0", BY_AUDITING, SECURITY, 4625, 0,
    fields(
        f"{_SUBJECT} TargetUserSid:sid TargetUserName TargetDomainName Status:hex32 FailureReason SubStatus:hex32 "
        "LogonType:u32 LogonProcessName AuthenticationPackageName WorkstationName TransmittedServices LmPackageName "
        "KeyLength:u32 ProcessId:pid ProcessName IpAddress IpPort"
    ),
    12544, keywords=AUDIT_FAILURE, category="Logon", message="An account failed to log on.",
)  # fmt: skip
SECURITY_4634 = security(4634, 0, 12545, f"{_TARGET} LogonType:u32", "Logoff", "An account was logged off.")
SECURITY_4647 = security(4647, 0, 12545, _TARGET, "Logoff", "User initiated logoff:")
SECURITY_4648 = security(
    4648, 0, 12544,
    f"{_SUBJECT} LogonGuid:guid TargetUserName TargetDomainName TargetLogonGuid:guid TargetServerName TargetInfo "
    "ProcessId:pid ProcessName IpAddress IpPort",
    "Logon", "A logon was attempted using explicit credentials.",
)  # fmt: skip
SECURITY_4672 = security(
    4672, 0, 12548, f"{_SUBJECT} PrivilegeList", "Special Logon", "Special privileges assigned to new logon."
)
SECURITY_4674 = security(
    4674, 0, 13056,
    f"{_SUBJECT} ObjectServer ObjectType ObjectName HandleId:hex AccessMask PrivilegeList ProcessId:pid ProcessName",
    "Sensitive Privilege Use", "An operation was attempted on a privileged object.",
)  # fmt: skip
SECURITY_4688_V0 = security(4688, 0, 13312, _NEW_PROCESS, "Process Creation", _CREATED)
SECURITY_4688_V1 = security(4688, 1, 13312, f"{_NEW_PROCESS} CommandLine", "Process Creation", _CREATED)
SECURITY_4688_V2 = security(
    4688, 2, 13312, f"{_NEW_PROCESS} CommandLine {_TARGET} ParentProcessName MandatoryLabel:sid",
    "Process Creation", _CREATED,
)  # fmt: skip
SECURITY_4689 = security(
    4689, 0, 13313, f"{_SUBJECT} Status:hex32 ProcessId:pid ProcessName", "Process Termination", "A process has exited."
)
SECURITY_4719 = security(
    4719, 0, 13568, f"{_SUBJECT} CategoryId SubcategoryId SubcategoryGuid:guid AuditPolicyChanges",
    "Audit Policy Change", "System audit policy was changed.",
)  # fmt: skip
SECURITY_4768 = security(
    4768, 0, 14339,
    "TargetUserName TargetDomainName TargetSid:sid ServiceName ServiceSid:sid TicketOptions:hex32 Status:hex32 "
    "TicketEncryptionType:hex32 PreAuthType IpAddress IpPort CertIssuerName CertSerialNumber CertThumbprint",
    "Kerberos Authentication Service", "A Kerberos authentication ticket (TGT) was requested.",
)  # fmt: skip
SECURITY_4769 = security(
    4769, 0, 14337,
    "TargetUserName TargetDomainName ServiceName ServiceSid:sid TicketOptions:hex32 TicketEncryptionType:hex32 "
    "IpAddress IpPort Status:hex32 LogonGuid:guid TransmittedServices",
    "Kerberos Service Ticket Operations", "A Kerberos service ticket was requested.",
)  # fmt: skip
SECURITY_5140 = security(
    5140, 1, 12808, f"{_SUBJECT} ObjectType IpAddress IpPort ShareName ShareLocalPath AccessMask:hex32 AccessList",
    "File Share", "A network share object was accessed.",
)  # fmt: skip
SECURITY_5145 = security(
    5145, 0, 12811,
    f"{_SUBJECT} ObjectType IpAddress IpPort ShareName ShareLocalPath RelativeTargetName AccessMask:hex32 AccessList "
    "AccessReason",
    "Detailed File Share",
    "A network share object was checked to see whether client can be granted desired access.",
)  # fmt: skip
SECURITY_5156 = security(
    5156, 1, 12810,
    "ProcessID:u64 Application Direction SourceAddress SourcePort DestAddress DestPort Protocol:u32 FilterRTID:u64 "
    "LayerName LayerRTID:u64 RemoteUserID:sid RemoteMachineID:sid",
    "Filtering Platform Connection", "The Windows Filtering Platform has permitted a connection.",
)  # fmt: skip

SYSMON_1 = sysmon(
    1, 5, f"{_SYSMON_PROCESS} FileVersion Description Product Company OriginalFileName {_SYSMON_CREATED}",
    "Process Create", "ProcessCreate",
)  # fmt: skip
SYSMON_1_OLD = sysmon(
    1, 5, f"{_SYSMON_PROCESS} FileVersion Description Product Company {_SYSMON_CREATED}",
    "Process Create", "ProcessCreate", name="sysmon_1_without_original_file_name",
)  # fmt: skip
SYSMON_3 = sysmon(
    3, 5,
    f"{_SYSMON_PROCESS} User Protocol Initiated:bool SourceIsIpv6:bool SourceIp SourceHostname SourcePort:u16 "
    "SourcePortName DestinationIsIpv6:bool DestinationIp DestinationHostname DestinationPort:u16 DestinationPortName",
    "Network connection detected", "NetworkConnect",
)  # fmt: skip
SYSMON_4 = sysmon(4, 3, "UtcTime State Version SchemaVersion", "Sysmon service state changed", "ServiceState")
SYSMON_5 = sysmon(5, 3, _SYSMON_PROCESS, "Process terminated", "ProcessTerminate")
SYSMON_7 = sysmon(
    7, 3,
    f"{_SYSMON_PROCESS} ImageLoaded FileVersion Description Product Company OriginalFileName Hashes Signed Signature "
    "SignatureStatus",
    "Image loaded", "ImageLoad",
)  # fmt: skip
SYSMON_10 = sysmon(
    10, 3,
    "RuleName UtcTime SourceProcessGUID:guid SourceProcessId:u32 SourceThreadId:u32 SourceImage TargetProcessGUID:guid "
    "TargetProcessId:u32 TargetImage GrantedAccess:hex32 CallTrace",
    "Process accessed", "ProcessAccess",
)  # fmt: skip
SYSMON_11 = sysmon(11, 2, f"{_SYSMON_PROCESS} TargetFilename CreationUtcTime", "File created", "FileCreate")
_REGISTRY = "RuleName EventType UtcTime ProcessGuid:guid ProcessId:u32 Image TargetObject"
SYSMON_12 = sysmon(12, 2, _REGISTRY, "Registry object added or deleted", "RegistryEvent")
SYSMON_13 = sysmon(13, 2, f"{_REGISTRY} Details", "Registry value set", "RegistryEvent")
SYSMON_16 = sysmon(
    16, 3, "UtcTime Configuration ConfigurationFileHash", "Sysmon config state changed", "ServiceConfigurationChange"
)
_SYSMON_WMI = "RuleName EventType UtcTime Operation User"
SYSMON_19 = sysmon(19, 3, f"{_SYSMON_WMI} EventNamespace Name Query", "WmiEventFilter activity detected", "WmiEvent")
SYSMON_20 = sysmon(20, 3, f"{_SYSMON_WMI} Name Type Destination", "WmiEventConsumer activity detected", "WmiEvent")
SYSMON_21 = sysmon(21, 3, f"{_SYSMON_WMI} Consumer Filter", "WmiEventConsumerToFilter activity detected", "WmiEvent")

EVENTLOG_104 = EventKind(
    "eventlog_104", BY_EVENTLOG, SYSTEM, 104, 0, fields("SubjectUserName SubjectDomainName Channel BackupPath"), 104, 4,
    keywords=PLAIN, body=Body.USER_DATA, root=("LogFileCleared", CLEARED_NAMESPACE),
    category="Log clear", message="The {Channel} log file was cleared.",
)  # fmt: skip
EVENTLOG_6005 = classic("EventLog", SYSTEM, 6005, 0, "", 32768)
EVENTLOG_6006 = classic("EventLog", SYSTEM, 6006, 0, "", 32768)
KERNEL_12 = EventKind(
    "kernel_12", BY_KERNEL, SYSTEM, 12, 0,
    fields(
        "MajorVersion:u32 MinorVersion:u32 BuildVersion:u32 QfeVersion:u32 ServiceVersion:u32 BootMode:u32 "
        "StartTime:time"
    ),
    1, 4, keywords=PLAIN, message="The operating system started at system time {StartTime}.",
)  # fmt: skip
SCM_7036 = EventKind(
    "scm_7036", BY_SCM, SYSTEM, 7036, 0, fields("param1 param2 Binary:bin"), 0, 4, keywords=0x8080000000000000,
    qualifiers=16384, message="The {param1} service entered the {param2} state.",
)  # fmt: skip
SCM_7045 = EventKind(
    "scm_7045", BY_SCM, SYSTEM, 7045, 0, fields("ServiceName ImagePath ServiceType StartType AccountName"), 0, 4,
    keywords=0x8080000000000000, qualifiers=16384,
    message=(
        "A service was installed in the system.\r\n\r\nService Name:  {ServiceName}\r\nService File Name:  {ImagePath}"
        "\r\nService Type:  {ServiceType}\r\nService Start Type:  {StartType}\r\nService Account:  {AccountName}"
    ),
)  # fmt: skip

POWERSHELL_4103 = EventKind(
    "powershell_4103", BY_POWERSHELL, POWERSHELL, 4103, 1, fields("ContextInfo UserData Payload"), 106, 4, 20,
    category="Executing Pipeline", message="{Payload}\r\n\r\nContext:\r\n{ContextInfo}\r\n\r\nUser Data:\r\n{UserData}",
)  # fmt: skip
POWERSHELL_4104 = EventKind(
    "powershell_4104", BY_POWERSHELL, POWERSHELL, 4104, 1,
    fields("MessageNumber:i32 MessageTotal:i32 ScriptBlockText ScriptBlockId Path"), 2, 5, 15,
    category="Execute a Remote Command",
    message=(
        "Creating Scriptblock text ({MessageNumber} of {MessageTotal}):\r\n{ScriptBlockText}\r\n\r\n"
        "ScriptBlock ID: {ScriptBlockId}\r\nPath: {Path}"
    ),
)  # fmt: skip
CLASSIC_400 = classic("PowerShell", WINDOWS_POWERSHELL, 400, 4, "Engine Lifecycle", 0)
CLASSIC_800 = classic("PowerShell", WINDOWS_POWERSHELL, 800, 8, "Pipeline Execution Details", 0)

WMI_5857 = wmi(
    5857, "Operation_StartedOperational", "ProviderName Code:hex32 HostProcess ProcessID:u32 ProviderPath",
    "{ProviderName} provider started with result code {Code}. HostProcess = {HostProcess}; ProcessID = {ProcessID}; "
    "ProviderPath = {ProviderPath}",
)  # fmt: skip
WMI_5858 = wmi(
    5858, "Operation_ClientFailure",
    "Id ClientMachine User ClientProcessId:u32 Component Operation ResultCode:hex32 PossibleCause",
    "Id = {Id}; ClientMachine = {ClientMachine}; User = {User}; ClientProcessId = {ClientProcessId}; "
    "Component = {Component}; Operation = {Operation}; ResultCode = {ResultCode}; PossibleCause = {PossibleCause}",
    level=2,
)  # fmt: skip
WMI_5859 = wmi(
    5859, "Operation_EssStarted", "NamespaceName Query User processid:u32 Provider queryid:u32 PossibleCause",
    "Namespace = {NamespaceName}; NotificationQuery = {Query}; OwnerName = {User}; HostProcessID = {processid};  "
    "Provider= {Provider}, queryID = {queryid}; PossibleCause = {PossibleCause}",
)  # fmt: skip
WMI_5860 = wmi(
    5860, "Operation_TemporaryEssStarted", "NamespaceName Query User processid:u32 ClientMachine PossibleCause",
    "Namespace = {NamespaceName}; NotificationQuery = {Query}; UserName = {User}; ClientProcessID = {processid}, "
    "ClientMachine = {ClientMachine}; PossibleCause = {PossibleCause}",
)  # fmt: skip
WMI_5861 = wmi(
    5861, "Operation_ESStoConsumerBinding", "Namespace ESS CONSUMER PossibleCause",
    "Namespace = {Namespace}; Eventfilter = {ESS} (refer to its activate eventid:5859); Consumer = {CONSUMER}; "
    "PossibleCause = {PossibleCause}",
)  # fmt: skip

KINDS: tuple[EventKind, ...] = tuple(value for value in list(globals().values()) if isinstance(value, EventKind))
