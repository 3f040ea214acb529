"""``Get-WinEvent | ConvertTo-Json``: an array of the .NET objects, their values by position and without names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from wmiwarehouse.lab.binxml import ValueType
from wmiwarehouse.lab.exports.base import AUDIT_FAILURE, AUDIT_SUCCESS, Writer, compact
from wmiwarehouse.lab.exports.event_xml import LEVELS
from wmiwarehouse.lab.exports.messages import message
from wmiwarehouse.lab.model import TICKS_PER_SECOND, Body, LabEvent, guid_text, to_datetime

_MS_OFFSET = 11_644_473_600_000
_NOT_READABLE = "System.Diagnostics.Eventing.Reader.EventProperty"


class WindowsPowerShellWriter(Writer):
    """Writes what Windows PowerShell 5.1 redirects: UTF-16 with a mark, times in milliseconds since 1970."""

    encoding = "utf-16-le"
    before = "\ufeff[\r\n"
    between = ",\r\n"
    after = "\r\n]\r\n"
    readable: ClassVar[bool] = True

    def texts(self, event: LabEvent) -> Iterator[str]:
        """Yield the object."""
        text = json.dumps(_row(event, self.time(event.ticks), readable=self.readable), ensure_ascii=False, indent=4)
        yield text.replace("/Date(", "\\/Date(").replace(")/", ")\\/").replace("\n", "\r\n")

    def time(self, ticks: int) -> str:
        """Return a time as it is written."""
        return f"/Date({ticks // (TICKS_PER_SECOND // 1000) - _MS_OFFSET})/"


class PowerShellWriter(WindowsPowerShellWriter):
    """Writes what PowerShell 7 does with ``-Compress``: UTF-8, local times with the offset."""

    encoding = "utf-8"
    before = "["
    between = ","
    after = "]\n"

    def texts(self, event: LabEvent) -> Iterator[str]:
        """Yield the object."""
        yield compact(_row(event, self.time(event.ticks), readable=self.readable))

    def time(self, ticks: int) -> str:
        """Return a time as it is written."""
        local = to_datetime(ticks) + self.settings.utc_offset
        minutes = int(self.settings.utc_offset.total_seconds() // 60)
        zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        return f"{local:%Y-%m-%dT%H:%M:%S}.{ticks % TICKS_PER_SECOND:07d}{zone}"


class ShallowPowerShellWriter(WindowsPowerShellWriter):
    """Writes ``-Depth 1``: the values have become the name of their type, and only the text still tells."""

    readable = False


def _row(event: LabEvent, time: str, *, readable: bool) -> dict[str, Any]:
    kind = event.kind
    keywords = kind.keywords - (1 << 64) if kind.keywords >= 1 << 63 else kind.keywords
    words = [
        word
        for bit, word in ((AUDIT_SUCCESS, "Audit Success"), (AUDIT_FAILURE, "Audit Failure"))
        if kind.keywords & bit
    ]
    classic = kind.body is Body.CLASSIC
    guid = kind.provider.guid
    properties = [{"Value": value} for value in _values(event)]
    return {
        "Id": kind.event_id,
        "Version": None if classic else kind.version,
        "Qualifiers": kind.qualifiers,
        "Level": kind.level,
        "Task": kind.task,
        "Opcode": None if classic else kind.opcode,
        "Keywords": keywords,
        "RecordId": event.record_id,
        "ProviderName": kind.provider.name,
        "ProviderId": guid.strip("{}").lower() if guid else None,
        "LogName": kind.channel,
        "ProcessId": None if classic else event.process_id,
        "ThreadId": None if classic else event.thread_id,
        "MachineName": event.host,
        "UserId": _sid(event.user_sid) if event.user_sid else None,
        "TimeCreated": time,
        "ActivityId": guid_text(event.activity_id)[1:-1] if event.activity_id else None,
        "RelatedActivityId": None,
        "ContainerLog": kind.channel,
        "MatchedQueryIds": [],
        "Bookmark": {},
        "LevelDisplayName": LEVELS[kind.level],
        "OpcodeDisplayName": "Info",
        "TaskDisplayName": kind.category or None,
        "KeywordsDisplayNames": words,
        "Properties": properties if readable else [_NOT_READABLE] * len(properties),
        "Message": message(event),
    }


def _values(event: LabEvent) -> Iterator[Any]:
    """Yield the values in .NET's types; a classic event has its strings and then its binary."""
    for field, value in zip(event.kind.fields, event.values, strict=True):
        if field.type is ValueType.STRINGS:
            yield from value
        elif value is None:
            yield None if field.type is not ValueType.STRING else ""
        elif field.type is ValueType.SID:
            yield _sid(value)
        elif field.type is ValueType.GUID:
            yield guid_text(value)[1:-1]
        elif field.type is ValueType.HEX32:
            yield value - (1 << 32) if value >= 1 << 31 else value
        elif field.type is ValueType.FILETIME:
            yield f"/Date({value // (TICKS_PER_SECOND // 1000) - _MS_OFFSET})/"
        elif field.type is ValueType.BINARY:
            yield list(value)
        else:
            yield value


def _sid(text: str) -> dict[str, Any]:
    """A SecurityIdentifier: its length, its domain, its text."""
    parts = text.split("-")
    domain = "-".join(parts[:7]) if text.startswith("S-1-5-21-") and len(parts) >= 8 else None
    return {"BinaryLength": 8 + 4 * (len(parts) - 3), "AccountDomainSid": domain, "Value": text}
