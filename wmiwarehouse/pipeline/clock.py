"""Decides how far a host's local time is from UTC, from what its own records tell.

Rule: for each source, host and local day the offset that most records agree on, Sysmon's UtcTime before the collector's
clock; a day without evidence takes what most of that host's other days in the source say; a host without any is taken
as UTC and named in the problems.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

#: Better evidence first.
_EVIDENCE = ("utc_time", "collector")


@dataclass(frozen=True)
class Finding:
    """*records* records of one host and local day that point to one offset (local minus UTC, in seconds)."""

    host: str | None
    local_date: date | None
    evidence: str | None
    offset_seconds: int | None
    records: int


@dataclass(frozen=True)
class Offset:
    """The decision for one host and local day."""

    host: str | None
    local_date: date | None
    offset_seconds: int
    time_source: str


def decide(findings: Iterable[Finding]) -> list[Offset]:
    """Return one offset for every host and day that *findings* name."""
    by_day: dict[tuple[str | None, date | None], dict[str, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    by_host: dict[str | None, dict[str, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    for found in findings:
        day = by_day[found.host, found.local_date]
        if found.evidence and found.offset_seconds is not None:
            day[found.evidence][found.offset_seconds] += found.records
            by_host[found.host][found.evidence][found.offset_seconds] += found.records
    decided = []
    for (host, local_date), votes in sorted(by_day.items(), key=lambda item: (item[0][0] or "", str(item[0][1]))):
        offset = _commonest(votes)
        offset = offset if offset is not None else _commonest(by_host[host])
        source = "assumed" if offset is None else "inferred_offset"
        decided.append(Offset(host, local_date, offset or 0, source))
    return decided


def _commonest(votes: dict[str, Counter[int]]) -> int | None:
    for evidence in _EVIDENCE:
        if votes.get(evidence):
            # Ties go to the smaller offset, so that the result does not hang on the order of records.
            return min(votes[evidence].items(), key=lambda item: (-item[1], abs(item[0]), item[0]))[0]
    return None
