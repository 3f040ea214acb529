"""The lab's logs, generated once, and ingests into new warehouses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.lab import GroundTruth, generate
from wmiwarehouse.lake import catalog, relations
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.views import create_views
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import Summary, ingest

LINE = {
    "EventTime": "2024-05-06 08:00:00",
    "Hostname": "WS01.acme.example",
    "EventID": 4688,
    "SourceName": "Microsoft-Windows-Security-Auditing",
    "Channel": "Security",
    "RecordNumber": 1,
    "NewProcessName": "C:\\Windows\\System32\\cmd.exe",
    "Message": "A new process has been created.",
    "EventReceivedTime": "2024-05-06 08:00:01",
    "@timestamp": "2024-05-06T12:00:01.000Z",
}


@dataclass
class Lab:
    folder: Path
    truth: GroundTruth


@dataclass
class Lake:
    """A warehouse under test."""

    root: Path
    summaries: list[Summary] = field(default_factory=list)

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse.open(self.root)

    def ingest(self, *paths: Path, **options: Any) -> Summary:
        warehouse = Warehouse.create(self.root)
        with warehouse.writing():
            warehouse.clear_staging()
            summary = ingest(list(paths), warehouse, **{"workers": 1} | options)
        self.summaries.append(summary)
        return summary

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of a query over the base relations and the model views."""
        connection = catalog.connect(threads=2)
        try:
            for statement in relations.base_relations(self.warehouse.batches()):
                connection.execute(statement)
            create_views(connection, Library.load(), ())
            return rows(connection, query)
        finally:
            connection.close()

    def value(self, query: str) -> Any:
        (one,) = self.rows(query)
        (only,) = one.values()
        return only


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One scenario in three formats."""
    folder = tmp_path_factory.mktemp("lab")
    return Lab(folder, generate(folder, formats=("evtx", "exported", "nxlog")))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "warehouse")


@pytest.fixture
def new_lake(tmp_path: Path) -> Callable[[str], Lake]:
    return lambda name: Lake(tmp_path / name)


@pytest.fixture
def line() -> dict[str, Any]:
    """A record as NXLog writes it."""
    return dict(LINE)


@pytest.fixture(autouse=True)
def _no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
