"""Turns buffered records into Parquet parts of the lake with the compiled projection.

A long-lived connection with a prepared ``COPY`` over objects that hand out Arrow streams: setting a statement up anew
for each flush was measured to cost more than running it for a small file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wmiwarehouse.lake.query import SETTINGS
from wmiwarehouse.pipeline.buffer import Buffer
from wmiwarehouse.projection.compiler import Statements

if TYPE_CHECKING:
    import pyarrow as pa

_ROW_GROUP = 32_768  # smaller ones, which hunts could pass over, take a worker 90 MB more at its peak
_MEMORY = "400MB"
#: For a record of many megabytes alone: of 60 MB there are some ten copies on the way, 300 MB of them at a time.
_MEMORY_FOR_ONE = "2500MB"


class _Slot:
    """A relation whose rows are replaced before each run; DuckDB asks it for a new stream every time."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class PartWriter:
    """Writes parts of one batch into *folder*; one per worker process.

    *functions* is the SQL that defines what the files in ``ingest/`` share; each format is told by :meth:`learn`.
    """

    def __init__(self, folder: Path, name: str, functions: str) -> None:
        import duckdb

        self._folder, self._name = folder, name
        self._statements: dict[str, Statements] = {}
        self._aside = folder / f"{name}.writing"
        self._parts = 0
        self._prepared: set[str] = set()
        empty = Buffer()
        self._slots = {
            "records": _Slot(empty.record_table()),
            "sources": _Slot(empty.source_table()),
            "clock": _Slot(empty.clock_table()),
        }
        spill = folder.parent / "spill" / name
        spill.parent.mkdir(parents=True, exist_ok=True)  # DuckDB makes the last folder only, and not before it spills
        self._connection = duckdb.connect(
            config={
                "threads": 1,
                "memory_limit": _MEMORY,
                "temp_directory": str(spill),
                "autoinstall_known_extensions": False,
            }
        )
        self._connection.execute(SETTINGS)
        self._connection.execute(functions)
        for relation, slot in self._slots.items():
            self._connection.register(relation, slot)

    def learn(self, fmt: str, statements: Statements) -> None:
        """Take the compiled SQL of format *fmt*; what is wrong with it is told when something is written.

        It is prepared now, while the parent looks for what there is to read.
        """
        import duckdb

        self._statements[fmt] = statements
        with suppress(duckdb.Error):
            self._prepare(fmt)

    def has_clock(self, fmt: str) -> bool:
        """Whether format *fmt* has a first pass."""
        return self._statements[fmt].clock is not None

    def clock(self, fmt: str, records: pa.Table) -> list[dict[str, Any]]:
        """Run the first pass of format *fmt* over *records*; rows of :class:`~wmiwarehouse.pipeline.clock.Finding`."""
        statement = self._statements[fmt].clock
        if statement is None:
            return []
        self._slots["records"].table = records
        rows: list[dict[str, Any]] = self._connection.sql(statement).to_arrow_table().to_pylist()
        return rows

    def invalid(self, records: pa.Table) -> list[int]:
        """Return the row numbers whose text is no JSON."""
        self._slots["records"].table = records
        query = (
            "select row_number() over () - 1 as row from (select json_valid(record) as ok from records) qualify not ok"
        )
        return [row["row"] for row in self._connection.sql(query).to_arrow_table().to_pylist()]

    def write(self, fmt: str, records: pa.Table, sources: pa.Table, clock: pa.Table) -> None:
        """Project *records* of format *fmt* into one part; raises ``duckdb.Error`` if they cannot be projected."""
        self._slots["records"].table, self._slots["sources"].table, self._slots["clock"].table = records, sources, clock
        self._connection.execute(f"execute {self._prepare(fmt)}")
        self._aside.replace(self._folder / f"{self._name}-{self._parts:05}.parquet")
        self._parts += 1

    def _prepare(self, fmt: str) -> str:
        """Return the name of the prepared statement of format *fmt*."""
        name = '"write_' + fmt.replace('"', '""') + '"'
        if fmt not in self._prepared:
            target = str(self._aside).replace("'", "''")
            self._connection.execute(
                f"prepare {name} as copy ({self._statements[fmt].select}) to '{target}' "
                f"(format parquet, compression zstd, row_group_size {_ROW_GROUP})"
            )
            self._prepared.add(fmt)
        return name

    @contextmanager
    def more_memory(self) -> Iterator[None]:
        """Let the connection take more memory for a while: for a record that is larger than all others together."""
        self._connection.execute(f"set memory_limit = '{_MEMORY_FOR_ONE}'")
        try:
            yield
        finally:
            self._connection.execute(f"set memory_limit = '{_MEMORY}'")

    def left_out(self, fmt: str) -> dict[int, int]:
        """Count, by source number, what format *fmt* left out of the records that were written last."""
        statement = self._statements[fmt].left_out
        if statement is None:
            return {}
        rows = self._connection.sql(statement).to_arrow_table().to_pylist()
        return {row["source_no"]: row["records"] for row in rows}

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
