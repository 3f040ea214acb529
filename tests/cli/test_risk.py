"""``wmiwh risk``: sums, threshold, findings, masks, and honest words where there is nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wmiwarehouse.cli.app import app

Run = Callable[..., Any]

#: A password, a terminal escape, a right-to-left mark, a formula and a tag, as an attacker may type them.
HOSTILE = '=cmd|wmic /node:SRV1 /password:Hidden1! process call create "\x1b[31m\u202etxt.exe<script>|x|"'


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two processes of one user, 121 s apart, and a logon that puts nobody at risk, as NXLog writes them."""

    def record(number: int, event_id: int, second: int, **data: Any) -> str:
        minute, rest = divmod(second, 60)
        time = f"2024-05-06 01:{minute:02}:{rest:02}"
        fields: dict[str, Any] = {
            "EventTime": time,
            "@timestamp": f"{time.replace(' ', 'T')}.000Z",
            "EventReceivedTime": time,
        }
        fields |= {"Hostname": "WS01", "EventID": event_id, "SourceName": "Microsoft-Windows-Security-Auditing"}
        return json.dumps(fields | {"Channel": "Security", "RecordNumber": number} | data)

    def process(number: int, second: int, name: str, process_id: str, line: str) -> str:
        data = {"SubjectUserName": "jdoe", "SubjectDomainName": "CORP", "SubjectLogonId": "0x123"}
        data |= {"NewProcessName": f"C:\\Windows\\System32\\{name}", "NewProcessId": process_id, "CommandLine": line}
        return record(number, 4688, second, **data)

    folder = tmp_path_factory.mktemp("small")
    lines = [
        process(1, 0, "wbem\\WMIC.exe", "0x10", HOSTILE),
        process(2, 121, "wbem\\WMIC.exe", "0x10", "wmic os get caption"),
        record(3, 4624, 200, TargetUserName="jdoe", TargetDomainName="CORP", TargetLogonId="0x123", LogonType=2),
    ]
    (folder / "a.json").write_text("\n".join(lines) + "\n", encoding="utf-8")
    said = CliRunner().invoke(app, ["ingest", str(folder / "a.json"), "-w", str(folder / "w")])
    assert said.exit_code in (0, 5), said.output
    return folder / "w"


def test_sums_threshold_and_masks(run: Run, small: Path) -> None:
    said = run("risk", "-w", small, "-f", "json")
    assert said.code == 0, said.err
    rows = {row["risk_object"]: row for row in json.loads(said.out)}
    # 85 of the XQL document for the call, and 6 (30 x 20 / 100) for a wmic that ran 121 s later.
    assert {name: (row["risk_score"], row["acts"]) for name, row in rows.items()} == {
        "ws01": (91, 2),
        r"corp\jdoe": (91, 2),
        "srv1": (13, 1),
    }
    assert "next: wmiwh risk --events" in said.err
    over = run("risk", "-w", small, "--threshold", "91", "-f", "json")
    assert {row["risk_object"] for row in json.loads(over.out)} == {"ws01", r"corp\jdoe"}
    assert "2 of 3 hosts and users with findings at or above 91" in over.err


@pytest.mark.parametrize("form", ["table", "csv", "json", "ndjson", "markdown"])
def test_hostile_text_is_harmless_and_passwords_are_masked(form: str, run: Run, small: Path) -> None:
    said = run("risk", "-w", small, "--events", "-f", form)
    assert said.code == 0, said.err
    assert "xql_wmic_remote_exec" in said.out
    if form != "csv":  # which other programs read as it is
        assert not {"\x1b", "\u202e"} & set(said.out)
    assert "Hidden1!" not in said.out
    if form == "markdown":
        assert "<script>" not in said.out
    if form == "csv":
        assert not [line for line in said.out.splitlines() if line.startswith(("=", "+", "@"))]


def test_secrets_are_shown_if_asked_for(run: Run, small: Path) -> None:
    assert "Hidden1!" in run("risk", "-w", small, "--events", "--show-secrets", "-f", "json").out


def test_findings_behind_the_sums(run: Run, small: Path) -> None:
    said = run("risk", "-w", small, "--events", "--threshold", "91", "-f", "json")
    rows = json.loads(said.out)
    assert {row["risk_object"] for row in rows} == {"ws01", r"corp\jdoe"}
    counting = [row for row in rows if row["counts"] and row["risk_object"] == "ws01"]
    assert sorted(row["risk_score"] for row in counting) == [6, 85]
    assert len({row["act"] for row in rows}) == 2


def test_words_where_nothing_is_at_risk(run: Run, small: Path) -> None:
    said = run("risk", "-w", small, "--since", "2024-05-06T01:03:00Z")
    assert (said.code, said.out) == (0, "")
    assert "no finding of a detection or a chain puts a host or a user at risk" in said.err
    assert "the filters narrow this" in said.err
    assert "Not seen can mean not audited" in said.err
    assert "next: wmiwh coverage" in said.err
    high = run("risk", "-w", small, "--threshold", "500")
    assert (high.code, high.out) == (0, "")
    assert "0 of 3 hosts and users with findings at or above 500" in high.err


def test_what_is_refused(run: Run, small: Path, tmp_path: Path) -> None:
    assert run("risk", "-w", tmp_path).code == 3
    assert run("risk", "-w", small, "--since", "yesterday").code == 2
    assert run("risk", "-w", small, "--threshold", "-1").code == 2
    assert run("risk", "-w", small, "--user", "").code == 2


def test_a_host_without_logs_is_told(run: Run, small: Path) -> None:
    said = run("risk", "-w", small, "--host", "srv1", "-f", "json")
    assert "no record in this warehouse is of host srv1" in said.err
    # What others say of it: the movement to it, with all that this puts at risk.
    assert {row["risk_object"] for row in json.loads(said.out)} == {"ws01", "srv1", r"corp\jdoe"}
    assert {row["risk_score"] for row in json.loads(said.out)} == {13}
