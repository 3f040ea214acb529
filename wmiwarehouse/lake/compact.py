"""Merges small batches into one: a warehouse that is fed every hour must not end as thousands of tiny files.

Parts are sorted like those of an ingest and made larger; no more than one is in memory. What is large already is
linked. Rows stay as they are, down to the batch that they came with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wmiwarehouse.lake.manifest import LakeFile, Manifest
from wmiwarehouse.lake.rest import ROW_GROUP, gather, link, publish, require_sound, staging, write_tables
from wmiwarehouse.lake.warehouse import Batch, Warehouse

#: Batches of fewer bytes of events are merged.
SMALL = 256 << 20

_MOST_ROWS = 8 * ROW_GROUP
_LARGE_ENOUGH = _MOST_ROWS // 2


@dataclass(frozen=True)
class Compacted:
    """What a compaction did."""

    batches: int
    files: int
    """Event files before."""
    parts: int
    """Event files now."""
    records: int
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True)
class _Part:
    file: Path
    rows: int
    listed: LakeFile | None


def small_batches(warehouse: Warehouse) -> list[Batch]:
    """Return the batches that a compaction would merge; one alone is not worth it."""
    found = [batch for batch in warehouse.batches() if _size(batch.event_files) < SMALL]
    return found if len(found) > 1 else []


def compact(warehouse: Warehouse, on_progress: Callable[[int, int], None] = lambda *_: None) -> Compacted | None:
    """Merge the small batches; None if there is nothing to do. Call it while holding the warehouse's lock.

    *on_progress* is told how many records of how many are done.
    """
    batches = small_batches(warehouse)
    if not batches:
        return None
    require_sound(batches)
    old = [part for batch in batches for part in _parts(batch)]
    total = sum(part.rows for part in old)
    done = 0
    with staging(warehouse) as (folder, connection):
        rest = gather(batches)
        for group in _groups(old):
            rest.linked |= _merge(connection, folder, group)
            done += sum(part.rows for part in group)
            on_progress(done, total)
        write_tables(connection, folder, rest)
        new = sorted((folder / "events").iterdir())
        result = Compacted(len(batches), len(old), len(new), total, _size([part.file for part in old]), _size(new))
        publish(warehouse, folder, rest)
    return result


def _parts(batch: Batch) -> Iterator[_Part]:
    import pyarrow.parquet as pq

    manifest = Manifest.read(batch.folder)
    for file in batch.event_files:
        listed = manifest.files[f"events/{file.name}"] if manifest else None
        yield _Part(file, listed.rows if listed else pq.read_metadata(file).num_rows, listed)


def _groups(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Yield what becomes one part: large ones alone, small ones together up to the most rows."""
    group: list[_Part] = []
    rows = 0
    for part in parts:
        if part.rows >= _LARGE_ENOUGH:
            yield [part]
            continue
        if group and rows + part.rows > _MOST_ROWS:
            yield group
            group, rows = [], 0
        group.append(part)
        rows += part.rows
    if group:
        yield group


def _merge(connection: Any, folder: Path, group: Sequence[_Part]) -> dict[str, LakeFile]:
    """Put *group* into the staged *folder*, as one part if there is room to sort it; return what was only linked."""
    import duckdb

    target = folder / "events" / f"part-{sum(1 for _ in (folder / 'events').iterdir()):05}.parquet"
    if len(group) == 1:
        link(group[0].file, target)
        return {f"events/{target.name}": group[0].listed} if group[0].listed else {}
    quoted = str(target).replace("'", "''")
    try:
        # Sorted to the last column that tells rows apart, so that the same logs always give the same bytes.
        connection.execute(
            "copy (select * from read_parquet($files) "
            "order by channel, event_id, event_time, host, source_file, source_record) "
            f"to '{quoted}' (format parquet, compression zstd, row_group_size {ROW_GROUP})",
            {"files": [str(part.file) for part in group]},
        )
    except duckdb.OutOfMemoryException:  # records with texts of many kilobytes
        target.unlink(missing_ok=True)
        middle = len(group) // 2
        return _merge(connection, folder, group[:middle]) | _merge(connection, folder, group[middle:])
    return {}


def _size(files: Sequence[Path]) -> int:
    return sum(file.stat().st_size for file in files)
