"""Splunk's JSON export: a search's results, one object a line, around the event as Splunk got it.

Splunk's Windows input gives either the event's XML or the text of Event Viewer behind ``Name=value`` lines. Of the
latter it makes fields of its own, with a list where the sections of the text name a thing twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from wmiwarehouse.lab.exports.base import AUDIT_FAILURE, AUDIT_SUCCESS, LinesWriter, Writer, as_text, compact, iso
from wmiwarehouse.lab.exports.event_xml import LEVELS, event_xml
from wmiwarehouse.lab.exports.messages import message, sections
from wmiwarehouse.lab.model import Body, LabEvent, to_datetime
from wmiwarehouse.lab.shapes import SECURITY

_SOURCE_NAMES = {"Microsoft-Windows-Security-Auditing": "Microsoft Windows security auditing."}


class SplunkXmlWriter(LinesWriter):
    """Writes ``renderXml = true``: the XML in ``_raw``."""

    def texts(self, event: LabEvent) -> Iterator[str]:
        """Yield the line."""
        yield compact({"preview": False, "offset": self.records, "result": self.row(event)}) + "\n"

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the result."""
        return _base(event, f"XmlWinEventLog:{event.kind.channel}", "XmlWinEventLog") | {
            "_raw": event_xml(event),
            "EventCode": str(event.kind.event_id),
            "Computer": event.host,
        }


class SplunkClassicWriter(SplunkXmlWriter):
    """Writes the classic text with the fields that Splunk's add-on takes out of it."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the result."""
        text = message(event).replace("\r\n", "\n")
        return (
            _base(event, f"WinEventLog:{event.kind.channel}", f"WinEventLog:{event.kind.channel}")
            | _header(event)
            | _extracted(event)
            | {"Message": text, "_raw": _classic(event, to_datetime(event.ticks))}
        )


class SplunkRawWriter(Writer):
    """Writes what the classic text is of itself: "Export, Raw Events". Its times are the forwarder's local ones."""

    suffix = ".raw"

    def texts(self, event: LabEvent) -> Iterator[str]:
        """Yield the text."""
        yield _classic(event, to_datetime(event.ticks) + self.settings.utc_offset) + "\n"


def _classic(event: LabEvent, moment: datetime) -> str:
    header = [f"{name}={value}" for name, value in _header(event).items()]
    text = message(event).replace("\r\n", "\n")
    return "\n".join((f"{moment:%m/%d/%Y %I:%M:%S %p}", *header, f"Message={text}"))


def _base(event: LabEvent, source: str, sourcetype: str) -> dict[str, Any]:
    return {
        "_bkt": "wineventlog~1~6E0F5B1E-0000-4000-8000-000000000001",
        "_cd": f"1:{event.record_id}",
        "_indextime": f"{to_datetime(event.ticks).timestamp() + 2:.0f}",
        "_time": iso(event.ticks, 3, "+00:00"),
        "host": event.host.partition(".")[0],
        "index": "wineventlog",
        "linecount": "1",
        "source": source,
        "sourcetype": sourcetype,
        "splunk_server": "idx01",
    }


def _header(event: LabEvent) -> dict[str, str]:
    kind = event.kind
    keywords = "None"
    if kind.keywords & (AUDIT_SUCCESS | AUDIT_FAILURE):
        keywords = "Audit Success" if kind.keywords & AUDIT_SUCCESS else "Audit Failure"
    header = {
        "LogName": kind.channel,
        "SourceName": _SOURCE_NAMES.get(kind.provider.name, kind.provider.name),
        "EventCode": str(kind.event_id),
        "EventType": "0" if kind.channel == SECURITY else "4",
        "Type": LEVELS[kind.level],
        "ComputerName": event.host,
    }
    if event.user_sid:
        header |= {"User": "NOT_TRANSLATED", "Sid": event.user_sid, "SidType": "0"}
    return header | {
        "TaskCategory": kind.category or "None",
        "OpCode": "Info",
        "RecordNumber": str(event.record_id),
        "Keywords": keywords,
    }


def _extracted(event: LabEvent) -> dict[str, Any]:
    """Splunk's fields: labels with underscores, what stands twice as a list; names that Splunk uses stay its own."""
    found: dict[str, list[str]] = {}
    if event.kind.channel == SECURITY:
        for _, lines in sections(event):
            for label, value in lines:
                if value:
                    found.setdefault(label.replace(" ", "_"), []).append(value)
    elif event.kind.body is Body.EVENT_DATA:
        taken = _header(event).keys() | {"User", "Message"}
        found = {name: [text] for name, text in as_text(event).items() if text and name not in taken}
    return {name: texts if len(texts) > 1 else texts[0] for name, texts in found.items()}
