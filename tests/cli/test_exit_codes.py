"""What the commands print and how they end: the part of the command line that scripts rely on."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

Run = Callable[..., Any]
Case = Any

LINE = (
    json.dumps(
        {"EventTime": "2024-05-06 01:02:03", "Hostname": "WS01", "EventID": 1, "SourceName": "x", "Channel": "c"}
    )
    + "\n"
)
XQL = "xql_wmic_remote_exec"


def test_no_such_path(run: Run, tmp_path: Path) -> None:
    said = run("ingest", tmp_path / "nowhere", "-w", tmp_path / "w")
    assert (said.code, said.out) == (2, "")
    assert "nowhere: no such file or folder" in said.err
    assert not (tmp_path / "w").exists()


def test_an_empty_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = run("ingest", tmp_path / "empty", "-w", tmp_path / "w")
    assert (said.code, said.out) == (3, "")
    assert "no files" in said.err


def test_a_text_file_with_a_logs_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "Security.evtx").write_text("hello\n")
    said = run("ingest", tmp_path / "Security.evtx", "-w", tmp_path / "w")
    assert (said.code, said.out) == (0, "")
    assert "its name says EVTX, its content does not" in said.err


def test_a_truncated_log(run: Run, case: Case, tmp_path: Path) -> None:
    content = (case.logs / "evtx" / "WS01" / "Security.evtx").read_bytes()
    (tmp_path / "cut.evtx").write_bytes(content[:-1000])
    said = run("ingest", tmp_path / "cut.evtx", "-w", tmp_path / "w")
    assert said.code == 5
    assert "file ends inside it" in said.err
    assert "wmiwh sources --problems" in said.err
    problems = run("sources", "--problems", "-w", tmp_path / "w", "-f", "json")
    assert problems.code == 0
    assert any("file ends inside it" in row["reason"] for row in json.loads(problems.out))


def test_a_broken_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text(LINE + '{"EventID": \n' + LINE)
    said = run("ingest", tmp_path / "log.json", "-w", tmp_path / "w", "-f", "json")
    assert said.code == 5
    assert "line 2: not valid JSON" in said.err
    assert json.loads(said.out) == [{"format": "nxlog", "files": 1, "records": 2, "duplicates": 0, "problems": 2}]


def test_a_second_ingest(run: Run, case: Case, tmp_path: Path) -> None:
    logs = case.logs / "evtx" / "WS03"
    assert run("ingest", logs, "-w", tmp_path / "w").code == 0
    said = run("ingest", logs, "-w", tmp_path / "w")
    assert (said.code, said.out) == (0, "")
    assert "already in the warehouse" in said.err
    assert "0 records added" in said.err


def test_a_folder_that_is_no_warehouse(run: Run, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("x")
    (tmp_path / "log.json").write_text(LINE)
    assert run("ingest", tmp_path / "log.json", "-w", tmp_path).code == 2
    for command in ("hunt", "sources"):
        said = run(command, "-w", tmp_path)
        assert (said.code, said.out) == (3, "")
        assert "not a warehouse" in said.err
        assert run(command, "-w", tmp_path / "nowhere").code == 3


def test_a_warehouse_without_events(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    assert run("ingest", tmp_path / "a.txt", "-w", tmp_path / "w").code == 0
    said = run("hunt", "-w", tmp_path / "w")
    assert (said.code, said.out) == (3, "")
    assert "no events yet" in said.err


@pytest.mark.parametrize("command", ["hunt", "show"])
def test_an_unknown_analytic_names_the_nearest(run: Run, case: Case, command: str) -> None:
    said = run(command, "xql_wmic_remote_exek", *(["-w", case.warehouse] if command == "hunt" else []))
    assert (said.code, said.out) == (2, "")
    assert XQL in said.err


@pytest.mark.parametrize("options", [["--since", "yesterday"], ["--until", "2024-13-01"], ["--since", "7x"]])
def test_times_that_are_none(run: Run, case: Case, options: list[str]) -> None:
    said = run("hunt", XQL, "-w", case.warehouse, *options)
    assert (said.code, said.out) == (2, "")
    assert options[1] in said.err


def test_unknown_options_and_formats(run: Run, case: Case) -> None:
    assert run("hunt", "--nonsense").code == 2
    assert run("hunt", "-w", case.warehouse, "-f", "xml").code == 2
    assert run("ingest").code == 2


def test_fail_on(run: Run, case: Case) -> None:
    assert run("hunt", "-w", case.warehouse).code == 0
    assert run("hunt", "-w", case.warehouse, "--fail-on", "low").code == 4
    assert run("hunt", XQL, "-w", case.warehouse, "--fail-on", "low").code == 4
    assert run("hunt", XQL, "-w", case.warehouse, "--fail-on", "low", "--host", "nobody").code == 0


def test_rows_are_what_was_staged(run: Run, case: Case) -> None:
    said = run("hunt", XQL, "-w", case.warehouse, "-f", "ndjson")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0
    assert {(row["host"], row["channel"], row["event_id"], row["record_id"]) for row in rows} == set(
        case.truth.rows(XQL)
    )
    assert all(row["event_time"].endswith("Z") for row in rows)


def test_every_format_parses_and_holds_the_same(run: Run, case: Case, tmp_path: Path) -> None:
    def said(fmt: str) -> Any:
        found = run("hunt", XQL, "-w", case.warehouse, "-f", fmt)
        assert found.code == 0
        return found

    rows = json.loads(said("json").out)
    assert rows
    assert [json.loads(line) for line in said("ndjson").out.splitlines()] == rows
    table = list(csv.DictReader(io.StringIO(said("csv").out, newline="")))
    assert [row["event_uid"] for row in table] == [row["event_uid"] for row in rows]
    parquet = pq.read_table(io.BytesIO(said("parquet").raw))
    assert parquet.column("event_uid").to_pylist() == [row["event_uid"] for row in rows]
    lines = [line for line in said("markdown").out.splitlines() if line.startswith("|")]
    assert len(lines) == len(rows) + 2
    output = tmp_path / "rows.parquet"
    assert run("hunt", XQL, "-w", case.warehouse, "-o", output).out == ""
    assert pq.read_table(output).equals(parquet)


def test_output_does_not_overwrite(run: Run, case: Case, tmp_path: Path) -> None:
    output = tmp_path / "rows.csv"
    output.write_text("mine")
    said = run("hunt", XQL, "-w", case.warehouse, "-o", output)
    assert (said.code, said.out, output.read_text()) == (2, "", "mine")
    assert "--force" in said.err
    assert run("hunt", XQL, "-w", case.warehouse, "-o", output, "--force").code == 0
    assert output.read_text() != "mine"


def test_sources(run: Run, case: Case) -> None:
    rows = json.loads(run("sources", "-w", case.warehouse, "-f", "json").out)
    counts = {Path(row["source_file"]).relative_to(case.logs).as_posix(): row["records"] for row in rows}
    assert counts == case.truth.files
    none = run("sources", "--problems", "-w", case.warehouse)
    assert (none.code, none.out) == (0, "")
    assert "no problems" in none.err


def test_list_and_show_work_without_a_warehouse(run: Run) -> None:
    listed = json.loads(run("list", "-f", "json").out)
    assert XQL in {row.get("analytic") or row.get("id") for row in listed}
    assert XQL in run("show", XQL).out


def test_a_lock_that_is_held(run: Run, tmp_path: Path) -> None:
    from wmiwarehouse.lake.warehouse import Warehouse

    (tmp_path / "log.json").write_text(LINE)
    with Warehouse.create(tmp_path / "w").writing():
        said = run("ingest", tmp_path / "log.json", "-w", tmp_path / "w", "--no-wait")
    assert (said.code, said.out) == (1, "")
    assert "another ingest" in said.err


@pytest.mark.parametrize("what", ["nothing", "file", "empty", "misspelt"])
def test_a_folder_of_ones_own_that_has_nothing_in_it(run: Run, tmp_path: Path, what: str) -> None:
    """Who gives it wants it applied: to read on without it would be another answer."""
    own = tmp_path / "own"
    if what == "file":
        own.write_text("x")
    elif what != "nothing":
        (own / ("format" if what == "misspelt" else "")).mkdir(parents=True)
    (tmp_path / "log.json").write_text(LINE)
    said = run("ingest", tmp_path / "log.json", "-w", tmp_path / "w", "--ingest-dir", own)
    assert (said.code, said.out) == (2, "")
    assert f"{own}: has neither formats/ nor events/" in said.err
    assert not (tmp_path / "w").exists()


def test_a_broken_file_in_the_users_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own" / "events").mkdir(parents=True)
    (tmp_path / "own" / "events" / "mine.sql").write_text("select 1")
    (tmp_path / "log.json").write_text(LINE)
    said = run("ingest", tmp_path / "log.json", "-w", tmp_path / "w", "--ingest-dir", tmp_path / "own")
    assert (said.code, said.out) == (2, "")
    assert "mine.sql" in said.err


def test_a_real_process(case: Case, tmp_path: Path) -> None:
    """Worker processes and pipes as a shell has them: data on stdout, all else on stderr."""
    shutil.copytree(case.logs / "evtx" / "WS02", tmp_path / "logs")
    command = [sys.executable, "-m", "wmiwarehouse"]
    done = subprocess.run(
        [*command, "ingest", "logs", "-f", "json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert row["records"] == sum(count for name, count in case.truth.files.items() if "/WS02/" in name)
    assert (tmp_path / "warehouse" / "warehouse.duckdb").is_file()
    done = subprocess.run([*command, "hunt", "nonsense"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_an_interrupted_query_is_no_traceback(run: Run, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """What DuckDB raises in Python where Ctrl-C comes while a query runs."""

    def interrupted(*_: Any) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr("wmiwarehouse.hunting.hunt.Hunt.read", interrupted)
    said = run("hunt", XQL, "-w", case.warehouse)
    assert (said.code, said.out) == (130, "")
    assert said.err.endswith("wmiwh: interrupted\n")
    assert "Traceback" not in said.err


def test_an_interrupt_while_the_program_loads_is_no_traceback(tmp_path: Path) -> None:
    """Python itself has begun by then; what comes before cannot be caught."""
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    command = [sys.executable, "-m", "wmiwarehouse", "hunt"]
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "wmiwh: interrupted\n")


@pytest.mark.skipif(os.name == "nt", reason="a shell of its own")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_output_goes_nowhere(closed: str, tmp_path: Path) -> None:
    """A scheduler that closes what it does not read asks for the exit code alone."""
    (tmp_path / "a.jsonl").write_text(LINE)
    for command, expected in (("ingest a.jsonl", 5), ("hunt", 0), ("hunt nothing", 2), ("sql 'select 1 as a'", 0)):
        line = f"exec '{sys.executable}' -m wmiwarehouse {command} -w w {closed}"
        said = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True)
        assert (said.returncode, "Traceback" in said.stdout + said.stderr) == (expected, False), (command, said)
