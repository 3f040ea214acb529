"""The cache: right, or not there. What it keeps is SQL that is run, so nobody else may have written it."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from wmiwarehouse import cache
from wmiwarehouse.cli.app import app
from wmiwarehouse.projection.compiler import Projection

_CHILD = {
    "TimeCreated": "2026-03-02T10:00:00Z",
    "Channel": "Microsoft-Windows-Sysmon/Operational",
    "EventID": 1,
    "Computer": "ws01",
    "Image": r"C:\Windows\System32\cmd.exe",
    "ParentImage": r"C:\Windows\System32\wbem\WmiPrvSE.exe",
    "CommandLine": "cmd.exe /c whoami",
    "ProcessId": 4711,
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "home" / "cache"
    monkeypatch.setenv(cache.VARIABLE, str(found))
    return found


def test_what_was_kept_comes_back_for_what_it_was_made_of(folder: Path) -> None:
    assert cache.fetch("a") is None
    cache.keep("a", b"of a")
    cache.keep("b", b"")
    assert (cache.fetch("a"), cache.fetch("b"), cache.fetch("c")) == (b"of a", b"", None)
    cache.keep("a", b"of a, again")
    assert cache.fetch("a") == b"of a, again"
    assert len(list(folder.iterdir())) == 2


def test_another_program_does_not_find_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.keep("a", b"of a")
    monkeypatch.setattr(cache, "_program", lambda: "another version")
    assert cache.fetch("a") is None


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 100])
def test_a_damaged_file_is_as_none(folder: Path, damage: bytes) -> None:
    cache.keep("a", b"of a")
    (path,) = folder.iterdir()
    path.write_bytes(damage)
    assert cache.fetch("a") is None
    cache.keep("a", b"of a")
    assert cache.fetch("a") == b"of a"


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such modes there")
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_to_is_not_used(folder: Path, mode: int) -> None:
    cache.keep("a", b"of a")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(mode)
    assert cache.fetch("a") is None
    cache.keep("b", b"of b")
    assert len(list(folder.iterdir())) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such owner there")
def test_nor_is_one_of_somebody_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.keep("a", b"of a")
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    assert cache.fetch("a") is None
    cache.keep("b", b"of b")
    assert len(list(folder.iterdir())) == 1


def test_where_nothing_can_be_kept_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    for place in (str(tmp_path / "file"), str(tmp_path / "file" / "beneath"), ""):
        monkeypatch.setenv(cache.VARIABLE, place)
        cache.keep("a", b"of a")
        assert cache.fetch("a") is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_a_full_disk_leaves_no_half_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.keep("a", b"of a")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    cache.keep("b", b"of b")
    assert len(list(folder.iterdir())) == 1


def test_the_oldest_make_room_and_files_of_others_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MOST_FILES", 3)
    (folder / "photos").mkdir(parents=True)
    folder.chmod(0o700)
    others = [folder / "letter.txt", folder / ("0" * 64)]
    for other in others:
        other.write_text("mine")
        os.utime(other, (0, 0))
    for number in range(5):
        cache.keep(str(number), b"")
        for path in folder.iterdir():
            os.utime(path, (time.time() - 10, path.stat().st_mtime - 10))
    assert [cache.fetch(str(number)) is not None for number in range(5)] == [False, False, True, True, True]
    assert all(other.read_text() == "mine" for other in others)
    assert (folder / "photos").is_dir()


def test_kept_statements_are_the_compiled_ones(folder: Path) -> None:
    compiled = {name: Projection().statements(name) for name in ("evtx", "nxlog", "splunk")}
    assert len(list(folder.iterdir())) == 3
    for name, statements in compiled.items():
        found = Projection()
        assert found.statements(name) == statements
        assert "columns" not in vars(found.events[0])  # nothing was parsed
    assert compiled["evtx"].clock is None
    assert compiled["nxlog"].clock is not None


def test_a_new_warehouse_has_the_same_views_with_and_without(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "logs.json"
    logs.write_text(json.dumps(_CHILD), encoding="utf-8")
    made = []
    for name in ("first", "from_cache", "set", "without"):
        if name == "without":
            monkeypatch.setenv(cache.VARIABLE, "")
        done = CliRunner().invoke(app, ["ingest", str(logs), "-w", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
        if name == "set":
            (tmp_path / name / "warehouse.duckdb").unlink()
            (tmp_path / name / "wmiwh.toml").write_text('[hosts.aliases]\nsccm01 = ["10.0.0.7"]\n', encoding="utf-8")
            assert CliRunner().invoke(app, ["ingest", str(logs), "-w", str(tmp_path / name)]).exit_code == 0
        with duckdb.connect(str(tmp_path / name / "warehouse.duckdb"), read_only=True) as connection:
            query = "select schema_name, view_name, sql from duckdb_views() where not internal order by all"
            views = connection.execute(query).fetchall()
            assert connection.execute("select count(*) from hunt.wmiprvse_children").fetchone() == (1,)
        made.append([(schema, view, sql.replace(str(tmp_path / name), "W")) for schema, view, sql in views])
    assert len(made[0]) > 80
    bare = [[row for row in views if not row[1].startswith(("lake_", "host_alias"))] for views in made]
    assert [set(views) ^ set(bare[0]) for views in bare] == [set()] * 4
