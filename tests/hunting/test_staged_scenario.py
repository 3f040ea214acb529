"""What was staged is what is found: every analytic against the lab's own labels, in each format and in both."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.demo import score
from wmiwarehouse.hunting.hunt import open_hunt, select
from wmiwarehouse.lab import GroundTruth
from wmiwarehouse.lake import catalog
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.warehouse import Warehouse

_EVENT_LEVEL = 6


@pytest.mark.parametrize("kind", ["warehouse", "nxlog", "both_formats"])
def test_every_staged_row_is_found_and_nothing_else(
    kind: str, staged: tuple[Path, GroundTruth], request: pytest.FixtureRequest
) -> None:
    scores = score(request.getfixturevalue(kind), staged[1])
    assert len(scores) >= _EVENT_LEVEL
    for found in scores:
        assert (found.analytic, found.missed, found.unexpected) == (found.analytic, 0, 0)
        assert found.attacks >= 2
        assert found.benign >= 1


def test_escu_counts_every_staged_record_once(both_formats: Path, staged: tuple[Path, GroundTruth]) -> None:
    """Sysmon 1 and 4688 of one process are one row with count 2; records that came in two formats count once."""
    library = Library.load()
    with open_hunt(both_formats, library) as hunting:
        (analytic,) = select(library, ["escu_remote_process_instantiation_via_wmi"])
        found = hunting.run(analytic).to_pylist()
    assert sum(row["count"] for row in found) == len(staged[1].rows(analytic.id))
    assert any(row["count"] == 2 for row in found)


def test_records_of_both_formats_are_kept_and_copies_known(
    both_formats: Path, staged: tuple[Path, GroundTruth]
) -> None:
    connection = catalog.connect()
    try:
        for statement in catalog.base_relations(Warehouse.open(both_formats).batches()):
            connection.execute(statement)
        catalog.create_views(connection, Library.load(), ())
        (counted,) = rows(
            connection, "select count(*) as records, count(*) filter (where is_duplicate) as copies from events"
        )
    finally:
        connection.close()
    assert counted == {"records": 2 * staged[1].records, "copies": staged[1].records}


def test_the_stock_shell_answers_from_another_folder(
    warehouse: Path, staged: tuple[Path, GroundTruth], tmp_path: Path
) -> None:
    shell = shutil.which("duckdb", path=str(Path(sys.executable).parent))
    if shell is None:
        pytest.fail("the duckdb shell (package duckdb-cli) is not installed")
    query = "select count(*) from hunt.car_2016_03_002"
    command = [shell, "-readonly", "-csv", "-noheader", str(warehouse / "warehouse.duckdb"), query]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == str(len(staged[1].rows("car_2016_03_002")))
