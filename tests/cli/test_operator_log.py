"""``--log-file`` and ``--stats``: numbers for operators, whatever stands in the logs."""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.cli import operator_log
from wmiwarehouse.cli.app import COMMANDS, function

Run = Callable[..., Any]
Case = Any

HEAD = {"time", "level", "command", "run", "event"}
LOGGED = ("ingest", "hunt", "report", "risk", "verify", "compact")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def stats(said: Any) -> dict[str, Any]:
    """The last line on stderr."""
    found = json.loads(said.err.splitlines()[-1])
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("arguments", "event", "counts"),
    [
        (["hunt", "xql_wmic_remote_exec", "--fail-on", "low"], "hunted", {"analytics", "records", "hits", "hits_high"}),
        (["report", "-f", "json"], "reported", {"records", "cases", "movements", "hits"}),
        (["risk"], "scored", {"records", "findings", "at_risk"}),
        (["verify"], "verified", {"batches", "files", "records", "damaged"}),
    ],
)
def test_a_run_has_its_lines(
    run: Run, case: Case, tmp_path: Path, arguments: list[str], event: str, counts: set[str]
) -> None:
    log = tmp_path / "ops.jsonl"
    said = run(*arguments, "-w", case.warehouse, "--log-file", log, "--stats")
    written = lines(log)
    assert [line["event"] for line in written] == ["started", event, "finished"]
    assert all(line.keys() >= HEAD and line["command"] == arguments[0] for line in written)
    assert len({line["run"] for line in written}) == 1
    assert all(written[1][name] >= 0 for name in counts)
    assert written[2]["exit_code"] == said.code
    assert written[2]["level"] == ("warning" if said.code else "info")
    told = stats(said)
    assert told.keys() >= {"seconds", "peak_memory_mb", "exit_code", "versions", *operator_log.STATS}
    assert told["exit_code"] == said.code
    assert told["records"] == written[1]["records"] > 0
    assert told["seconds"] > 0
    assert sys.platform == "win32" or told["peak_memory_mb"] > 20


def test_nothing_else_changes(run: Run, case: Case, tmp_path: Path) -> None:
    arguments = ("hunt", "xql_wmic_remote_exec", "-w", case.warehouse)
    plain, said = run(*arguments), run(*arguments, "--log-file", tmp_path / "ops.jsonl", "--stats")
    assert (said.code, said.out, said.err.splitlines()[:-1]) == (plain.code, plain.out, plain.err.splitlines())


def test_hits_are_those_that_can_alarm(run: Run, case: Case) -> None:
    """What is true of every working day is no hit, with or without the table on the screen."""
    assert stats(run("hunt", "playbook_dst_4624_user", "-w", case.warehouse, "--stats"))["hits"] == 0
    some = ("hunt", "xql_wmic_remote_exec", "playbook_dst_4624_user", "stack_wmiprvse_children", "--stats")
    on_screen = stats(run(*some, "-w", case.warehouse))
    as_json = stats(run(*some, "-w", case.warehouse, "-f", "json"))
    assert on_screen["hits"] == as_json["hits"] > 0
    assert on_screen["analytics"] == as_json["analytics"]


def test_ingest_and_compact(run: Run, case: Case, tmp_path: Path) -> None:
    log, warehouse = tmp_path / "ops.jsonl", tmp_path / "w"
    first = run("ingest", case.logs / "evtx" / "WS01", "-w", warehouse, "--log-file", log, "--stats")
    assert stats(first)["records_added"] == sum(
        count for name, count in case.truth.files.items() if name.startswith("evtx/WS01/")
    )
    again = run("ingest", case.logs / "evtx" / "WS01", "-w", warehouse, "--log-file", log, "--stats")
    assert stats(again)["records_added"] == 0
    assert stats(again)["files_known"] > 0
    assert run("ingest", case.logs / "evtx" / "WS02", "-w", warehouse).code == 0
    assert run("compact", "-w", warehouse, "--log-file", log).code == 0
    assert [line["event"] for line in lines(log)] == [
        *("started", "ingested", "finished"),
        *("started", "ingested", "finished"),
        *("started", "compacted", "finished"),
    ]


@pytest.mark.parametrize(
    ("arguments", "code"), [(["hunt", "no_such"], 2), (["hunt", "--since", "x"], 2), (["hunt", "-w", "nowhere"], 3)]
)
def test_a_failure_is_finished_too(run: Run, case: Case, tmp_path: Path, arguments: list[str], code: int) -> None:
    log = tmp_path / "ops.jsonl"
    where = [] if "-w" in arguments else ["-w", case.warehouse]
    said = run(*arguments, *where, "--log-file", log, "--stats")
    assert said.code == code
    assert stats(said)["exit_code"] == code
    finished = lines(log)[-1]
    assert (finished["event"], finished["exit_code"], finished["level"]) == ("finished", code, "error")


def test_a_bug_is_finished_too(tmp_path: Path) -> None:
    def fails() -> None:
        with operator_log.running("hunt", tmp_path / "ops.jsonl", stats=False):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert lines(tmp_path / "ops.jsonl")[-1]["exit_code"] == 1


MARK = "zebra-7391"


def hostile(name: str) -> dict[str, Any]:
    """A record in which everything that an attacker can choose bears the mark, with what breaks a line of JSON."""
    text = f'{name} {MARK} \x1b[31m \\u000a"}}, {{"event": "forged"'
    return {
        **{"EventTime": "2024-05-06 01:02:03", "Hostname": f"{MARK}.example", "EventID": 1, "ProcessID": 4},
        **{"SourceName": "Microsoft-Windows-Sysmon", "Channel": "Microsoft-Windows-Sysmon/Operational"},
        **{"Image": f"C:\\Windows\\{MARK}\\wmic.exe", "User": f"{MARK}\\{MARK}", "Message": text},
        **{"CommandLine": f"wmic /node:{MARK} process call create {text}", "ParentImage": text, "Version": 5},
        **{"UtcTime": "2024-05-06 01:02:03.000", "OriginalFileName": "wmic.exe", "ProcessId": 4711},
    }


def test_nothing_of_a_log_gets_in(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / f"{MARK}-folder"
    folder.mkdir()
    records = [json.dumps(hostile(name)) for name in ("one", "two")]
    (folder / f"{MARK}\n{MARK}.json" if os.name == "posix" else folder / f"{MARK}.json").write_text(
        "\n".join(records) + "\n"
    )
    (folder / f"{MARK}.evtx").write_bytes(b"ElfFile\0" + MARK.encode() * 500)
    (folder / f"{MARK}.txt").write_text(MARK)
    log, warehouse = tmp_path / "ops.jsonl", tmp_path / "w"
    ending = ("-w", warehouse, "--log-file", log, "--stats")
    all_stats = []
    for arguments, code in (
        (["ingest", folder], 5),
        (["hunt", "--fail-on", "low"], 4),
        (["hunt", "xql_wmic_remote_exec"], 0),
        (["hunt", "--host", MARK], 0),
        (["hunt", MARK], 2),
        (["hunt", "--since", MARK], 2),
        (["report", "-o", tmp_path / "report.html"], 0),
        (["risk"], 0),
        (["verify", "--sources"], 0),
        (["compact"], 0),
        (["ingest", tmp_path / MARK], 2),
    ):
        said = run(*arguments, *ending)
        assert said.code == code, (arguments, said.err)
        all_stats.append(json.dumps(stats(said)))
    assert MARK in run("hunt", "xql_wmic_remote_exec", "-w", warehouse, "-f", "json").out, "the mark was looked at"
    written = log.read_text(encoding="ascii")
    assert MARK not in written + "".join(all_stats)
    assert "forged" not in written + "".join(all_stats)
    assert sum(line["hits"] for line in lines(log) if line["event"] == "hunted") > 0
    assert all(
        isinstance(value, int | float)
        for line in lines(log)
        for name, value in line.items()
        if name not in HEAD | {"versions"}
    )


def test_no_text_can_be_counted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="invalid literal"), operator_log.running("hunt", tmp_path / "x", stats=False):
        operator_log.count("hunted", hits="evil")  # type: ignore[arg-type]


def test_a_log_that_cannot_be_written_is_said_once(run: Run, case: Case, tmp_path: Path) -> None:
    for broken in (tmp_path, tmp_path / "none" / "ops.jsonl"):
        said = run("hunt", "lateral_movement", "-w", case.warehouse, "--fail-on", "low", "--log-file", broken)
        assert said.code == 4
        assert said.err.count("--log-file") == 1
        assert "goes on without it" in said.err


@pytest.mark.skipif(os.name != "posix", reason="named pipes and full devices are files there only")
def test_a_log_that_nobody_reads(run: Run, case: Case, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for broken in (pipe, Path("/dev/full")):
        if broken.exists():
            said = run("verify", "-w", case.warehouse, "--log-file", broken)
            assert said.code == 0
            assert said.err.count("--log-file") == 1


def test_after_a_rotation_the_next_line_is_in_a_new_file(tmp_path: Path) -> None:
    log = tmp_path / "ops.jsonl"
    with operator_log.running("hunt", log, stats=False):
        log.rename(tmp_path / "ops.jsonl.1")
    assert [line["event"] for line in lines(log)] == ["finished"]


def test_which_commands_have_the_options() -> None:
    having = {name for name in COMMANDS if "log_file" in inspect.signature(function(name)).parameters}
    assert having >= set(LOGGED)
    assert "batch" in having
