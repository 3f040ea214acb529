"""A warehouse that the API itself made from the lab's logs; not to be changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import wmiwarehouse
from wmiwarehouse import Progress, Summary, Warehouse
from wmiwarehouse.lab import generate


@dataclass
class Case:
    logs: Path
    folder: Path
    summary: Summary
    shown: list[Progress]


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("api")
    generate(folder / "logs")
    shown: list[Progress] = []
    with wmiwarehouse.open(folder / "w", create=True) as warehouse:
        summary = warehouse.ingest(folder / "logs" / "evtx", progress=shown.append)
    return Case(folder / "logs", folder / "w", summary, shown)


@pytest.fixture
def warehouse(case: Case) -> Iterator[Warehouse]:
    with wmiwarehouse.open(case.folder) as opened:
        yield opened
