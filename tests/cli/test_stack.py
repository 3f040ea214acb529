"""``wmiwh stack``: its counts against the rows themselves, its filters, and what it refuses."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wmiwarehouse.cli.app import app

Run = Callable[..., Any]


def _json(said: Any) -> list[dict[str, Any]]:
    assert said.code == 0, said.err
    found: list[dict[str, Any]] = json.loads(said.out)
    return found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few logons as NXLog writes them: two spellings of one user, one copy, one source on all hosts."""

    def logon(minute: int, host: str, user: str, address: str, record: int) -> str:
        return json.dumps(
            {
                "EventTime": f"2024-05-06 01:{minute:02}:03",
                "@timestamp": f"2024-05-06T01:{minute:02}:03.000Z",
                "EventReceivedTime": f"2024-05-06 01:{minute:02}:03",
                "Hostname": host,
                "EventID": 4624,
                "SourceName": "Microsoft-Windows-Security-Auditing",
                "Channel": "Security",
                "RecordNumber": record,
                "TargetUserName": user,
                "TargetDomainName": "CORP",
                "TargetLogonId": f"0x{record:x}",
                "LogonType": 3,
                "IpAddress": address,
            }
        )

    folder = tmp_path_factory.mktemp("small")
    lines = [
        logon(1, "WS01", "jdoe", "10.0.0.1", 101),
        logon(2, "WS02", "JDoe", "10.0.0.1", 102),
        logon(3, "WS03", "adm", "10.0.0.1", 103),
        logon(4, "WS03", "adm", "10.0.0.9", 104),
    ]
    (folder / "a.json").write_text("\n".join(lines) + "\n")
    (folder / "b.json").write_text(lines[0] + "\n" + logon(5, "WS01", "jdoe", "-", 105) + "\n")
    arguments = ["ingest", str(folder / "a.json"), str(folder / "b.json"), "-w", str(folder / "w")]
    said = CliRunner().invoke(app, arguments)
    assert said.exit_code in (0, 5), said.output
    return folder / "w"


def test_counts(run: Run, small: Path) -> None:
    rows = _json(run("stack", "source_ip", "--of", "logon", "-w", small, "-f", "json"))
    assert [(r["source_ip"], r["events"], r["hosts"], r["host_share"], r["users"]) for r in rows] == [
        ("-", 1, 1, 0.3333, 1),
        ("10.0.0.9", 1, 1, 0.3333, 1),
        ("10.0.0.1", 3, 3, 1.0, 2),
    ]
    assert (rows[2]["first_seen"][:16], rows[2]["last_seen"][:16]) == ("2024-05-06T01:01", "2024-05-06T01:03")


def test_case_does_not_matter_and_copies_are_no_second_events(run: Run, small: Path) -> None:
    rows = _json(run("stack", "user_name", "--of", "events", "-w", small, "-f", "json"))
    assert [(row["user_name"].lower(), row["events"], row["hosts"]) for row in rows] == [("adm", 2, 1), ("jdoe", 3, 2)]


def test_rare_keeps_what_few_hosts_have(run: Run, small: Path) -> None:
    rows = _json(run("stack", "source_ip,user_name", "--of", "logon", "--rare", "1", "-w", small, "-f", "json"))
    assert [(row["source_ip"], row["user_name"]) for row in rows] == [
        ("-", "jdoe"),
        ("10.0.0.1", "adm"),
        ("10.0.0.9", "adm"),
    ]


def test_filters_stand_beneath_the_counts(run: Run, small: Path) -> None:
    def counts(*filters: str) -> list[tuple[Any, ...]]:
        rows = _json(
            run("stack", "source_ip", "--of", "hunt.playbook_dst_4624_user", "-w", small, "-f", "json", *filters)
        )
        return [(row["source_ip"], row["events"], row["host_share"]) for row in rows]

    everything = counts()
    assert ("10.0.0.1", 3, 1.0) in everything
    assert counts("--user", r"corp\jdoe") == [("-", 1, 0.5), ("10.0.0.1", 2, 1.0)]
    assert counts("--host", "ws03.corp.example") == [("10.0.0.1", 1, 1.0), ("10.0.0.9", 1, 1.0)]
    assert counts("--since", "2024-05-06T01:02:03Z", "--until", "2024-05-06T01:04:03Z") == [("10.0.0.1", 2, 1.0)]


def test_a_list_counts_by_its_values(run: Run, case: Any) -> None:
    hits = _json(run("hunt", "xql_wmic_remote_exec", "-w", case.warehouse, "-f", "json"))
    expected: dict[str | None, int] = defaultdict(int)
    for hit in hits:
        for target in hit["targets"] or [None]:
            expected[target.lower() if target else None] += 1
    rows = _json(run("stack", "targets", "--of", "xql_wmic_remote_exec", "-w", case.warehouse, "-f", "json"))
    assert {row["targets"].lower() if row["targets"] else None: row["events"] for row in rows} == expected


def test_counts_are_those_of_the_rows(run: Run, case: Any) -> None:
    hits = _json(run("hunt", "wmiprvse_children", "-w", case.warehouse, "-f", "json"))
    rows = _json(run("stack", "process_name", "--of", "wmiprvse_children", "-w", case.warehouse, "-f", "json"))
    for row in rows:
        same = [hit for hit in hits if hit["process_name"] == row["process_name"]]
        assert (row["events"], row["hosts"]) == (len(same), len({hit["host"] for hit in same}))
        assert row["first_seen"] == min(hit["event_time"] for hit in same)
        assert row["last_seen"] == max(hit["event_time"] for hit in same)
    assert sum(row["events"] for row in rows) == len(hits)
    assert [row["hosts"] for row in rows] == sorted(row["hosts"] for row in rows)


def test_the_view_of_filtered_aggregation(run: Run, case: Any) -> None:
    """ESCU's filters stand beneath its own aggregation, and so beneath these counts."""
    arguments = ["stack", "process_name", "--of", "escu_remote_process_instantiation_via_wmi", "-w", case.warehouse]
    everything = _json(run(*arguments, "-f", "json"))
    assert everything
    assert _json(run(*arguments, "-f", "json", "--host", "nobody")) == []
    assert "no record in this warehouse is of host nobody" in run(*arguments, "--host", "nobody").err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["proces_name"], "nearest: process_name"),
        (["process_name", "--of", "proces_creation"], "nearest: process_creation"),
        (["process_name", "--of", "hunt.wmiprvse_childern"], "nearest: wmiprvse_children"),
        (["process_name; drop view events"], "has no column"),
        (['process_name"'], "has no column"),
        (["process_name", "--of", "logon; select 1"], "no view"),
        (["process_name", "--of", "lake_sources"], "no view"),
        (["process_name", "--of", "stack_wmiprvse_children"], "no single host"),
        (["event_id", "--of", "connection_twin", "--since", "7d"], "event_id"),
        (["process_name", "--rare", "0"], "--rare"),
        (["process_name,"], "empty place"),
    ],
)
def test_what_is_refused(run: Run, case: Any, arguments: list[str], words: str) -> None:
    said = run("stack", *arguments, "-w", case.warehouse)
    assert (said.code, said.out) == (2, "")
    assert words in said.err


@pytest.mark.parametrize("width", [80, 120, 160])
def test_the_table_fits(run: Run, case: Any, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    said = run("stack", "parent_process_name", "process_name", "-w", case.warehouse)
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= width
    assert not any(line.startswith("── 1 of") for line in lines)
    assert "hosts" in lines[0] + lines[1]


def test_no_warehouse(run: Run, tmp_path: Path) -> None:
    assert run("stack", "process_name", "-w", tmp_path / "nowhere").code == 3
    assert run("stack").code == 2
