"""The flat export of Channel, EventID and TimeCreated: few System fields, the event's data beside them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.formats.conftest import Row

Read = Callable[..., list[Row]]
LINE = {
    "Channel": "Security",
    "EventID": 4688,
    "TimeCreated": "2024-05-06T12:00:00.1234567Z",
    "Hostname": "WS01.acme.example",
    "Task": "Process Creation",
    "NewProcessName": "C:\\Windows\\System32\\wbem\\WMIC.exe",
    "CommandLine": "wmic /node:FS01 process call create &quot;calc&quot; ",
    "NewProcessId": "0x1a4",
}


def test_types_come_without_a_provider(read: Read) -> None:
    (row,) = read(LINE)
    assert (row["provider"], row["record_id"], row["version"], row["task"]) == (None, None, None, "Process Creation")
    assert (row["process_name"], row["process_id"], row["command_line"]) == ("wmic.exe", 420, LINE["CommandLine"])
    assert (str(row["event_time"]), row["time_source"]) == ("2024-05-06 12:00:00.123456+00:00", "logged")
    assert json.loads(row["event_data"]) == LINE


def test_rows_of_sentinel(read: Read) -> None:
    row = {
        "TimeGenerated": "2024-05-06T12:00:00.1234567Z",
        "Computer": "WS01.acme.example",
        "Channel": "Security",
        "EventID": 4624,
        "EventSourceName": "Microsoft-Windows-Security-Auditing",
        "Activity": "4624 - An account was successfully logged on.",
        "Account": "ACME\\anna",
        "TargetUserName": "anna",
        "TargetDomainName": "ACME",
        "TargetLogonId": "0x1FC0ED",
        "LogonType": 3,
        "IpAddress": "10.20.0.11",
        "ServiceStartType": None,
        "Type": "SecurityEvent",
    }
    found = read(row) + read(text=json.dumps({"records": [row]})) + read(text=json.dumps({"data": [row]}, indent=1))
    assert len(found) == 3
    for one in found:
        assert (one["format"], one["host"], one["provider"]) == ("minimal_json", "ws01", row["EventSourceName"])
        assert (one["target_name"], one["target_logon_id"], one["logon_type"]) == ("anna", "0x1fc0ed", 3)
        assert (one["source_ip"], str(one["event_time"])[:19]) == ("10.20.0.11", "2024-05-06 12:00:00")


def test_names_of_the_computer(read: Read) -> None:
    line = {key: value for key, value in LINE.items() if key != "Hostname"}
    rows = read(*(line | {name: "DC01.acme.example"} for name in ("Hostname", "Computer", "ComputerName")))
    assert [(row["host"], row["computer"]) for row in rows] == [("dc01", "DC01.acme.example")] * 3


def test_numbers_as_text_and_nulls(read: Read) -> None:
    rows = read(LINE | {"EventID": "4688", "CommandLine": None}, LINE | {"EventID": None})
    assert [(row["event_id"], row["command_line"]) for row in rows] == [(4688, None), (None, None)]


@pytest.mark.parametrize("channel", ["Microsoft-Windows-Sysmon/Operational", "microsoft-windows-sysmon/operational"])
def test_a_time_without_a_zone_is_the_hosts(channel: str, read: Read) -> None:
    local = LINE | {"TimeCreated": "2024-05-06 08:00:00.5"}
    sysmon = {
        "Channel": channel,
        "EventID": "1",
        "TimeCreated": "2024-05-06 08:00:00",
        "Hostname": "WS01",
        "UtcTime": "2024-05-06 12:00:00.250",
        "Image": "a.exe",
    }
    rows = read(local, sysmon)
    assert [(str(row["event_time"]), row["time_source"]) for row in rows] == [
        ("2024-05-06 12:00:00.500000+00:00", "inferred_offset"),
        ("2024-05-06 12:00:00.250000+00:00", "utc_time"),
    ]
    (alone,) = read(local)
    assert (str(alone["event_time"]), alone["time_source"]) == ("2024-05-06 08:00:00.500000+00:00", "assumed")


def test_data_of_wmi_activity_is_not_taken_for_the_provider(read: Read) -> None:
    started = LINE | {
        "Channel": "Microsoft-Windows-WMI-Activity/Operational",
        "EventID": 5857,
        "ProviderName": "CIMWin32",
        "HostProcess": "wmiprvse.exe",
        "ProcessID": "3344",
    }
    (row,) = read(started)
    assert (row["provider"], row["object_name"], row["process_id"]) == (None, "CIMWin32", 3344)


def test_the_records_channel_is_not_the_log_that_was_cleared(read: Read) -> None:
    cleared = LINE | {"Channel": "System", "EventID": 104, "Message": "The Security log file was cleared."}
    with_message, without = read(cleared, cleared | {"Message": None})
    assert (with_message["object_name"], without["object_name"]) == ("Security", None)


def test_real_repeats_are_kept_and_a_second_file_is_a_copy(read: Read) -> None:
    assert len(read(LINE, LINE)) == 2
