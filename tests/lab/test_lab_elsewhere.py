"""What textbooks leave out is in the logs: each awkward fact of the second day, read from the events themselves."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from evtx import PyEvtxParser

from wmiwarehouse.lab import Fact, GroundTruth, Row, generate
from wmiwarehouse.lab.acts_elsewhere import REUSED
from wmiwarehouse.lab.events import SYSMON
from wmiwarehouse.lab.model import TICKS_PER_SECOND, LabEvent
from wmiwarehouse.lab.scenario import Scenario
from wmiwarehouse.lab.world import BY_KEY, host_label

Events = dict[Row, LabEvent]
ACME, LAB = "app02.acme.example", "app02.lab.acme.example"


def data(event: LabEvent) -> dict[str, Any]:
    return {field.name: value for field, value in zip(event.kind.fields, event.values, strict=True)}


@pytest.fixture(scope="module")
def events() -> Events:
    return {
        Row(host_label(event.host), event.kind.channel, event.kind.event_id, event.record_id): event
        for event in Scenario(1, 2).events(None, lambda: 0)
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lab")
    generate(path, copies=True)
    return path


@pytest.fixture(scope="module")
def truth(folder: Path) -> GroundTruth:
    return GroundTruth.from_json((folder / "truth.json").read_text(encoding="utf-8"))


def of(events: Events, host: str, event_id: int, channel: str = "Security") -> list[LabEvent]:
    return [event for row, event in events.items() if row[:3] == (host, channel, event_id)]


def record_ids(path: Path) -> list[int]:
    records = PyEvtxParser(str(path)).records_json()
    return [record["event_record_id"] for record in records if record is not None]


def act(truth: GroundTruth, source: str, command_line: str, target: str) -> int:
    (found,) = (
        a.number for a in truth.acts if command_line in a.command_line and (a.source, a.targets) == (source, [target])
    )
    return found


def facts(truth: GroundTruth, section: str, number: int) -> list[Fact]:
    return [fact for fact in getattr(truth, section) if fact.about.get("act") == number]


def test_a_logon_id_comes_back_after_a_boot_and_on_the_namesake(events: Events, truth: GroundTruth) -> None:
    sessions = [fact for fact in truth.sessions if int(fact.about["logon_id"], 16) == REUSED]
    assert [fact.about["host"] for fact in sessions] == [ACME, ACME]
    first, second = (max(events[row].ticks for row in fact.rows("process")) for fact in sessions)
    (boot,) = (event.ticks for event in of(events, ACME, 4608) if first < event.ticks < second)
    assert boot
    logoffs = [event.ticks for event in of(events, ACME, 4634) if data(event)["TargetLogonId"] == REUSED]
    assert len(logoffs) == 1
    assert logoffs[0] > second
    processes = [event for event in of(events, LAB, 1, SYSMON) if data(event)["LogonId"] == REUSED]
    assert processes
    assert not [event for event in of(events, LAB, 4624) if data(event)["TargetLogonId"] == REUSED]


def test_a_process_after_the_logoff_belongs_to_no_session(events: Events, truth: GroundTruth) -> None:
    late = [e.row for a in truth.acts for e in a.evidence if e.role == "after_logoff"]
    assert len(late) == 2
    in_sessions = {row for fact in truth.sessions for row in fact.rows("process")}
    for row in late:
        event = events[row]
        logon_id = data(event).get("LogonId") or data(event)["SubjectLogonId"]
        (logoff,) = (e.ticks for e in of(events, row.host, 4634) if data(e)["TargetLogonId"] == logon_id)
        assert event.ticks - logoff > TICKS_PER_SECOND
        assert row not in in_sessions


def test_one_clock_is_nine_seconds_ahead(events: Events, truth: GroundTruth) -> None:
    connections = {
        (data(event)["SourceIp"], data(event)["SourcePort"], data(event)["Initiated"]): event
        for row, event in events.items()
        if row[1:3] == (SYSMON, 3)
    }
    ahead = []
    for (address, port, initiated), event in connections.items():
        other = connections.get((address, port, not initiated))
        if initiated and other is not None:
            hosts = [host_label(e.host) for e in (event, other)]
            shift = {"prt01": -1}.get(hosts[0], 0) + {"prt01": 1}.get(hosts[1], 0)
            assert abs(other.ticks - event.ticks - 9 * shift * TICKS_PER_SECOND) < TICKS_PER_SECOND // 10
            ahead.append(shift)
    assert {1, -1, 0} == set(ahead)
    assert [(e.about["source"], e.about["target"]) for e in truth.edges if "prt01" in e.about.values()] == [
        ("ws01", "prt01"), ("prt01", "fs01"),
    ]  # fmt: skip


def test_copies_hold_nothing_new(folder: Path, truth: GroundTruth) -> None:
    for name, count in truth.copies.items():
        path = folder / name
        host, log = path.name.split(" ")
        original = folder / "evtx" / host / log
        ids, all_ids = record_ids(path), record_ids(original)
        assert len(ids) == count
        assert ids == all_ids[: len(ids)]
        same = hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(original.read_bytes()).digest()
        assert same is (host == "FS01")
        assert (len(ids) == len(all_ids)) is (host == "FS01")


def test_windows_speaks_other_languages(events: Events) -> None:
    users = {host: {data(e)["User"] for e in of(events, host, 1, SYSMON)} for host in ("ws04", "ws05", "ws01")}
    assert {"NT-AUTORITÄT\\SYSTEM", "NT-AUTORITÄT\\Netzwerkdienst"} <= users["ws04"]
    assert {"AUTORITE NT\\Système", "AUTORITE NT\\SERVICE RÉSEAU"} <= users["ws05"]
    assert {"NT AUTHORITY\\SYSTEM", "NT AUTHORITY\\NETWORK SERVICE"} <= users["ws01"]
    assert {data(e)["TargetUserName"] for e in of(events, "ws05", 4624) if data(e)["TargetDomainName"] == "WS05"} == {
        "Administrateur"
    }


def test_addresses_are_written_in_every_way(events: Events) -> None:
    logged = {data(e)["IpAddress"] for host in ("fs01", "dc01") for e in of(events, host, 4624)}
    ws01, ws02 = BY_KEY["WS01"], BY_KEY["WS02"]
    assert {ws01.unique_local, f"{ws02.link_local}%12", f"::ffff:{ws02.address}", "-"} <= logged
    seen = {data(e)["SourceIp"] for e in of(events, "fs01", 3, SYSMON)}
    assert {"fd00:20:0:0:0:0:0:b", "fe80:0:0:0:0:0:20:c"} <= seen


def test_a_logon_without_address_has_its_ticket(events: Events, truth: GroundTruth) -> None:
    number = act(truth, "ws01", 'process call create "calc.exe"', "dc01")
    (session,) = (s for s in facts(truth, "sessions", number) if s.about["source_ip"] is None)
    (logon,) = (events[row] for row in session.rows("logon"))
    tickets = [
        data(event)["IpAddress"]
        for event in of(events, "dc01", 4769)
        if abs(event.ticks - logon.ticks) < 15 * TICKS_PER_SECOND and data(event)["ServiceName"] == "DC01$"
        and data(event)["TargetUserName"].startswith("alice@")
    ]  # fmt: skip
    assert tickets == ["::ffff:10.20.0.11"]
    assert not facts(truth, "ties", number)


def test_a_branch_office_has_one_address(events: Events, truth: GroundTruth) -> None:
    names = {
        data(event)["TargetUserName"]
        for host in ("fs01", "dc01")
        for event in of(events, host, 4624)
        if data(event)["IpAddress"] == "10.20.8.1"
    }
    assert {"erin", "fred", "BR01$", "BR02$"} <= names
    from_branch = [edge.about for edge in truth.edges if edge.about["source"] in ("br01", "br02")]
    assert len(from_branch) == 2
    assert not any({"tie", "address"} & set(about["kinds"]) for about in from_branch)


def test_subscriptions_fire_and_every_windows_has_one(events: Events, truth: GroundTruth) -> None:
    rows = [e for a in truth.acts for e in a.evidence if e.role == "subscribed_child"]
    assert {e.row for e in rows} <= set(truth.origins["subscription"])
    for _, row in rows:
        assert data(events[row]).get("LogonId", 0x3E7) == 0x3E7
    default = {row.host for row, e in events.items() if row.event_id == 5861 and "SCM Event Log" in data(e)["ESS"]}
    assert len(default) == 14


def test_the_redirected_output_is_fetched_from_outside(events: Events, truth: GroundTruth) -> None:
    children = {row for row in truth.rows("wmiexec_output") if row.channel == "Security"}
    assert len(children) == 3
    for child in children:
        name = data(events[child])["CommandLine"].split(" 1> ")[1].split()[0].rsplit("\\", 1)[1]
        (fetched,) = (e for e in of(events, child.host, 5145) if data(e)["RelativeTargetName"] == name)
        assert data(fetched)["IpAddress"] == "10.20.0.99"


def test_winrm_and_hosts_without_logs(truth: GroundTruth) -> None:
    vehicles = {edge.about["vehicle"] for edge in truth.edges}
    assert vehicles == {"wmiprvse", "wsmprovhost", "other"}
    half = {(edge.about["source"], edge.about["target"]) for edge in truth.edges if edge.about["is_half"]}
    assert half == {("ws01", "nas07"), ("10.20.0.99", "fs01"), ("10.20.0.99", ACME), ("10.20.0.99", "ws04")}


def test_look_alikes_are_no_edges(events: Events, truth: GroundTruth) -> None:
    unlogged = {e.row for a in truth.acts if a.vehicle == "unknown" for e in a.evidence if e.role == "child"}
    assert unlogged <= set(truth.origins["unknown"])
    for row in unlogged:
        logon_id = data(events[row]).get("LogonId") or data(events[row])["TargetLogonId"]
        assert not [e for e in of(events, row.host, 4624) if data(e)["TargetLogonId"] == logon_id]
    assert all(edge.about["source"] != edge.about["target"] for edge in truth.edges)
    own = [s for s in truth.sessions if s.about["source_ip"] == BY_KEY["FS01"].address and s.about["host"] == "fs01"]
    assert len(own) == 1
    to_controller = [tie.about for tie in truth.ties if tie.about.get("port") == 49667]
    assert to_controller
    assert all(about["user"].endswith("$") for about in to_controller)
