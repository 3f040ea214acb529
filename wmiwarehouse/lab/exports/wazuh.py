"""Wazuh's events of the Windows channels: names begin in lower case, everything is text, backslashes stand doubled."""

from __future__ import annotations

import re
from typing import Any

from wmiwarehouse.lab.exports.base import AUDIT_FAILURE, AUDIT_SUCCESS, LinesWriter, as_text, iso
from wmiwarehouse.lab.model import Body, LabEvent, guid_text, parse_guid, to_datetime
from wmiwarehouse.lab.nxlog import message

_LEVELS = {1: "CRITICAL", 2: "ERROR", 3: "WARNING", 4: "INFORMATION", 5: "VERBOSE"}
_BREAKS = re.compile(r"[\r\n\t]+")


class WazuhWriter(LinesWriter):
    """Writes ``alerts.json``: the event under ``data.win``, with the rule, the agent and the manager's own time."""

    is_escaped = True

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        return {
            "timestamp": f"{to_datetime(event.ticks):%Y-%m-%dT%H:%M:%S}.999+0000",
            "rule": {"level": 3, "description": event.kind.message[:80], "id": "60000", "groups": ["windows"]},
            "agent": {"id": "001", "name": event.host.partition(".")[0], "ip": "10.20.0.99"},
            "manager": {"name": "wazuh.acme.example"},
            "id": f"{event.ticks}",
            "decoder": {"name": "windows_eventchannel"},
            "data": {"win": self._win(event)},
            "location": "EventChannel",
        }

    def _win(self, event: LabEvent) -> dict[str, Any]:
        kind = event.kind
        system = {"providerName": kind.provider.name}
        if kind.provider.guid:
            system["providerGuid"] = guid_text(parse_guid(kind.provider.guid))
        system |= {
            "eventID": str(kind.event_id),
            "version": str(kind.version),
            "level": str(kind.level),
            "task": str(kind.task),
            "opcode": str(kind.opcode),
            "keywords": hex(kind.keywords),
            "systemTime": iso(event.ticks, 9),
            "eventRecordID": str(event.record_id),
            "processID": str(event.process_id),
            "threadID": str(event.thread_id),
            "channel": kind.channel,
            "computer": event.host,
            "severityValue": self._severity(event),
            "message": f'"{message(event)}"',
        }
        if kind.body is Body.CLASSIC:
            return {"system": system, "eventdata": {"data": self._value(", ".join(event.values[0]))}}
        data = {
            name[0].lower() + name[1:]: self._value(text)
            for name, text in as_text(event).items()
            if text not in ("", "-")
        }
        if kind.body is Body.USER_DATA:
            root = kind.root[0]
            return {"system": system, root[0].lower() + root[1:]: data}
        return {"system": system, "eventdata": data} if data else {"system": system}

    def _value(self, text: str) -> str:
        """A value without its line breaks and tabs; the manager leaves the escapes in that it got from the agent."""
        text = _BREAKS.sub("    ", text)
        return text.replace("\\", "\\\\").replace('"', '\\"') if self.is_escaped else text

    @staticmethod
    def _severity(event: LabEvent) -> str:
        keywords = event.kind.keywords
        if not event.kind.level and keywords & (AUDIT_SUCCESS | AUDIT_FAILURE):
            return "AUDIT_SUCCESS" if keywords & AUDIT_SUCCESS else "AUDIT_FAILURE"
        return _LEVELS.get(event.kind.level, "UNKNOWN")


class WazuhArchiveWriter(WazuhWriter):
    """Writes the event alone, as an agent sends it (``full_log``), with plain backslashes."""

    is_escaped = False

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        return {"win": self._win(event)}
