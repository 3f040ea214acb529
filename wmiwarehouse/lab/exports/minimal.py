"""A flat export of a few System fields and the event's data beside them: no record id, no provider, no version."""

from __future__ import annotations

from typing import Any

from wmiwarehouse.lab.exports.base import LinesWriter, as_text, iso
from wmiwarehouse.lab.model import Body, LabEvent
from wmiwarehouse.lab.nxlog import message


class MinimalWriter(LinesWriter):
    """Writes lines whose Task is the category in words; empty values are left out."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        kind = event.kind
        row: dict[str, Any] = {
            "Channel": kind.channel,
            "EventID": kind.event_id,
            "TimeCreated": iso(event.ticks),
            "Hostname": event.host,
            "Task": kind.category or str(kind.task),
            "Level": str(kind.level),
            "Message": message(event),
        }
        if kind.body is not Body.CLASSIC:
            # The System part's fields come first: a datum of the same name is lost.
            row = {name: text for name, text in as_text(event).items() if text} | row
        return row
