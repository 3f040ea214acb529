"""Remembers on disk what a large lake took long to work out: each view is worked out once for each state of the lake.

``W/remembered/<view>-<key>.parquet`` is what the view returns: a model that several analytics read, or the hits of an
analytic. The key is the hash of all that it is made of: the files of the lake with sizes and times, the settings, the
names of the hosts, the versions of the program and of DuckDB, and the text of every view beneath it. So nothing here is
ever out of date, only unused; the folder may be removed at any time, and one that cannot be written costs time only. No
hash of ``verify`` covers it: it says so, and its repair removes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from wmiwarehouse import __version__

if TYPE_CHECKING:
    import duckdb

FOLDER = "remembered"

#: Of less than this many bytes of events a model is worked out faster than its file is written and read.
LEAST_LAKE = 32 << 20

#: Of an analytic with more hits than this only the count is remembered: its rows would be a second lake.
MOST_HITS = 100_000

#: What no state of the lake needs any more goes after this time: another run may still read it.
_GRACE = timedelta(hours=1)


class Remembered:
    """What is remembered of one state of a warehouse; *beneath* is everything that state consists of, as text."""

    def __init__(self, root: Path, beneath: Iterable[str]) -> None:
        import duckdb

        self._folder = root / FOLDER
        made_with = f"wmiwarehouse {__version__}, duckdb {duckdb.__version__}"
        self._state = hashlib.sha256("\n".join([made_with, *beneath]).encode()).hexdigest()

    def find(self, name: str, sql: str) -> Path | None:
        """Return the file with the rows of the view *name*, made by *sql*, if there is one that is whole."""
        path = self._path(name, sql)
        found = _facts(path)
        return path if found.get(b"made_by") == path.stem.encode() and b"too_many" not in found else None

    def has_too_many(self, name: str, sql: str) -> bool:
        """Whether the view *name*, made by *sql*, is known to have more rows than are kept."""
        return b"too_many" in _facts(self._path(name, sql))

    def keep(
        self, connection: duckdb.DuckDBPyConnection, name: str, sql: str, query: str, most: int | None = None
    ) -> Path | None:
        """Write the rows of *query* for the view *name*, made by *sql*; None where nothing can be written.

        Of more than *most* rows only that there are so many is kept, and None is returned.
        """
        import duckdb

        path = self._path(name, sql)
        aside = path.with_name(f"{path.stem}.{uuid4().hex}.new")
        try:
            self._folder.mkdir(exist_ok=True)
            is_whole = _write(connection, query, aside, {"made_by": path.stem}, most)
            aside.replace(path)
        except (OSError, duckdb.IOException):
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            return None
        self._purge(name, path)
        return path if is_whole else None

    def _path(self, name: str, sql: str) -> Path:
        key = hashlib.sha256(f"{self._state}\n{sql}".encode()).hexdigest()[:24]
        return self._folder / f"{name}-{key}.parquet"

    def _purge(self, name: str, path: Path) -> None:
        before = (datetime.now(UTC) - _GRACE).timestamp()
        for other in self._folder.glob(f"{name}-*"):
            with suppress(OSError):  # another run removes it, or on Windows reads it
                if other != path and other.stat().st_mtime < before:
                    other.unlink()


def _write(
    connection: duckdb.DuckDBPyConnection, query: str, path: Path, facts: dict[str, str], most: int | None
) -> bool:
    """Write the rows of *query* with *facts* about them to *path*; return whether they were at most *most*.

    Those of an analytic come as a stream, which can be left: with LIMIT some queries never end in DuckDB 2.0.0.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if most is None:
        target = str(path).replace("'", "''")
        listed = ", ".join(f"{name}: '{value}'" for name, value in facts.items())
        connection.execute(f"copy ({query}) to '{target}' (format parquet, compression zstd, kv_metadata {{{listed}}})")
        return True
    reader = connection.sql(query).to_arrow_reader(8192)
    left = most
    with pq.ParquetWriter(path, reader.schema.with_metadata(facts), compression="zstd") as writer:
        for batch in reader:
            left -= batch.num_rows
            if left < 0:
                break
            writer.write_batch(batch)
    if left < 0:
        few = pa.schema([("too_many", pa.bool_())], facts | {"too_many": "yes"})
        pq.write_table(few.empty_table(), path)
    return left >= 0


def _facts(path: Path) -> dict[bytes, bytes]:
    """Return what the file at *path* says of itself; nothing if it is not there, or not whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return dict(pq.read_metadata(path).metadata or {})
    except (OSError, pa.ArrowException):
        return {}


def states(files: Iterable[Path]) -> tuple[tuple[int, int], ...]:
    """Return size and time of each of the *files* of a lake: one that was exchanged is another state."""
    return tuple((found.st_size, found.st_mtime_ns) for found in (file.stat() for file in files))


def forget_all(root: Path) -> None:
    """Remove everything that is remembered of the warehouse at *root*: what was taken out of it must not stay here."""
    for path in (root / FOLDER).glob("*"):
        with suppress(OSError):
            path.unlink()
