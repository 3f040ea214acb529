"""EvtxECmd's JSON: its rows with the data in a string, the whole events of --fj, and odd payloads of both."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.formats.conftest import Row

Read = Callable[..., list[Row]]
ROW = {
    "PayloadData1": "Target: ACME\\alice",
    "MapDescription": "A logon was attempted using explicit credentials",
    "ChunkNumber": 3,
    "Computer": "WS01.acme.example",
    "Channel": "Security",
    "Provider": "Microsoft-Windows-Security-Auditing",
    "EventId": 4648,
    "EventRecordId": "13058",
    "ProcessId": 780,
    "ThreadId": 824,
    "Level": "LogAlways",
    "Keywords": "Audit success",
    "SourceFile": "C:\\logs\\Security.evtx",
    "ExtraDataOffset": 0,
    "HiddenRecord": False,
    "TimeCreated": "2023-03-27T14:37:09.8798913+00:00",
    "RecordNumber": 39,
}


def row(payload: Any, **more: Any) -> dict[str, Any]:
    return ROW | {"Payload": payload if isinstance(payload, str) or payload is None else json.dumps(payload)} | more


def datum(name: str, text: str | None = None) -> dict[str, str]:
    return {"@Name": name} | ({"#text": text} if text is not None else {})


def listed(*items: Any) -> dict[str, Any]:
    return {"EventData": {"Data": list(items)}}


def test_a_row_of_its_own(read: Read) -> None:
    (found,) = read(row(listed(datum("TargetUserName", "alice"), datum("ProcessId", "0x570"), datum("IpPort"))))
    assert (found["record_id"], found["event_id"], found["level"]) == (13058, 4648, 0)
    assert (found["keywords"], found["version"], found["task"]) == ("0x8020000000000000", None, None)
    assert (found["target_name"], found["process_id"], found["execution_process_id"]) == ("alice", 1392, 780)
    assert (str(found["event_time"]), found["time_source"]) == ("2023-03-27 14:37:09.879891+00:00", "logged")
    assert json.loads(found["event_data"]) == {"TargetUserName": "alice", "ProcessId": "0x570", "IpPort": ""}


_PAYLOADS: list[tuple[Any, dict[str, Any]]] = [
    ({"EventData": {"Data": datum("A", "1")}}, {"A": "1"}),
    (listed(datum("G", "1"), datum("A", "x"), datum("G", "2")), {"G": ["1", "2"], "A": "x"}),
    ({"EventData": {"Data": "a, b", "Binary": "00"}}, {"Data": {"#text": ["a, b"]}, "Binary": "00"}),
    (listed("a", datum("A", "1"), "b"), {"Data": {"#text": ["a", "b"]}, "A": "1"}),
    ({"EventData": None}, {}),
    (listed(), {}),
    ({"UserData": {"Cleared": {"@xmlns": "u", "A": "1", "B": None}}}, {"#UserData": "Cleared", "A": "1"}),
    ({"UserData": {"Cleared": "text"}}, {"#UserData": "Cleared", "Cleared": "text"}),
]


def test_payloads(read: Read) -> None:
    found = read(*(row(payload) for payload, _ in _PAYLOADS))
    assert [json.loads(one["event_data"]) for one in found] == [data for _, data in _PAYLOADS]


def test_what_is_no_payload_is_kept_with_the_row(read: Read) -> None:
    odd: tuple[Any, ...] = ("", "cut off {", None, [1], {"UserData": {'we"ird': {}}}, {"EventData": "text"})
    rows = [row(payload) for payload in odd]
    found = read(*rows)
    assert [json.loads(one["event_data"]) for one in found] == rows
    assert {one["record_id"] for one in found} == {13058}


def test_whole_events(read: Read) -> None:
    event = {
        "@xmlns": "http://schemas.microsoft.com/win/2004/08/events/event",
        "System": {
            "Provider": {"@Name": "Service Control Manager", "@Guid": "555908d1-a6d7-4695-8e1e-26931d2012f4"},
            "EventID": {"@Qualifiers": "16384", "#text": "7045"},
            "Version": "0",
            "Level": "4",
            "TimeCreated": {"@SystemTime": "2023-03-27 14:37:09.8798913"},
            "EventRecordID": "88",
            "Correlation": None,
            "Execution": {"@ProcessID": "700", "@ThreadID": "8"},
            "Channel": "System",
            "Computer": "DC01.acme.example",
            "Security": {"@UserID": "S-1-5-18"},
        },
        "EventData": {"Data": [datum("ServiceName", "evil"), datum("ImagePath", "C:\\a.exe &amp; b ")]},
    }
    (found,) = read({"Event": event})
    assert (found["format"], found["event_id"], found["record_id"], found["host"]) == ("evtxecmd", 7045, 88, "dc01")
    assert (str(found["event_time"]), found["time_source"]) == ("2023-03-27 14:37:09.879891+00:00", "logged")
    assert (found["execution_process_id"], found["system_user_sid"]) == (700, "S-1-5-18")
    assert json.loads(found["event_data"]) == {"ServiceName": "evil", "ImagePath": "C:\\a.exe &amp; b "}


def test_very_many_values_are_kept_with_the_row(read: Read) -> None:
    def values(count: int, names: int) -> dict[str, Any]:
        return row(listed(*[datum(f"N{number % names}", "v") for number in range(count)]))

    many = values(100_000, 1)
    distinct, same, too_many = read(values(5_000, 5_000), values(5_000, 1), many)
    assert (len(json.loads(distinct["event_data"])), len(json.loads(same["event_data"]))) == (5_000, 1)
    assert json.loads(too_many["event_data"]) == many
