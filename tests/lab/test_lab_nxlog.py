"""NXLog lines: the same events as in the EVTX files, with the losses that real exports show."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.lab import generate
from wmiwarehouse.lab.events import SYSMON, WMI_ACTIVITY
from wmiwarehouse.lab.model import Body, LabEvent, to_datetime, value_text
from wmiwarehouse.lab.scenario import Scenario

REGISTRY_AND_WMI = (12, 13, 19, 20, 21)


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / "nxlog").glob("*.json")):
        for line in path.read_bytes().split(b"\n")[:-1]:
            yield json.loads(line)


def events() -> dict[tuple[str, str, int], LabEvent]:
    return {
        (event.host, event.kind.channel, event.record_id): event for event in Scenario(1, 2).events(None, lambda: 0)
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lab")
    generate(path, formats=("nxlog",))
    return path


def test_the_same_events_with_their_values_as_text(folder: Path) -> None:
    left = events()
    for row in rows(folder):
        event = left.pop((row["Hostname"], row["Channel"], row["RecordNumber"]))
        kind = event.kind
        assert (row["EventID"], row["SourceName"], row["Task"]) == (kind.event_id, kind.provider.name, kind.task)
        assert row["Keywords"] % (1 << 64) == kind.keywords
        assert -(1 << 63) <= row["Keywords"] < 1 << 63
        assert row.get("UserID") == event.user_sid
        if kind.body is not Body.EVENT_DATA:
            continue
        for field, value in zip(kind.fields, event.values, strict=True):
            name = "ProcessId" if field.name == "ProcessID" else field.name
            if field.name != "Binary":
                assert row.get(name, "") == value_text(field.type, value), field
    assert not left


def test_times_are_local_and_cut(folder: Path) -> None:
    written = events()
    for row in rows(folder):
        created = to_datetime(written[row["Hostname"], row["Channel"], row["RecordNumber"]].ticks)
        local = created.replace(tzinfo=None, microsecond=0) - dt.timedelta(hours=4)
        assert row["EventTime"] == f"{local:%Y-%m-%d %H:%M:%S}"
        arrived = dt.datetime.fromisoformat(row["@timestamp"])
        assert row["@timestamp"].endswith("Z")
        assert arrived > created
        received = dt.datetime.fromisoformat(row["EventReceivedTime"]).replace(tzinfo=dt.UTC) + dt.timedelta(hours=4)
        assert received == arrived.replace(microsecond=0)


def test_another_zone(tmp_path: Path) -> None:
    generate(tmp_path, formats=("nxlog",), utc_offset_hours=5.5)
    row = next(row for row in rows(tmp_path) if row["Channel"] == SYSMON)
    local, utc = dt.datetime.fromisoformat(row["EventTime"]), dt.datetime.fromisoformat(row["UtcTime"])
    assert round((local - utc) / dt.timedelta(minutes=15)) == 22


def test_sysmon_messages_name_every_field(folder: Path) -> None:
    for row in rows(folder):
        if row["Channel"] != SYSMON:
            continue
        lines = dict(line.split(": ", 1) for line in row["Message"].split("\r\n")[1:] if ": " in line)
        assert lines["UtcTime"] == row["UtcTime"]
        if row["EventID"] in (1, 3, 5, 7, 11, 12, 13):
            assert lines["ProcessId"] == row["ProcessId"]
        if row["EventID"] in REGISTRY_AND_WMI:
            assert lines["EventType"] == row["EventType"]
            assert row["EventTypeOrignal"] == "INFO"
        else:
            assert row["EventType"] == "INFO"
            assert "EventTypeOrignal" not in row
        if row["EventID"] == 1:
            assert lines["LogonId"].startswith("0x")
            assert int(lines["LogonId"], 16) == int(row["LogonId"], 16)


def test_wmi_activity_keeps_only_its_message(folder: Path) -> None:
    messages = defaultdict(list)
    for row in rows(folder):
        if row["Channel"] == WMI_ACTIVITY:
            assert not row.keys() & {"ProviderName", "HostProcess", "ProviderPath", "PossibleCause", "ClientMachine"}
            messages[row["EventID"]].append(row["Message"])
    assert set(messages) == {5857, 5858, 5859, 5860, 5861}
    assert messages[5857][0].startswith("CIMWin32 provider started with result code 0x0. HostProcess = wmiprvse.exe")


def test_dropped_process_ids_are_left_in_the_message(tmp_path: Path) -> None:
    generate(tmp_path, formats=("nxlog",), drop_process_id=True)
    seen = set()
    for row in rows(tmp_path):
        if row["Channel"] == SYSMON:
            seen.add(row["EventID"])
            assert "ProcessId" not in row
            assert ("EventType" in row) is (row["EventID"] not in REGISTRY_AND_WMI)
            assert ("EventTypeOrignal" in row) is (row["EventID"] in REGISTRY_AND_WMI)
            assert "\r\nProcessId: " in row["Message"] or row["EventID"] in (4, 10, 16, 19, 20, 21)
        elif row["EventID"] == 4688:
            assert row["ProcessId"].startswith("0x")
    assert {1, 3, 12, 13, 20} <= seen
