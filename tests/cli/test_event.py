"""``wmiwh event``: the whole event, its source, and every analytic that it stands in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wmiwarehouse.cli.app import app
from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting.event import _evidence
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.lake.query import rows

Run = Callable[..., Any]


def _record(number: int, **data: Any) -> str:
    return json.dumps(
        {
            "EventTime": "2024-05-06 01:02:03",
            "@timestamp": "2024-05-06T01:02:03.000Z",
            "EventReceivedTime": "2024-05-06 01:02:03",
            "Hostname": "WS01.corp.example",
            "EventID": 4688,
            "SourceName": "Microsoft-Windows-Security-Auditing",
            "Channel": "Security",
            "RecordNumber": number,
            "SubjectUserName": "jdoe",
            "SubjectLogonId": "0x777",
            "NewProcessName": "C:\\Windows\\System32\\wbem\\WMIC.exe",
            "NewProcessId": "0x4d2",
            "ProcessId": "0x10",
            "CommandLine": "wmic /node:ws02 process call create calc \u001b[31m" + "x" * 700,
        }
        | data
    )


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("event")
    (folder / "log.json").write_text(_record(1) + "\n{\n" + _record(2, NewProcessName="C:\\a.exe") + "\n")
    (folder / "copy.json").write_text(_record(1) + "\n" + _record(3, Nested={"Deep": [1, 2]}) + "\n")
    for name in ("log.json", "copy.json"):
        said = CliRunner().invoke(app, ["ingest", str(folder / name), "-w", str(folder / "w")])
        assert said.exit_code in (0, 5), said.output
    return folder / "w"


@pytest.fixture(scope="module")
def stored(lake: Path) -> list[dict[str, Any]]:
    with open_hunt(lake, Library.load()) as hunting:
        return rows(hunting.connection(models=["events"]), "select * from events order by batch_id, source_record")


def test_everything_is_there(run: Run, lake: Path, stored: list[dict[str, Any]]) -> None:
    said = run("event", stored[0]["event_uid"][:8].upper(), "-w", lake, "-f", "json")
    assert said.code == 0, said.err
    (row,) = json.loads(said.out)
    for name, value in stored[0].items():
        if value not in (None, "", []) and not hasattr(value, "isoformat"):
            assert row[name] == value
        elif value in (None, "", []):
            assert name not in row
    assert json.loads(row["event_data"])["CommandLine"].endswith("x" * 700)
    source = lake.parent / "log.json"
    assert row["file_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert (row["source_file"], row["source_record"]) == (str(source), 1)
    assert any("line 2" in problem["position"] + problem["reason"] for problem in row["source_problems"])
    assert {"car_2016_03_002", "xql_wmic_remote_exec", "playbook_src_4688_image", "report_logon_id_events"} <= set(
        row["analytics"]
    )
    assert "playbook_src_sysmon1_image" not in row["analytics"]
    assert len(row["analytics"]) == len(set(row["analytics"]))


def test_the_screen_has_the_whole_text(
    run: Run, lake: Path, stored: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = run("event", stored[0]["event_uid"], "-w", lake)
    assert said.code == 0
    assert max(map(len, said.out.splitlines())) <= 80
    assert "\x1b" not in said.out
    assert r"\x1b[31m" in said.out
    joined = "".join(line[2:].strip() for line in said.out.splitlines())
    assert "x" * 690 in joined
    for words in ("── event data", "SubjectLogonId", "── source", "record", "1 of 2", "── problems", "── stands in"):
        assert words in said.out
    assert "wmiwh session ws01 0x777" in said.err


def test_a_copy_names_its_original(run: Run, lake: Path, stored: list[dict[str, Any]]) -> None:
    (copy,) = [row for row in stored if row["is_duplicate"]]
    said = run("event", copy["event_uid"], "-w", lake, "-f", "json")
    (row,) = json.loads(said.out)
    original = next(r["event_uid"] for r in stored if r["record_id"] == copy["record_id"] and not r["is_duplicate"])
    assert row["copy_of"] == original
    assert row["analytics"] == []
    assert "copy of another" in said.err


def test_files_of_the_same_bytes_share_their_ids(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.json").write_text(_record(1) + "\n" + _record(2) + "\n")
    assert run("ingest", tmp_path / "a", tmp_path / "b", "-w", tmp_path / "w").code == 0
    listed = run("sql", "select distinct event_uid from lake_events", "-w", tmp_path / "w", "-f", "json")
    first, second = (row["event_uid"] for row in json.loads(listed.out))
    assert first != second
    (row,) = json.loads(run("event", first, "-w", tmp_path / "w", "-f", "json").out)
    assert (row["event_uid"], row["source_file"]) == (first, str(tmp_path / "a" / "log.json"))
    assert row["analytics"]
    said = run("event", first, "-w", tmp_path / "w")
    assert str(tmp_path / "b" / "log.json") in said.out.replace("\n", "").replace(" ", "")


def test_fields_within_fields(run: Run, lake: Path, stored: list[dict[str, Any]]) -> None:
    (nested,) = [row for row in stored if row["record_id"] == 3]
    assert "Nested.Deep" in run("event", nested["event_uid"], "-w", lake).out


@pytest.mark.parametrize("uid", ["abc", "xyzxyz", "0" * 21, "", "0' or '1'='1"])
def test_no_event_id(run: Run, lake: Path, uid: str) -> None:
    said = run("event", uid, "-w", lake)
    assert (said.code, said.out) == (2, "")
    assert "no event id" in said.err


def test_an_unknown_event(run: Run, lake: Path) -> None:
    said = run("event", "00000000", "-w", lake)
    assert (said.code, said.out) == (2, "")
    assert "no event in this warehouse" in said.err
    assert run("event", "00000000", "-w", lake / "nowhere").code == 3


def test_an_ambiguous_beginning_names_the_candidates(
    run: Run, lake: Path, stored: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stored[0]["event_uid"][0]
    alike = [row["event_uid"] for row in stored if row["event_uid"].startswith(first)]
    monkeypatch.setattr("wmiwarehouse.hunting.event._FEWEST", 0)
    said = run("event", "" if len(alike) < 2 else first, "-w", lake)
    assert (said.code, said.out) == (2, "")
    expected = alike if len(alike) > 1 else [row["event_uid"] for row in stored]
    assert all(uid in said.err for uid in expected)
    assert f"{len(expected)} events begin like that" in said.err


@pytest.mark.parametrize(
    ("column", "kind", "has"),
    [
        ("event_uid", "VARCHAR", True),
        ("child_event_uid", "VARCHAR", True),
        ("session_uid", "VARCHAR", True),
        ("logon_uids", "VARCHAR[]", True),
        ("evidence", "STRUCT(event_uid VARCHAR, host VARCHAR)[]", True),
        ("evidence", "STRUCT(host VARCHAR, event_uid VARCHAR)[]", True),
        ("ties", "STRUCT(host VARCHAR, logon_event_uid VARCHAR, connection_event_uid VARCHAR)[]", True),
        ("process_guid", "VARCHAR", False),
        ("targets", "VARCHAR[]", False),
        ("processes", "STRUCT(host VARCHAR)[]", False),
    ],
)
def test_columns_that_bear_events(column: str, kind: str, has: bool) -> None:
    assert (_evidence(column, kind) is not None) is has


def test_evidence_in_lists_is_found(run: Run, case: Any) -> None:
    """The records behind an edge stand in no row of their own, only in its lists."""
    library = Library.load()
    with open_hunt(case.warehouse, library) as hunting:
        chain = library.get("chain_wmic_to_child")
        found = hunting.run(chain).to_pylist()
        assert found
        uids = {
            item["event_uid"]
            for value in found[0].values()
            if isinstance(value, list)
            for item in value
            if isinstance(item, dict) and "event_uid" in item
        }
    assert len(uids) > 1
    said = run("event", max(uids), "-w", case.warehouse, "-f", "json")
    (row,) = json.loads(said.out)
    assert {"chain_wmic_to_child", "lateral_movement"} <= set(row["analytics"])
