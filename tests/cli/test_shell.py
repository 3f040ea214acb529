"""``wmiwh shell``: the real DuckDB shell, on a current file, read-only, in UTC."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.cli import shell

Run = Callable[..., Any]


def _shell(warehouse: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wmiwarehouse", "shell", "-w", str(warehouse), "--", "-no-init", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)


def test_views_and_utc(case: Any) -> None:
    query = "select current_setting('TimeZone') as zone, (select count(*) from hunt.wmiprvse_children) > 0 as hits"
    said = _shell(case.warehouse, "-json", "-c", query)
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout) == [{"zone": "UTC", "hits": True}]


def test_statements_from_stdin_and_the_exit_code(case: Any) -> None:
    assert "7" in _shell(case.warehouse, "-csv", input="select 3 + 4;\n").stdout
    assert _shell(case.warehouse, "-bail", "-c", "select nosuch").returncode == 1


def test_the_file_is_not_written(case: Any) -> None:
    before = (case.warehouse / "warehouse.duckdb").read_bytes()
    said = _shell(case.warehouse, "-bail", "-c", "create table t as select 1")
    assert said.returncode != 0
    assert "read-only" in said.stderr
    assert (case.warehouse / "warehouse.duckdb").read_bytes() == before


def test_a_moved_warehouse_is_made_current(case: Any, tmp_path: Path) -> None:
    moved = tmp_path / "it's moved"
    shutil.copytree(case.warehouse, moved)
    said = _shell(moved, "-json", "-c", "select count(*) > 0 as n from events")
    assert json.loads(said.stdout) == [{"n": True}]
    assert str(moved).replace("'", "''").encode() in (moved / "warehouse.duckdb").read_bytes()


def test_a_copy_that_cannot_be_written_shows_no_other_warehouse(
    run: Run, case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its views would read the files of the warehouse that it was copied from."""
    shutil.copytree(case.warehouse, tmp_path / "copy")
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)
    said = run("shell", "-w", tmp_path / "copy")
    assert (said.code, said.out) == (3, "")
    assert f"are those of {case.warehouse}, and it cannot be written; next: wmiwh sql" in said.err


def test_without_the_program(run: Run, case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: None)
    said = run("shell", "-w", case.warehouse)
    assert (said.code, said.out) == (2, "")
    assert "pip install 'wmiwarehouse[shell]'" in said.err


def test_without_a_warehouse(run: Run, tmp_path: Path) -> None:
    assert run("shell", "-w", tmp_path / "nowhere").code == 3


@pytest.mark.skipif(sys.platform == "win32", reason="signals are different there")
def test_ctrl_c_is_the_shells() -> None:
    """It ends what runs there, not the parent first: whoever waits for us must not be alone with the shell."""
    child = "import signal, sys, time; signal.signal(signal.SIGINT, lambda *_: sys.exit(7)); time.sleep(30)"
    code = f"from wmiwarehouse.cli import shell; import sys; sys.exit(shell._run([sys.executable, '-c', {child!r}]))"
    parent = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    time.sleep(2)
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.wait(timeout=20) == 7


@pytest.mark.skipif(sys.platform == "win32", reason="signals are different there")
def test_a_shell_that_was_killed() -> None:
    assert shell._run([sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]) == 137
