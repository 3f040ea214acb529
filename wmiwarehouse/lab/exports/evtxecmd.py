"""EvtxECmd's JSON: a row of its own columns with the data as JSON in a string, or the whole event (``--fj``)."""

from __future__ import annotations

from typing import Any

from wmiwarehouse.lab.binxml import ValueType
from wmiwarehouse.lab.evtx_plan import EVENT_NAMESPACE
from wmiwarehouse.lab.exports.base import AUDIT_FAILURE, AUDIT_SUCCESS, LinesWriter, as_text, compact, iso
from wmiwarehouse.lab.model import Body, LabEvent, guid_text

_LEVELS = {0: "LogAlways", 1: "Critical", 2: "Error", 3: "Warning", 4: "Info", 5: "Verbose"}
_PAYLOAD_CHARS = 80


class EvtxECmdWriter(LinesWriter):
    """Writes the rows of ``--json``: ids of records as text, the time without a zone's letter, no version, no task."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        kind = event.kind
        texts = [f"{name}: {text}" for name, text in _texts(event).items() if text][:6]
        row: dict[str, Any] = {
            f"PayloadData{number}": text[:_PAYLOAD_CHARS] for number, text in enumerate(texts, 1)
        } or {"PayloadData1": ""}
        if event.user_sid:
            row["UserId"] = event.user_sid
        return row | {
            "MapDescription": kind.message.partition("\r\n")[0],
            "ChunkNumber": self.records // 100,
            "Computer": event.host,
            "Payload": compact(_payload(event)),
            "Channel": kind.channel,
            "Provider": kind.provider.name,
            "EventId": kind.event_id,
            "EventRecordId": str(event.record_id),
            "ProcessId": event.process_id,
            "ThreadId": event.thread_id,
            "Level": _LEVELS[kind.level],
            "Keywords": _keywords(kind.keywords),
            "SourceFile": f"C:\\logs\\{kind.channel.replace('/', '%4')}.evtx",
            "ExtraDataOffset": 0,
            "HiddenRecord": False,
            "TimeCreated": iso(event.ticks, zone="+00:00"),
            "RecordNumber": self.records + 1,
        }


class EvtxECmdFullWriter(LinesWriter):
    """Writes the events of ``--fj``: the XML turned into JSON as it is, attributes under ``@``."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        kind = event.kind
        event_id = str(kind.event_id)
        provider = {"@Name": kind.provider.name}
        if kind.provider.guid:
            provider["@Guid"] = kind.provider.guid.strip("{}").lower()
        activity = event.activity_id and guid_text(event.activity_id)[1:-1]
        return {
            "Event": {
                "@xmlns": EVENT_NAMESPACE,
                "System": {
                    "Provider": provider,
                    "EventID": event_id
                    if kind.qualifiers is None
                    else {"@Qualifiers": str(kind.qualifiers), "#text": event_id},
                    "Version": str(kind.version),
                    "Level": str(kind.level),
                    "Task": str(kind.task),
                    "Opcode": str(kind.opcode),
                    "Keywords": hex(kind.keywords),
                    "TimeCreated": {"@SystemTime": iso(event.ticks, zone="").replace("T", " ")},
                    "EventRecordID": str(event.record_id),
                    "Correlation": {"@ActivityID": activity} if activity else None,
                    "Execution": {"@ProcessID": str(event.process_id), "@ThreadID": str(event.thread_id)},
                    "Channel": kind.channel,
                    "Computer": event.host,
                    "Security": {"@UserID": event.user_sid} if event.user_sid else None,
                },
                **_payload(event),
            }
        }


def _keywords(keywords: int) -> str:
    if keywords & AUDIT_SUCCESS:
        return "Audit success"
    return "Audit failure" if keywords & AUDIT_FAILURE else "Classic"


def _texts(event: LabEvent) -> dict[str, str]:
    """The values as text: GUIDs in lower case without braces."""
    types = {field.name: field.type for field in event.kind.fields}
    return {name: text.strip("{}") if types[name] is ValueType.GUID else text for name, text in as_text(event).items()}


def _payload(event: LabEvent) -> dict[str, Any]:
    kind = event.kind
    texts = _texts(event)
    if kind.body is Body.USER_DATA:
        name, namespace = kind.root
        return {"UserData": {name: {"@xmlns": namespace} | {k: text or None for k, text in texts.items()}}}
    if kind.body is Body.CLASSIC:
        # An array of strings is written as one text.
        return {"EventData": {"Data": ", ".join(event.values[0]), "Binary": texts["Binary"]}}
    data: list[dict[str, str]] = []
    others: dict[str, str] = {}
    for field in kind.fields:
        text = texts[field.name]
        if field.type is ValueType.BINARY:
            others[field.name] = text
        else:
            data.append({"@Name": field.name} | ({"#text": text} if text else {}))
    if not data and not others:
        return {"EventData": None}
    return {"EventData": ({"Data": data[0] if len(data) == 1 else data} if data else {}) | others}
