"""``wmiwh report``: where it writes, what it refuses before any work, and its other forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.report import files, handover

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def written(case: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.cli.conftest import wmiwh

    folder = tmp_path_factory.mktemp("report") / "out"
    said = wmiwh("report", "-w", case.warehouse, "-o", f"{folder}/", "--hunter", "A. Hunter")
    assert said.code == 0, said.err
    assert said.out == ""
    assert "movements from host to host found" in said.err
    return folder


def test_a_folder_gets_all_three_forms(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == ["report.html", "report.json", "report.md"]
    for path in written.iterdir():
        assert "A. Hunter" in path.read_text(encoding="utf-8")
    assert (written / "report.html").stat().st_size < 2 << 20


def test_nothing_is_overwritten_without_force(written: Path, case: Any, run: Run) -> None:
    before = (written / "report.html").read_bytes()
    said = run("report", "-w", case.warehouse, "-o", written)
    assert said.code == 2
    assert "--force" in said.err
    assert (written / "report.html").read_bytes() == before


def test_a_second_run_gives_the_same_bytes(written: Path, case: Any, run: Run, tmp_path: Path) -> None:
    said = run("report", "-w", case.warehouse, "-o", tmp_path, "--hunter", "A. Hunter")
    assert said.code == 0, said.err
    for name in ("report.html", "report.md", "report.json"):
        same = (tmp_path / name).read_bytes() == (written / name).read_bytes()
        assert same, name


def test_markdown_goes_to_stdout(case: Any, run: Run) -> None:
    said = run("report", "-w", case.warehouse, "--rows", 0, "--since", "2023-01-01", "--until", "2023-01-02")
    assert said.code == 0, said.err
    assert said.out.startswith("# WMI - Lateral Movement Hunt\n")
    assert "No lateral movement with WMI was found in what was read." in said.out


def test_what_came_later_is_new(written: Path, case: Any, run: Run, tmp_path: Path) -> None:
    """An older report that lacks a case, a report of now that has it."""
    old = json.loads((written / "report.json").read_text(encoding="utf-8"))
    gone = old["cases"].pop(0)
    path = tmp_path / "old.json"
    path.write_text(json.dumps(old), encoding="utf-8")
    said = run("report", "-w", case.warehouse, "-f", "json", "--compare", path)
    assert said.code == 0, said.err
    made = json.loads(said.out)
    assert [(one["what"], one["name"]) for one in made["changes"] if one["kind"] == "case"] == [("new", gone["title"])]
    assert made["compared_with"] == "old.json"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "report.doc"], "the suffix names no format"),
        (["-f", "xlsx"], "xlsx is for files"),
        (["-f", "csv"], "csv is for files"),
        (["-o", "nowhere/x/report.html"], "does not exist"),
        (["--created", "yesterday"], "--created yesterday: no date"),
        (["--conclusion", "missing.txt"], "--conclusion missing.txt: is no file"),
        (["--compare", "missing.json"], "missing.json: No such file"),
        (["--since", "soon"], "--since soon"),
    ],
)
def test_mistakes_are_one_line_and_cost_no_time(
    arguments: list[str], said: str, case: Any, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = run("report", "-w", case.warehouse, *arguments)
    assert found.code == 2
    assert said in found.err
    assert len(found.err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_no_warehouse_is_exit_3(run: Run, tmp_path: Path) -> None:
    assert run("report", "-w", tmp_path / "none").code == 3


def test_a_conclusion_is_the_hunters(case: Any, run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_bytes(b"\xef\xbb\xbfTwo hosts.\r\nIsolated.\r\n")
    said = run(
        *("report", "-w", case.warehouse, "-f", "json", "--conclusion", tmp_path / "c.txt"),
        *("--since", "2023-01-01", "--until", "2023-01-02", "--created", "2026-03-09"),
    )
    made = json.loads(said.out)
    assert made["conclusion"] == "Two hosts.\nIsolated."
    assert made["head"]["created"] == "2026-03-09T00:00:00Z"


@pytest.mark.parametrize(
    ("fmt", "name"), [("navigator", "layer.json"), ("timesketch", "t.jsonl"), ("xlsx", "r.xlsx"), ("csv", "tables")]
)
def test_the_hand_over_forms_are_written(fmt: str, name: str, written: Path, tmp_path: Path) -> None:
    (target,) = files.targets(str(tmp_path / name), files.Format(fmt), force=False)
    paths = files.write(handover.load(written / "report.json"), target, force=False)
    assert paths
    assert all(path.stat().st_size > 3 for path in paths)
    assert (tmp_path / name).is_dir() == (fmt == "csv")
