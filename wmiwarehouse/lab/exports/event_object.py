"""Events as JSON objects whose attributes have plain names, as OpenWEC, Velociraptor and golang-evtx write them."""

from __future__ import annotations

import base64
from typing import Any

from wmiwarehouse.lab.binxml import ValueType
from wmiwarehouse.lab.exports.base import LinesWriter, as_text, iso
from wmiwarehouse.lab.exports.event_xml import user_data_xml
from wmiwarehouse.lab.exports.messages import message
from wmiwarehouse.lab.model import TICKS_PER_SECOND, Body, LabEvent, guid_text, parse_guid

_HEX = (ValueType.HEX32, ValueType.HEX64, ValueType.POINTER)
_UNIX_EPOCH = 11_644_473_600.0 * TICKS_PER_SECOND


class OpenWecWriter(LinesWriter):
    """Writes what OpenWEC makes of the XML: texts, line ends of one character, UserData as the XML that it is."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        kind = event.kind
        guid = kind.provider.guid and f"{{{kind.provider.guid.strip('{}').lower()}}}"
        row: dict[str, Any] = {
            "System": _present(
                Provider=_present(Name=kind.provider.name, Guid=guid, EventSourceName=kind.provider.source_name),
                EventID=kind.event_id,
                EventIDQualifiers=kind.qualifiers,
                Version=kind.version,
                Level=kind.level,
                Task=kind.task,
                Opcode=kind.opcode,
                Keywords=hex(kind.keywords),
                TimeCreated=iso(event.ticks),
                EventRecordID=event.record_id,
                Correlation=_present(ActivityID=event.activity_id and guid_text(event.activity_id)),
                Execution={"ProcessID": event.process_id, "ThreadID": event.thread_id},
                Channel=kind.channel,
                Computer=event.host,
                UserID=event.user_sid,
            )
        }
        if kind.body is Body.USER_DATA:
            row["UserData"] = user_data_xml(event)
        elif kind.body is Body.CLASSIC:
            strings = [_one_line_end(text) for text in event.values[0] if text]
            row["EventData"] = _present(Data=strings or None, Binary=as_text(event)["Binary"] or None)
        else:
            types = {field.name: field.type for field in kind.fields}
            row["EventData"] = {
                name: _one_line_end(text)
                for name, text in as_text(event).items()
                if types[name] is not ValueType.BINARY or name == "Binary"
            }
        received = {"IpAddress": "192.0.2.7", "TimeReceived": iso(event.ticks + TICKS_PER_SECOND, 3, "+00:00")}
        return row | {
            "RenderingInfo": {"Message": _one_line_end(message(event)), "Culture": "en-US"},
            "OpenWEC": received,
        }


class VelociraptorWriter(LinesWriter):
    """Writes what ``parse_evtx()`` gives: numbers for whatever is one, also for times, keywords and hexadecimal."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        kind = event.kind
        guid = kind.provider.guid
        activity = event.activity_id and guid_text(event.activity_id)[1:-1].upper()
        system = {
            "Provider": _present(
                Name=kind.provider.name,
                Guid=guid and (guid if guid[0] == "{" else guid_text(parse_guid(guid))[1:-1].upper()),
                EventSourceName=kind.provider.source_name,
            ),
            "EventID": _present(Qualifiers=kind.qualifiers, Value=kind.event_id),
            "Version": kind.version,
            "Level": kind.level,
            "Task": kind.task,
            "Opcode": kind.opcode,
            "Keywords": kind.keywords,
            "TimeCreated": {"SystemTime": _seconds(event.ticks)},
            "EventRecordID": event.record_id,
            "Correlation": _present(ActivityID=activity),
            "Execution": {"ProcessID": event.process_id, "ThreadID": event.thread_id},
            "Channel": kind.channel,
            "Computer": event.host,
            "Security": _present(UserID=event.user_sid),
        }
        return {"System": system} | _numbers(event) | {"Message": message(event)}


class GolangEvtxWriter(LinesWriter):
    """Writes the maps of ``golang-evtx``: all texts, and of a list those that are not empty."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        kind = event.kind
        guid = kind.provider.guid
        event_id = str(kind.event_id)
        time = iso(event.ticks, zone="").rstrip("0").rstrip(".") + "Z"
        system = {
            "Channel": kind.channel,
            "Computer": event.host,
            "Correlation": _present(ActivityID=event.activity_id and guid_text(event.activity_id)[1:-1].upper()),
            "EventID": event_id if kind.qualifiers is None else {"Qualifiers": str(kind.qualifiers), "Value": event_id},
            "EventRecordID": str(event.record_id),
            "Execution": {"ProcessID": str(event.process_id), "ThreadID": str(event.thread_id)},
            "Keywords": hex(kind.keywords),
            "Level": str(kind.level),
            "Opcode": str(kind.opcode),
            "Provider": _present(Guid=guid, Name=kind.provider.name, EventSourceName=kind.provider.source_name),
            "Security": _present(UserID=event.user_sid),
            "Task": str(kind.task),
            "TimeCreated": {"SystemTime": time},
            "Version": str(kind.version),
        }
        values = {
            field.name: _go_text(field.type, value) for field, value in zip(kind.fields, event.values, strict=True)
        }
        if kind.body is Body.USER_DATA:
            name, namespace = kind.root
            return {"Event": {"System": system, "UserData": {name: values | {"xmlns": namespace}}}}
        return {"Event": {"EventData": values, "System": system}}


def _present(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _seconds(ticks: int) -> float:
    # Ticks are no whole numbers in a float of their size: what comes out may be off by a microsecond.
    return (float(ticks) - _UNIX_EPOCH) / TICKS_PER_SECOND


def _number(value_type: ValueType, value: Any) -> Any:
    if value is None:
        return None
    if value_type is ValueType.GUID:
        return guid_text(value)[1:-1].upper()
    if value_type is ValueType.FILETIME:
        return _seconds(value)
    if value_type is ValueType.BINARY:
        return base64.b64encode(bytes(value)).decode()
    return "\0".join(value).rstrip("\0").split("\0") if value_type is ValueType.STRINGS else value


def _numbers(event: LabEvent) -> dict[str, Any]:
    """The event's data: a list of names and values where one has none, for then it is left as it was."""
    kind = event.kind
    values = {field.name: _number(field.type, value) for field, value in zip(kind.fields, event.values, strict=True)}
    if kind.body is Body.USER_DATA:
        return {"UserData": {kind.root[0]: _present(**values)}}
    if kind.body is Body.CLASSIC:
        return {"EventData": _present(**values)}
    named = [field.name for field in kind.fields if field.type is not ValueType.BINARY]
    items = [_present(Name=name, Value=values[name]) for name in named]
    if len(items) > 1 and all(values[name] is not None for name in named):
        return {"EventData": {name: values[name] for name in named}}
    return {"EventData": {"Data": items if len(items) > 1 else items[0]}} if items else {}


def _go_text(value_type: ValueType, value: Any) -> Any:
    if value is None:
        return None
    if value_type is ValueType.GUID:
        return guid_text(value)[1:-1].upper()
    if value_type in _HEX:
        return f"0x{value:08x}"
    if value_type is ValueType.BINARY:
        return bytes(value).hex().upper()
    if value_type is ValueType.FILETIME:
        return iso(value)
    if value_type is ValueType.STRINGS:
        return [text for text in value if text]
    return str(value).lower() if value_type is ValueType.BOOL else str(value)
