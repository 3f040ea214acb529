"""One host, one name, whatever its records call it; two hosts, two names: from the logs to what a hunt returns."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import ExitCode, UsageError
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.hunting.selection import select
from wmiwarehouse.lake import catalog

Lake = Any
Row = dict[str, Any]

A, B, BARE, OTHER = "WS01.a.example", "ws01.B.example", "WS01", "old-name.a.example"
_NAMES = "select computer, host, count(*) as n from events group by all order by all"


@pytest.fixture
def logs(tmp_path: Path, line: Row) -> Callable[..., Path]:
    """Returns a function that writes a process, its child and a connection for each of the given computers."""

    def write(name: str, *computers: str) -> Path:
        path = tmp_path / f"{name}.json"
        rows: list[Row] = []
        for number, computer in enumerate(computers):
            first = 10 * number  # the same number would make a record under a short name a copy
            process = line | {
                "Hostname": computer,
                "NewProcessId": "0x10",
                "ProcessId": "0x4",
                "SubjectUserName": "jdoe",
            }
            process |= {"SubjectDomainName": "CORP", "SubjectLogonId": "0x7"}
            parent = rf"C:\{computer}\cmd.exe"
            rows.append(process | {"RecordNumber": first + 1, "NewProcessName": parent})
            child = {
                "RecordNumber": first + 2,
                "NewProcessName": r"C:\Windows\System32\Wbem\WMIC.exe",
                "NewProcessId": "0x20",
            }
            child |= {
                "ProcessId": "0x10",
                "EventTime": "2024-05-06 08:00:02",
                "CommandLine": "wmic /node:x process list",
            }
            rows.append(process | child)
            connection = {"EventID": 3, "Channel": "Microsoft-Windows-Sysmon/Operational", "RecordNumber": first + 3}
            connection |= {
                "SourceName": "Microsoft-Windows-Sysmon",
                "SourceIp": "10.0.0.1",
                "UtcTime": "2024-05-06 12:00:00.000",
            }
            connection |= {
                "DestinationIp": "100.64.0.1",
                "DestinationPort": "135",
                "Initiated": "true",
                "User": r"CORP\svc_scan",
            }
            rows.append(line | {"Hostname": computer} | connection)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


def set_up(lake: Lake, text: str) -> None:
    (lake.root / "wmiwh.toml").write_text(text, encoding="utf-8")


def names(lake: Lake) -> dict[str, str]:
    with open_hunt(lake.root, Library.load()) as hunting:
        found = hunting.connection(models=["events"]).sql(_NAMES).to_arrow_table().to_pylist()
    assert all(row["n"] == 3 for row in found)
    return {row["computer"]: row["host"] for row in found}


def hits(lake: Lake, analytic: str, **filters: str) -> list[Row]:
    library = Library.load()
    with open_hunt(lake.root, library, Filters(**filters)) as hunting:
        found: list[Row] = hunting.run(select(library, [analytic])[0]).to_pylist()
    return found


def test_two_computers_of_one_short_name_are_kept_apart(lake: Lake, logs: Callable[..., Path]) -> None:
    lake.ingest(logs("a", A, OTHER))
    assert names(lake) == {A: "ws01", OTHER: "old-name"}
    lake.ingest(logs("b", B, BARE))
    assert names(lake) == {A: "ws01.a.example", B: "ws01.b.example", BARE: "ws01", OTHER: "old-name"}
    with open_hunt(lake.root, Library.load()) as hunting:
        assert hunting.hosts.ambiguous == {"ws01": ("ws01.a.example", "ws01.b.example")}
    listed = {row["computer"]: (row["host"], row["records"]) for row in lake.rows("select * from lake_hosts")}
    assert listed == {A: ("ws01.a.example", 3), B: ("ws01.b.example", 3), BARE: ("ws01", 3), OTHER: ("old-name", 3)}
    # All have the same process ids at the same times: every child must have found the parent on its own machine.
    parents = hits(lake, "playbook_src_4688_image")
    assert {row["host"] for row in parents} == {"ws01.a.example", "ws01.b.example", "ws01", "old-name"}
    lines = lake.rows("select computer, parent_process_path from process_creation where process_name = 'wmic.exe'")
    assert {row["parent_process_path"] for row in lines} == {rf"C:\{name}\cmd.exe" for name in (A, B, BARE, OTHER)}
    assert all(row["parent_process_path"] == rf"C:\{row['computer']}\cmd.exe" for row in lines)


@pytest.mark.parametrize(
    ("host", "found", "known"),
    [
        ("ws01.A.example", {"ws01.a.example"}, True),
        ("WS01", {"ws01.a.example", "ws01.b.example", "ws01"}, True),
        ("ws01.c.example", set(), False),
        ("old-name", {"old-name"}, True),
        ("old-name.any.suffix", {"old-name"}, True),
        ("ws0", set(), False),
    ],
)
@pytest.mark.parametrize("analytic", ["playbook_src_4688_image", "stack_src_process_to_135"])
def test_a_filter_finds_the_machine_that_is_meant(
    host: str, found: set[str], known: bool, analytic: str, lake: Lake, logs: Callable[..., Path]
) -> None:
    lake.ingest(logs("all", A, B, BARE, OTHER))
    set_up(lake, '[network]\ninternal = ["100.64.0.0/10"]\n')
    rows = hits(lake, analytic, host=host)
    if analytic.startswith("stack"):
        assert sum(row["events"] for row in rows) == len(found)
    else:
        assert {row["host"] for row in rows} == found
    with open_hunt(lake.root, Library.load(), Filters(host=host)) as hunting:
        assert hunting.hosts.knows(host) is known


def test_settings_apply_at_once_to_hunts_and_to_the_database(lake: Lake, logs: Callable[..., Path]) -> None:
    lake.ingest(logs("all", A, B, OTHER))
    assert hits(lake, "playbook_src_sysmon3_dcom_135") == []
    set_up(
        lake,
        '[network]\ninternal = ["100.64.0.0/10"]\n[accounts]\nlocal = ["svc_scan"]\n'
        f'[hosts.aliases]\nws01 = ["{A}", "{B}"]\nfs01 = ["OLD-NAME", "10.9.9.9"]\n',
    )
    assert names(lake) == {A: "ws01", B: "ws01", OTHER: "fs01"}
    rows = hits(lake, "playbook_src_sysmon3_dcom_135")
    assert sorted(row["host"] for row in rows) == ["fs01", "ws01", "ws01"]
    assert {(row["destination_scope"], row["user_class"]) for row in rows} == {("internal", "local")}
    assert [row["host"] for row in hits(lake, "playbook_src_sysmon3_dcom_135", host="old-name")] == ["fs01"]
    with open_hunt(lake.root, Library.load()) as hunting:
        assert hunting.hosts.ambiguous == {}
    assert catalog.is_current(lake.warehouse, Library.load())
    shell = str(Path(sys.executable).parent / "duckdb")
    query = "select host, count(*) from hunt.playbook_src_sysmon3_dcom_135 group by host order by host"
    command = [shell, "-readonly", "-csv", "-noheader", str(lake.warehouse.database), query]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["fs01,1", "ws01,2"]
    (lake.root / "wmiwh.toml").unlink()
    assert names(lake)[OTHER] == "old-name"


def test_filters_reach_the_scan(lake: Lake, logs: Callable[..., Path]) -> None:
    def filters(condition: str) -> str:
        with open_hunt(lake.root, Library.load()) as hunting:
            query = f"explain (format json) select process_path from events where {condition}"
            plan = hunting.connection(models=["events"]).sql(query).fetchall()[0][1]
        return " ".join(re.findall(r'"Filters": (?:"[^"]*"|\[[^\]]*\])', plan))

    lake.ingest(logs("a", A, OTHER))
    set_up(lake, '[network]\ninternal = ["100.64.0.0/10"]\n[accounts]\nlocal = ["x"]\n')
    assert "event_id" in filters("event_id = 4688")
    assert "host" in filters("host = 'ws01'")
    lake.ingest(logs("b", B))
    assert "event_id" in filters("event_id = 4688")


@pytest.mark.parametrize("text", ["[network]\ninternl = []\n", "[[["])
def test_wrong_settings_end_every_command_before_it_does_anything(
    text: str, lake: Lake, logs: Callable[..., Path]
) -> None:
    lake.ingest(logs("a", A))
    set_up(lake, text)
    with pytest.raises(UsageError, match=r"wmiwh\.toml, line \d: ") as error, open_hunt(lake.root, Library.load()):
        pytest.fail("opened")
    assert error.value.code is ExitCode.USAGE
    with pytest.raises(UsageError, match=r"wmiwh\.toml"):
        lake.ingest(logs("b", B))
    assert len(lake.warehouse.batches()) == 1


def test_a_batch_without_a_list_of_its_hosts_is_read_all_the_same(lake: Lake, logs: Callable[..., Path]) -> None:
    lake.ingest(logs("a", A))
    (old,) = lake.warehouse.batches()
    old.folder.chmod(0o755)
    old.table("hosts").unlink()
    lake.ingest(logs("b", B))
    assert names(lake) == {A: "ws01.a.example", B: "ws01.b.example"}
    listed = lake.rows("select host, records from lake_hosts order by host")
    assert listed == [{"host": "ws01.a.example", "records": 3}, {"host": "ws01.b.example", "records": 3}]
