"""Winlogbeat: versions, modules, wrappers, and values in every shape that was seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.formats.conftest import Row

Read = Callable[..., list[Row]]
WINLOG = {
    "channel": "Microsoft-Windows-Sysmon/Operational",
    "computer_name": "WS01.acme.example",
    "provider_name": "Microsoft-Windows-Sysmon",
    "event_id": "1",
    "record_id": "77",
    "version": 5,
    "process": {"pid": 4, "thread": {"id": 8}},
    "task": "Process Create (rule: ProcessCreate)",
}


def event(data: Any = None, *, top: dict[str, Any] | None = None, **winlog: Any) -> dict[str, Any]:
    body = WINLOG | ({"event_data": data} if data is not None else {}) | winlog
    return {"@timestamp": "2024-05-06T12:00:00.123Z", "host": {"name": "collector"}, "winlog": body} | (top or {})


def test_ids_as_number_and_text_and_in_event_code(read: Read) -> None:
    data = {"Image": "C:\\a.exe"}
    code = event(data, event_id=None, top={"event": {"code": 1}})
    for row in read(event(data), event(data, event_id=1, record_id=77), code):
        assert (row["event_id"], row["record_id"], row["process_name"]) == (1, 77, "a.exe")
        assert (row["host"], row["execution_process_id"]) == ("ws01", 4)


@pytest.mark.parametrize("shape", ["source", "events", "answer", "array", "pretty"])
def test_wrappers(shape: str, read: Read) -> None:
    records = [event({"Image": "a"}), event({"Image": "b"}, record_id=78)]
    texts = {
        "source": "\n".join(json.dumps({"_index": "w", "_source": record}) for record in records),
        "events": json.dumps({"events": records}),
        "answer": json.dumps({"took": 1, "hits": {"hits": [{"_source": record} for record in records]}}),
        "array": json.dumps(records),
        "pretty": "\n".join(json.dumps(record, indent=2) for record in records),
    }
    assert [(row["process_name"], row["format"]) for row in read(text=texts[shape])] == [
        ("a", "winlogbeat"),
        ("b", "winlogbeat"),
    ]


def test_times(read: Read) -> None:
    created = event({"UtcTime": "2024-05-06 11:59:59.900"}, time_created="2024-05-06T12:00:00.1234567Z")
    arrival = event({"UtcTime": "2024-05-06 10:00:00.000"})
    plain = event({"UtcTime": "2024-05-06 11:59:59.900"})
    module = event({}, top={"event": {"module": "sysmon"}})
    assert [(str(row["event_time"])[11:26], row["time_source"]) for row in read(created, arrival, plain, module)] == [
        ("12:00:00.123456", "logged"),
        ("10:00:00+00:00", "utc_time"),
        ("12:00:00.123000", "logged"),
        ("12:00:00.123000", "utc_time"),
    ]


@pytest.mark.parametrize("channel", [WINLOG["channel"], "microsoft-windows-sysmon/operational"])
def test_the_sysmon_module_is_undone(channel: str, read: Read) -> None:
    moved = event(
        {"LogonId": "0x3e7"},
        channel=channel,
        top={
            "event": {"module": "sysmon"},
            "user": {"name": "alice", "domain": "ACME"},
            "process": {
                "pid": 44,
                "entity_id": "{A}",
                "executable": "C:\\Windows\\a.exe",
                "command_line": "a &gt; b ",
                "working_directory": "C:\\",
                "args": ["a", ">", "b"],
                "hash": {"sha1": "ab", "md5": "cd"},
                "pe": {"original_file_name": "A.EXE"},
                "parent": {"executable": "C:\\p.exe", "pid": 5, "command_line": "p"},
            },
        },
    )
    (row,) = read(moved)
    assert (row["process_id"], row["process_name"], row["command_line"]) == (44, "a.exe", "a &gt; b ")
    assert (row["user_name"], row["user_domain"], row["logon_id"]) == ("alice", "ACME", "0x3e7")
    assert (row["parent_process_name"], row["parent_process_id"], row["hashes"]) == ("p.exe", 5, "SHA1=AB,MD5=CD")
    assert (row["original_file_name"], row["current_directory"]) == ("A.EXE", "C:\\")
    data = json.loads(row["event_data"])
    assert data["#ECS"]["process"]["args"] == ["a", ">", "b"]
    assert "SourceImage" not in data


def test_registry_and_network_of_the_module(read: Read) -> None:
    module = {"event": {"module": "sysmon"}}
    value = {"path": "HKLM\\x", "data": {"type": "SZ_DWORD", "strings": ["4"]}}
    long_value = {"path": "HKLM\\x", "data": {"type": "SZ_QWORD", "strings": ["5"]}}
    network = {"network": {"direction": "outbound", "transport": "tcp"}, "source": {"ip": "10.0.0.1", "port": 7}}
    first, second, third = read(
        event({"EventType": "SetValue"}, event_id="13", top=module | {"registry": value}),
        event({"EventType": "SetValue"}, event_id="13", top=module | {"registry": long_value}),
        event(event_id="3", top=module | network),
    )
    assert (first["registry_path"], first["registry_details"]) == ("HKLM\\x", "DWORD (0x00000004)")
    assert second["registry_details"] == "QWORD (0x00000000-0x00000005)"
    assert (third["source_ip"], third["source_port"], third["is_initiated"]) == ("10.0.0.1", 7, True)


@pytest.mark.parametrize("channel", ["Security", "security"])
def test_the_security_module_is_undone(channel: str, read: Read) -> None:
    security: Any = {"channel": channel, "provider_name": "Microsoft-Windows-Security-Auditing"}
    process = {"executable": "C:\\a.exe", "pid": 4556, "parent": {"executable": "C:\\p.exe", "pid": 4652}}
    created = event(
        {"CommandLine": "a"}, event_id="4688", top={"event": {"module": "security"}, "process": process}, **security
    )
    logon = event({}, event_id="4624", top={"source": {"ip": "10.0.0.1", "port": 5}}, **security)
    first, second = read(created, logon)
    assert (first["process_name"], first["process_id"], first["parent_process_name"]) == ("a.exe", 4556, "p.exe")
    assert (first["parent_process_id"], first["keywords"]) == (4652, None)
    assert (second["source_ip"], second["source_port"]) == ("10.0.0.1", 5)


def test_user_data_and_strings_without_names(read: Read) -> None:
    wmi: Any = {
        "channel": "Microsoft-Windows-WMI-Activity/Operational",
        "provider_name": "Microsoft-Windows-WMI-Activity",
    }
    user_data = {"xml_name": "Operation_ClientFailure", "Operation": "Start", "User": "ACME\\alice"}
    classic: Any = {"channel": "Windows PowerShell", "provider_name": "PowerShell", "event_id": 400}
    first, second = read(
        event(event_id=5858, user_data=user_data, **wmi),
        event({"param1": "Available", "param3": "\tx\n\tHostApplication=p.exe -c 1\r\n\tEngineVersion=5"}, **classic),
    )
    assert (first["wmi_operation"], first["user_name"]) == ("Start", "alice")
    assert json.loads(first["event_data"])["#UserData"] == "Operation_ClientFailure"
    assert second["command_line"] == "p.exe -c 1"


def test_keywords_and_levels_in_words(read: Read) -> None:
    rows = read(
        event({}, keywords=["Audit Success"], top={"log": {"level": "information"}}),
        event({}, keywords=["Audit Failure", "Classic"], top={"log": {"level": "error"}}),
        event({}, keywords="Audit Success"),
    )
    assert [row["keywords"] for row in rows] == ["0x8020000000000000", "0x8010000000000000", "0x8020000000000000"]
    assert [row["level"] for row in rows] == [None, 2, None]


def test_odd_data(read: Read) -> None:
    odd: tuple[Any, ...] = (None, {}, "text", [1], {"Image": None}, {"Image": ["a", "b"]}, {"Image": {"x": 1}})
    rows = read(*map(event, odd))
    assert [row["record_id"] for row in rows] == [77] * len(odd)
    for row in rows:
        json.loads(row["event_data"])


OLD = {
    "@timestamp": "2024-05-06T12:00:00.123Z",
    "beat": {"hostname": "collector"},
    "computer_name": "WS01.acme.example",
    "log_name": "Security",
    "source_name": "Microsoft-Windows-Security-Auditing",
    "event_id": 4688,
    "record_number": "77",
    "process_id": 4,
    "version": 2,
    "level": "Informationen",
    "keywords": ["Audit Success"],
    "event_data": {"NewProcessName": "C:\\Windows\\a.exe", "NewProcessId": "0x1a4"},
}


def test_before_version_7(read: Read) -> None:
    for row in read(OLD, {"_index": "winlogbeat-6.8.23", "_source": OLD}):
        assert (row["format"], row["host"], row["channel"], row["event_id"]) == (
            "winlogbeat_6",
            "ws01",
            "Security",
            4688,
        )
        assert (row["process_name"], row["process_id"], row["record_id"], row["version"]) == ("a.exe", 420, 77, 2)
        assert (row["keywords"], row["level"]) == ("0x8020000000000000", None)
        assert (str(row["event_time"])[:23], row["time_source"]) == ("2024-05-06 12:00:00.123", "logged")


def test_before_version_7_a_time_of_arrival_gives_way_to_sysmons(read: Read) -> None:
    sysmon = {
        "log_name": "Microsoft-Windows-Sysmon/Operational",
        "source_name": "Microsoft-Windows-Sysmon",
        "event_id": 1,
        "event_data": {"UtcTime": "2024-05-06 10:00:00.000", "Image": "C:\\a.exe"},
    }
    (row,) = read(OLD | sysmon)
    assert (str(row["event_time"])[:19], row["time_source"]) == ("2024-05-06 10:00:00", "utc_time")


@pytest.mark.parametrize("value", [None, "text", 7, [], {}])
def test_before_version_7_any_value_anywhere(read: Read, value: Any) -> None:
    for name in ("event_data", "user_data", "user", "keywords", "message", "version", "record_number", "@timestamp"):
        (row,) = read(OLD | {name: value})
        assert row["event_id"] == 4688
