"""The JSON of ``evtx_dump`` and all else that is built on the ``evtx`` crate: attributes under ``#attributes``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from wmiwarehouse.lab.binxml import ValueType
from wmiwarehouse.lab.evtx_plan import EVENT_NAMESPACE
from wmiwarehouse.lab.exports.base import LinesWriter, Writer, as_json, iso
from wmiwarehouse.lab.model import Body, LabEvent, guid_text, parse_guid


class EvtxJsonWriter(LinesWriter):
    """Writes lines, as ``evtx_dump -o jsonl`` does."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        return evtx_row(event)


class EvtxDumpWriter(Writer):
    """Writes what ``evtx_dump -o json`` does: objects over many lines, each under its ``Record N``."""

    def texts(self, event: LabEvent) -> Iterator[str]:
        """Yield the heading and the object."""
        yield f"Record {event.record_id}\n{json.dumps(evtx_row(event), ensure_ascii=False, indent=2)}\n"


def evtx_row(event: LabEvent) -> dict[str, Any]:
    """Return an event as the crate gives it."""
    return {
        "Event": {
            "#attributes": {"xmlns": EVENT_NAMESPACE},
            "System": _system(event),
            **_body(event),
        }
    }


def _system(event: LabEvent) -> dict[str, Any]:
    kind = event.kind
    guid = kind.provider.guid
    provider = {
        "Name": kind.provider.name,
        "Guid": guid if guid is None or guid[0] == "{" else guid_text(parse_guid(guid))[1:-1].upper(),
        "EventSourceName": kind.provider.source_name,
    }
    activity = event.activity_id and guid_text(event.activity_id)[1:-1].upper()
    return {
        "Provider": _attributes(provider),
        "EventID": kind.event_id
        if kind.qualifiers is None
        else {"#attributes": {"Qualifiers": kind.qualifiers}, "#text": kind.event_id},
        "Version": kind.version,
        "Level": kind.level,
        "Task": kind.task,
        "Opcode": kind.opcode,
        "Keywords": hex(kind.keywords),
        "TimeCreated": _attributes({"SystemTime": iso(event.ticks, 6)}),
        "EventRecordID": event.record_id,
        "Correlation": _attributes({"ActivityID": activity}),
        "Execution": _attributes({"ProcessID": event.process_id, "ThreadID": event.thread_id}),
        "Channel": kind.channel,
        "Computer": event.host,
        "Security": _attributes({"UserID": event.user_sid}),
    }


def _attributes(values: dict[str, Any]) -> dict[str, Any] | None:
    present = {name: value for name, value in values.items() if value is not None}
    return {"#attributes": present} if present else None


def _body(event: LabEvent) -> dict[str, Any]:
    kind = event.kind
    values = as_json(event)
    if kind.body is Body.CLASSIC:
        strings = values["Data"]
        text = strings if len(strings) > 1 else "".join(strings)
        return {"EventData": {"Data": {"#text": text}, "Binary": values["Binary"] or None}}
    if kind.body is Body.USER_DATA:
        name, namespace = kind.root
        return {
            "UserData": {
                name: {"#attributes": {"xmlns": namespace}} | {k: v if v != "" else None for k, v in values.items()}
            }
        }
    named = {field.name: field.type for field in kind.fields}
    return {
        "EventData": {
            name: "" if value is None and named[name] is not ValueType.BINARY else value
            for name, value in values.items()
        }
        or None
    }
