"""Decides how far a host's local time is from UTC, from what its own records tell.

Rule: for each source, host and local day the offset that most records agree on, Sysmon's UtcTime before the collector's
clock; a day without evidence takes what most of that host's other days in the source say; a host without any is taken
as UTC and named in the problems. A zone that the user names goes before all of it.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from wmiwarehouse.errors import UsageError

#: Better evidence first.
_EVIDENCE = ("utc_time", "collector")

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)
_FURTHEST = 14 * 3600


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
    zone: str | None = None
    """The name of a forced zone, which stands for the offset."""


@dataclass(frozen=True)
class Zone:
    """What the user says that times without a zone are in: a name, or (without one) a fixed offset."""

    name: str | None
    offset_seconds: int = 0

    @classmethod
    def of(cls, text: str) -> Zone:
        """Return the zone that *text* names; raises :class:`UsageError` with the way out if it names none."""
        text = text.strip()
        if found := _OFFSET.fullmatch(text):
            minutes = int(found[3] or 0)
            seconds = int(found[2]) * 3600 + minutes * 60
            if minutes < 60 and seconds <= _FURTHEST:
                return cls(None, -seconds if found[1] == "-" else seconds)
        if text.upper() in ("Z", "UTC", "GMT"):
            return cls(None)
        names = _zone_names()
        if name := names.get(text.lower()):
            return cls(name)
        # 'BST' is British to one and Bangladeshi to the next, so only places are taken.
        near = difflib.get_close_matches(text.lower(), names, 1, 0.5) or _cities(names, text)
        meant = f"did you mean {names[near[0]]}? Else give" if near else "give"
        raise UsageError(f"{text!r} is no time zone; {meant} a place such as Europe/Berlin or an offset such as +02:00")


def _zone_names() -> dict[str, str]:
    """Return DuckDB's own list, by lower-case name: Windows has none that Python could read."""
    import duckdb

    with duckdb.connect() as connection:
        table = connection.sql("select name from pg_timezone_names() where contains(name, '/')").to_arrow_table()
    return {name.lower(): name for name in table.column("name").to_pylist()}


def _cities(names: Iterable[str], text: str) -> list[str]:
    by_city = {name.rpartition("/")[2]: name for name in names}
    near = difflib.get_close_matches(text.lower(), by_city, 1, 0.7)
    return [by_city[city] for city in near]


def decide(findings: Iterable[Finding], forced: Zone | None = None) -> list[Offset]:
    """Return one offset for every host and day that *findings* name, or the *forced* zone for all of them."""
    if forced:
        days = {(found.host, found.local_date) for found in findings}
        return [Offset(host, day, forced.offset_seconds, "forced_zone", forced.name) for host, day in days]
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


def without_findings(forced: Zone | None) -> list[Offset]:
    """Return the *forced* zone for a source whose format looks for no evidence: its times seldom lack their zone."""
    return [Offset(None, None, forced.offset_seconds, "forced_zone", forced.name)] if forced else []
