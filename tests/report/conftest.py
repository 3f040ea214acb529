"""One warehouse of the lab's scenario, and the report of it, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.lab import generate
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest
from wmiwarehouse.report.build import build
from wmiwarehouse.report.model import Report
from wmiwarehouse.report.options import ReportOptions


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a warehouse with the lab's EVTX files in it; not to be changed."""
    folder = tmp_path_factory.mktemp("report")
    generate(folder / "logs")
    warehouse = Warehouse.create(folder / "w")
    with warehouse.writing():
        ingest([folder / "logs" / "evtx"], warehouse)
    return folder / "w"


@pytest.fixture(scope="session")
def library() -> Library:
    return Library.load()


@pytest.fixture(scope="session")
def make(lab: Path, library: Library) -> Callable[..., Report]:
    """Return what builds a report of the lab with these options."""

    def made(**options: Any) -> Report:
        filters = Filters(**{name: options.get(name) for name in ("since", "until", "host", "user")})
        with open_hunt(lab, library, filters) as hunting:
            return build(hunting, library, ReportOptions(**options))

    return made


@pytest.fixture(scope="session")
def report(make: Callable[..., Report]) -> Report:
    return make()
