"""The same events as NXLog forwards them: flat JSON lines with all of its habits.

Values become text, times become local without a zone and are cut to seconds, and because NXLog's field names ignore
case, Sysmon's ``ProcessId`` and ``EventType`` collide with NXLog's own.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wmiwarehouse.lab.binxml import ValueType
from wmiwarehouse.lab.events import SYSMON
from wmiwarehouse.lab.model import Body, EventKind, LabEvent, guid_text, parse_guid, to_datetime, value_text
from wmiwarehouse.lab.world import ACCOUNTS, LOCAL_SERVICE, NETWORK_SERVICE, SYSTEM

_COLLECTOR = {
    "host": "collector.acme.example", "port": 60122, "SourceModuleName": "eventlog",
    "SourceModuleType": "im_msvistalog", "@version": "1", "tags": ["lab"],
}  # fmt: skip
_SEVERITIES = {0: ("INFO", 2), 1: ("CRITICAL", 5), 2: ("ERROR", 4), 3: ("WARNING", 3), 4: ("INFO", 2), 5: ("DEBUG", 1)}
_EVENT_TYPES = {0: "INFO", 1: "CRITICAL", 2: "ERROR", 3: "WARNING", 4: "INFO", 5: "VERBOSE"}
_AUDIT_SUCCESS, _AUDIT_FAILURE = 1 << 53, 1 << 52
_ACCOUNTS = {
    account.sid: (account, kind)
    for accounts, kind in (((SYSTEM, *ACCOUNTS), "User"), ((LOCAL_SERVICE, NETWORK_SERVICE), "Well Known Group"))
    for account in accounts
}


@dataclass(frozen=True, slots=True)
class NxlogSettings:
    """How a collector is set up: its zone, and whether the collision costs Sysmon its ProcessId and EventType."""

    utc_offset: dt.timedelta = dt.timedelta(hours=-4)
    drop_process_id: bool = False


class NxlogWriter:
    """Writes one file of JSON lines."""

    def __init__(self, path: Path, settings: NxlogSettings) -> None:
        self._file = path.open("wb")
        self._settings = settings
        self.records = 0
        self.size = 0

    def write(self, event: LabEvent) -> None:
        """Append one event."""
        line = json.dumps(nxlog_row(event, self._settings), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self._file.write(line)
        self.size += len(line)
        self.records += 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def nxlog_row(event: LabEvent, settings: NxlogSettings) -> dict[str, Any]:
    """An event as NXLog's flat row."""
    kind = event.kind
    created = to_datetime(event.ticks)
    arrived = created + dt.timedelta(milliseconds=1000 + event.record_id * 37 % 1500)
    keywords = kind.keywords - (1 << 64) if kind.keywords >= 1 << 63 else kind.keywords
    severity, severity_value = _SEVERITIES[kind.level]
    if kind.keywords & (_AUDIT_SUCCESS | _AUDIT_FAILURE):
        event_type = "AUDIT_SUCCESS" if kind.keywords & _AUDIT_SUCCESS else "AUDIT_FAILURE"
    else:
        event_type = _EVENT_TYPES[kind.level]
    row: dict[str, Any] = {
        "EventTime": _local(created, settings),
        "Hostname": event.host,
        "Keywords": keywords,
        "EventType": event_type,
        "SeverityValue": severity_value,
        "Severity": severity,
        "EventID": kind.event_id,
        "SourceName": kind.provider.name,
        "Task": kind.task,
        "RecordNumber": event.record_id,
        "ExecutionProcessID": event.process_id,
        "ThreadID": event.thread_id,
        "Channel": kind.channel,
        "Message": message(event),
    }
    if kind.body is not Body.CLASSIC:
        row |= {"Version": kind.version, "OpcodeValue": kind.opcode}
    if kind.provider.guid:
        row["ProviderGuid"] = guid_text(parse_guid(kind.provider.guid)).upper()
    if kind.category:
        row["Category"] = kind.category
    if event.activity_id:
        row["ActivityID"] = guid_text(event.activity_id).upper()
    if event.user_sid:
        row["UserID"] = event.user_sid
        if event.user_sid in _ACCOUNTS:
            account, account_type = _ACCOUNTS[event.user_sid]
            row |= {"AccountName": account.name, "Domain": account.domain, "AccountType": account_type}
    if kind.body is Body.EVENT_DATA:
        row |= _data(event, event_type)
        if settings.drop_process_id and kind.channel == SYSMON:
            _collide(row)
    row |= {"EventReceivedTime": _local(arrived, settings), "@timestamp": f"{_iso(arrived)}Z", **_COLLECTOR}
    return row


def _local(moment: dt.datetime, settings: NxlogSettings) -> str:
    return f"{moment + settings.utc_offset:%Y-%m-%d %H:%M:%S}"


def _iso(moment: dt.datetime) -> str:
    return moment.replace(tzinfo=None).isoformat("T", "milliseconds")


def _data(event: LabEvent, event_type: str) -> dict[str, str]:
    """The named data as text; NXLog leaves empty ones out, and spells one name its own way."""
    data = {"ProcessId" if name == "ProcessID" else name: text for name, text in _texts(event).items() if text}
    if "EventType" in data:
        data["EventTypeOrignal"] = event_type  # NXLog's own value, under NXLog's own spelling
    return data


def _collide(row: dict[str, Any]) -> None:
    """What is left where NXLog's own fields win."""
    row.pop("ProcessId", None)
    if "EventTypeOrignal" in row:
        del row["EventType"]


def _texts(event: LabEvent) -> dict[str, str]:
    return {
        field.name: value_text(field.type, value)
        for field, value in zip(event.kind.fields, event.values, strict=True)
        if field.type is not ValueType.BINARY
    }


def message(event: LabEvent) -> str:
    """The event's text in Windows' words, or close to them."""
    kind = event.kind
    if kind.body is Body.CLASSIC:
        return "\r\n".join(event.values[0])
    texts = _texts(event)
    if kind.channel == SYSMON:
        return "\r\n".join((f"{kind.message}:", *_sysmon_lines(kind, texts)))
    if kind.channel == "Security":
        details = "\r\n".join(f"\t{name}:\t\t{text}" for name, text in texts.items())
        return f"{kind.message}\r\n\r\n{details}" if details else kind.message
    return kind.message.format_map(texts)


def _sysmon_lines(kind: EventKind, texts: dict[str, str]) -> list[str]:
    """Sysmon's text: hexadecimal numbers have capital digits there."""
    types = {field.name: field.type for field in kind.fields}
    return [
        f"{name}: {'0x' + text[2:].upper() if types[name] is ValueType.HEX64 else text}" for name, text in texts.items()
    ]
