"""``wmiwh session``: sessions that share an id are kept apart, and everything that names the id is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wmiwarehouse.cli.app import app
from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting.session import logon_id_of

Run = Callable[..., Any]
SECURITY = "Microsoft-Windows-Security-Auditing"


def _line(minute: int, event_id: int, **data: Any) -> str:
    event = {
        "EventTime": f"2024-05-06 01:{minute:02}:03",
        "@timestamp": f"2024-05-06T01:{minute:02}:03.000Z",
        "EventReceivedTime": f"2024-05-06 01:{minute:02}:03",
        "Hostname": "WS01.corp.example",
        "EventID": event_id,
        "SourceName": SECURITY,
        "Channel": "Security",
        "RecordNumber": 1000 + minute,
    }
    return json.dumps(event | data)


def _logon(minute: int, logon_id: str, **data: Any) -> str:
    base = {"TargetUserName": "jdoe", "TargetDomainName": "CORP", "TargetLogonId": logon_id, "LogonType": 3}
    return _line(minute, 4624, **base, **data)


def _process(minute: int, logon_id: str, command: str, **data: Any) -> str:
    base = {
        "SubjectUserName": "jdoe",
        "SubjectDomainName": "CORP",
        "SubjectLogonId": logon_id,
        "TargetUserName": "-",
        "TargetLogonId": "0x0",
        "NewProcessName": "C:\\Windows\\System32\\cmd.exe",
        "NewProcessId": "0x4d2",
        "ProcessId": "0x10",
        "CommandLine": command,
    }
    return _line(minute, 4688, **(base | data))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("session")
    lines = [
        _logon(1, "0x000000000033946D", IpAddress="10.0.0.7", IpPort="50123"),
        _process(2, "0x33946d", "cmd /c first"),
        _line(3, 4634, TargetUserName="jdoe", TargetDomainName="CORP", TargetLogonId="0x33946D", LogonType=3),
        _process(4, "0x33946d", "cmd /c between the sessions"),
        _logon(5, "0x33946d", IpAddress="10.0.0.8", IpPort="50124"),
        _process(6, "0x33946d", "cmd /c \u001b[31mred"),
        _process(7, "0x33946e", "cmd /c another session"),
        _process(8, "0x33946d", "cmd /c elsewhere", Hostname="WS02.corp.example"),
        _process(9, "0x3e7", "cmd /c system"),
        _process(10, "0x777", "cmd /c no logon"),
    ]
    (folder / "log.json").write_text("\n".join(lines) + "\n")
    said = CliRunner().invoke(app, ["ingest", str(folder / "log.json"), "-w", str(folder / "w")])
    assert said.exit_code in (0, 5), said.output
    return folder / "w"


@pytest.mark.parametrize(
    ("text", "logon_id"),
    [
        ("0x33946d", "0x33946d"),
        ("0X33946D", "0x33946d"),
        ("0x000000000033946D", "0x33946d"),
        ("3380333", "0x33946d"),
        (" 0x3E7 ", "0x3e7"),
        ("999", "0x3e7"),
        ("0x0", "0x0"),
        ("0xffffffffffffffff", "0xffffffffffffffff"),
        ("18446744073709551615", "0xffffffffffffffff"),
    ],
)
def test_logon_ids(text: str, logon_id: str) -> None:
    assert logon_id_of(text) == logon_id


@pytest.mark.parametrize("text", ["", "0x", "33946d", "-1", "1.5", "0x1ffffffffffffffff", "18446744073709551616", "٣"])
def test_no_logon_ids(text: str) -> None:
    with pytest.raises(UsageError, match="no logon id"):
        logon_id_of(text)


@pytest.mark.parametrize("host", ["ws01", "WS01", "ws01.corp.example"])
@pytest.mark.parametrize("logon_id", ["0x33946D", "3380333"])
def test_events_are_those_of_the_host_that_name_the_id(run: Run, lake: Path, host: str, logon_id: str) -> None:
    said = run("session", host, logon_id, "-w", lake, "-f", "json")
    rows = json.loads(said.out)
    assert said.code == 0
    assert [row["record_id"] for row in rows] == [1001, 1002, 1003, 1004, 1005, 1006]
    assert {row["logon_id"] for row in rows} == {"0x33946d"}


def test_sessions_with_one_id_are_kept_apart(run: Run, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    said = run("session", "ws01", "0x33946d", "-w", lake)
    assert said.code == 0
    sessions, processes, events = said.out.split("\n\n")
    assert sessions.startswith("2 sessions\n")
    assert "logoff (4634)" in sessions
    assert "2 m 0 s" in sessions
    assert "not in the logs" in sessions
    assert sessions.index("10.0.0.7:50123") < sessions.index("10.0.0.8:50124")
    assert r"CORP\jdoe" in sessions
    assert processes.startswith("2 records of new processes in it\n")
    assert "cmd /c first" in processes
    assert "between" not in processes
    assert events.startswith("6 events that name 0x33946d\n")
    assert "between" in events
    assert "another session" not in said.out + said.err
    assert "elsewhere" not in said.out


def test_what_was_logged_does_not_reach_the_terminal(run: Run, lake: Path) -> None:
    said = run("session", "ws01", "0x33946d", "-w", lake)
    assert "\x1b" not in said.out
    assert r"\x1b[31mred" in said.out


def test_what_is_not_there_is_said(run: Run, lake: Path) -> None:
    none = run("session", "ws01", "0xabc", "-w", lake)
    assert (none.code, none.out) == (0, "")
    assert "no event of ws01 names 0xabc" in none.err
    assert "Not seen can mean" in none.err
    assert json.loads(run("session", "ws01", "0xabc", "-w", lake, "-f", "json").out) == []
    begun = run("session", "ws01", "0x777", "-w", lake)
    assert "no 4624 of ws01 has 0x777" in begun.err
    assert "1 event that names 0x777" in begun.out
    assert "SYSTEM" in run("session", "ws01", "999", "-w", lake).err


def test_an_unknown_host_names_the_nearest(run: Run, lake: Path) -> None:
    said = run("session", "ws011", "0x33946d", "-w", lake)
    assert (said.code, said.out) == (2, "")
    assert "nearest: ws01" in said.err
    assert run("session", "ws01", "nonsense", "-w", lake).code == 2
    assert run("session", "ws01", "-w", lake).code == 2
    assert run("session", "ws01", "0x1", "-w", lake / "nowhere").code == 3


def test_the_sessions_of_the_report(run: Run, case: Any) -> None:
    """Each session that the hunt reports is found again by its id, with the processes that it counts."""
    rows = json.loads(run("hunt", "report_remote_execution", "-w", case.warehouse, "-f", "json").out)
    assert rows
    row = max(rows, key=lambda one: one["process_count"])
    events = json.loads(run("session", row["host"], row["logon_id"], "-w", case.warehouse, "-f", "json").out)
    assert len(events) >= row["event_count"] >= row["process_count"]
    shown = run("session", row["host"], row["logon_id"], "-w", case.warehouse).out
    assert f"{row['process_count']} record{'s'[: row['process_count'] > 1]} of " in shown


@pytest.mark.parametrize("width", [80, 120, 160])
def test_everything_fits(run: Run, lake: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    said = run("session", "ws01", "0x33946d", "-w", lake)
    assert max(map(len, said.out.splitlines())) <= width
