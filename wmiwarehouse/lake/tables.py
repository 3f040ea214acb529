"""The small tables of a batch beside its events: its sources, what was wrong with them, its copies, its hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

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


def arrow_schema(columns: Mapping[str, str]) -> Any:
    """Return the pyarrow schema of a table of this module."""
    import pyarrow as pa

    types = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "TIMESTAMPTZ": pa.timestamp("us", "UTC")}
    return pa.schema([(name, types[kind]) for name, kind in columns.items()])


def write(path: Path, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write *rows* to the Parquet file *path*."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(list(rows), schema=arrow_schema(columns)), path, compression="zstd")
