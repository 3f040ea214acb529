"""JSON of the ``evtx`` crate: the shapes that its tools write, and what stands in odd records."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.formats.conftest import Row
from wmiwarehouse.lab import generate

Read = Callable[..., list[Row]]
SYSTEM: dict[str, Any] = {
    "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}},
    "EventID": 1,
    "TimeCreated": {"#attributes": {"SystemTime": "2024-05-06T12:00:00.123456Z"}},
    "EventRecordID": 7,
    "Channel": "Microsoft-Windows-Sysmon/Operational",
    "Computer": "WS01.acme.example",
}


def event(data: Any = None, **system: Any) -> dict[str, Any]:
    return {"Event": {"System": SYSTEM | system, "EventData": data}}


def test_the_lab_writes_what_the_parser_gives(tmp_path: Path) -> None:
    from evtx import PyEvtxParser

    generate(tmp_path, formats=("evtx", "evtx_json"))
    parsed = {}
    for path in (tmp_path / "evtx").rglob("*.evtx"):
        records: Any = PyEvtxParser(str(path)).records_json()
        for record in records:
            value = json.loads(record["data"])
            system = value["Event"]["System"]
            parsed[system["Computer"], system["Channel"], system["EventRecordID"]] = value
    for path in (tmp_path / "evtx_json").iterdir():
        for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
            value = json.loads(line)
            system = value["Event"]["System"]
            assert parsed.pop((system["Computer"], system["Channel"], system["EventRecordID"])) == value
    assert not parsed


def test_ids_as_number_text_and_object(read: Read) -> None:
    ids: tuple[Any, ...] = (1, "1", {"#text": "1", "#attributes": {"Qualifiers": 0}}, {"#text": 1}, None, "x", {})
    found = read(*(event({"Image": "a.exe"}, EventID=value) for value in ids))
    assert [row["event_id"] for row in found] == [1, 1, 1, 1, None, None, None]
    assert [row["process_path"] for row in found[:4]] == ["a.exe"] * 4
    assert {row["format"] for row in found} == {"evtx_json"}


def test_headings_of_evtx_dump_are_no_damage(read: Read) -> None:
    records = [event({"Image": f"{number}.exe"}, EventRecordID=number) for number in (7, 8, 9)]
    text = "".join(f"Record {r['Event']['System']['EventRecordID']}\n{json.dumps(r, indent=2)}\n" for r in records)
    assert [row["process_path"] for row in read(text=text)] == ["7.exe", "8.exe", "9.exe"]


def test_user_data_nothing_and_unnamed_strings(read: Read) -> None:
    cleared = event(Channel="Security", EventID=1102, Provider={"#attributes": {"Name": "Microsoft-Windows-Eventlog"}})
    del cleared["Event"]["EventData"]
    cleared["Event"]["UserData"] = {"LogFileCleared": {"#attributes": {"xmlns": "x"}, "SubjectUserName": "alice"}}
    unnamed = event({"Data": {"#text": ["a", "b"]}, "Binary": None}, Channel="Application", EventID=1000)
    first, second, third = read(cleared, event(), unnamed)
    assert (first["subject_name"], json.loads(first["event_data"])["#UserData"]) == ("alice", "LogFileCleared")
    assert json.loads(second["event_data"]).get("Image") is None
    assert json.loads(third["event_data"])["Data"] == {"#text": ["a", "b"]}


def test_hits_of_elasticsearch(read: Read) -> None:
    (row,) = read({"_index": "logs", "_source": event({"Image": "C:\\a.exe", "CommandLine": "a &gt; b "})})
    assert (row["process_name"], row["command_line"]) == ("a.exe", "a &gt; b ")
