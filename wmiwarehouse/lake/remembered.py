"""Remembers on disk what a large lake took long to work out: a model is worked out once for each state of the lake.

``W/remembered/<model>-<key>.parquet`` is what the model's view returns. The key is the hash of all that it is made of:
the files of the lake with sizes and times, the settings, the names of the hosts, and the text of every view beneath
it. So nothing here is ever out of date, only unused; the folder may be removed at any time, and one that cannot be
written costs time only. No hash of ``verify`` covers it: it says so, and its repair removes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    import duckdb

FOLDER = "remembered"

#: Of less than this many bytes of events a model is worked out faster than its file is written and read.
LEAST_LAKE = 32 << 20

#: What no state of the lake needs any more goes after this time: another run may still read it.
_GRACE = timedelta(hours=1)


class Remembered:
    """What is remembered of one state of a warehouse; *beneath* is everything that state consists of, as text."""

    def __init__(self, root: Path, beneath: Iterable[str]) -> None:
        self._folder = root / FOLDER
        self._state = hashlib.sha256("\n".join(beneath).encode()).hexdigest()

    def find(self, name: str, sql: str) -> Path | None:
        """Return the file with the rows of the model *name*, made by *sql*, if there is one that is whole."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self._path(name, sql)
        try:
            found = pq.read_metadata(path).metadata or {}
        except (OSError, pa.ArrowException):
            return None
        return path if found.get(b"made_by") == path.stem.encode() else None

    def keep(self, connection: duckdb.DuckDBPyConnection, name: str, sql: str, query: str) -> Path | None:
        """Write the rows of *query* for the model *name*, made by *sql*; None where nothing can be written."""
        import duckdb

        path = self._path(name, sql)
        aside = path.with_name(f"{path.stem}.{uuid4().hex}.new")
        try:
            self._folder.mkdir(exist_ok=True)
            target = str(aside).replace("'", "''")
            connection.execute(
                f"copy ({query}) to '{target}' "
                f"(format parquet, compression zstd, kv_metadata {{made_by: '{path.stem}'}})"
            )
            aside.replace(path)
        except (OSError, duckdb.IOException):
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            return None
        self._purge(name, path)
        return path

    def _path(self, name: str, sql: str) -> Path:
        key = hashlib.sha256(f"{self._state}\n{sql}".encode()).hexdigest()[:24]
        return self._folder / f"{name}-{key}.parquet"

    def _purge(self, name: str, path: Path) -> None:
        before = (datetime.now(UTC) - _GRACE).timestamp()
        for other in self._folder.glob(f"{name}-*"):
            with suppress(OSError):  # another run removes it, or on Windows reads it
                if other != path and other.stat().st_mtime < before:
                    other.unlink()


def states(files: Iterable[Path]) -> tuple[tuple[int, int], ...]:
    """Return size and time of each of the *files* of a lake: one that was exchanged is another state."""
    return tuple((found.st_size, found.st_mtime_ns) for found in (file.stat() for file in files))


def forget_all(root: Path) -> None:
    """Remove everything that is remembered of the warehouse at *root*: what was taken out of it must not stay here."""
    for path in (root / FOLDER).glob("*"):
        with suppress(OSError):
            path.unlink()
