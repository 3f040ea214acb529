"""Makes a staged batch part of the lake: completed, checked, made durable, then renamed in one step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from wmiwarehouse.lake import disk, doubts, duplicates, rest, tables
from wmiwarehouse.lake.query import SETTINGS
from wmiwarehouse.lake.warehouse import Batch, Warehouse

_MEMORY = "1GB"
#: Clocks differ, and a local time that is taken as UTC may be hours ahead.
_TOLERATED = timedelta(days=1)


@dataclass
class SourceEntry:
    """A line of the source list."""

    source_id: str | None
    source_file: str
    file_sha256: str | None
    size: int | None
    format: str | None
    status: str
    """``read``, ``skipped`` (no event log) or ``failed`` (an event log that could not be read)."""
    reason: str | None = None
    problems: list[tuple[str, str, int]] = field(default_factory=list)
    """(position, reason, records lost)"""
    remarks: int = 0
    """How many of the problems are no damage."""


@dataclass
class FormatTotals:
    """What a commit added of one format."""

    format: str
    files: int = 0
    records: int = 0
    duplicates: int = 0
    problems: int = 0


@dataclass(frozen=True)
class Committed:
    """What a commit added."""

    formats: tuple[FormatTotals, ...]
    displaced: int
    """Records of earlier batches that are copies now, of fuller ones."""
    computers: frozenset[str]
    first_time: datetime | None
    last_time: datetime | None


def commit(
    warehouse: Warehouse,
    staged: Path,
    entries: Sequence[SourceEntry],
    ingested_at: datetime,
    older: Sequence[Batch],
    again: Collection[str] = (),
    on_damage: Callable[[str, str, str], Exception] | None = None,
    is_bare: str = "false",
) -> Committed:
    """Complete the batch in *staged* and move it into the lake; called while holding the warehouse's lock.

    Sources in *older* batches whose SHA-256 is in *again* go in the same step in which those of *entries* come. With
    *on_damage* what it makes of (file, position, reason) is raised before anything is committed that is damaged. For
    *is_bare* see :func:`wmiwarehouse.lake.doubts.counts`.
    """
    import duckdb

    _drop_unfinished(staged)
    connection = duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": str(staged / "spill")})
    try:
        connection.execute(SETTINGS)
        parts = sorted((staged / "events").glob("*.parquet"))
        counts = doubts.counts(connection, parts, ingested_at + _TOLERATED, is_bare)
        hosts = rest.hosts(connection, parts)
        old = rest.Rest()
        if replaced := _replaced(entries, older, again):
            old = rest.take_out(connection, staged, older, replaced, parts)
            copies = old.copies.fresh
            rest.write_duplicates(connection, staged, old, copies)
            listed_hosts = rest.hosts(connection, sorted((staged / "events").glob("*.parquet")))
        else:
            files = [file for batch in older for file in batch.event_files]
            listed = [batch.table("duplicates") for batch in older]
            copies = duplicates.find(connection, parts, files, listed) if parts else []
            tables.write(staged / "duplicates.parquet", tables.DUPLICATES, copies)
            listed_hosts = hosts
    finally:
        connection.close()
    disk.remove(staged / "spill")
    batch_id = staged.name
    copied: dict[tuple[str, str], int] = defaultdict(int)
    for row in copies:
        copied[row["source_id"], row["source_file"]] += 1
    stamp = {"batch_id": batch_id, "ingested_at": ingested_at}
    rows, problems = [], []
    for entry in entries:
        key = (entry.source_id or "", entry.source_file)
        found = counts.get(key, {})
        for problem, is_wrong in doubts.told(found):
            entry.problems.append(problem)
            entry.remarks += not is_wrong
            if on_damage and is_wrong:
                raise on_damage(entry.source_file, *problem[:2])
        rows.append(
            {
                name: getattr(entry, name)
                for name in ("source_id", "source_file", "file_sha256", "size", "format", "status", "reason")
            }
            | {name: found.get(name) for name in ("hosts", "first_time", "last_time")}
            | {"records": found.get("records", 0), "duplicates": copied[key], "problems": len(entry.problems)}
            | {"lost": sum(lost for _, _, lost in entry.problems)}
            | stamp
        )
        problems += [
            {
                "source_id": entry.source_id,
                "source_file": entry.source_file,
                "position": where,
                "reason": why,
                "lost": lost,
            }
            | stamp
            for where, why, lost in entry.problems
        ]
    tables.write(staged / "problems.parquet", tables.PROBLEMS, problems + old.problems)
    tables.write(staged / "hosts.parquet", tables.HOSTS, listed_hosts)
    tables.write(staged / "sources.parquet", tables.SOURCES, rows + old.sources)
    rest.write_forgotten(staged, old)
    rest.publish(warehouse, staged, old)
    return Committed(
        _by_format(rows),
        sum(copied.values()) - sum(row["duplicates"] for row in rows),
        frozenset(row["computer"] for row in hosts if row["computer"]),
        min((row["first_time"] for row in hosts if row["first_time"]), default=None),
        max((row["last_time"] for row in hosts if row["last_time"]), default=None),
    )


def _by_format(rows: Sequence[dict[str, Any]]) -> tuple[FormatTotals, ...]:
    totals: dict[str, FormatTotals] = {}
    for row in rows:
        if row["status"] == "read":
            total = totals.setdefault(row["format"], FormatTotals(row["format"]))
            total.files += 1
            total.records += row["records"]
            total.duplicates += row["duplicates"]
            total.problems += row["problems"]
    return tuple(totals.values())


def _replaced(entries: Sequence[SourceEntry], older: Sequence[Batch], again: Collection[str]) -> set[rest.Key]:
    """Return the sources that *entries* stand for anew: of the same content, or files that were not read then."""
    if not again:
        return set()
    contents = {entry.source_id for entry in entries if entry.status == "read"} & set(again)
    files = {entry.source_file for entry in entries}
    return {
        rest.key(row)
        for batch in older
        for row in tables.read(batch.table("sources"))
        if (row["source_id"] in contents if row["status"] == "read" else row["source_file"] in files)
    }


def _drop_unfinished(staged: Path) -> None:
    """Remove what the workers left beside the finished parts: nothing else may reach the lake."""
    disk.remove(staged / "spill")
    for path in (staged / "events").iterdir():
        if path.suffix != ".parquet":
            path.unlink()
