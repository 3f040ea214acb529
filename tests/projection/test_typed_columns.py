"""Typed columns are what the events said, and the same whatever the format."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.lab.binxml import ValueType
from wmiwarehouse.lab.events import KINDS, SYSMON
from wmiwarehouse.lab.evtx_exported import ExportedEvtxWriter
from wmiwarehouse.lab.evtx_writer import EvtxWriter
from wmiwarehouse.lab.model import Body, EventKind, LabEvent
from wmiwarehouse.lab.nxlog import NxlogSettings, nxlog_row
from wmiwarehouse.pipeline.clock import Finding, decide
from wmiwarehouse.readers import evtx
from wmiwarehouse.readers.evtx_values import ValueCheck
from wmiwarehouse.readers.model import Outcome, each
from wmiwarehouse.schema import TYPED_COLUMNS

Project = Callable[..., list[dict[str, Any]]]
COMPUTER = "WS01.acme.example"
NOON = 133_594_704_000_000_000

#: Values that a real event has in these fields, where any text would not do.
_SPECIAL: dict[str, Any] = {
    "UtcTime": "2024-05-06 12:00:00.000",
    "IpAddress": "10.1.2.3",
    "SourceIp": "fe80::1",
    "DestinationIp": "::ffff:10.0.0.1",
    "SourceAddress": "10.0.0.9",
    "DestAddress": "2001:DB8::0:1",
    "IpPort": "49200",
    "SourcePort": "1",
    "DestPort": "65535",
    "User": "ACME\\bob",
    "Direction": "%%14592",
    "EventType": "SetValue",
}


def sample(kind: EventKind, number: int) -> LabEvent:
    values = []
    for index, field in enumerate(kind.fields, 1):
        by_type: dict[ValueType, Any] = {
            ValueType.STRING: _SPECIAL.get(field.name, f"C:\\{field.name}\\Value{index}.EXE"),
            ValueType.GUID: bytes([index]) * 16,
            ValueType.SID: f"S-1-5-21-1-2-3-{1000 + index}",
            ValueType.BINARY: b"\x01",
            ValueType.STRINGS: ("one", f"two {index}"),
            ValueType.FILETIME: NOON,
            ValueType.BOOL: True,
        }
        values.append(by_type.get(field.type, 6 if field.name == "Protocol" else 100 + index))
    return LabEvent(COMPUTER, kind, NOON, tuple(values), 4, 8, "S-1-5-18", record_id=number)


EVENTS = [sample(kind, number) for number, kind in enumerate(KINDS, 1)]


def read_all(path: Path) -> list[str]:
    with path.open("rb") as stream:
        survey = evtx.survey(stream, divisible=True)
        assert survey.problems == []
        (part,) = survey.slices
        stream.seek(part.start)
        return [text for _, text in each(evtx.read(stream, part, Outcome(), ValueCheck()))]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("kinds")
    found = {}
    for name, writer in (("evtx", EvtxWriter), ("exported", ExportedEvtxWriter)):
        with writer(folder / name, COMPUTER) as file:
            for event in EVENTS:
                file.write(event)
        found[name] = read_all(folder / name)
    found["nxlog"] = [json.dumps(nxlog_row(event, NxlogSettings())) for event in EVENTS]
    found["nxlog without ProcessId"] = [
        json.dumps(nxlog_row(event, NxlogSettings(drop_process_id=True))) for event in EVENTS
    ]
    return found


def typed(row: dict[str, Any]) -> dict[str, Any]:
    return {column: row[column] for column in TYPED_COLUMNS if row[column] is not None}


def test_evtx_rows_say_what_the_events_said(project: Project, logs: dict[str, list[str]]) -> None:
    rows = project("evtx", logs["evtx"])
    assert len(rows) == len(KINDS)
    for event, row in zip(EVENTS, rows, strict=True):
        kind = event.kind
        assert (row["channel"], row["event_id"], row["version"], row["provider"]) == (
            kind.channel,
            kind.event_id,
            kind.version,
            kind.provider.name,
        )
        assert (row["record_id"], row["host"], row["computer"]) == (event.record_id, "ws01", COMPUTER)
        assert row["event_time"] == datetime(2024, 5, 6, 12, tzinfo=UTC)
        assert (row["execution_process_id"], row["execution_thread_id"], row["system_user_sid"]) == (4, 8, "S-1-5-18")
        assert (row["level"], row["opcode"], row["task"]) == (kind.level, kind.opcode, str(kind.task))
        data = json.loads(row["event_data"])
        if kind.body is not Body.CLASSIC:
            assert set(data) - {"#UserData", "#RenderingInfo", "#attributes"} >= {f.name for f in kind.fields}, (
                kind.name
            )


def named(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {event.kind.name: row for event, row in zip(EVENTS, rows, strict=True)}


def test_typed_columns_of_some_kinds(project: Project, logs: dict[str, list[str]]) -> None:
    rows = {name: typed(row) for name, row in named(project("evtx", logs["evtx"])).items()}
    created = rows["security_4688_v2"]
    assert created["process_path"] == "C:\\NewProcessName\\Value6.EXE"
    assert created["process_name"] == "value6.exe"
    assert (created["process_id"], created["parent_process_id"]) == (105, 108)
    assert (created["subject_logon_id"], created["target_logon_id"]) == (hex(104), hex(113))
    assert created["integrity_level"] == "S-1-5-21-1-2-3-1015"
    connection = rows["sysmon_3"]
    assert (connection["user_name"], connection["user_domain"], connection["is_initiated"]) == ("bob", "ACME", True)
    assert (connection["source_ip"], connection["destination_ip"]) == ("fe80::1", "10.0.0.1")
    assert connection["destination_ip_key"] == "00000000000000000000ffff0a000001"
    assert connection["process_guid"] == "04040404-0404-0404-0404-040404040404".replace("04", "03")
    filtering = rows["security_5156_v1"]
    assert (filtering["destination_ip"], filtering["destination_port"], filtering["protocol"]) == (
        "2001:db8::1",
        65535,
        "tcp",
    )
    assert filtering["is_initiated"] is False
    assert rows["sysmon_13"]["registry_event_type"] == "SetValue"
    assert "one" in rows["powershell_400"]["script_text"]
    assert rows["wmi_5857"]["wmi_result"] == hex(102)
    assert rows["sysmon_19"]["wmi_filter"].endswith("Value7.EXE")
    assert "wmi_filter" not in rows["sysmon_20"]


def test_exported_logs_give_the_same(project: Project, logs: dict[str, list[str]]) -> None:
    plain, exported = named(project("evtx", logs["evtx"])), named(project("evtx", logs["exported"]))
    for name, row in plain.items():
        other = typed(exported[name])
        if name.startswith("powershell_"):  # an array of strings has its items beside each other, or as one text
            other["script_text"], row["script_text"] = None, None
        assert {k: v for k, v in other.items() if v} == {k: v for k, v in typed(row).items() if v}, name
        assert exported[name]["keywords"] == row["keywords"]
        assert exported[name]["event_time"] == row["event_time"]


@pytest.mark.parametrize("habit", ["nxlog", "nxlog without ProcessId"])
def test_nxlog_gives_the_same(project: Project, logs: dict[str, list[str]], habit: str) -> None:
    plain, nxlog = named(project("evtx", logs["evtx"])), named(project("nxlog", logs[habit]))
    for name, row in plain.items():
        kind = next(kind for kind in KINDS if kind.name == name)
        other = nxlog[name]
        for column in (
            "channel",
            "event_id",
            "record_id",
            "host",
            "provider",
            "keywords",
            "execution_process_id",
            "event_time",
            "system_user_sid",
        ):
            assert other[column] == row[column], (name, column)
        if kind.body is Body.EVENT_DATA:
            assert typed(other) == typed(row), name
    assert typed(nxlog["wmi_5857"])["wmi_provider_path"] == typed(plain["wmi_5857"])["wmi_provider_path"]


# -- NXLog's clock


def flat(**changes: Any) -> dict[str, Any]:
    return {
        "EventID": 4624,
        "Hostname": "WS01",
        "Channel": "Security",
        "SourceName": "S",
        "EventTime": "2024-05-06 08:00:00",
    } | changes


def sysmon(local: str, utc: str) -> dict[str, Any]:
    return flat(EventTime=local, UtcTime=utc, SourceName="Microsoft-Windows-Sysmon", Channel=SYSMON, EventID=5)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_sysmon_tells_the_zone_of_its_host(project: Project) -> None:
    rows = project("nxlog", [flat(), sysmon("2024-05-06 08:00:01", "2024-05-06 12:00:00.250"), flat(Hostname="WS02")])
    assert [row["event_time"] for row in rows] == [
        at("2024-05-06 12:00:00"),
        at("2024-05-06 12:00:00.250"),
        at("2024-05-06 08:00:00"),
    ]
    assert [row["time_source"] for row in rows] == ["inferred_offset", "utc_time", "assumed"]


def test_sysmon_beats_the_collector(project: Project) -> None:
    collector = {"EventReceivedTime": "2024-05-06 08:00:01", "@timestamp": "2024-05-06T10:00:01Z"}
    many = [flat(**collector) for _ in range(5)]
    rows = project("nxlog", [*many, sysmon("2024-05-06 08:00:01", "2024-05-06 12:00:00")])
    assert rows[0]["event_time"] == at("2024-05-06 12:00:00")
    assert project("nxlog", many)[0]["event_time"] == at("2024-05-06 10:00:00")


def test_daylight_saving_inside_a_file(project: Project) -> None:
    rows = project(
        "nxlog",
        [
            sysmon("2024-03-09 07:00:00", "2024-03-09 12:00:00"),
            flat(EventTime="2024-03-09 07:30:00"),
            sysmon("2024-03-11 08:00:00", "2024-03-11 12:00:00"),
            flat(EventTime="2024-03-11 08:30:00"),
            sysmon("2024-03-11 09:00:00", "2024-03-11 13:00:00"),
            flat(EventTime="2024-03-12 08:30:00"),
        ],
    )
    assert [row["event_time"] for row in rows[1::2]] == [
        at("2024-03-09 12:30"),
        at("2024-03-11 12:30"),
        at("2024-03-12 12:30"),
    ]


@pytest.mark.parametrize(
    ("local", "offset"),
    [
        ("2024-05-06 17:30:00", 330),
        ("2024-05-06 17:45:00", 345),
        ("2024-05-07 02:00:00", 840),
        ("2024-05-06 00:00:07", -720),
    ],
)
def test_offsets_are_quarters_of_an_hour(project: Project, local: str, offset: int) -> None:
    rows = project("nxlog", [sysmon(local, "2024-05-06 12:00:00"), flat(EventTime=local)])
    assert rows[1]["event_time"] == datetime.fromisoformat(local).replace(tzinfo=UTC) - timedelta(minutes=offset)


def test_a_time_with_a_zone_needs_no_rule(project: Project) -> None:
    (row,) = project("nxlog", [flat(EventTime="2024-05-06T08:00:00.5-04:00")])
    assert (row["event_time"], row["time_source"]) == (at("2024-05-06 12:00:00.500"), "logged")


def test_records_without_a_host_use_their_own_evidence(project: Project) -> None:
    bare = flat(EventReceivedTime="2024-05-06 08:00:01", **{"@timestamp": "2024-05-06T12:00:01Z"})
    del bare["Hostname"]
    (row,) = project("nxlog", [bare])
    assert (row["event_time"], row["time_source"]) == (at("2024-05-06 12:00:00"), "inferred_offset")


def test_ties_and_order_decide_nothing() -> None:
    day = datetime(2024, 5, 6, tzinfo=UTC).date()
    found = [Finding("h", day, "utc_time", seconds, 3) for seconds in (3600, -3600, 7200)]
    for findings in (found, found[::-1]):
        (offset,) = decide(findings)
        assert (offset.offset_seconds, offset.time_source) == (-3600, "inferred_offset")
    (nothing,) = decide([Finding("h", day, None, None, 9)])
    assert (nothing.offset_seconds, nothing.time_source) == (0, "assumed")


# -- what NXLog's own names push out


def test_event_type_is_sysmons_only_where_it_is_known_to_be(project: Project) -> None:
    base = {"SourceName": "Microsoft-Windows-Sysmon", "Channel": SYSMON, "EventID": 13, "EventType": "INFO"}
    rows = project(
        "nxlog",
        [
            flat(**base | {"EventType": "SetValue", "EventTypeOrignal": "INFO"}),
            flat(**base, Message="Registry value set:\r\nRuleName: -\r\nEventType: DeleteValue\r\nUtcTime: x"),
            flat(**base, Message="Registry value set"),
            flat(**base),
        ],
    )
    assert [row["registry_event_type"] for row in rows] == ["SetValue", "DeleteValue", None, None]


def test_process_ids_from_the_message(project: Project) -> None:
    image = {"SourceName": "Microsoft-Windows-Sysmon", "Channel": SYSMON, "EventID": 1}
    security = {"SourceName": "Microsoft-Windows-Security-Auditing", "EventID": 4688}
    rows = project(
        "nxlog",
        [
            flat(**image, ProcessId=7),
            flat(
                **image,
                ProcessID=2216,
                Message="Process Create:\r\nProcessGuid: {1}\r\nProcessId: 4242\r\nImage: ParentProcessId: 1",
            ),
            flat(**image, Message="Process Create:\r\nParentProcessId: 5"),
            flat(**security, Message="...\r\n\tNew Process ID:\t\t0x1\r\n\tCreator Process ID:\t0x2f\r\n"),
        ],
    )
    assert [row["process_id"] for row in rows[:3]] == [7, 4242, None]
    assert rows[3]["parent_process_id"] == 0x2F
    assert rows[1]["execution_process_id"] == 2216


# -- what EVTX's JSON looks like elsewhere


def event(data: Any = None, *, user_data: Any = None, rendering: Any = None, **system: Any) -> dict[str, Any]:
    inside = {"System": {"EventID": 4624, "Channel": "Security", "Computer": "WS01"} | system, "EventData": data}
    inside |= {"UserData": user_data} if user_data is not None else {}
    return {"Event": inside | ({"RenderingInfo": rendering} if rendering is not None else {})}


def test_event_ids_in_all_their_shapes(project: Project) -> None:
    ids = [4688, "4688", {"#text": 4688, "#attributes": {"Qualifiers": 0}}, {"#text": "4688"}, None, "x", {}]
    rows = project("evtx", [event({}, EventID=one) for one in ids])
    assert [row["event_id"] for row in rows] == [4688] * 4 + [None] * 3


def test_nothing_of_the_data_is_lost(project: Project) -> None:
    rows = project(
        "evtx",
        [
            event({"A": "1", "B": {"c": [1, None]}, "empty": ""}),
            event(None),
            event({"A": "1"}, rendering={"Message": "hello", "Level": None}),
            event(user_data={"LogFileCleared": {"#attributes": {"xmlns": "x"}, "SubjectUserName": "eve"}}),
            event(user_data={"Odd": "text"}),
            event("plain text"),
            event({"Data": {"#text": ["a", "b"]}, "Binary": None}),
        ],
    )
    data = [json.loads(row["event_data"]) for row in rows]
    assert data[0] == {"A": "1", "B": {"c": [1, None]}, "empty": ""}
    assert data[2]["A"] == "1"
    assert data[2]["#RenderingInfo"]["Message"] == "hello"
    assert data[3]["SubjectUserName"] == "eve"
    assert data[3]["#UserData"] == "LogFileCleared"
    assert "text" in json.dumps(data[4])
    assert "plain text" in json.dumps(data[5])
    assert data[6]["Data"] == {"#text": ["a", "b"]}


def test_values_of_the_wrong_shape_cost_themselves(project: Project) -> None:
    wrong = {
        "TargetUserName": {"a": 1},
        "LogonType": "three",
        "IpPort": [1],
        "TargetLogonId": None,
        "SubjectUserName": "eve",
    }
    rows = project(
        "evtx",
        [
            event(wrong, Level="high", Version={"x": 1}, TimeCreated="never", Execution=[]),
            event({"SubjectUserName": "x"}),
        ],
    )
    assert rows[0]["subject_name"] == "eve"
    assert [rows[0][c] for c in ("logon_type", "source_port", "target_logon_id", "level", "version", "event_time")] == [
        None
    ] * 6
    assert rows[1]["subject_name"] == "x"
