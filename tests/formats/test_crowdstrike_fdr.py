"""CrowdStrike's odd values: ids of the sensor, times in seconds and milliseconds, hosts without a name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.formats.quick import QuickReader

Row = dict[str, Any]
PROCESS = {
    "AuthenticationId": "999",
    "CommandLine": "wmic.exe /node:fs01 process call create calc.exe",
    "ComputerName": "WS01",
    "ImageFileName": "\\Device\\HarddiskVolume2\\Windows\\System32\\wbem\\WMIC.exe",
    "MD5HashData": "0ac5e4c66d56a4c2a2fab09e18bcc23f",
    "ParentBaseFileName": "WINWORD.EXE",
    "ParentProcessId": "289734651298",
    "ProcessEndTime": "",
    "ProcessStartTime": "1714986061.402",
    "RawProcessId": "7412",
    "SHA1HashData": "0000000000000000000000000000000000000000",
    "SHA256HashData": "0cedee4eca1b34434ccdd654da4faf4c7ca7a723eaab248e4ff9717db26a1f55",
    "TargetProcessId": "289741187433",
    "UserSid": "S-1-5-21-1-2-3-1604",
    "aid": "4d92d2adf9009775a446ce0fe2689915",
    "event_platform": "Win",
    "event_simpleName": "ProcessRollup2",
    "id": "6a1f0c9e-9b42-11f1-8a6e-02b7c41d5e21",
    "timestamp": "1714986061417",
}


def test_a_process(quick: QuickReader) -> None:
    (row,) = quick(PROCESS)
    assert row["channel"] == "crowdstrike/ProcessRollup2"
    assert (row["host"], row["event_id"], row["record_id"], row["provider"]) == ("ws01", None, None, None)
    assert row["event_time"] == datetime(2024, 5, 6, 9, 1, 1, 402000, UTC)
    assert row["time_source"] == "logged"
    assert row["process_path"] == PROCESS["ImageFileName"]
    assert (row["process_name"], row["process_id"]) == ("wmic.exe", 7412)
    assert (row["process_guid"], row["parent_process_guid"]) == ("289741187433", "289734651298")
    assert (row["parent_process_name"], row["parent_process_path"]) == ("winword.exe", None)
    assert row["parent_process_id"] is None
    assert (row["user_name"], row["user_sid"], row["logon_id"]) == (None, "S-1-5-21-1-2-3-1604", "0x3e7")
    assert row["hashes"] == f"MD5={PROCESS['MD5HashData']},SHA256={PROCESS['SHA256HashData']}"


def test_hashes_that_were_not_made(quick: QuickReader) -> None:
    (row,) = quick(PROCESS | {"MD5HashData": "0" * 32, "SHA256HashData": "0" * 64})
    assert row["hashes"] is None


@pytest.mark.parametrize("name", [None, ""])
def test_without_a_name_the_sensor_stands_for_the_host(quick: QuickReader, name: str | None) -> None:
    record = PROCESS | {"ComputerName": name}
    if name is None:
        del record["ComputerName"]
    (row,) = quick(record)
    assert row["host"] == row["computer"] == PROCESS["aid"]


def test_every_kind_of_event_is_kept(quick: QuickReader) -> None:
    dns = {
        "ContextTimeStamp": "1714986061.9",
        "DomainName": "example.com",
        "aid": PROCESS["aid"],
        "event_simpleName": "DnsRequest",
        "timestamp": "1714986062000",
    }
    heartbeat = {"aid": PROCESS["aid"], "event_simpleName": "SensorHeartbeat", "timestamp": "1714986063007"}
    rows = quick(PROCESS, dns, heartbeat, PROCESS | {"event_simpleName": "SyntheticProcessRollup2"})
    assert [row["channel"] for row in rows] == [
        "crowdstrike/ProcessRollup2", "crowdstrike/DnsRequest", "crowdstrike/SensorHeartbeat",
        "crowdstrike/ProcessRollup2",
    ]  # fmt: skip
    assert rows[1]["event_time"] == datetime(2024, 5, 6, 9, 1, 1, 900000, UTC)
    assert rows[2]["event_time"] == datetime(2024, 5, 6, 9, 1, 3, 7000, UTC)
    assert rows[1]["process_name"] is None
    assert rows[3]["process_id"] == 7412


def test_names_as_the_log_store_writes_them(quick: QuickReader) -> None:
    """LogScale puts a sign before the names of its tags."""
    record = {("#" + name if name == "event_simpleName" else name): value for name, value in PROCESS.items()}
    (row,) = quick(record)
    assert row["channel"] == "crowdstrike/ProcessRollup2"


@pytest.mark.parametrize(
    "odd", ["", "never", "99999999999999999999", "1e9", "-5", "99999999999.5", "1714986061.", "\u0661\u0662"]
)
def test_odd_numbers_are_no_damage(quick: QuickReader, odd: str) -> None:
    (row,) = quick(PROCESS | {"ProcessStartTime": odd, "RawProcessId": odd, "AuthenticationId": odd})
    assert row["process_name"] == "wmic.exe"
    if not odd or not odd[0].isdigit():
        assert row["event_time"] == datetime(2024, 5, 6, 9, 1, 1, 417000, UTC)
