"""What a hunt says of an analytic in one line, and how grave all of its lines are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wmiwarehouse.content.findings import counted
from wmiwarehouse.content.library import Analytic
from wmiwarehouse.hunting.coverage import Seen
from wmiwarehouse.hunting.selection import SEVERITIES


@dataclass(frozen=True)
class Line:
    """One line of a hunt's summary."""

    analytic: Analytic
    hits: int
    hosts: int | None
    """None where a row is about several hosts, as in a stack."""
    first_time: datetime | None
    last_time: datetime | None
    seen: Seen
    suppressed: int = 0
    """Hits that the settings expect; all else here is about the others."""
    suppressed_by: tuple[str, ...] = ()
    """The ids of the rules that hide them."""


def gravest(lines: Iterable[Line]) -> str | None:
    """Return the highest severity among detections and chains that have hits."""
    hits = {line.analytic for line in lines if line.hits}
    return max((item.metadata.severity for item in counted(hits)), key=SEVERITIES.index, default=None)
