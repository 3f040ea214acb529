"""Whoever installs the wheel gets the API's types: mypy sees them without the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# What stands behind each line is what mypy has to reveal, or the error that it has to find.
SCRIPT = """
from datetime import datetime
from pathlib import Path

import wmiwarehouse
from wmiwarehouse import NoDataError, Progress, Rows, UsageError, WmiwhError


def show(progress: Progress) -> None:
    reveal_type(progress.records)  # int


with wmiwarehouse.open("case42") as warehouse:
    reveal_type(warehouse)  # wmiwarehouse.api.warehouse.Warehouse
    reveal_type(warehouse.path)  # pathlib.Path
    summary = warehouse.ingest([Path("logs"), "more"], workers=4, progress=show)
    reveal_type(summary)  # wmiwarehouse.pipeline.summary.Summary
    reveal_type(summary.problems)  # list[tuple[str, str, str, int]]
    rows = warehouse.hunt("lateral_movement", since=datetime(2026, 3, 4), until="7d", host="ws05", user="jdoe")
    reveal_type(rows)  # wmiwarehouse.api.rows.Rows
    reveal_type(rows.rows())  # list[dict[str, Any]]
    reveal_type([row for row in rows])  # list[dict[str, Any]]
    reveal_type(len(rows))  # int
    reveal_type(rows.notes)  # tuple[str, ...]
    lines = warehouse.hunt_all(kind=["chain"], technique="T1047")
    reveal_type(lines)  # list[wmiwarehouse.api.rows.Line]
    reveal_type(lines[0].first)  # datetime.datetime | None
    reveal_type(warehouse.sql("select $n", {"n": 1}))  # wmiwarehouse.api.rows.Rows
    reveal_type(warehouse.coverage())  # wmiwarehouse.api.rows.Rows
    reveal_type(warehouse.sources(problems=True))  # wmiwarehouse.api.rows.Rows
    reveal_type(warehouse.analytics()[0].metadata.title)  # str
    warehouse.hunt(7)  # error: arg-type
    warehouse.hunt("x", sinc="7d")  # error: call-arg
    warehouse.hunts("x")  # error: attr-defined

wmiwarehouse.opne("case42")  # error: attr-defined
reveal_type(wmiwarehouse.__version__)  # str
try:
    pass
except WmiwhError as error:
    reveal_type(error.code)  # wmiwarehouse.errors.ExitCode
kinds: tuple[type[WmiwhError], ...] = (UsageError, NoDataError)
rows_kind: type[Rows] = wmiwarehouse.Rows
"""


@pytest.fixture(scope="module")
def said(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """What mypy says of each line of the script, beside an interpreter that has nothing but the wheel."""
    folder = tmp_path_factory.mktemp("types")
    venv.create(folder / "venv", with_pip=False, symlinks=os.name != "nt")
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    place = sysconfig.get_path("purelib", "venv", {"base": str(folder / "venv")})
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", place, str(wheel)], check=True)
    (folder / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(folder / "cache")]
    command += ["--python-executable", str(scripts / "python"), "script.py"]
    environment = {name: value for name, value in os.environ.items() if name not in ("MYPYPATH", "PYTHONPATH")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=600)
    assert done.returncode == 1, done.stdout + done.stderr
    found: dict[int, list[str]] = {}
    for line in done.stdout.splitlines()[:-1]:
        name, number, text = line.split(":", 2)
        if name == "script.py":
            found.setdefault(int(number), []).append(text.strip())
    return found


def test_each_line_has_its_type(said: dict[int, list[str]]) -> None:
    for number, line in enumerate(SCRIPT.splitlines(), 1):
        code, _, expected = line.partition("  # ")
        told = said.get(number, [])
        if expected.startswith("error: "):
            assert any(one.startswith("error: ") and one.endswith(f"[{expected[7:]}]") for one in told), (code, told)
        elif expected:
            assert [re.sub(r"\bbuiltins\.", "", one) for one in told] == [f'note: Revealed type is "{expected}"'], code
        else:
            assert told == [], code
