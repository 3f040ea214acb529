"""``wmiwh sql``: what goes in, what comes out, and how it ends."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from wmiwarehouse.cli.app import app

Run = Callable[..., Any]

BY_HOST = "select host, count(*) as n from process_creation group by host order by host"
COPY = "with x as (copy (select 1) to 'x.csv') select * from x"


@pytest.fixture
def files(case: Any) -> Callable[[], dict[str, str]]:
    def hashes() -> dict[str, str]:
        paths = (path for path in case.warehouse.rglob("*") if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    return hashes


def _json(said: Any) -> list[dict[str, Any]]:
    assert said.code == 0, said.err
    found: list[dict[str, Any]] = json.loads(said.out)
    return found


def test_rows_are_those_of_the_hunt(run: Run, case: Any, files: Any) -> None:
    before = files()
    asked = _json(
        run("sql", "from hunt.wmiprvse_children order by event_time, event_uid", "-w", case.warehouse, "-f", "json")
    )
    hunted = _json(run("hunt", "wmiprvse_children", "-w", case.warehouse, "-f", "json"))
    assert asked
    assert sorted(row["event_uid"] for row in asked) == sorted(row["event_uid"] for row in hunted)
    assert asked[0].keys() == hunted[0].keys()
    assert files() == before


def test_formats(run: Run, case: Any, tmp_path: Path) -> None:
    expected = _json(run("sql", BY_HOST, "-w", case.warehouse, "-f", "json"))
    assert len(expected) > 3
    said = run("sql", BY_HOST, "-w", case.warehouse)
    assert said.out.split()[:2] == ["host", "n"]
    rows = list(csv.DictReader(io.StringIO(run("sql", BY_HOST, "-w", case.warehouse, "-f", "csv").out)))
    assert [row["host"] for row in rows] == [row["host"] for row in expected]
    said = run("sql", BY_HOST, "-w", case.warehouse, "-o", tmp_path / "x.parquet")
    assert (said.code, said.out) == (0, "")
    assert pq.read_table(tmp_path / "x.parquet").to_pylist() == expected
    said = run("sql", BY_HOST, "-w", case.warehouse, "-o", tmp_path / "x.parquet")
    assert said.code == 2
    assert "--force" in said.err
    assert run("sql", "select 1 as a", "-w", case.warehouse, "-o", tmp_path / "x.parquet", "--force").code == 0
    assert pq.read_table(tmp_path / "x.parquet").to_pylist() == [{"a": 1}]


def test_odd_types_come_out_in_every_format(run: Run, case: Any) -> None:
    query = (
        "select interval 3 days as i, uuid() as u, 170141183460469231731687303715884105727::hugeint as h, "
        "'10:00'::time as t, '1010'::bit as b, '\\xAA'::blob as l, 1.5::decimal(9, 2) as d, map {'a': [1]} as m, "
        "{'a': {'b': [null]}} as s, null as n, 'a'::enum('a', 'b') as e, 1 as x, 2 as x"
    )
    for name in ("table", "csv", "json", "ndjson", "markdown"):
        said = run("sql", query, "-w", case.warehouse, "-f", name)
        assert said.code == 0, said.err
        assert "1.5" in said.out
    said = run("sql", "select interval 3 days as i", "-w", case.warehouse, "-f", "parquet")
    assert said.code == 2
    assert "cast it" in said.err


def test_no_rows(run: Run, case: Any) -> None:
    said = run("sql", "select host from events where false", "-w", case.warehouse, "-f", "csv")
    assert (said.code, said.out.strip()) == (0, "host")


def test_what_is_read_from_stdin(case: Any) -> None:
    def ask(content: bytes) -> Any:
        return CliRunner().invoke(app, ["sql", "-", "-w", str(case.warehouse), "-f", "json"], input=content)

    assert json.loads(ask(b"-- a question\nselect 'it''s \xc3\xa4' as a;\n").stdout) == [{"a": "it's ä"}]
    assert json.loads(ask("\ufeffselect 1 as a".encode()).stdout) == [{"a": 1}]
    for content, words in (
        (b"select '\xff'", "no UTF-8"),
        (b"select 1 -- " + b"x" * 1_000_001, "more than 1,000,000 bytes"),
        (b"", "found nothing"),
        (b"select 1; select 2", "found 2 statements"),
    ):
        said = ask(content)
        assert said.exit_code == 2
        assert said.stdout == ""
        assert words in said.stderr


def test_parameters(run: Run, case: Any) -> None:
    query = "select distinct user_name as u from events where user_name = $who and event_time > $day::timestamptz"
    arguments = ["sql", query, "-w", case.warehouse, "-f", "json"]
    assert _json(run(*arguments, "-p", "who=alice", "--parameter", "$day=2020-01-01")) == [{"u": "alice"}]
    for given, words in (
        (["-p", "who=alice"], "no value for $day; say it with -p day=VALUE"),
        (["-p", "who=a", "-p", "day=2020-01-01", "-p", "x=1"], "-p x: the SQL has no $x"),
        (["-p", "who"], "is not NAME=VALUE"),
        (["-p", "=1"], "is not NAME=VALUE"),
        (["-p", "who=a", "-p", "who=b"], "has two values"),
        (["-p", "who=alice", "-p", "day=someday"], "someday"),
    ):
        said = run(*arguments, *given)
        assert (said.code, said.out) == (2, "")
        assert words in said.err
    assert _json(run("sql", "select $a as a", "-p", "a=x=y '; --", "-w", case.warehouse, "-f", "json")) == [
        {"a": "x=y '; --"}
    ]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("copy (select 1) to 'x.csv'", 'found COPY. To save rows: wmiwh sql "..." -o x.csv'),
        (COPY, 'found COPY. To save rows: wmiwh sql "..." -o x.csv'),
        ("select * from 'x.csv'", 'no view "x.csv"'),
        ("select * from proces_creation", "nearest: process_creation"),
        ("select proces_name from process_creation", '"process_name"'),
        ("select getenv('HOME')", 'function "getenv"'),
        ("selec", "syntax error"),
        ("select '\x1b[31m'::integer", "Could not convert string"),
    ],
)
def test_refusals_are_one_line(run: Run, case: Any, files: Any, query: str, words: str) -> None:
    before = files()
    said = run("sql", query, "-w", case.warehouse)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("wmiwh: sql: ")
    assert said.err.count("\n") == 1
    assert words in said.err
    assert "\x1b" not in said.err
    assert files() == before


def test_refused_sql_needs_no_warehouse_to_be_refused(run: Run, tmp_path: Path) -> None:
    assert run("sql", COPY, "-w", tmp_path / "nowhere").code == 2
    said = run("sql", "select 1", "-w", tmp_path / "nowhere")
    assert said.code == 3
    assert said.err.startswith("wmiwh: no warehouse at")


def test_nothing_is_saved_in_the_warehouse(run: Run, case: Any, files: Any) -> None:
    before = files()
    for name in ("rows.csv", "warehouse.duckdb", "lake/rows.csv", "../w/x.csv"):
        said = run("sql", "select 1", "-w", case.warehouse, "-o", case.warehouse / name, "-f", "csv", "--force")
        assert said.code == 2
        assert "lies in the warehouse" in said.err
    assert files() == before


def test_limits(run: Run, case: Any, tmp_path: Path) -> None:
    endless = "select count(*) from range(10000000) as a, range(10000000) as b"
    said = run("sql", endless, "-w", case.warehouse, "--timeout", "1")
    assert (said.code, said.out) == (1, "")
    assert said.err == "wmiwh: sql: stopped after 1 s (--timeout); narrow it, or --timeout 60\n"
    rows = "select * from range(1000000000000000)"
    said = run("sql", rows, "-w", case.warehouse, "--timeout", "0.5", "-o", tmp_path / "x.csv")
    assert said.code == 1
    assert list(tmp_path.iterdir()) == []
    said = run("sql", "from range(1000000000) order by random()", "-w", case.warehouse, "--memory", "128MB")
    assert said.code == 1
    assert said.err.startswith("wmiwh: sql: needs more than 128MB (--memory); narrow it")
    for arguments in (["--memory", "lots"], ["--timeout", "0"], ["--timeout", "soon"], ["--since", "7d"]):
        assert run("sql", "select 1", "-w", case.warehouse, *arguments).code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals are different there")
@pytest.mark.parametrize(
    "query",
    [
        "select * from range(1000000000000000)",
        # One endless piece of work, in the main thread or in another: some of these find it in the main thread.
        *(f"select count(*) as n{n} from range(10000000) a, range(10000000) b" for n in range(5)),
    ],
)
def test_ctrl_c(case: Any, query: str) -> None:
    command = [sys.executable, "-m", "wmiwarehouse", "sql", query, "-w", str(case.warehouse), "-f", "csv"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "wmiwh: interrupted\n")
