"""A lake whose batches are committed from rows made by hand, without logs and workers in between."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wmiwarehouse.lake import catalog, query, relations
from wmiwarehouse.lake.commit import SourceEntry, commit
from wmiwarehouse.lake.warehouse import Batch, Warehouse
from wmiwarehouse.schema import EVENT_COLUMNS

NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)
_TYPES = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "INTEGER": pa.int32(), "BOOLEAN": pa.bool_()}
SCHEMA = pa.schema([(name, _TYPES.get(kind, pa.timestamp("us", "UTC"))) for name, kind in EVENT_COLUMNS.items()])

Row = dict[str, Any]

#: Ends itself with a signal that nothing can catch at the n-th step on disk that Python takes within the warehouse.
_DIES = """
import os, signal, sys
root, wanted, *arguments = sys.argv[1:]
steps = 0
def count(event, found):
    global steps
    if event in ("os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "os.chmod") or (
        event == "open" and isinstance(found[1], str) and set(found[1]) & set("wax+")
    ):
        if any(isinstance(one, (str, os.PathLike)) and root in str(one) or isinstance(one, int) for one in found):
            steps += 1
            if steps == int(wanted):
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
from wmiwarehouse.cli.app import app
try:
    app(arguments)
finally:
    print(steps)
"""


def sha(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


@dataclass
class Lake:
    """A warehouse under test."""

    root: Path
    numbers: Any = field(default_factory=itertools.count)

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse.open(self.root)

    @property
    def batches(self) -> list[Batch]:
        return self.warehouse.batches()

    def commit(
        self, sources: Mapping[str, Sequence[Row]], *others: SourceEntry, again: Sequence[str] = (), parts: int = 1
    ) -> Batch:
        """Commit one batch: file name to its records, each a dict of what differs from a usual one."""
        warehouse = Warehouse.create(self.root)
        number = next(self.numbers)
        at = NOON + timedelta(days=number)
        staged = warehouse.staging / f"{at:%Y%m%dT%H%M%S.%fZ}-{number:06x}"
        (staged / "events").mkdir(parents=True)
        rows = [
            _record(name, n, row) | {"batch_id": staged.name, "ingested_at": at}
            for name, records in sources.items()
            for n, row in enumerate(records, 1)
        ]
        for part in range(parts):
            some = pa.Table.from_pylist(rows[part::parts], schema=SCHEMA).sort_by(
                [("channel", "ascending"), ("event_id", "ascending"), ("event_time", "ascending")]
            )
            pq.write_table(some, staged / "events" / f"part-{part}.parquet", compression="zstd")
        entries = [SourceEntry(sha(name), name, sha(name), 1, "nxlog", "read") for name in sources]
        with warehouse.writing():
            before = warehouse.batches()
            commit(warehouse, staged, [*entries, *others], at, before, [sha(name) for name in again])
        return Batch(warehouse.lake / staged.name)

    def rows(self, sql: str) -> list[Row]:
        connection = catalog.connect(threads=1)
        try:
            for statement in relations.base_relations(self.batches):
                connection.execute(statement)
            return query.rows(connection, sql)
        finally:
            connection.close()

    def seen(self) -> set[tuple[str, int]]:
        """(file, record) of every record that is no copy."""
        found = self.rows(
            "select source_file, source_record from lake_events where (source_file, source_record) not in "
            "(select (source_file, source_record) from lake_duplicates)"
        )
        return {(row["source_file"], row["source_record"]) for row in found}

    def copies(self) -> dict[str, int]:
        """Count of copies by source, which the list of copies and the sources must agree on."""
        query = "select source_file, count(*) as n from lake_duplicates group by all"
        counted = {row["source_file"]: row["n"] for row in self.rows(query)}
        listed = self.rows("select * from lake_sources where duplicates > 0")
        assert counted == {row["source_file"]: row["duplicates"] for row in listed}
        return counted

    def content(self) -> list[Row]:
        """Everything that is visible, in an order that only the content decides."""
        found = []
        for name in ("events", "sources", "problems", "duplicates"):
            found += self.rows(f"select '{name}' as relation, * from lake_{name} order by all")
        names = "computer, host, sum(records) as records, min(first_time) as first, max(last_time) as last"
        return found + self.rows(f"select {names} from lake_hosts group by all order by all")

    def age(self, batch: Batch) -> None:
        """Make *batch* what an older version wrote: without a list of its files."""
        (batch.folder / "batch.json").unlink()
        for path in batch.folder.glob("*.parquet"):
            table = pq.ParquetFile(path).read().replace_schema_metadata(None)
            path.unlink()
            pq.write_table(table, path)
        batch.table("hosts").unlink()


def _record(name: str, number: int, row: Row) -> Row:
    seconds = row.get("seconds", 0)
    common = {
        "event_uid": sha(f"{name}{number}")[:20],
        "event_time": NOON + timedelta(seconds=seconds),
        "host": "ws01",
        "computer": "WS01.acme.example",
        "provider": "P",
        "channel": "Security",
        "event_id": 4688,
        "record_id": number,
        "event_data": "{}",
        "source_id": sha(name),
        "source_file": name,
        "source_record": number,
        "format": "nxlog",
    }
    return common | {key: value for key, value in row.items() if key != "seconds"}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "w")


@pytest.fixture
def new_lake(tmp_path: Path) -> Callable[[str], Lake]:
    return lambda name: Lake(tmp_path / name)


@pytest.fixture
def die_at() -> Callable[..., tuple[int, int]]:
    """Runs a command that is killed at its n-th step on disk; returns its exit code and how many steps it took."""

    def run(lake: Lake, step: int, *arguments: Any) -> tuple[int, int]:
        done = subprocess.run(
            [sys.executable, "-c", _DIES, str(lake.root), str(step), *map(str, arguments), "-w", str(lake.root)],
            capture_output=True,
            text=True,
            env=os.environ | {"NO_COLOR": "1"},
            check=False,
        )
        last = done.stdout.split()[-1:]
        return done.returncode, int(last[0]) if last else 0

    return run


@pytest.fixture
def any_record() -> Callable[[random.Random, bool], Row]:
    return _any


def _any(chosen: random.Random, is_clear: bool) -> Row:
    """A record that may be a copy of another; whether it is does not depend on the order if *is_clear*."""
    return {
        "record_id": chosen.choice([1, 2, None]),
        "seconds": chosen.choice([0, 30] if is_clear else [0, 4, 8, 30]),
        "computer": chosen.choice(["WS01.x.y", "WS01.z"] if is_clear else ["WS01", "WS01.x.y", "WS01.z"]),
    }
