"""One warehouse of the lab's scenario for all tests of this folder, from EVTX and NXLog together."""

from __future__ import annotations

from pathlib import Path

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.lab import GroundTruth, generate
from wmiwarehouse.lake import catalog
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, GroundTruth]:
    """Return the generated logs and what was staged in them."""
    folder = tmp_path_factory.mktemp("lab")
    return folder, generate(folder, formats=("evtx", "nxlog"))


def _warehouse(root: Path, *logs: Path) -> Path:
    warehouse = Warehouse.create(root)
    with warehouse.writing():
        ingest(list(logs), warehouse)
        catalog.refresh_database(warehouse, Library.load())
    return root


@pytest.fixture(scope="session")
def warehouse(staged: tuple[Path, GroundTruth], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a warehouse of the EVTX files."""
    return _warehouse(tmp_path_factory.mktemp("evtx") / "w", staged[0] / "evtx")


@pytest.fixture(scope="session")
def both_formats(staged: tuple[Path, GroundTruth], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a warehouse into which the same events went as EVTX and as NXLog."""
    return _warehouse(tmp_path_factory.mktemp("both") / "w", staged[0] / "evtx", staged[0] / "nxlog")


@pytest.fixture(scope="session")
def nxlog(staged: tuple[Path, GroundTruth], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a warehouse of the NXLog files."""
    return _warehouse(tmp_path_factory.mktemp("nxlog") / "w", staged[0] / "nxlog")
