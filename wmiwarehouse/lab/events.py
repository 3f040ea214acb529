"""The kinds of events that the lab writes, in one table: fields in Windows' own order with their stored types.

A field is written as ``Name`` (a string) or ``Name:type``; the types' short names are in ``_TYPES``.
"""

from __future__ import annotations

from wmiwarehouse.lab.binxml import ValueType
from wmiwarehouse.lab.model import Body, EventKind, Field, Provider

SECURITY = "Security"
SYSTEM = "System"
SYSMON = "Microsoft-Windows-Sysmon/Operational"
WMI_ACTIVITY = "Microsoft-Windows-WMI-Activity/Operational"
POWERSHELL = "Microsoft-Windows-PowerShell/Operational"
WINDOWS_POWERSHELL = "Windows PowerShell"

_AUDIT_SUCCESS = 0x8020000000000000
_AUDIT_FAILURE = 0x8010000000000000
_PLAIN = 0x8000000000000000
_CLASSIC = 0x80000000000000

_TYPES = {
    "u8": ValueType.UINT8,
    "u16": ValueType.UINT16,
    "u32": ValueType.UINT32,
    "i32": ValueType.INT32,
    "u64": ValueType.UINT64,
    "bool": ValueType.BOOL,
    "guid": ValueType.GUID,
    "sid": ValueType.SID,
    "hex": ValueType.HEX64,
    "hex32": ValueType.HEX32,
    "pid": ValueType.POINTER,
    "time": ValueType.FILETIME,
    "bin": ValueType.BINARY,
    "strings": ValueType.STRINGS,
}

_AUDITING = Provider("Microsoft-Windows-Security-Auditing", "54849625-5478-4994-A5BA-3E3B0328C30D")
_EVENTLOG = Provider("Microsoft-Windows-Eventlog", "{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}")
_SYSMON = Provider("Microsoft-Windows-Sysmon", "5770385F-C22A-43E0-BF4C-06F5698FFBD9")
_SCM = Provider(
    "Service Control Manager", "{555908d1-a6d7-4695-8e1e-26931d2012f4}", source_name="Service Control Manager"
)
_KERNEL = Provider("Microsoft-Windows-Kernel-General", "A68CA8B7-004F-D7B6-A698-07E2DE0F1F5D")
_POWERSHELL = Provider("Microsoft-Windows-PowerShell", "A0C1853B-5C40-4B15-8766-3CF1C58F985A")
_WMI = Provider("Microsoft-Windows-WMI-Activity", "1418EF04-B0B4-4623-BF7E-D74AB47BBDAA")
_CLEARED_NAMESPACE = "http://manifests.microsoft.com/win/2004/08/windows/eventlog"
_WMI_NAMESPACE = "http://manifests.microsoft.com/win/2006/windows/WMI"

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


def fields(text: str) -> tuple[Field, ...]:
    """Fields from their short notation."""
    split = (word.partition(":") for word in text.split())
    return tuple(Field(name, _TYPES.get(short, ValueType.STRING)) for name, _, short in split)


def _security(event_id: int, version: int, task: int, text: str, category: str, message: str) -> EventKind:
    return EventKind(
        f"security_{event_id}_v{version}", _AUDITING, SECURITY, event_id, version, fields(text), task,
        keywords=_AUDIT_SUCCESS, category=category, message=message,
    )  # fmt: skip


def _sysmon(event_id: int, version: int, text: str, message: str, rule: str, *, name: str = "") -> EventKind:
    return EventKind(
        name or f"sysmon_{event_id}", _SYSMON, SYSMON, event_id, version, fields(text), event_id, level=4,
        keywords=_PLAIN, category=f"{message} (rule: {rule})", message=message,
    )  # fmt: skip


def _wmi(event_id: int, root: str, text: str, message: str, *, level: int = 0) -> EventKind:
    return EventKind(
        f"wmi_{event_id}", _WMI, WMI_ACTIVITY, event_id, 0, fields(text), level=level, keywords=0x4000000000000000,
        body=Body.USER_DATA, root=(root, _WMI_NAMESPACE), message=message,
    )  # fmt: skip


def _classic(provider: str, channel: str, event_id: int, task: int, category: str, qualifiers: int) -> EventKind:
    return EventKind(
        f"{provider.lower()}_{event_id}", Provider(provider), channel, event_id, 0, fields("Data:strings Binary:bin"),
        task, level=4, keywords=_CLASSIC, qualifiers=qualifiers, body=Body.CLASSIC, category=category,
    )  # fmt: skip


_LOGGED_ON = "An account was successfully logged on."
_CREATED = "A new process has been created."

SECURITY_1102 = EventKind(
    "security_1102", _EVENTLOG, SECURITY, 1102, 0,
    fields("SubjectUserSid:sid SubjectUserName SubjectDomainName SubjectLogonId:hex"), 104, 4,
    keywords=0x4020000000000000, body=Body.USER_DATA, root=("LogFileCleared", _CLEARED_NAMESPACE),
    category="Log clear", message="The audit log was cleared.",
)  # fmt: skip
SECURITY_4608 = _security(4608, 0, 12288, "", "Security State Change", "Windows is starting up.")
SECURITY_4624_V0 = _security(4624, 0, 12544, _LOGON, "Logon", _LOGGED_ON)
SECURITY_4624_V1 = _security(4624, 1, 12544, f"{_LOGON} ImpersonationLevel", "Logon", _LOGGED_ON)
SECURITY_4624_V2 = _security(
    4624, 2, 12544,
    f"{_LOGON} ImpersonationLevel RestrictedAdminMode TargetOutboundUserName TargetOutboundDomainName VirtualAccount "
    "TargetLinkedLogonId:hex ElevatedToken",
    "Logon", _LOGGED_ON,
)  # fmt: skip
SECURITY_4625 = EventKind(
    "security_4625_v0", _AUDITING, SECURITY, 4625, 0,
    fields(
        f"{_SUBJECT} TargetUserSid:sid TargetUserName TargetDomainName Status:hex32 FailureReason SubStatus:hex32 "
        "LogonType:u32 LogonProcessName AuthenticationPackageName WorkstationName TransmittedServices LmPackageName "
        "KeyLength:u32 ProcessId:pid ProcessName IpAddress IpPort"
    ),
    12544, keywords=_AUDIT_FAILURE, category="Logon", message="An account failed to log on.",
)  # fmt: skip
SECURITY_4634 = _security(4634, 0, 12545, f"{_TARGET} LogonType:u32", "Logoff", "An account was logged off.")
SECURITY_4647 = _security(4647, 0, 12545, _TARGET, "Logoff", "User initiated logoff:")
SECURITY_4648 = _security(
    4648, 0, 12544,
    f"{_SUBJECT} LogonGuid:guid TargetUserName TargetDomainName TargetLogonGuid:guid TargetServerName TargetInfo "
    "ProcessId:pid ProcessName IpAddress IpPort",
    "Logon", "A logon was attempted using explicit credentials.",
)  # fmt: skip
SECURITY_4672 = _security(
    4672, 0, 12548, f"{_SUBJECT} PrivilegeList", "Special Logon", "Special privileges assigned to new logon."
)
SECURITY_4674 = _security(
    4674, 0, 13056,
    f"{_SUBJECT} ObjectServer ObjectType ObjectName HandleId:hex AccessMask PrivilegeList ProcessId:pid ProcessName",
    "Sensitive Privilege Use", "An operation was attempted on a privileged object.",
)  # fmt: skip
SECURITY_4688_V0 = _security(4688, 0, 13312, _NEW_PROCESS, "Process Creation", _CREATED)
SECURITY_4688_V1 = _security(4688, 1, 13312, f"{_NEW_PROCESS} CommandLine", "Process Creation", _CREATED)
SECURITY_4688_V2 = _security(
    4688, 2, 13312, f"{_NEW_PROCESS} CommandLine {_TARGET} ParentProcessName MandatoryLabel:sid",
    "Process Creation", _CREATED,
)  # fmt: skip
SECURITY_4689 = _security(
    4689, 0, 13313, f"{_SUBJECT} Status:hex32 ProcessId:pid ProcessName", "Process Termination", "A process has exited."
)
SECURITY_4768 = _security(
    4768, 0, 14339,
    "TargetUserName TargetDomainName TargetSid:sid ServiceName ServiceSid:sid TicketOptions:hex32 Status:hex32 "
    "TicketEncryptionType:hex32 PreAuthType IpAddress IpPort CertIssuerName CertSerialNumber CertThumbprint",
    "Kerberos Authentication Service", "A Kerberos authentication ticket (TGT) was requested.",
)  # fmt: skip
SECURITY_4769 = _security(
    4769, 0, 14337,
    "TargetUserName TargetDomainName ServiceName ServiceSid:sid TicketOptions:hex32 TicketEncryptionType:hex32 "
    "IpAddress IpPort Status:hex32 LogonGuid:guid TransmittedServices",
    "Kerberos Service Ticket Operations", "A Kerberos service ticket was requested.",
)  # fmt: skip
SECURITY_5140 = _security(
    5140, 1, 12808, f"{_SUBJECT} ObjectType IpAddress IpPort ShareName ShareLocalPath AccessMask:hex32 AccessList",
    "File Share", "A network share object was accessed.",
)  # fmt: skip
SECURITY_5145 = _security(
    5145, 0, 12811,
    f"{_SUBJECT} ObjectType IpAddress IpPort ShareName ShareLocalPath RelativeTargetName AccessMask:hex32 AccessList "
    "AccessReason",
    "Detailed File Share",
    "A network share object was checked to see whether client can be granted desired access.",
)  # fmt: skip
SECURITY_5156 = _security(
    5156, 1, 12810,
    "ProcessID:u64 Application Direction SourceAddress SourcePort DestAddress DestPort Protocol:u32 FilterRTID:u64 "
    "LayerName LayerRTID:u64 RemoteUserID:sid RemoteMachineID:sid",
    "Filtering Platform Connection", "The Windows Filtering Platform has permitted a connection.",
)  # fmt: skip

SYSMON_1 = _sysmon(
    1, 5, f"{_SYSMON_PROCESS} FileVersion Description Product Company OriginalFileName {_SYSMON_CREATED}",
    "Process Create", "ProcessCreate",
)  # fmt: skip
SYSMON_1_OLD = _sysmon(
    1, 5, f"{_SYSMON_PROCESS} FileVersion Description Product Company {_SYSMON_CREATED}",
    "Process Create", "ProcessCreate", name="sysmon_1_without_original_file_name",
)  # fmt: skip
SYSMON_3 = _sysmon(
    3, 5,
    f"{_SYSMON_PROCESS} User Protocol Initiated:bool SourceIsIpv6:bool SourceIp SourceHostname SourcePort:u16 "
    "SourcePortName DestinationIsIpv6:bool DestinationIp DestinationHostname DestinationPort:u16 DestinationPortName",
    "Network connection detected", "NetworkConnect",
)  # fmt: skip
SYSMON_5 = _sysmon(5, 3, _SYSMON_PROCESS, "Process terminated", "ProcessTerminate")
SYSMON_7 = _sysmon(
    7, 3,
    f"{_SYSMON_PROCESS} ImageLoaded FileVersion Description Product Company OriginalFileName Hashes Signed Signature "
    "SignatureStatus",
    "Image loaded", "ImageLoad",
)  # fmt: skip
SYSMON_10 = _sysmon(
    10, 3,
    "RuleName UtcTime SourceProcessGUID:guid SourceProcessId:u32 SourceThreadId:u32 SourceImage TargetProcessGUID:guid "
    "TargetProcessId:u32 TargetImage GrantedAccess:hex32 CallTrace",
    "Process accessed", "ProcessAccess",
)  # fmt: skip
SYSMON_11 = _sysmon(11, 2, f"{_SYSMON_PROCESS} TargetFilename CreationUtcTime", "File created", "FileCreate")
_REGISTRY = "RuleName EventType UtcTime ProcessGuid:guid ProcessId:u32 Image TargetObject"
SYSMON_12 = _sysmon(12, 2, _REGISTRY, "Registry object added or deleted", "RegistryEvent")
SYSMON_13 = _sysmon(13, 2, f"{_REGISTRY} Details", "Registry value set", "RegistryEvent")
_SYSMON_WMI = "RuleName EventType UtcTime Operation User"
SYSMON_19 = _sysmon(19, 3, f"{_SYSMON_WMI} EventNamespace Name Query", "WmiEventFilter activity detected", "WmiEvent")
SYSMON_20 = _sysmon(20, 3, f"{_SYSMON_WMI} Name Type Destination", "WmiEventConsumer activity detected", "WmiEvent")
SYSMON_21 = _sysmon(21, 3, f"{_SYSMON_WMI} Consumer Filter", "WmiEventConsumerToFilter activity detected", "WmiEvent")

EVENTLOG_104 = EventKind(
    "eventlog_104", _EVENTLOG, SYSTEM, 104, 0, fields("SubjectUserName SubjectDomainName Channel BackupPath"), 104, 4,
    keywords=_PLAIN, body=Body.USER_DATA, root=("LogFileCleared", _CLEARED_NAMESPACE),
    category="Log clear", message="The {Channel} log file was cleared.",
)  # fmt: skip
EVENTLOG_6005 = _classic("EventLog", SYSTEM, 6005, 0, "", 32768)
EVENTLOG_6006 = _classic("EventLog", SYSTEM, 6006, 0, "", 32768)
KERNEL_12 = EventKind(
    "kernel_12", _KERNEL, SYSTEM, 12, 0,
    fields(
        "MajorVersion:u32 MinorVersion:u32 BuildVersion:u32 QfeVersion:u32 ServiceVersion:u32 BootMode:u32 "
        "StartTime:time"
    ),
    1, 4, keywords=_PLAIN, message="The operating system started at system time {StartTime}.",
)  # fmt: skip
SCM_7036 = EventKind(
    "scm_7036", _SCM, SYSTEM, 7036, 0, fields("param1 param2 Binary:bin"), 0, 4, keywords=0x8080000000000000,
    qualifiers=16384, message="The {param1} service entered the {param2} state.",
)  # fmt: skip
SCM_7045 = EventKind(
    "scm_7045", _SCM, SYSTEM, 7045, 0, fields("ServiceName ImagePath ServiceType StartType AccountName"), 0, 4,
    keywords=0x8080000000000000, qualifiers=16384,
    message=(
        "A service was installed in the system.\r\n\r\nService Name:  {ServiceName}\r\nService File Name:  {ImagePath}"
        "\r\nService Type:  {ServiceType}\r\nService Start Type:  {StartType}\r\nService Account:  {AccountName}"
    ),
)  # fmt: skip

POWERSHELL_4103 = EventKind(
    "powershell_4103", _POWERSHELL, POWERSHELL, 4103, 1, fields("ContextInfo UserData Payload"), 106, 4, 20,
    category="Executing Pipeline", message="{Payload}\r\n\r\nContext:\r\n{ContextInfo}\r\n\r\nUser Data:\r\n{UserData}",
)  # fmt: skip
POWERSHELL_4104 = EventKind(
    "powershell_4104", _POWERSHELL, POWERSHELL, 4104, 1,
    fields("MessageNumber:i32 MessageTotal:i32 ScriptBlockText ScriptBlockId Path"), 2, 5, 15,
    category="Execute a Remote Command",
    message=(
        "Creating Scriptblock text ({MessageNumber} of {MessageTotal}):\r\n{ScriptBlockText}\r\n\r\n"
        "ScriptBlock ID: {ScriptBlockId}\r\nPath: {Path}"
    ),
)  # fmt: skip
CLASSIC_400 = _classic("PowerShell", WINDOWS_POWERSHELL, 400, 4, "Engine Lifecycle", 0)
CLASSIC_800 = _classic("PowerShell", WINDOWS_POWERSHELL, 800, 8, "Pipeline Execution Details", 0)

WMI_5857 = _wmi(
    5857, "Operation_StartedOperational", "ProviderName Code:hex32 HostProcess ProcessID:u32 ProviderPath",
    "{ProviderName} provider started with result code {Code}. HostProcess = {HostProcess}; ProcessID = {ProcessID}; "
    "ProviderPath = {ProviderPath}",
)  # fmt: skip
WMI_5858 = _wmi(
    5858, "Operation_ClientFailure",
    "Id ClientMachine User ClientProcessId:u32 Component Operation ResultCode:hex32 PossibleCause",
    "Id = {Id}; ClientMachine = {ClientMachine}; User = {User}; ClientProcessId = {ClientProcessId}; "
    "Component = {Component}; Operation = {Operation}; ResultCode = {ResultCode}; PossibleCause = {PossibleCause}",
    level=2,
)  # fmt: skip
WMI_5859 = _wmi(
    5859, "Operation_EssStarted", "NamespaceName Query User processid:u32 Provider queryid:u32 PossibleCause",
    "Namespace = {NamespaceName}; NotificationQuery = {Query}; OwnerName = {User}; HostProcessID = {processid};  "
    "Provider= {Provider}, queryID = {queryid}; PossibleCause = {PossibleCause}",
)  # fmt: skip
WMI_5860 = _wmi(
    5860, "Operation_TemporaryEssStarted", "NamespaceName Query User processid:u32 ClientMachine PossibleCause",
    "Namespace = {NamespaceName}; NotificationQuery = {Query}; UserName = {User}; ClientProcessID = {processid}, "
    "ClientMachine = {ClientMachine}; PossibleCause = {PossibleCause}",
)  # fmt: skip
WMI_5861 = _wmi(
    5861, "Operation_ESStoConsumerBinding", "Namespace ESS CONSUMER PossibleCause",
    "Namespace = {Namespace}; Eventfilter = {ESS} (refer to its activate eventid:5859); Consumer = {CONSUMER}; "
    "PossibleCause = {PossibleCause}",
)  # fmt: skip

KINDS: tuple[EventKind, ...] = tuple(value for value in list(globals().values()) if isinstance(value, EventKind))
