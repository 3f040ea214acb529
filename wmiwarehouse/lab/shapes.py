"""How the lab writes down a kind of event: its provider, channel and fields, in one short notation.

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

AUDIT_SUCCESS = 0x8020000000000000
AUDIT_FAILURE = 0x8010000000000000
PLAIN = 0x8000000000000000
CLASSIC = 0x80000000000000

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

BY_AUDITING = Provider("Microsoft-Windows-Security-Auditing", "54849625-5478-4994-A5BA-3E3B0328C30D")
BY_EVENTLOG = Provider("Microsoft-Windows-Eventlog", "{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}")
BY_SYSMON = Provider("Microsoft-Windows-Sysmon", "5770385F-C22A-43E0-BF4C-06F5698FFBD9")
BY_SCM = Provider(
    "Service Control Manager", "{555908d1-a6d7-4695-8e1e-26931d2012f4}", source_name="Service Control Manager"
)
BY_KERNEL = Provider("Microsoft-Windows-Kernel-General", "A68CA8B7-004F-D7B6-A698-07E2DE0F1F5D")
BY_POWERSHELL = Provider("Microsoft-Windows-PowerShell", "A0C1853B-5C40-4B15-8766-3CF1C58F985A")
BY_WMI = Provider("Microsoft-Windows-WMI-Activity", "1418EF04-B0B4-4623-BF7E-D74AB47BBDAA")
CLEARED_NAMESPACE = "http://manifests.microsoft.com/win/2004/08/windows/eventlog"
_WMI_NAMESPACE = "http://manifests.microsoft.com/win/2006/windows/WMI"


def fields(text: str) -> tuple[Field, ...]:
    """Fields from their short notation."""
    split = (word.partition(":") for word in text.split())
    return tuple(Field(name, _TYPES.get(short, ValueType.STRING)) for name, _, short in split)


def security(event_id: int, version: int, task: int, text: str, category: str, message: str) -> EventKind:
    """A kind of the Security log."""
    return EventKind(
        f"security_{event_id}_v{version}", BY_AUDITING, SECURITY, event_id, version, fields(text), task,
        keywords=AUDIT_SUCCESS, category=category, message=message,
    )  # fmt: skip


def sysmon(event_id: int, version: int, text: str, message: str, rule: str, *, name: str = "") -> EventKind:
    """A kind of Sysmon."""
    return EventKind(
        name or f"sysmon_{event_id}", BY_SYSMON, SYSMON, event_id, version, fields(text), event_id, level=4,
        keywords=PLAIN, category=f"{message} (rule: {rule})", message=message,
    )  # fmt: skip


def wmi(event_id: int, root: str, text: str, message: str, *, level: int = 0) -> EventKind:
    """A kind of the WMI-Activity log."""
    return EventKind(
        f"wmi_{event_id}", BY_WMI, WMI_ACTIVITY, event_id, 0, fields(text), level=level, keywords=0x4000000000000000,
        body=Body.USER_DATA, root=(root, _WMI_NAMESPACE), message=message,
    )  # fmt: skip


def classic(provider: str, channel: str, event_id: int, task: int, category: str, qualifiers: int) -> EventKind:
    """A kind of a provider without a manifest."""
    return EventKind(
        f"{provider.lower()}_{event_id}", Provider(provider), channel, event_id, 0, fields("Data:strings Binary:bin"),
        task, level=4, keywords=CLASSIC, qualifiers=qualifiers, body=Body.CLASSIC, category=category,
    )  # fmt: skip
