"""Winlogbeat: the event under ``winlog``, as it is, or (its Sysmon and Security modules) with fields moved into ECS.

Before version 7 its fields stood at the top, under other names.
"""

from __future__ import annotations

from typing import Any

from wmiwarehouse.lab.events import SECURITY, SYSMON
from wmiwarehouse.lab.exports.base import AUDIT_FAILURE, AUDIT_SUCCESS, LinesWriter, as_text, iso
from wmiwarehouse.lab.model import MS, Body, LabEvent, guid_text, parse_guid
from wmiwarehouse.lab.nxlog import message

_LEVELS = {0: "information", 1: "critical", 2: "error", 3: "warning", 4: "information", 5: "verbose"}


class WinlogbeatWriter(LinesWriter):
    """Writes lines as Winlogbeat 8 does without its modules."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        kind = event.kind
        winlog: dict[str, Any] = {
            "api": "wineventlog",
            "channel": kind.channel,
            "computer_name": event.host,
            "event_id": str(kind.event_id),
            "opcode": "Info",
            "process": {"pid": event.process_id, "thread": {"id": event.thread_id}},
            "provider_name": kind.provider.name,
            "record_id": event.record_id,
            "task": kind.category,
            "time_created": iso(event.ticks),
        }
        if kind.version:
            winlog["version"] = kind.version
        if kind.provider.guid:
            winlog["provider_guid"] = guid_text(parse_guid(kind.provider.guid)).upper()
        if keywords := _keywords(kind.keywords):
            winlog["keywords"] = keywords
        if event.activity_id:
            winlog["activity_id"] = guid_text(event.activity_id).upper()
        if event.user_sid:
            winlog["user"] = {"identifier": event.user_sid}
        winlog |= _data(event)
        return {
            "@timestamp": iso(event.ticks, 3),
            "event": {
                "code": str(kind.event_id),
                "kind": "event",
                "provider": kind.provider.name,
                "created": iso(event.ticks + 1500 * MS, 3),
                **({"action": kind.category} if kind.category else {}),
            },
            "host": {"name": "collector.acme.example"},
            "log": {"level": _LEVELS[kind.level]},
            "message": message(event).replace("\r\n", "\n"),
            "winlog": winlog,
            "agent": {"type": "winlogbeat", "version": "8.17.0"},
            "ecs": {"version": "8.0.0"},
        }


class WinlogbeatModuleWriter(WinlogbeatWriter):
    """Writes what Elasticsearch gives back of events that went through the modules: hits with a ``_source``."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        row = super().row(event)
        winlog = row["winlog"]
        winlog["record_id"] = str(winlog["record_id"])
        if event.kind.channel == SYSMON:
            row["event"]["module"] = "sysmon"
            del winlog["time_created"]
            _sysmon(row, winlog.get("event_data", {}), event.kind.event_id)
        elif event.kind.channel == SECURITY:
            row["event"]["module"] = "security"
            _security(row, winlog.get("event_data", {}), event.kind.event_id)
        if not winlog.get("event_data", True):
            del winlog["event_data"]
        return {"_index": "winlogbeat-8.17.0", "_id": f"{event.ticks:x}", "_score": 1, "_source": row}


class FlatWinlogbeatWriter(WinlogbeatWriter):
    """Writes hits of a search for ``fields``: names with dots, lists of one value, copies for other kinds of search."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        fields: dict[str, Any] = {}
        level: list[tuple[str, Any]] = list(super().row(event).items())
        while level:
            name, value = level.pop()
            if isinstance(value, dict):
                level += [(f"{name}.{inner}", one) for inner, one in value.items()]
            else:
                fields[name] = value if isinstance(value, list) else [value]
        fields |= {f"{name}.keyword": fields[name] for name in list(fields) if name.startswith("winlog.event_data.")}
        return {"_index": "winlogbeat", "_id": f"{event.host}-{event.record_id}", "fields": fields}


class OldWinlogbeatWriter(WinlogbeatWriter):
    """Writes lines as Winlogbeat 6 does: no ``winlog``, and the time of the event in milliseconds only."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        row = super().row(event)
        winlog = row["winlog"]
        process = winlog["process"]
        old = {name: winlog[name] for name in _KEPT if name in winlog}
        return {
            "@timestamp": row["@timestamp"],
            "beat": {"name": "collector", "hostname": "collector", "version": "6.8.23"},
            "type": "wineventlog",
            "log_name": winlog["channel"],
            "source_name": winlog["provider_name"],
            "event_id": event.kind.event_id,
            "record_number": str(event.record_id),
            "process_id": process["pid"],
            "thread_id": process["thread"]["id"],
            "level": _LEVELS[event.kind.level].capitalize(),
            "message": row["message"],
            **old,
        }


_KEPT = (
    "computer_name",
    "opcode",
    "task",
    "version",
    "provider_guid",
    "keywords",
    "activity_id",
    "user",
    "event_data",
    "user_data",
)


def _keywords(keywords: int) -> list[str]:
    if keywords & AUDIT_SUCCESS:
        return ["Audit Success"]
    return ["Audit Failure"] if keywords & AUDIT_FAILURE else []


def _data(event: LabEvent) -> dict[str, Any]:
    kind = event.kind
    if kind.body is Body.CLASSIC:
        named = {f"param{number}": text for number, text in enumerate(event.values[0], 1)}
        binary = as_text(event)["Binary"]
        return {"event_data": named | ({"Binary": binary} if binary else {})}
    data = {name: text for name, text in as_text(event).items() if text}
    if kind.body is Body.USER_DATA:
        return {"user_data": data | {"xml_name": kind.root[0]}}
    return {"event_data": data} if data else {}


_PROCESS = {
    "ProcessGuid": ("process", "entity_id"),
    "ProcessId": ("process", "pid"),
    "Image": ("process", "executable"),
    "CommandLine": ("process", "command_line"),
    "CurrentDirectory": ("process", "working_directory"),
    "OriginalFileName": ("process", "pe", "original_file_name"),
    "ParentProcessGuid": ("process", "parent", "entity_id"),
    "ParentProcessId": ("process", "parent", "pid"),
    "ParentImage": ("process", "parent", "executable"),
    "ParentCommandLine": ("process", "parent", "command_line"),
    "SourceIp": ("source", "ip"),
    "SourcePort": ("source", "port"),
    "SourceHostname": ("source", "domain"),
    "DestinationIp": ("destination", "ip"),
    "DestinationPort": ("destination", "port"),
    "DestinationHostname": ("destination", "domain"),
    "Protocol": ("network", "transport"),
    "TargetObject": ("registry", "path"),
    "TargetFilename": ("file", "path"),
}
_NUMBERS = {"ProcessId", "ParentProcessId", "SourcePort", "DestinationPort", "NewProcessId", "IpPort"}


def _sysmon(row: dict[str, Any], data: dict[str, str], event_id: int) -> None:
    """Move what the module moves; a rule's name of ``-`` is dropped and the time becomes the record's."""
    if "UtcTime" in data:
        row["@timestamp"] = data.pop("UtcTime").replace(" ", "T") + "Z"
    if data.get("RuleName") == "-":
        del data["RuleName"]
    moved = dict(_PROCESS)
    if event_id == 10:
        moved |= {
            "SourceProcessGUID": ("process", "entity_id"),
            "SourceProcessId": ("process", "pid"),
            "SourceImage": ("process", "executable"),
        }
    if event_id == 7:
        moved["ImageLoaded"] = ("file", "path")
    _move(row, data, moved)
    if event_id == 1 and "Hashes" in data:
        for item in data.pop("Hashes").split(","):
            name, _, digest = item.partition("=")
            row["process"].setdefault("hash", {})[name.lower()] = digest.lower()
    if "Details" in data:
        row.setdefault("registry", {})["data"] = _registry_data(data.pop("Details"))
    if "Initiated" in data:
        row["network"]["direction"] = "egress" if data.pop("Initiated") == "true" else "ingress"
    if "User" in data:
        domain, _, name = data.pop("User").rpartition("\\")
        row["user"] = {"name": name, "domain": domain, "id": "S-1-5-18"}


def _registry_data(details: str) -> dict[str, Any]:
    kind, _, number = details.partition(" (")
    if kind in ("DWORD", "QWORD"):
        digits = number.rstrip(")").replace("-0x", "")
        return {"strings": [str(int(digits, 16))], "type": f"SZ_{kind}"}
    return {"strings": [details], "type": "REG_BINARY" if details == "Binary Data" else "REG_SZ"}


def _security(row: dict[str, Any], data: dict[str, str], event_id: int) -> None:
    if event_id == 4688:
        moved = {
            "NewProcessName": ("process", "executable"),
            "NewProcessId": ("process", "pid"),
            "ParentProcessName": ("process", "parent", "executable"),
        }
        if "CommandLine" in data:
            row["process"] = {"command_line": data["CommandLine"]}
    elif event_id in (4624, 4625, 4648):
        moved = {
            "IpAddress": ("source", "ip"),
            "IpPort": ("source", "port"),
            "WorkstationName": ("source", "domain"),
            "ProcessName": ("process", "executable"),
            "ProcessId": ("process", "pid"),
        }
    else:
        return
    _move(row, data, {name: path for name, path in moved.items() if data.get(name) != "-"})


def _move(row: dict[str, Any], data: dict[str, str], moved: dict[str, tuple[str, ...]]) -> None:
    for name, path in moved.items():
        if name not in data:
            continue
        value: Any = data.pop(name)
        node = row
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1]] = int(value, 0) if name in _NUMBERS else value
