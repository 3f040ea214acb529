"""``wmiwh coverage``: the rows of the view, narrowed, and the honest words beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting.hunt import open_hunt

Run = Callable[..., Any]
XQL = "xql_wmic_remote_exec"


@pytest.fixture(scope="module")
def everything(case: Any) -> list[dict[str, Any]]:
    from typer.testing import CliRunner

    from wmiwarehouse.cli.app import app

    said = CliRunner().invoke(app, ["coverage", "-w", str(case.warehouse), "-f", "json"])
    assert said.exit_code == 0, said.output
    found: list[dict[str, Any]] = json.loads(said.stdout)
    return found


def test_every_host_and_analytic_has_its_row(case: Any, everything: list[dict[str, Any]]) -> None:
    with_logs = {row["host"] for row in everything if row["status"] != "no logs"}
    with open_hunt(case.warehouse, Library.load()) as hunting:
        assert with_logs == set(hunting.hosts.known)
    pairs = [(row["host"], row["analytic"]) for row in everything]
    assert len(pairs) == len(set(pairs))
    assert {row["analytic"] for row in everything} == set(Library.load().ids) - {"data_coverage"}
    assert {row["status"] for row in everything} <= {"seen", "partly", "not seen", "no logs"}


def test_one_analytic_and_one_host(run: Run, case: Any, everything: list[dict[str, Any]]) -> None:
    host = next(row["host"] for row in everything if row["status"] != "no logs")
    of_one = json.loads(run("coverage", "--analytic", XQL, "-w", case.warehouse, "-f", "json").out)
    assert of_one == [row for row in everything if row["analytic"] == XQL]
    said = run(
        "coverage", "--analytic", XQL, "--host", f"{host.upper()}.any.suffix", "-w", case.warehouse, "-f", "json"
    )
    assert json.loads(said.out) == [row for row in of_one if row["host"] == host]


def test_a_range_narrows_the_records(run: Run, case: Any) -> None:
    rows = json.loads(
        run("coverage", "--analytic", XQL, "--until", "1990-01-01", "-w", case.warehouse, "-f", "json").out
    )
    assert not any(row["records"] for row in rows)


def test_the_words_are_honest(run: Run, case: Any) -> None:
    said = run("coverage", "--analytic", XQL, "-w", case.warehouse)
    assert said.code == 0
    assert "Not seen can mean not audited, filtered, rolled over, not collected or did not happen." in said.err
    assert "Seen does not prove that all was logged." in said.err
    assert "clean" not in said.out + said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--analytic", "xql_wmic_remote_exek"], XQL),
        (["--host", "ws011"], "nearest"),
        (["--since", "yesterday"], "yesterday"),
    ],
)
def test_what_is_refused(run: Run, case: Any, arguments: list[str], words: str) -> None:
    said = run("coverage", *arguments, "-w", case.warehouse)
    assert (said.code, said.out) == (2, "")
    assert words in said.err


def test_no_warehouse(run: Run, tmp_path: Path) -> None:
    assert run("coverage", "-w", tmp_path / "nowhere").code == 3


@pytest.mark.parametrize("width", [80, 120, 160])
@pytest.mark.parametrize("of", [[], ["--analytic", XQL], ["--host", "ws01"]])
def test_a_line_for_each(
    run: Run, case: Any, monkeypatch: pytest.MonkeyPatch, everything: list[dict[str, Any]], width: int, of: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    said = run("coverage", *of, "-w", case.warehouse)
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= width
    assert not any(line.startswith("── 1 of") for line in lines)
    hosts = {row["host"] for row in everything}
    count = len(Library.load().ids) - 1 if "--host" in of else len(hosts)
    assert sum(line.split(" ")[0] in hosts | set(Library.load().ids) for line in lines) == count
