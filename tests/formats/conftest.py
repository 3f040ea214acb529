"""The lab's scenario in every export format, and what a hunt finds in each: made once for all tests of this folder."""

from __future__ import annotations

import functools
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.formats.quick import QuickReader
from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.hunting.selection import select
from wmiwarehouse.lab import generate
from wmiwarehouse.lab.exports import WRITERS
from wmiwarehouse.lake import catalog
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import Summary, ingest

Row = dict[str, Any]


@dataclass(frozen=True)
class Carries:
    """What a writer's format can carry, as ``carries.toml`` declares it; each loss with its reason."""

    name: str
    format: str
    like: str = ""
    """Another writer: its records must come out the same, but for what is declared here."""
    assume_tz: str | None = None
    """Its times have no zone and not every host tells where it is: they are read as being in this one."""
    record_ids: bool = True
    """Whether its records are known as copies of those in EVTX files."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Columns of the lake that are empty or differ in some record."""
    data: str = ""
    """Why values of an event's data are missing; empty if none is."""
    hits: Mapping[str, str] = field(default_factory=dict)
    """Analytics that find something else than in the EVTX."""
    analytics: Sequence[str] = ()
    """For a format of process creations alone: the analytics that find them, and no other."""


def declared() -> dict[str, Carries]:
    """Return the declarations by writer."""
    tables = tomllib.loads((Path(__file__).parent / "carries.toml").read_text(encoding="utf-8"))
    return {name: Carries(name, **{"format": name} | table) for name, table in tables.items()}


@dataclass(frozen=True)
class Exported:
    """One warehouse."""

    root: Path
    summary: Summary

    @property
    def files(self) -> list[str]:
        """Its Parquet files of events."""
        return sorted(map(str, self.root.glob("lake/*/events/*.parquet")))

    def rows(self, query: str) -> list[Row]:
        """Rows of *query* over ``lake``, every record as it was stored, and ``copies``."""
        connection = catalog.connect(threads=2)
        try:
            connection.execute(f"create view lake as select * from read_parquet({self.files})")
            connection.execute(f"create view copies as select * from '{self.root}/lake/*/duplicates.parquet'")
            return rows(connection, query)
        finally:
            connection.close()

    @functools.cached_property
    def hits(self) -> dict[str, list[Row]]:
        """What every analytic returns, but for the one that is about the logs and not about what is in them."""
        library = Library.load()
        with open_hunt(self.root, library) as hunting:
            analytics = [analytic for analytic in select(library, []) if analytic.id != "data_coverage"]
            hunting.prepare(analytics)
            return {analytic.id: hunting.run(analytic).to_pylist() for analytic in analytics}


def warehouse_of(root: Path, *groups: Sequence[Path], assume_tz: str | None = None) -> Exported:
    """Ingest *groups* of paths into a new warehouse, one after another; return it with the last summary."""
    warehouse = Warehouse.create(root)
    with warehouse.writing():
        summaries = [ingest(paths, warehouse, workers=1, assume_tz=assume_tz) for paths in groups]
    return Exported(root, summaries[-1])


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the scenario in every format, one folder each."""
    folder = tmp_path_factory.mktemp("exports")
    generate(folder, formats=("evtx", *WRITERS))
    return folder


@pytest.fixture(scope="session")
def exported(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Exported]:
    """Return the warehouse of one format by its writer's name."""
    zones = {name: carries.assume_tz for name, carries in declared().items()}

    def ingested(name: str) -> Exported:
        return warehouse_of(tmp_path_factory.mktemp(name) / "w", [logs / name], assume_tz=zones.get(name))

    return functools.cache(ingested)


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuickReader]:
    """Return what reads one file as an ingest does, in this process."""
    reader = QuickReader(tmp_path_factory.mktemp("quick"))
    yield reader
    reader.close()


@pytest.fixture
def read(quick: QuickReader) -> Callable[..., list[Row]]:
    """Return what reads records, or the text of a file, without any problem; the lake's rows in the file's order."""

    def read(*records: Any, text: str | bytes | None = None) -> list[Row]:
        found = quick(*records, text=text)
        assert quick.problems == []
        return found

    return read


_NOT_THE_HIT = {"source_file", "source_record", "record_id", "connection_record_id", "share_record_id"}


def identities(found: Iterable[Row], lost: Iterable[str] = ()) -> Counter[tuple[Any, ...]]:
    """Return what tells one hit from another: its record where there is an id, else all that it says.

    What only one format can know (ids of the lake, where a record lies) does not count, nor do columns that are *lost*,
    nor times but the event's own.
    """
    without = _NOT_THE_HIT.union(lost)
    return Counter(_identity(row, without, by_record="record_id" not in set(lost)) for row in found)


def _identity(row: Row, without: set[str], *, by_record: bool) -> tuple[Any, ...]:
    if by_record and {"host", "channel", "event_id", "record_id"} <= row.keys():
        return row["host"], row["channel"], row["event_id"], row["record_id"]
    plain = {
        name: value
        for name, value in row.items()
        if (isinstance(value, (str, int)) or name == "event_time")
        and value != ""
        and name not in without
        and not name.endswith("_uid")
    }
    return tuple(sorted(plain.items(), key=lambda item: item[0]))
