"""``examples/python_api.py`` runs as it stands there, and says what is true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import wmiwarehouse

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "python_api.py"


def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_example_runs(case: Any, tmp_path: Path) -> None:
    done = run(tmp_path / "w", case.logs / "evtx")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith(f"{case.summary.records:,} records of ")
    with wmiwarehouse.open(tmp_path / "w") as warehouse:
        acts = warehouse.hunt("lateral_movement").rows()
        children = {row["process_name"] for row in warehouse.hunt("wmiprvse_children")}
    assert acts
    for act in acts:
        assert f"{act['source']!a} -> {act['target']!a} as {act['user']!a}" in done.stdout
    assert any(f"  {name!a} " in done.stdout for name in children)


def test_the_example_names_what_is_wrong(tmp_path: Path) -> None:
    done = run(tmp_path / "w", tmp_path / "none\x1b[2J")
    assert done.returncode == 1
    assert "no such file or folder" in done.stderr
    assert "\x1b" not in done.stderr
    assert "Traceback" not in done.stderr
