"""Fluent Bit's winevtlog and Fluentd's windows_eventlog2: flat lines, the values by position and without names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from wmiwarehouse.lab.binxml import ValueType
from wmiwarehouse.lab.exports.base import LinesWriter
from wmiwarehouse.lab.exports.messages import message
from wmiwarehouse.lab.model import TICKS_PER_SECOND, Body, LabEvent, guid_text, to_datetime, value_text

_HEX = (ValueType.HEX32, ValueType.HEX64, ValueType.POINTER)


class FluentBitWriter(LinesWriter):
    """Writes what the file output does with ``format plain``: numbers, local times in whole seconds."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        kind = event.kind
        guid = kind.provider.guid
        return {
            "ProviderName": kind.provider.name,
            "ProviderGuid": f"{{{guid.strip('{}').upper()}}}" if guid else "",
            "Qualifiers": "" if kind.qualifiers is None else kind.qualifiers,
            "EventID": kind.event_id,
            "Version": kind.version,
            "Level": kind.level,
            "Task": kind.task,
            "Opcode": kind.opcode,
            "Keywords": f"0x{kind.keywords:x}",
            "TimeCreated": self._local(event.ticks),
            "EventRecordID": event.record_id,
            "ActivityID": guid_text(event.activity_id).upper() if event.activity_id else "",
            "RelatedActivityID": "",
            "ProcessID": 0 if kind.body is Body.CLASSIC else event.process_id,
            "ThreadID": 0 if kind.body is Body.CLASSIC else event.thread_id,
            "Channel": kind.channel,
            "Computer": event.host,
            "UserID": event.user_sid or "",
            "Message": message(event),
            "StringInserts": list(self._values(event)),
        }

    def _local(self, ticks: int) -> str:
        offset = self.settings.utc_offset
        return f"{to_datetime(ticks).astimezone(dt.timezone(offset)):%Y-%m-%d %H:%M:%S %z}"

    def _values(self, event: LabEvent) -> Iterator[Any]:
        for field, value in zip(event.kind.fields, event.values, strict=True):
            if field.type is ValueType.STRINGS:
                yield from value
            elif value is None and field.type is ValueType.BINARY:
                continue
            elif field.type is ValueType.GUID and value is not None:
                yield guid_text(value).upper()
            elif field.type is ValueType.FILETIME and value is not None:
                yield self._local(value)
            elif isinstance(value, int) and field.type not in _HEX:
                yield value
            else:
                yield value_text(field.type, value)


class FluentdWriter(LinesWriter):
    """Writes all as text, times in UTC, and the qualifiers in the upper half of the event id, as is the default."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        kind = event.kind
        return {
            "ProviderName": kind.provider.name,
            "ProviderGUID": "",  # which it asks for under another name than it has
            "EventID": str((kind.qualifiers or 0) << 16 | kind.event_id),
            "Level": str(kind.level),
            "Task": str(kind.task),
            "Opcode": str(kind.opcode),
            "Keywords": f"0x{kind.keywords:x}",
            # The nanoseconds have no zeros before them.
            "TimeCreated": f"{to_datetime(event.ticks):%Y/%m/%d %H:%M:%S}.{event.ticks % TICKS_PER_SECOND * 100}",
            "EventRecordID": str(event.record_id),
            "ActivityID": guid_text(event.activity_id).upper() if event.activity_id else "",
            "RelatedActivityID": "",
            "ProcessID": "0" if kind.body is Body.CLASSIC else str(event.process_id),
            "ThreadID": "0" if kind.body is Body.CLASSIC else str(event.thread_id),
            "Channel": kind.channel,
            "Computer": event.host,
            "UserID": event.user_sid or "",
            "User": "NT AUTHORITY\\SYSTEM" if event.user_sid == "S-1-5-18" else event.user_sid or "",
            "Version": str(kind.version),
            "Description": message(event),
            "EventData": list(self._values(event)),
        }

    def _values(self, event: LabEvent) -> Iterator[str]:
        for field, value in zip(event.kind.fields, event.values, strict=True):
            if field.type is ValueType.STRINGS:
                yield from value
            elif value is None and field.type is ValueType.BINARY:
                continue
            elif value is None:
                yield ""
            elif field.type is ValueType.GUID:
                yield guid_text(value).upper()
            elif field.type is ValueType.FILETIME:
                yield f"{to_datetime(value):%Y-%m-%d %H:%M:%S}.{value % TICKS_PER_SECOND // 10_000}Z"
            elif field.type is ValueType.HEX32:
                yield f"0x{value:x}" if value else "0"
            elif field.type in _HEX:
                yield f"0x{value:016x}"
            else:
                yield value_text(field.type, value)
