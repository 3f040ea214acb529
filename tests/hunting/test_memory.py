"""A hunt keeps to the memory that it is given, and says so in one line where that is not enough."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.hunting.hunt import Hunt, open_hunt
from wmiwarehouse.lake import memory, spill
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.rest import purge
from wmiwarehouse.lake.verify import left_over
from wmiwarehouse.lake.warehouse import Warehouse


def limit(warehouse: Path) -> str:
    with open_hunt(warehouse, Library.load()) as hunting:
        return str(rows(hunting.connection(), "select current_setting('memory_limit') as given")[0]["given"])


@pytest.mark.parametrize(("text", "given"), [("4GiB", "4.0 GiB"), (" 512 mib ", "512.0 MiB"), ("4GB", "3.7 GiB")])
def test_the_variable_limits_a_hunt(warehouse: Path, monkeypatch: pytest.MonkeyPatch, text: str, given: str) -> None:
    monkeypatch.setenv(memory.VARIABLE, text)
    assert limit(warehouse) == given


def test_without_it_duckdb_decides(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(memory.VARIABLE, raising=False)
    usual = limit(warehouse)
    monkeypatch.setenv(memory.VARIABLE, "  ")
    assert limit(warehouse) == usual


@pytest.mark.parametrize("text", ["4", "much", "-3GB", "0GB", "63MiB", "50%"])
def test_what_is_no_size_is_refused(warehouse: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(memory.VARIABLE, text)
    with pytest.raises(WmiwhError, match=f"{memory.VARIABLE}={text}: is no size") as caught:
        limit(warehouse)
    assert caught.value.code == ExitCode.USAGE


def test_too_little_is_told_in_one_line(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_LEAST", 0)
    monkeypatch.setenv(memory.VARIABLE, "8MB")
    library = Library.load()
    with (
        pytest.raises(WmiwhError, match=r"needs more memory than it has.* WMIWH_MEMORY=8GB"),
        open_hunt(warehouse, library) as hunting,
    ):
        hunting.run(library.get("lateral_movement"))


_LARGE = "create or replace temp table large as select range as n, md5(range::text) as text from range(4_000_000)"


def spilled(hunting: Hunt) -> Path:
    """Take more memory than there is on the connection of *hunting*; return the folder that took the rest."""
    hunting.connection().execute(_LARGE)
    return Path(rows(hunting.connection(), "select current_setting('temp_directory') as folder")[0]["folder"])


def test_what_does_not_fit_goes_into_the_warehouse_while_the_hunt_runs(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(memory.VARIABLE, "100MB")
    with open_hunt(warehouse, Library.load()) as hunting, open_hunt(warehouse, Library.load()) as other:
        folders = {spilled(hunting), spilled(other)}
        assert {folder.parent for folder in folders} == {warehouse}
        assert len(folders) == 2
        assert all(any(folder.iterdir()) for folder in folders)
    assert not any(folder.exists() for folder in folders)
    assert list(tmp_path.iterdir()) == []


def test_of_a_warehouse_that_cannot_be_written_it_goes_into_the_folder_of_the_system(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setenv(memory.VARIABLE, "100MB")
    with open_hunt(warehouse, Library.load()) as hunting:
        assert spilled(hunting).parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_go_anywhere_is_told_in_one_line(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(spill, "folder", lambda root: tmp_path / "gone" / f"{spill.PREFIX}0")
    monkeypatch.setenv(memory.VARIABLE, "100MB")
    with (
        pytest.raises(WmiwhError, match="needs more memory than it has"),
        open_hunt(warehouse, Library.load()) as hunting,
    ):
        spilled(hunting)


def test_what_a_killed_hunt_left_goes_after_a_day(tmp_path: Path) -> None:
    there = Warehouse.create(tmp_path / "w")
    old, new = there.root / f"{spill.PREFIX}old", there.root / f"{spill.PREFIX}new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"a command line")
    long_ago = time.time() - 25 * 3600
    for path in (*old.iterdir(), old, new):  # in the new one something is still written
        os.utime(path, (long_ago, long_ago))
    assert [one.file for one in left_over(there)] == [old.name]
    purge(there)
    assert not old.exists()
    assert new.exists()
    assert left_over(there) == []
