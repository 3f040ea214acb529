"""Makes a staged batch part of the lake: completed, checked, made durable, then renamed in one step."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from wmiwarehouse.lake import duplicates, query, tables
from wmiwarehouse.lake.warehouse import Batch, Warehouse

_MEMORY = "1GB"


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
    computers: frozenset[str]
    first_time: datetime | None
    last_time: datetime | None


def commit(
    warehouse: Warehouse, staged: Path, entries: Sequence[SourceEntry], ingested_at: datetime, older: Iterable[Batch]
) -> Committed:
    """Complete the batch in *staged* and move it into the lake; called while holding the warehouse's lock."""
    import duckdb

    connection = duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": str(staged / "spill")})
    try:
        connection.execute("set timezone = 'UTC'")
        parts = sorted((staged / "events").glob("*.parquet"))
        counts = _counts(connection, parts)
        copies = (
            duplicates.find(connection, parts, [file for batch in older for file in batch.event_files]) if parts else []
        )
        hosts = _hosts(connection, parts)
    finally:
        connection.close()
    batch_id = staged.name
    copied: dict[tuple[str, str], int] = defaultdict(int)
    for row in copies:
        copied[row["source_id"], row["source_file"]] += 1
    stamp = {"batch_id": batch_id, "ingested_at": ingested_at}
    rows, problems = [], []
    for entry in entries:
        key = (entry.source_id or "", entry.source_file)
        found = counts.get(key, {})
        entry.problems += _incomplete(found)
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
    tables.write(staged / "problems.parquet", tables.PROBLEMS, problems)
    tables.write(staged / "duplicates.parquet", tables.DUPLICATES, copies)
    tables.write(staged / "hosts.parquet", tables.HOSTS, hosts)
    tables.write(staged / "sources.parquet", tables.SOURCES, rows)
    _make_durable(staged)
    staged.rename(warehouse.lake / batch_id)
    _sync_folder(warehouse.lake)
    _make_read_only(warehouse.lake / batch_id)
    return Committed(
        _by_format(rows),
        frozenset(row["computer"] for row in hosts if row["computer"]),
        min((row["first_time"] for row in hosts if row["first_time"]), default=None),
        max((row["last_time"] for row in hosts if row["last_time"]), default=None),
    )


def _counts(connection: Any, parts: Sequence[Path]) -> dict[tuple[str, str], dict[str, Any]]:
    if not parts:
        return {}
    sql = """
        select
            source_id,
            source_file,
            count(*) as records,
            count(distinct host) as hosts,
            min(event_time) as first_time,
            max(event_time) as last_time,
            count(*) filter (where event_id is null) as without_id,
            count(*) filter (where event_time is null) as without_time,
            count(*) filter (where time_source = 'assumed' and event_time is not null) as assumed,
            min(source_record) filter (where event_id is null or event_time is null) as first_incomplete
        from read_parquet($parts)
        group by all"""
    found = query.rows(connection, sql, {"parts": list(map(str, parts))})
    return {(row["source_id"], row["source_file"]): row for row in found}


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


def _hosts(connection: Any, parts: Sequence[Path]) -> list[dict[str, Any]]:
    if not parts:
        return []
    sql = """
        select
            computer,
            host,
            count(*) as records,
            min(event_time) as first_time,
            max(event_time) as last_time
        from read_parquet($parts)
        group by computer, host
        order by computer, host"""
    return query.rows(connection, sql, {"parts": list(map(str, parts))})


def _incomplete(found: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Name what is in the lake and yet out of reach of the analytics."""
    where = f"record {found.get('first_incomplete')} ff."
    problems = []
    if found.get("without_id"):
        problems.append(
            (where, f"{found['without_id']:,} records without an event id: kept, but no analytic sees them", 0)
        )
    if found.get("without_time"):
        problems.append(
            (where, f"{found['without_time']:,} records without a time: kept, but filters by time leave them out", 0)
        )
    if found.get("assumed"):
        problems.append(
            ("", f"{found['assumed']:,} records with a local time and nothing that tells its zone: taken as UTC", 0)
        )
    return problems


def _make_durable(folder: Path) -> None:
    """Force every file, then every folder, onto the disk: a batch that is visible must be whole after a power cut."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("r+b") as stream:
                os.fsync(stream.fileno())
    for path in [*(p for p in folder.rglob("*") if p.is_dir()), folder]:
        _sync_folder(path)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows has no handle for a folder to flush
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_read_only(folder: Path) -> None:
    read_only = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(read_only)
