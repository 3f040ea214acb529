"""The small tables of a batch beside its events: its sources, what was wrong with them, its copies, its hosts.

And what was forgotten: the list goes from batch to batch, so that it says for good that evidence was removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wmiwarehouse.lake.query import unreadable

#: Column name to DuckDB type, in order.
SOURCES = {
    "source_id": "VARCHAR",
    "source_file": "VARCHAR",
    "file_sha256": "VARCHAR",
    "size": "BIGINT",
    "format": "VARCHAR",
    "status": "VARCHAR",
    "reason": "VARCHAR",
    "records": "BIGINT",
    "duplicates": "BIGINT",
    "problems": "BIGINT",
    "lost": "BIGINT",
    "hosts": "BIGINT",
    "first_time": "TIMESTAMPTZ",
    "last_time": "TIMESTAMPTZ",
    "batch_id": "VARCHAR",
    "ingested_at": "TIMESTAMPTZ",
}
PROBLEMS = {
    "source_id": "VARCHAR",
    "source_file": "VARCHAR",
    "position": "VARCHAR",
    "reason": "VARCHAR",
    "lost": "BIGINT",
    "batch_id": "VARCHAR",
    "ingested_at": "TIMESTAMPTZ",
}
DUPLICATES = {"source_id": "VARCHAR", "source_file": "VARCHAR", "source_record": "BIGINT"}
#: One row for each name that a computer has in the batch, so that nobody has to look through its events for them.
HOSTS = {
    "computer": "VARCHAR",
    "host": "VARCHAR",
    "records": "BIGINT",
    "first_time": "TIMESTAMPTZ",
    "last_time": "TIMESTAMPTZ",
}
#: One row for each source that was removed on purpose; only batches that somebody forgot sources of have it.
FORGOTTEN = {
    "forgotten_at": "TIMESTAMPTZ",
    "source_file": "VARCHAR",
    "source_id": "VARCHAR",
    "file_sha256": "VARCHAR",
    "format": "VARCHAR",
    "status": "VARCHAR",
    "records": "BIGINT",
    "ingested_at": "TIMESTAMPTZ",
}

#: In the Parquet footer of every table of a batch that has a ``batch.json``, so that its loss is noticed.
_LISTED = {b"wmiwh.listed": b"1"}


def arrow_schema(columns: Mapping[str, str]) -> Any:
    """Return the pyarrow schema of a table of this module."""
    import pyarrow as pa

    types = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "TIMESTAMPTZ": pa.timestamp("us", "UTC")}
    return pa.schema([(name, types[kind]) for name, kind in columns.items()])


def write(path: Path, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write *rows* to the Parquet file *path*."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = arrow_schema(columns).with_metadata(_LISTED)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, compression="zstd")


def rows(path: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the rows of the Parquet file *path*, all *columns* or those.

    Raises ``OSError`` where it is not there, :class:`WmiwhError` where it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Not read_table and nothing of pyarrow.compute: to import what those need takes a command 40 to 70 ms.
    try:
        return list(pq.ParquetFile(path).read(columns=columns).to_pylist())
    except pa.ArrowException as error:
        raise unreadable(f"{path}: {error}") from None


def read(path: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the same of a table of this module; none where the batch has no such table."""
    return rows(path, columns) if path.is_file() else []


def is_listed(path: Path) -> bool:
    """Whether the table at *path* belongs to a batch that has a ``batch.json``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return _LISTED.items() <= (pq.read_schema(path).metadata or {}).items()
    except (OSError, pa.ArrowException):
        return False
