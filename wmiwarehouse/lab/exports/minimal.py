"""A flat export of a few System fields and the event's data beside them: no record id, no provider, no version.

Microsoft Sentinel's table SecurityEvent is one, under names of its own and with the provider.
"""

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


class SentinelWriter(MinimalWriter):
    """Writes rows as Sentinel's table has them, of every log, though the real one has the Security log alone."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        row = super().row(event)
        row["TimeGenerated"], row["Computer"] = row.pop("TimeCreated"), row.pop("Hostname")
        kind = event.kind
        names = {"EventSourceName": kind.provider.name, "Activity": f"{kind.event_id} - {kind.category}"}
        return row | names | {"Type": "SecurityEvent"}
