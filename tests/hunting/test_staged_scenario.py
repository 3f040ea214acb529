"""What was staged is what is found: every analytic against the lab's own labels, in each format and in both."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.demo import Score, score, score_facts
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.hunting.selection import select
from wmiwarehouse.lab import GroundTruth, Row, generate
from wmiwarehouse.lake import catalog, relations
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.views import create_views
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest

# Analytics whose benign rows nobody staged: no administrator redirects output to a share of the host itself.
_ATTACKS_ONLY = {"wmiexec_output"}
# NXLog cuts 4688 to whole seconds, which may put a child before the connection that it followed.
_LOST_TO_WHOLE_SECONDS = {"nxlog": {"car_2014_12_001"}}


@pytest.mark.parametrize("kind", ["warehouse", "nxlog", "both_formats"])
def test_every_staged_row_is_found_and_nothing_else(
    kind: str, staged: tuple[Path, GroundTruth], request: pytest.FixtureRequest
) -> None:
    scores = score(request.getfixturevalue(kind), staged[1])
    newest = set(Library.load().newest)
    counted = {"escu_remote_process_instantiation_via_wmi"}
    assert {found.analytic for found in scores} == (set(staged[1].hits) & newest) - counted
    for found in scores:
        assert found.attacks >= 2
        assert found.unexpected == 0, found
        if found.analytic not in _LOST_TO_WHOLE_SECONDS.get(kind, ()):
            assert (found.analytic, found.missed) == (found.analytic, 0)
        assert found.benign >= 1 or found.analytic in _ATTACKS_ONLY, found


def test_what_belongs_together_is_put_together(warehouse: Path, staged: tuple[Path, GroundTruth]) -> None:
    scores = {found.analytic: found for found in score_facts(warehouse, staged[1])}
    assert len(scores) == 5
    for found in scores.values():
        assert (found.missed, found.unexpected) == (0, 0), found
        assert found.attacks >= 2


def test_where_a_child_came_from(warehouse: Path, staged: tuple[Path, GroundTruth]) -> None:
    library = Library.load()
    with open_hunt(warehouse, library) as hunting:
        (analytic,) = select(library, ["wmi_child_origin"])
        table = hunting.run(analytic)
    found: dict[str, set[Row]] = {origin: set() for origin in staged[1].origins}
    for row in table.select(["origin", "host", "channel", "event_id", "record_id"]).to_pylist():
        found[row.pop("origin").partition(" ")[0]].add(Row(*row.values()))
    assert found == {origin: set(rows) for origin, rows in staged[1].origins.items()}


def test_precision_counts_what_alarms_for_nothing() -> None:
    found = Score("a", False, found=10, attacks=6, benign=3, context=2, missed=1, missed_attacks=2, unexpected=1)
    assert (found.precision, found.recall) == (0.6, 0.75)
    quiet = Score("b", True, found=2, attacks=0, benign=0, context=2, missed=0, missed_attacks=0, unexpected=0)
    assert (quiet.precision, quiet.recall) == (None, None)


def test_copies_hit_nothing_twice(tmp_path: Path) -> None:
    truth = generate(tmp_path / "logs", copies=True)
    lake = Warehouse.create(tmp_path / "w")
    with lake.writing():
        summary = ingest([tmp_path / "logs" / "evtx", tmp_path / "logs" / "copies"], lake)
    assert summary.duplicates == sum(truth.copies.values())
    assert [found for found in score(tmp_path / "w", truth) if found.missed or found.unexpected] == []


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
        for statement in relations.base_relations(Warehouse.open(both_formats).batches()):
            connection.execute(statement)
        create_views(connection, Library.load(), ())
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
