"""NXLog of older versions: ProcessID is the log source's own, and no clock of the collector in UTC."""

from __future__ import annotations

from typing import Any

from wmiwarehouse.lab.exports.base import LinesWriter
from wmiwarehouse.lab.model import LabEvent
from wmiwarehouse.lab.nxlog import nxlog_row

_LATER = ("@timestamp", "@version", "host", "port", "tags")


class OldNxlogWriter(LinesWriter):
    """Writes NXLog's rows in the words of its older versions."""

    def row(self, event: LabEvent) -> dict[str, Any]:
        """Return the event."""
        row = {name: value for name, value in nxlog_row(event, self.settings).items() if name not in _LATER}
        row["ProcessID"] = row.pop("ExecutionProcessID")
        return row
