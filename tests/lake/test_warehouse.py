"""The warehouse folder: whose it is, who may write, and views that never go stale."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wmiwarehouse import cache
from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.lake import catalog, tables, views
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.schema import EVENT_COLUMNS


@pytest.fixture
def library() -> Library:
    return Library.load()


def names(path: Path) -> set[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        query = "select schema_name || '.' || view_name from duckdb_views() where not internal"
        rows = connection.execute(query).fetchall()
    return {name for (name,) in rows}


def test_a_new_folder_and_an_empty_one_become_a_warehouse(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for root in (tmp_path / "a" / "b", tmp_path / "empty"):
        warehouse = Warehouse.create(root)
        assert Warehouse.open(root).root == warehouse.root
        assert warehouse.batches() == []


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("x")
    with pytest.raises(WmiwhError, match="nothing was written") as error:
        Warehouse.create(tmp_path)
    assert error.value.code is ExitCode.USAGE
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]
    with pytest.raises(WmiwhError, match="is a file"):
        Warehouse.create(tmp_path / "theirs")
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(WmiwhError) as missing:
            Warehouse.open(root)
        assert missing.value.code is ExitCode.NO_DATA


def test_folders_that_are_no_batches_are_not_taken_for_some(tmp_path: Path) -> None:
    warehouse = Warehouse.create(tmp_path / "w")
    (warehouse.lake / "half").mkdir()
    (warehouse.lake / "notes.txt").write_text("x")
    assert warehouse.batches() == []


def test_an_empty_warehouse_has_every_view(tmp_path: Path, library: Library) -> None:
    warehouse = Warehouse.create(tmp_path / "w")
    catalog.write_database(warehouse, library)
    found = names(warehouse.database)
    assert {"main.lake_events", "main.lake_sources", "main.lake_problems", "main.lake_duplicates"} <= found
    assert {"main.lake_hosts", "main.settings", "main.host_alias", "main.host_alias_address"} <= found
    assert {f"main.{model.name}" for model in library.models} <= found
    assert {f"hunt.{one}" for one in library.newest} <= found
    assert {f"hunt.{analytic.view}" for analytic in library.analytics} <= found
    with duckdb.connect(str(warehouse.database), read_only=True) as connection:
        for view in sorted(found - {"main.settings", "main.analytic_requirement", "main.sibling_event"}):  # no logs
            assert connection.execute(f"select count(*) from {view}").fetchall() == [(0,)]
        described = connection.execute("describe lake_events").fetchall()
    assert [row[0] for row in described] == list(EVENT_COLUMNS)


def test_a_database_that_cannot_be_written_says_what_is_left(
    tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = Warehouse.create(tmp_path / "w")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(catalog, "_write_database", full)
        with pytest.raises(WmiwhError, match=r"; there is none yet$"):
            catalog.write_database(warehouse, library)
    catalog.write_database(warehouse, library)
    monkeypatch.setattr(catalog, "_write_database", full)
    with pytest.raises(WmiwhError, match=r"; it stays as it was$"):
        catalog.write_database(warehouse, library)


def test_the_database_is_built_again_when_the_folder_was_moved(tmp_path: Path, library: Library) -> None:
    warehouse = Warehouse.create(tmp_path / "w")
    catalog.refresh_database(warehouse, library)
    before = warehouse.database.stat().st_mtime_ns
    catalog.refresh_database(warehouse, library)
    assert warehouse.database.stat().st_mtime_ns == before
    warehouse.root.rename(tmp_path / "moved")
    moved = Warehouse.open(tmp_path / "moved")
    catalog.refresh_database(moved, library)
    assert moved.database.stat().st_mtime_ns != before
    assert moved.read_mark()["root"] == str(tmp_path / "moved")
    moved.database.unlink()
    catalog.refresh_database(moved, library)
    assert moved.database.is_file()


def test_views_that_fit_are_kept_and_others_are_not(
    tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []

    def counted(*given: Any) -> None:
        made.append(given)
        views.create_views(*given)

    monkeypatch.setattr(catalog, "create_views", counted)
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    warehouse = Warehouse.create(tmp_path / "w")
    with catalog.Ahead(warehouse, library) as ahead:
        catalog.refresh_database(warehouse, library, ahead)
    assert len(made) == 1
    every = names(warehouse.database)
    another = Warehouse.create(tmp_path / "another")
    with catalog.Ahead(another, library) as ahead:
        catalog.refresh_database(another, library, ahead)
    assert len(made) == 1  # what was bound for the first is there for each that is new
    assert names(another.database) == every
    sizes = set()
    for networks in ('["10.0.0.0/8"]', '["172.16.0.0/12"]', '["192.168.0.0/16"]', "[]"):
        (warehouse.root / "wmiwh.toml").write_text(f"[network]\ninternal = {networks}\n")
        with catalog.Ahead(warehouse, library) as ahead:
            assert ahead.base() is None
            catalog.refresh_database(warehouse, library, ahead)
        assert catalog.is_current(warehouse, library)
        sizes.add(warehouse.database.stat().st_size)
    assert len(made) == 1
    assert names(warehouse.database) == every
    assert max(sizes) < 10_000_000  # what is replaced leaves no trail
    with duckdb.connect(str(warehouse.database)) as connection:
        connection.execute("create or replace view events as select 1 as one")
    (warehouse.root / "wmiwh.toml").write_text('[network]\ninternal = ["10.0.0.0/8"]\n')
    catalog.refresh_database(warehouse, library)
    assert len(made) == 2  # it is not what was built
    with duckdb.connect(str(warehouse.database), read_only=True) as connection:
        assert connection.execute("select count(*) from events").fetchall() == [(0,)]


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "\xff"])
def test_a_damaged_mark_is_an_old_one(tmp_path: Path, library: Library, content: str) -> None:
    warehouse = Warehouse.create(tmp_path / "w")
    (warehouse.root / "warehouse.json").write_bytes(content.encode("latin-1"))
    assert warehouse.read_mark() == {}
    catalog.refresh_database(warehouse, library)
    assert json.loads((warehouse.root / "warehouse.json").read_text())["batches"] == []


def test_only_one_writes(tmp_path: Path) -> None:
    first, second = Warehouse.create(tmp_path / "w"), Warehouse(tmp_path / "w")
    with first.writing():
        with pytest.raises(WmiwhError, match="another ingest") as error, second.writing(wait=False):
            pytest.fail("two write at once")
        assert error.value.code is ExitCode.FAILED
    with second.writing(wait=False):
        pass


def test_the_second_waits_and_says_so(tmp_path: Path) -> None:
    first, second = Warehouse.create(tmp_path / "w"), Warehouse(tmp_path / "w")
    order: list[str] = []
    waiting = threading.Event()

    def on_wait() -> None:
        order.append("waits")
        waiting.set()

    def write() -> None:
        with second.writing(on_wait=on_wait):
            order.append("second")

    thread = threading.Thread(target=write)
    with first.writing():
        thread.start()
        assert waiting.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["waits", "first", "second"]


def test_the_lock_is_given_back_after_a_failure(tmp_path: Path) -> None:
    warehouse = Warehouse.create(tmp_path / "w")
    with pytest.raises(ZeroDivisionError), warehouse.writing():
        raise ZeroDivisionError
    with warehouse.writing(wait=False):
        pass


def test_what_an_interrupted_ingest_left_is_removed(tmp_path: Path) -> None:
    warehouse = Warehouse.create(tmp_path / "w")
    (warehouse.staging / "batch" / "events").mkdir(parents=True)
    (warehouse.staging / "batch" / "events" / "part.parquet").write_bytes(b"half")
    (warehouse.staging / "a file").write_bytes(b"x")
    warehouse.clear_staging()
    assert list(warehouse.staging.iterdir()) == []


def test_small_tables_keep_their_columns_when_they_are_empty(tmp_path: Path) -> None:
    for columns in (tables.SOURCES, tables.PROBLEMS, tables.DUPLICATES, tables.HOSTS):
        path = tmp_path / "t.parquet"
        tables.write(path, columns, [])
        described: list[Any] = duckdb.execute(f"describe select * from '{path}'").fetchall()
        kinds = {kind: kind.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE") for kind in columns.values()}
        assert {row[0]: row[1] for row in described} == {name: kinds[kind] for name, kind in columns.items()}


@pytest.mark.skipif(sys.platform != "linux", reason="names are text there")
def test_a_folder_whose_name_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"p\xff") / "w"
    with pytest.raises(WmiwhError, match="is no UTF-8, which DuckDB needs; name another: -w DIR"):
        Warehouse.create(root)
    assert list(tmp_path.iterdir()) == []
