"""Events as JSON objects whose attributes have plain names: each tool's shape, and what stands in odd records."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.formats.conftest import Row
from tests.formats.quick import QuickReader
from wmiwarehouse.pipeline.surveyor import shapes
from wmiwarehouse.projection.compiler import Projection

Read = Callable[..., list[Row]]
SYSMON, SECURITY = "Microsoft-Windows-Sysmon", "Microsoft-Windows-Security-Auditing"
SYSTEM: dict[str, Any] = {
    "Provider": {"Name": SYSMON, "Guid": "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}"},
    "EventID": 1,
    "Version": 5,
    "Level": 4,
    "Task": 1,
    "Opcode": 0,
    "Keywords": "0x8000000000000000",
    "TimeCreated": {"SystemTime": "2024-05-06T12:00:00.1234567Z"},
    "EventRecordID": 7,
    "Correlation": {"ActivityID": "{A1B2C3D4-0000-0000-0000-00000000000A}"},
    "Execution": {"ProcessID": 1200, "ThreadID": 2400},
    "Channel": f"{SYSMON}/Operational",
    "Computer": "WS01.acme.example",
    "Security": {"UserID": "S-1-5-18"},
}
DATA = {"Image": "C:\\Windows\\cmd.exe", "CommandLine": 'cmd /c "Data" &gt; x '}


def event(data: Any = DATA, **system: Any) -> dict[str, Any]:
    return {"System": SYSTEM | system, "EventData": data}


def data_of(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row["event_data"])
    return found


def test_all_that_stands_in_system(read: Read) -> None:
    wrapped = [event(), {"Event": event()}, {"_source": event()}, {"_id": "1", "_source": {"Event": event()}}]
    for row in read(*wrapped):
        assert (row["format"], row["host"], row["provider"]) == ("event_object", "ws01", SYSMON)
        assert (row["event_id"], row["version"], row["level"], row["task"], row["opcode"]) == (1, 5, 4, "1", 0)
        assert (row["record_id"], row["execution_process_id"], row["execution_thread_id"]) == (7, 1200, 2400)
        assert (row["activity_id"], row["system_user_sid"]) == ("a1b2c3d4-0000-0000-0000-00000000000a", "S-1-5-18")
        assert (str(row["event_time"]), row["time_source"]) == ("2024-05-06 12:00:00.123456+00:00", "logged")
        assert (row["process_name"], row["command_line"]) == ("cmd.exe", 'cmd /c "Data" &gt; x ')
        assert data_of(row) == DATA


def test_velociraptor(read: Read) -> None:
    logon = {
        "SubjectLogonId": 999,
        "TargetLogonId": 1094741,
        "LogonType": 3,
        "ProcessId": 1204,
        "TargetUserName": "anna",
    }
    more = {"Keywords": 9232379236109516800, "TimeCreated": {"SystemTime": 1714996800.1234567}, "Security": {}}
    named = event(logon, Channel="Security", Provider={"Name": SECURITY}, EventID={"Value": 4624}, **more)
    # Where one of the data has no value the list is left as it was.
    listed = json.loads(json.dumps(named))
    items = [{"Name": name, "Value": value} for name, value in logon.items()]
    listed["EventData"] = {"Data": [*items, {"Name": "IpAddress"}]}
    for row in read(named | {"Message": "An account"}, listed):
        assert (row["event_id"], row["keywords"]) == (4624, "0x8020000000000000")
        assert str(row["event_time"]) == "2024-05-06 12:00:00.123457+00:00"
        assert (row["subject_logon_id"], row["target_logon_id"], row["target_name"]) == ("0x3e7", "0x10b455", "anna")
        assert (row["logon_type"], row["process_id"]) == (3, 1204)
    (row,) = read(named | {"Message": "An account"})
    assert data_of(row) == logon | {"#Message": "An account"}


def test_rows_of_velociraptor_with_columns_beside_the_event(read: Read) -> None:
    beside = {"Channel": "Security", "EventID": 4624, "TimeCreated": "2020-01-01T00:00:00Z", "Computer": "collector"}
    (row,) = read(event() | beside)
    assert (row["format"], row["event_id"], row["host"]) == ("event_object", 1, "ws01")


def test_openwec(read: Read) -> None:
    system: dict[str, Any] = {
        "TimeCreated": "2024-05-06T12:00:00.1234567Z",
        "UserID": "S-1-5-19",
        "Security": None,
        "Correlation": {},
    }
    added = {"RenderingInfo": {"Message": "Process Create"}, "OpenWEC": {"IpAddress": "192.0.2.1"}}
    named, unnamed = read(event(**system) | added, event({"Data": ["a", "b"], "Binary": "00"}, **system))
    assert str(named["event_time"]) == "2024-05-06 12:00:00.123456+00:00"
    assert (named["system_user_sid"], named["process_name"]) == ("S-1-5-19", "cmd.exe")
    assert data_of(named) == DATA | {"#RenderingInfo": {"Message": "Process Create"}}
    assert data_of(unnamed) == {"Data": {"#text": ["a", "b"]}, "Binary": "00"}


def test_user_data_as_xml_in_a_text(read: Read, quick: QuickReader) -> None:
    xml = (
        "<LogFileCleared xmlns='urn:x'><SubjectUserName>al &amp; co\r\n</SubjectUserName><BackupPath/></LogFileCleared>"
    )
    provider = {"Name": "Microsoft-Windows-Eventlog"}

    def cleared(data: Any) -> dict[str, Any]:
        system = SYSTEM | {"Channel": "Security", "EventID": 1102, "Provider": provider}
        return {"Event": {"System": system, "UserData": data}}

    row, same = read(cleared(xml), cleared({"LogFileCleared": {"SubjectUserName": "al & co\r\n", "xmlns": "urn:x"}}))
    assert (row["subject_name"], data_of(row)["#UserData"]) == ("al & co\r\n", "LogFileCleared")
    assert (same["subject_name"], data_of(same)["#UserData"]) == ("al & co\r\n", "LogFileCleared")
    broken, plain = quick(cleared("<LogFileCleared><a>"), cleared("no XML"))
    assert [data_of(row)["UserData"] for row in (broken, plain)] == ["<LogFileCleared><a>", "no XML"]
    assert len(quick.problems) == 1
    assert quick.problems[0].startswith("the XML in UserData is not read, the other fields are: ")


def test_golang_evtx_and_whids(read: Read) -> None:
    texts = {name: str(value) for name, value in SYSTEM.items() if isinstance(value, int)}
    codes = {"Execution": {"ProcessID": "1200", "ThreadID": "2400"}, "EventID": {"Qualifiers": "0", "Value": "1"}}
    named = {name: {"Value": SYSTEM[name], "Name": ""} for name in ("Level", "Task", "Opcode")}
    detected = {"Event": event(**named, Keywords={"Value": 1 << 63, "Name": ""}) | {"Detection": {"Criticality": 7}}}
    del detected["Event"]["System"]["EventRecordID"]
    golang, whids = read({"Event": event(**(texts | codes))}, detected)
    for row in (golang, whids):
        assert (row["event_id"], row["level"], row["task"], row["opcode"]) == (1, 4, "1", 0)
        assert (row["keywords"], row["execution_process_id"], row["process_name"]) == (
            "0x8000000000000000",
            1200,
            "cmd.exe",
        )
    assert (golang["record_id"], whids["record_id"]) == (7, None)
    assert data_of(whids) == DATA | {"#Detection": {"Criticality": 7}}


def test_chainsaw(read: Read) -> None:
    own = ("Provider", "TimeCreated", "Execution", "Security", "Correlation")
    system = {f"{name}_attributes" if name in own else name: value for name, value in SYSTEM.items()}
    system |= {"EventID_attributes": {"Qualifiers": 0}}
    inner = {"ESS": "f", "CONSUMER": "c", "ESS_attributes": {"x": 1}}
    user = {"Operation_attributes": {"xmlns": "x"}, "Operation": inner}
    written = [
        {"Event": {"System": system, "EventData": DATA}, "Event_attributes": {"xmlns": "x"}},
        {"Event": {"System": system, "EventData": {"Data": ["a", ""], "Binary": None}}},
        {"Event": {"System": system, "UserData": user}},
    ]
    rows = read(text=json.dumps(written, indent=2))
    for row in rows:
        assert (row["provider"], row["execution_process_id"], row["system_user_sid"]) == (SYSMON, 1200, "S-1-5-18")
        assert str(row["event_time"]) == "2024-05-06 12:00:00.123456+00:00"
        assert row["activity_id"] == "a1b2c3d4-0000-0000-0000-00000000000a"
    assert [data_of(row) for row in rows] == [
        DATA,
        {"Data": {"#text": ["a", ""]}, "Binary": None},
        inner | {"#UserData": "Operation"},
    ]


def test_datadog(read: Read) -> None:
    fields = {"param1": "a", "param2": "b", "Name": "c"}
    (row,) = read(
        {"Event": event({"Data": fields, "Binary": "00"}, EventID={"value": "7036"}, Security="") | {"xmlns": "x"}}
    )
    assert (row["event_id"], row["system_user_sid"]) == (7036, None)
    assert data_of(row) == fields | {"Binary": "00"}


def test_maxpatrol(read: Read) -> None:
    items = [{"text": value, "Name": name} for name, value in DATA.items()]
    twice = [*items, {"Name": "Image", "text": "b.exe"}, {"Name": "Hashes"}, {"text": "u"}, "v"]
    several, one, bare = read(*({"Event": event(data)} for data in ({"Data": items}, {"Data": items[0]}, items)))
    assert data_of(several) == data_of(bare) == DATA
    assert (several["process_name"], several["command_line"]) == ("cmd.exe", 'cmd /c "Data" &gt; x ')
    assert data_of(one) == {"Image": DATA["Image"]}
    (row,) = read({"Event": event({"Data": twice})})
    assert data_of(row) == {
        "Image": [DATA["Image"], "b.exe"],
        "CommandLine": DATA["CommandLine"],
        "Hashes": "",
        "Data": {"#text": ["u", "v"]},
    }


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2024-05-06T12:00:00Z", "2024-05-06 12:00:00+00:00"),
        ("2024-05-06T14:00:00.5+02:00", "2024-05-06 12:00:00.500000+00:00"),
        ("2024-05-06 12:00:00.1234567", "2024-05-06 12:00:00.123456+00:00"),
        (1714996800, "2024-05-06 12:00:00+00:00"),
        ("1714996800.25", "2024-05-06 12:00:00.250000+00:00"),
        ("soon", "None"),
        ("{", "None"),
        (None, "None"),
        ([], "None"),
        ({"SystemTime": None}, "None"),
        ({"SystemTime": {}}, "None"),
    ],
)
def test_times(written: Any, read_as: str, read: Read) -> None:
    (row,) = read(event(TimeCreated=written))
    assert (row["format"], str(row["event_time"])) == ("event_object", read_as)
    (row,) = read(event(TimeCreated={"SystemTime": written}))
    assert str(row["event_time"]) == read_as


def test_nothing_lists_and_texts_where_objects_are_expected(read: Read) -> None:
    found = read(
        *({"Event": event(EventID=value)} for value in ("1", {"Value": 1}, {"#text": "1"}, "{", [1], {}, None, "x"))
    )
    assert [row["event_id"] for row in found] == [1, 1, 1, None, None, None, None, None]
    names = ("Version", "Level", "Task", "Opcode", "Keywords", "EventRecordID", "Correlation", "Execution", "Security")
    odds: tuple[Any, ...] = (None, [], ["x"], "{x", {"Value": None}, {"x": []})
    for odd in odds:
        for row in read(event(**dict.fromkeys(names, odd))):
            assert (row["format"], row["process_name"], row["record_id"]) == ("event_object", "cmd.exe", None)
            assert (row["activity_id"], row["execution_process_id"], row["system_user_sid"]) == (None, None, None)
    (row,) = read(event(Provider=None))
    assert (row["format"], row["provider"], row["process_name"]) == ("event_object", None, "cmd.exe")
    (row,) = read(event(Provider={"Name": SYSMON}, Computer=None, TimeCreated=None))
    assert (row["format"], row["host"]) == ("event_object", None)


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (None, {"EventData": None}),
        ("", {"EventData": ""}),
        ("{x", {"EventData": "{x"}),
        (3, {"EventData": 3}),
        ({}, {}),
        ([], {}),
        ({"Data": None}, {}),
        ({"Data": None, "Binary": "00"}, {"Binary": "00"}),
        ({"Data": []}, {}),
        ({"Data": {}}, {"Data": {"#text": [{}]}}),
        ({"Data": "a"}, {"Data": {"#text": ["a"]}}),
        ({"Data": {"#text": ["a", "b"]}}, {"Data": {"#text": ["a", "b"]}}),
        ({"Data": [["a"], 1, None, {"x": "y"}]}, {"Data": {"#text": [["a"], 1, None, {"x": "y"}]}}),
        ({"Data": [{"Name": None, "text": "a"}, {"Name": "", "Value": 1}]}, {"Data": {"#text": ["a"]}, "": 1}),
        ({"x": {"Data": 1}}, {"x": {"Data": 1}}),
        ({"Data": ["a"] * 5001}, {"EventData": {"Data": ["a"] * 5001}}),
        ([{"Name": "a"}] * 5001, {"EventData": [{"Name": "a"}] * 5001}),
    ],
)
def test_odd_data(data: Any, kept: Any, read: Read) -> None:
    (row,) = read(event(data))
    found = data_of(row)
    assert {name: value for name, value in found.items() if value is not None or name in kept} == kept


def test_odd_user_data(read: Read) -> None:
    flat, several = {"a": "x", "b": "y"}, {"xmlns": "x", "A/b": {}, "Real": {"a": 1}, "Other": {"a": 2}}
    written: tuple[Any, ...] = (flat, several, {}, [], None)
    rows = read(*({"System": SYSTEM, "EventData": None, "UserData": data} for data in written))
    assert [data_of(row) for row in rows[:3]] == [flat, {"#UserData": "Real", "a": 1}, {}]


def test_what_others_write_stays_theirs(read: Read) -> None:
    attributes = {name: {"#attributes": value} if isinstance(value, dict) else value for name, value in SYSTEM.items()}
    at = {
        n: {f"@{k}": v for k, v in value.items()} if isinstance(value, dict) else value for n, value in SYSTEM.items()
    }
    record = {"Event": {"System": attributes, "EventData": DATA}}
    wrapped = {"event_record_id": 7, "timestamp": "2024-05-06T12:00:00Z", "data": record}
    formats = [read(one)[0]["format"] for one in (record, wrapped, {"_source": record}, {"Event": {"System": at}})]
    assert formats == ["evtx_json", "evtx_json", "evtx_json", "evtxecmd"]
    (row,) = read(wrapped)
    assert (row["provider"], row["record_id"], row["process_name"]) == (SYSMON, 7, "cmd.exe")
    known = shapes(Projection())
    # Of a record too long to be parsed, or cut, the names in it tell.
    likely = [
        known.likely(json.dumps(one)[:-9]) for one in (record, {"Event": {"System": at}}, event(), {"Event": event()})
    ]
    assert [shape and shape.name for shape in likely] == ["evtx_json", "evtxecmd", "event_object", "event_object"]
