"""What a large lake has worked out once is the same as what is worked out each time, and never out of date."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wmiwarehouse.cli.app import app
from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting import hunt
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.hunting.selection import select
from wmiwarehouse.lake import views
from wmiwarehouse.lake.forget import find_source, forget
from wmiwarehouse.lake.remembered import FOLDER, Remembered
from wmiwarehouse.lake.settings import FILE_NAME
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest

ASKED = ("wmiprvse_children", "report_remote_execution", "lateral_movement", "car_2014_12_001_session")


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunt, "LEAST_LAKE", 0)


@pytest.fixture
def own(warehouse: Path, tmp_path: Path) -> Iterator[Path]:
    """A warehouse that the test may change."""
    yield Path(shutil.copytree(warehouse, tmp_path / "own"))
    assert files(warehouse) == {}  # so small a lake is faster without
    shutil.rmtree(tmp_path / "own", ignore_errors=True)


def found(warehouse: Path, filters: Filters | None = None) -> dict[str, list[dict[str, Any]]]:
    library = Library.load()
    with open_hunt(warehouse, library, filters) as hunting:
        return {name: hunting.run(library.get(name)).to_pylist() for name in ASKED}


def plainly(warehouse: Path) -> dict[str, list[dict[str, Any]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hunt, "LEAST_LAKE", 1 << 60)
        return found(warehouse)


def files(warehouse: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (warehouse / FOLDER).glob("*")}


def test_everything_is_the_same_with_and_without(warehouse: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library.load()

    def lines(place: Path) -> list[tuple[Any, ...]]:
        with open_hunt(place, library) as hunting:
            return [
                (line.analytic.id, line.hits, line.hosts, line.first_time, line.last_time, line.seen.sentence)
                for line in hunting.lines(select(library, []))
            ]

    plain = lines(warehouse)
    monkeypatch.setattr(hunt, "LEAST_LAKE", 0)
    assert lines(own) == plain
    names = {model.name for model in library.models if model.metadata.remembered or model.metadata.shared}
    views = {item.view for item in library.newest.values()}
    assert {name.rpartition("-")[0] for name in files(own)} == names | views
    before = files(own)
    assert lines(own) == plain
    assert files(own) == before


def test_the_rows_of_every_analytic_are_the_same_from_disk(
    warehouse: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library.load()
    with open_hunt(warehouse, library) as plainly, pytest.MonkeyPatch.context() as patch:
        patch.setattr(hunt, "LEAST_LAKE", 0)
        with open_hunt(own, library) as first, open_hunt(own, library) as second:
            assert files(own) == {}
            for analytic in library.newest.values():
                rows = plainly.run(analytic)
                for hunting in (first, second):
                    found = hunting.run(analytic)
                    assert found.schema.equals(rows.schema), analytic.id
                    assert found.to_pylist() == rows.to_pylist(), analytic.id


@pytest.mark.usefixtures("large")
def test_of_very_many_hits_only_their_count_is_remembered(
    warehouse: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST_HITS", 100)
    library = Library.load()
    many = library.get("report_logon_id_events")
    few = library.get("playbook_src_4674_winsock2")
    with open_hunt(own, library) as hunting:
        lines = [(line.hits, line.hosts, line.first_time, line.last_time) for line in hunting.lines([many, few])]
        rows = hunting.run(many)
    assert lines[0][0] == rows.num_rows > 100 >= lines[1][0] > 0
    kept = {name.rpartition("-")[0]: (own / FOLDER / name) for name in files(own)}
    assert {f"{many.view}.line", many.view, few.view} <= set(kept)
    assert f"{few.view}.line" not in kept
    assert kept[many.view].stat().st_size < 1000
    before = files(own)
    with open_hunt(own, library) as hunting:
        again = [(line.hits, line.hosts, line.first_time, line.last_time) for line in hunting.lines([many, few])]
        assert hunting.run(many).to_pylist() == rows.to_pylist()
    assert again == lines
    assert files(own) == before


@pytest.mark.usefixtures("large")
def test_a_hunt_with_filters_takes_what_is_there_and_adds_no_hits(own: Path) -> None:
    library = Library.load()
    analytic = library.get("wmiprvse_children")
    narrowed = Filters(host="fs01")
    with open_hunt(own, library, narrowed) as hunting:
        rows = hunting.run(analytic).to_pylist()
    assert not list((own / FOLDER).glob(f"{analytic.view}*"))
    with open_hunt(own, library) as hunting:
        hunting.line(analytic)
    assert list((own / FOLDER).glob(f"{analytic.view}-*"))
    with open_hunt(own, library, narrowed) as hunting:
        assert hunting.run(analytic).to_pylist() == rows
        made_of = "select sql from duckdb_views() where view_name = ?"
        found = hunting.connection(analytic).execute(made_of, [analytic.view]).fetchone()
    assert FOLDER in str(found)
    assert rows


@pytest.mark.usefixtures("large")
def test_what_many_share_is_worked_out_for_many_and_taken_by_all(own: Path) -> None:
    library = Library.load()
    shared = {model.name for model in library.models if model.metadata.shared}
    analytic = library.get("wmiprvse_children")
    made_of = "select sql from duckdb_views() where view_name in (select unnest($1))"
    with open_hunt(own, library) as hunting:
        alone = hunting.run(analytic).to_pylist()
    assert alone
    assert shared
    assert not shared & {name.rpartition("-")[0] for name in files(own)}
    with open_hunt(own, library) as hunting:
        hunting.prepare(select(library, []))
    assert shared <= {name.rpartition("-")[0] for name in files(own)}
    with open_hunt(own, library, Filters(host="fs01")) as hunting:
        found = hunting.connection(models=shared).execute(made_of, [list(shared)]).fetchall()
    assert len(found) == len(shared)
    assert all(FOLDER in sql for (sql,) in found)
    for path in (own / FOLDER).glob(f"{analytic.view}-*"):
        path.unlink()
    with open_hunt(own, library) as hunting:
        assert hunting.run(analytic).to_pylist() == alone


@pytest.mark.usefixtures("large")
def test_filters_on_the_rows_change_nothing_in_it(warehouse: Path, own: Path) -> None:
    everything = found(own)
    narrowed = found(own, Filters(host="fs01"))
    assert found(own) == everything == plainly(warehouse)
    assert narrowed != everything
    assert all(set(map(str, narrowed[name])) <= set(map(str, everything[name])) for name in ASKED)


@pytest.mark.usefixtures("large")
def test_a_new_ingest_and_new_settings_are_seen_at_once(own: Path, staged: tuple[Path, Any], tmp_path: Path) -> None:
    logs = sorted((staged[0] / "evtx").iterdir())
    small = Warehouse.create(tmp_path / "small")
    with small.writing():
        ingest(logs[:3], small)
    first = found(small.root)
    with small.writing():
        ingest(logs, small)
    assert found(small.root) == plainly(small.root) != first
    before = set(files(own))
    (own / FILE_NAME).write_text('[network]\ninternal = ["203.0.113.0/24"]\n', encoding="utf-8")
    found(own)
    assert set(files(own)) - before


@pytest.mark.usefixtures("large")
def test_damaged_files_are_worked_out_anew(own: Path) -> None:
    everything = found(own)
    damaged = sorted((own / FOLDER).glob("*"))
    for number, path in enumerate(damaged):
        content = path.read_bytes()
        path.write_bytes((b"", content[: len(content) // 2], b"no parquet")[number % 3])
    assert found(own) == everything
    assert any(path.stat().st_size > 100 for path in damaged[::3])


@pytest.mark.usefixtures("large")
def test_a_file_of_the_lake_that_was_exchanged_is_another_state(own: Path) -> None:
    found(own)
    before = set(files(own))
    victim = Warehouse.open(own).batches()[0].event_files[0]
    os.utime(victim, (0, 0))
    found(own)
    assert set(files(own)) - before


@pytest.mark.usefixtures("large")
def test_verify_says_that_no_hash_covers_it_and_repair_removes_it(own: Path) -> None:
    found(own)
    said = CliRunner().invoke(app, ["verify", "-w", str(own)])
    assert said.exit_code == 0
    assert f"{len(files(own))} files in {FOLDER}/, covered by no hash" in said.stderr
    assert CliRunner().invoke(app, ["verify", "--repair", "-w", str(own)]).exit_code == 0
    assert files(own) == {}


@pytest.mark.usefixtures("large")
def test_a_file_of_another_model_is_not_taken(own: Path) -> None:
    everything = found(own)
    one, other = sorted((own / FOLDER).glob("*"))[:2]
    shutil.copy(one, other)
    assert found(own) == everything


@pytest.mark.usefixtures("large")
def test_where_nothing_can_be_written_it_is_worked_out_all_the_same(own: Path) -> None:
    (own / FOLDER).write_text("a file in the way", encoding="utf-8")
    assert found(own) == plainly(own)
    library = Library.load()
    with open_hunt(own, library) as hunting:
        hunting.prepare(select(library, []))
        assert {name: hunting.run(library.get(name)).to_pylist() for name in ASKED} == plainly(own)
        connection = hunting.connection(models=[model.name for model in library.models])
        tables = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
    assert "wmi_child" in tables
    assert not tables & {model.name for model in library.models if model.metadata.shared}, "they may be very large"
    assert (own / FOLDER).is_file()


@pytest.mark.usefixtures("large")
def test_what_is_forgotten_is_not_remembered(own: Path) -> None:
    found(own)
    assert files(own)
    warehouse = Warehouse.open(own)
    library = Library.load()
    with open_hunt(own, library) as hunting:
        path = hunting.run(library.get("wmiprvse_children")).to_pylist()[0]["source_file"]
    with warehouse.writing():
        warehouse.clear_staging()
        forget(warehouse, find_source(warehouse, path))
    assert files(own) == {}
    assert all(row["source_file"] != path for row in found(own)["wmiprvse_children"])


def test_old_states_go_after_a_while(tmp_path: Path) -> None:
    import time

    from wmiwarehouse.lake import catalog

    with catalog.connect() as connection:
        for state in ("one", "two", "three"):
            path = Remembered(tmp_path, [state]).keep(connection, "model", "text", "select 1 as a")
            assert path
            if state == "one":
                os.utime(path, (time.time() - 7200,) * 2)
    assert len(files(tmp_path)) == 2
    assert Remembered(tmp_path, ["one"]).find("model", "text") is None
    assert Remembered(tmp_path, ["three"]).find("model", "text")
    assert Remembered(tmp_path, ["three"]).find("model", "other text") is None
