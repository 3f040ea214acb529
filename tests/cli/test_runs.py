"""Named runs: from where the next one goes on, what is recorded, and that two of a name do not overlap."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.cli.scheduling import named_run
from wmiwarehouse.errors import UsageError, WmiwhError
from wmiwarehouse.lake.runs import MOST, Record, Runs
from wmiwarehouse.lake.warehouse import Warehouse

Run = Callable[..., Any]
WMIC = "xql_wmic_remote_exec"
AT = datetime(2026, 3, 4, tzinfo=UTC)


@pytest.fixture
def root(case: Any, tmp_path: Path) -> Path:
    shutil.copytree(case.warehouse, tmp_path / "w", ignore=shutil.ignore_patterns("runs"))
    return tmp_path / "w"


@pytest.fixture
def empty(tmp_path: Path) -> Warehouse:
    return Warehouse.create(tmp_path / "w")


def _record(code: int = 0, until: datetime | None = AT) -> Record:
    return Record(number=0, name="", command="hunt", started=AT, finished=AT, ingested_until=until, exit_code=code)


def test_the_next_run_goes_on_where_the_last_one_stopped(root: Path, run: Run) -> None:
    asked = ("hunt", WMIC, "-w", root, "--ingested-since", "last-run", "--run", "nightly", "--fail-on", "high")
    first = run(*asked, "-f", "json")
    assert first.code == 4
    assert "no earlier run nightly" in first.err
    second = run(*asked, "-f", "json")
    assert (second.code, json.loads(second.out)) == (0, [])
    assert run("hunt", WMIC, "-w", root, "-f", "json").out == first.out
    listed = json.loads(run("runs", "nightly", "-w", root, "-f", "json").out)
    assert [(one["exit_code"], one["hits"] > 0) for one in listed] == [(0, False), (4, True)]
    assert listed[0]["ingested_until"] == listed[1]["ingested_until"]
    assert json.loads(run("runs", "-w", root, "-f", "json").out) == listed[:1]


def test_each_command_has_its_own_name(root: Path, run: Run) -> None:
    for command, extra in (("risk", ("-f", "json")), ("report", ("-f", "json"))):
        first = run(command, "-w", root, "--ingested-since", "last-run", "--fail-on", "critical", *extra)
        again = run(command, "-w", root, "--ingested-since", "last-run", "--fail-on", "low", *extra)
        assert (first.code, again.code) == (0, 0), "nothing is critical, and then nothing is new"
        found = json.loads(again.out)
        assert not (found if command == "risk" else found["cases"])
        assert run(command, "-w", root, "--fail-on", "low", *extra).code == 4
    assert {one["name"] for one in json.loads(run("runs", "-w", root, "-f", "json").out)} == {"risk", "report"}


def test_a_run_that_failed_moves_nothing(root: Path, run: Run, tmp_path: Path) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine")
    asked = ("hunt", WMIC, "-w", root, "--ingested-since", "last-run", "-o", there)
    assert run(*asked).code == 2
    assert there.read_text() == "mine"
    (listed,) = json.loads(run("runs", "hunt", "-w", root, "-f", "json").out)
    assert listed["exit_code"] == 2
    found = run("hunt", WMIC, "-w", root, "--ingested-since", "last-run", "-f", "json")
    assert "no earlier run hunt came to its end" in found.err
    assert json.loads(found.out)


def test_another_hunt_under_the_same_name_is_told(root: Path, run: Run) -> None:
    assert "asked for something else" not in run("hunt", WMIC, "-w", root, "--run", "one").err
    said = run("hunt", "lateral_movement", "-w", root, "--ingested-since", "last-run", "--run", "one")
    assert f"asked for something else (hunt {WMIC})" in said.err


def test_without_a_name_nothing_is_recorded(root: Path, run: Run) -> None:
    assert run("hunt", WMIC, "-w", root, "--ingested-since", "2020-01-01").code == 0
    assert run("hunt", WMIC, "-w", root, "--suppressed", "--run", "looked").code == 0
    said = run("runs", "-w", root)
    assert (said.code, said.out) == (0, "")
    assert run("runs", "nightly", "-w", root).code == 2


def test_only_an_end_moves_the_mark(empty: Warehouse) -> None:
    found = Runs(empty, "x")
    for code in (0, 1, 2, 3, 130):
        found.append(_record(code, None if code else AT))
    assert found.last() is not None
    assert found.last() == found.records()[0]
    for code in (4, 5):
        found.append(_record(code))
        assert found.last() == found.records()[-1]


def test_old_records_go_but_never_the_last_that_ended(empty: Warehouse) -> None:
    found = Runs(empty, "x")
    found.append(_record())
    path = empty.root / "runs" / "x.jsonl"
    found.append(_record(1))
    for _ in range(3):
        found.append(_record(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wmiwarehouse.lake.runs.MOST", 2)
        for _ in range(3):
            found.append(_record(1))
    assert MOST == 1000
    assert [one.number for one in found.records()] == [1, 7, 8]
    assert found.last() == found.records()[0]
    assert not path.with_suffix(".jsonl.new").exists()


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (lambda text: text[:-5], "line 2: ends in the middle of a line"),
        (lambda text: text.replace(b'"exit_code": 0', b'"exit_code": 1', 1), "line 1: its hash does not fit"),
        (lambda text: b"\xff\n" + text, "line 1: is no JSON"),
        (lambda text: b"[" * 100_000 + b"\n", "line 1: "),
        (lambda text: text.splitlines(True)[0] * 3, "line 3: run 1 follows run 1"),
        (lambda text: b"{}\n", "line 1: its hash does not fit"),
    ],
)
def test_a_damaged_record_is_an_error(empty: Warehouse, run: Run, damage: Callable[[bytes], bytes], cause: str) -> None:
    found = Runs(empty, "nightly")
    for _ in range(2):
        found.append(_record())
    path = empty.root / "runs" / "nightly.jsonl"
    path.write_bytes(damage(path.read_bytes()))
    said = run("hunt", WMIC, "-w", empty.root, "--ingested-since", "last-run", "--run", "nightly")
    assert said.code == 1
    assert f"nightly.jsonl, {cause}" in said.err
    assert "move the file away" in said.err
    assert run("runs", "-w", empty.root).code == 1


def test_two_runs_of_a_name_do_not_overlap(root: Path, run: Run) -> None:
    asked = ("hunt", WMIC, "-w", root, "--run", "nightly")
    with named_run(root, "report", "nightly"):
        said = run(*asked)
        assert said.code == 1
        assert "a run nightly is going on" in said.err
        assert f"process {os.getpid()}, report" in said.err
        assert run("hunt", WMIC, "-w", root, "--run", "other").code == 0
    assert run(*asked).code == 0
    assert not list((root / "runs").glob("*.running"))


def test_whatever_ends_a_run_is_recorded(empty: Warehouse) -> None:
    for error in (KeyboardInterrupt(), WmiwhError("x"), UsageError("x"), ZeroDivisionError()):
        with pytest.raises(type(error)), named_run(empty.root, "hunt", "x"):
            raise error
    assert [one.exit_code for one in Runs(empty, "x").records()] == [130, 1, 2, 1]
    assert Runs(empty, "x").last() is None


@pytest.mark.parametrize("name", ["", "../x", "a b", "Nightly", "con", "lpt1", "x.y", "a" * 61, "ä"])
def test_names_that_are_none(empty: Warehouse, run: Run, name: str) -> None:
    said = run("hunt", "-w", empty.root, "--run", name)
    assert said.code == 2
    assert "no name for a run" in said.err
    assert not (empty.root / "runs").exists()
