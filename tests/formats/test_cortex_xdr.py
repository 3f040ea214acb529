"""Cortex XDR's odd values: three notations of types, two of times, rows of other events, and whose user is whose."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.formats.quick import QuickReader

Row = dict[str, Any]
PROCESS = {
    "_time": 1714986061402,
    "agent_hostname": "WS01",
    "agent_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "event_type": "PROCESS",
    "event_sub_type": "PROCESS_START",
    "event_id": "ODczNjk1Mzc1MTMwMzI1NjA1Nw==",
    "action_process_image_name": "WMIC.exe",
    "action_process_image_path": "C:\\Windows\\System32\\wbem\\WMIC.exe",
    "action_process_image_command_line": "wmic /node:fs01 process call create calc.exe",
    "action_process_image_sha256": "ab" * 32,
    "action_process_os_pid": 7412,
    "action_process_instance_id": "AdkP08aY7RwAAAL0AAAAAA==",
    "action_process_username": "ACME\\alice",
    "actor_process_image_name": "cmd.exe",
    "actor_process_image_path": "C:\\Windows\\System32\\cmd.exe",
    "actor_process_command_line": "cmd /c x.cmd",
    "actor_process_os_pid": "4100",
    "actor_process_instance_id": "AdkP08aY7RwAAAL0AAAABB==",
    "actor_effective_username": "NT AUTHORITY\\SYSTEM",
}


def test_a_process(quick: QuickReader) -> None:
    (row,) = quick(PROCESS)
    assert (row["channel"], row["host"], row["event_id"]) == ("cortex/xdr_data", "ws01", None)
    assert row["event_time"] == datetime(2024, 5, 6, 9, 1, 1, 402000, UTC)
    assert (row["process_name"], row["process_id"], row["command_line"]) == (
        "wmic.exe", 7412, PROCESS["action_process_image_command_line"],
    )  # fmt: skip
    assert (row["user_domain"], row["user_name"], row["parent_user"]) == ("ACME", "alice", "NT AUTHORITY\\SYSTEM")
    assert (row["parent_process_name"], row["parent_process_id"]) == ("cmd.exe", 4100)
    assert row["parent_command_line"] == "cmd /c x.cmd"
    assert (row["process_guid"], row["parent_process_guid"]) == (
        PROCESS["action_process_instance_id"], PROCESS["actor_process_instance_id"],
    )  # fmt: skip
    assert row["hashes"] == f"SHA256={'ab' * 32}"
    assert json.loads(row["event_data"])["agent_id"] == PROCESS["agent_id"]


@pytest.mark.parametrize(
    ("time", "moment", "source"),
    [
        ("2024-05-06 09:01:01.402 UTC", datetime(2024, 5, 6, 9, 1, 1, 402000, UTC), "logged"),
        ("2024-05-06T11:01:01+02:00", datetime(2024, 5, 6, 9, 1, 1, 0, UTC), "logged"),
        ("1714986061402", datetime(2024, 5, 6, 9, 1, 1, 402000, UTC), "logged"),
    ],
)
def test_times(quick: QuickReader, time: str, moment: datetime, source: str) -> None:
    (row,) = quick(PROCESS | {"_time": time})
    assert (row["event_time"], row["time_source"]) == (moment, source)


def test_a_time_without_a_zone_is_assumed(quick: QuickReader) -> None:
    (row,) = quick(PROCESS | {"_time": "2024-05-06 09:01:01"})
    assert (row["event_time"], row["time_source"]) == (datetime(2024, 5, 6, 9, 1, 1, 0, UTC), "assumed")


def test_rows_of_alerts_have_other_names_for_host_and_time(quick: QuickReader) -> None:
    left_out = ("agent_hostname", "agent_id", "_time")
    alert = {name: value for name, value in PROCESS.items() if name not in left_out}
    (row,) = quick(alert | {"host_name": "WS02", "detection_timestamp": 1714986061402})
    assert (row["host"], row["time_source"]) == ("ws02", "logged")
    assert row["event_time"] == datetime(2024, 5, 6, 9, 1, 1, 402000, UTC)


@pytest.mark.parametrize(
    ("kind", "channel"),
    [
        ({"event_type": "ENUM.PROCESS", "event_sub_type": "ENUM.PROCESS_START"}, "cortex/xdr_data"),
        ({"event_type": 1, "event_sub_type": 1}, "cortex/xdr_data"),
        ({"event_type": None, "event_sub_type": None}, "cortex/xdr_data"),
        ({"event_sub_type": "PROCESS_STOP"}, "cortex/process_stop"),
        ({"event_type": "NETWORK", "event_sub_type": "NETWORK_STREAM_CONNECT"}, "cortex/network_stream_connect"),
        ({"event_type": "FILE", "event_sub_type": None}, "cortex/file"),
    ],
)
def test_only_process_starts_are_process_creations(quick: QuickReader, kind: dict[str, Any], channel: str) -> None:
    (row,) = quick(PROCESS | kind)
    assert row["channel"] == channel


def test_rows_of_other_events_in_one_file(quick: QuickReader) -> None:
    other = {"_time": 1714986061402, "agent_hostname": "WS01", "event_type": "NETWORK", "action_remote_ip": "10.0.0.1"}
    rows = quick(PROCESS, other)
    assert [row["channel"] for row in rows] == ["cortex/xdr_data", "cortex/network"]


def test_the_users_fields_of_the_query_alone(quick: QuickReader) -> None:
    """A query's own ``fields`` leave out whose process it is: it stays unknown."""
    row = dict(PROCESS)
    for name in ("action_process_username", "action_process_os_pid", "event_type", "event_sub_type"):
        del row[name]
    (found,) = quick(row)
    assert (found["channel"], found["user_name"], found["process_id"]) == ("cortex/xdr_data", None, None)


@pytest.mark.parametrize("shape", ["array", "api"])
def test_arrays_and_the_answer_of_the_api(quick: QuickReader, shape: str) -> None:
    data = [PROCESS, PROCESS | {"action_process_os_pid": 7413}]
    document = data if shape == "array" else {"reply": {"status": "SUCCESS", "results": {"data": data}}}
    rows = quick(text=json.dumps(document))
    assert [row["process_id"] for row in rows] == [7412, 7413]
