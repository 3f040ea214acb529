"""Every value of a record reaches its text, also where the parser's JSON would lose it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from wmiwarehouse.lab.binxml import Element, ValueType, compile_inline
from wmiwarehouse.lab.evtx_exported import ExportedEvtxWriter
from wmiwarehouse.lab.evtx_plan import EVENT_NAMESPACE
from wmiwarehouse.lab.evtx_writer import EvtxWriter
from wmiwarehouse.lab.model import Body, EventKind, Field, LabEvent, Provider
from wmiwarehouse.readers import evtx
from wmiwarehouse.readers.evtx_values import ValueCheck
from wmiwarehouse.readers.model import Outcome, each

COMPUTER = "WS01.acme.example"
NOON = 133_594_704_000_000_000

Read = Callable[[bytes], Any]
Write = Callable[[Iterable[LabEvent]], bytes]


def kind(names: str, *, event_id: int = 7, body: Body = Body.EVENT_DATA, strings: str = "") -> EventKind:
    """An event kind with the given fields; those in *strings* hold arrays."""
    fields = tuple(
        Field(name, ValueType.STRINGS if name in strings.split() else ValueType.STRING) for name in names.split()
    )
    return EventKind(
        "made_up", Provider("Made-Up"), "Application", event_id, 1, fields, body=body, root=("Root", "urn:made:up")
    )


def event(of: EventKind, values: Sequence[Any], number: int = 1) -> LabEvent:
    return LabEvent(COMPUTER, of, NOON + number, tuple(values), record_id=number)


def raw(path: Path, bodies: Sequence[Element]) -> bytes:
    """A log whose events have exactly these bodies, without templates."""

    class Writer(ExportedEvtxWriter):
        def payload(self, event: LabEvent, at: int) -> bytes:
            root = Element(
                "Event", (("xmlns", EVENT_NAMESPACE),), (self._exported_system(event), bodies[event.record_id - 1])
            )
            return compile_inline(root).at(at)

    with Writer(path, COMPUTER) as writer:
        for number in range(1, len(bodies) + 1):
            writer.write(event(kind(""), (), number))
    return path.read_bytes()


def data(name: str | None, text: str) -> Element:
    return Element("Data", (("Name", name),) if name else (), (text,) if text else ())


def test_two_data_of_one_name(write_events: Write, read: Read) -> None:
    twice = kind("LogonGuid User LogonGuid")
    reading = read(write_events([event(twice, ("one", "eve", "two")), event(twice, ("three", "eve", "four"), 2)]))
    assert [e["EventData"] for e in reading.records.values()] == [
        {"LogonGuid": ["one", "two"], "User": "eve"},
        {"LogonGuid": ["three", "four"], "User": "eve"},
    ]


def test_two_data_of_one_name_where_the_first_record_has_one_of_them_empty(write_events: Write, read: Read) -> None:
    """What a kind loses must not be judged by how many values its first record has."""
    twice = kind("LogonGuid LogonGuid")
    reading = read(write_events([event(twice, ("", "two")), event(twice, ("three", "four"), 2)]))
    assert [e["EventData"]["LogonGuid"] for e in reading.records.values()] == [["", "two"], ["three", "four"]]


def read_together(*logs: bytes) -> list[Any]:
    """Event data of logs that one worker reads one after the other."""
    values, found = ValueCheck(), []
    for log in logs:
        stream = io.BytesIO(log)
        (part,) = evtx.survey(stream, divisible=True).slices
        stream.seek(part.start)
        found += [
            orjson.loads(text)["Event"]["EventData"] for _, text in each(evtx.read(stream, part, Outcome(), values))
        ]
    return found


def test_another_build_of_windows_has_the_same_kind_with_other_names(write_events: Write) -> None:
    """In one file it loses nothing, in the next it does."""
    sound, twice = kind("User LogonGuid"), kind("LogonGuid User LogonGuid")
    first = write_events([event(sound, ("eve", "one"))])
    second = write_events([event(twice, ("two", "mallory", "three"))])
    assert read_together(first, second, first) == [
        {"User": "eve", "LogonGuid": "one"},
        {"LogonGuid": ["two", "three"], "User": "mallory"},
        {"User": "eve", "LogonGuid": "one"},
    ]


@pytest.mark.parametrize("apart", [1, 400])
def test_two_builds_in_one_forwarded_log(write_events: Write, read: Read, apart: int) -> None:
    """Also where the second one comes chunks later."""
    sound, twice = kind("User LogonGuid"), kind("LogonGuid User LogonGuid")
    events = [event(sound, ("eve" + "x" * 500, "one"), number) for number in range(1, apart + 1)]
    reading = read(write_events([*events, event(twice, ("two", "mallory", "three"), apart + 1)]))
    assert reading.records[apart + 1]["EventData"] == {"LogonGuid": ["two", "three"], "User": "mallory"}


def test_an_array_that_comes_after_records_without(write_events: Write, read: Read) -> None:
    plain, array = kind("Names Text"), kind("Names Text", strings="Names")
    events = [event(plain, ("a", "x" * 500), number) for number in range(1, 300)]
    events += [event(array, (("b",), "y"), 300), event(array, (("c", "d"), "z"), 301)]
    reading = read(write_events(events))
    assert reading.records[301]["EventData"] == {"Names": ["c", "d"], "Text": "z"}


def test_records_without_templates_are_each_built_in_their_own_way(tmp_path: Path, read: Read) -> None:
    plain = Element("EventData", (), (data("Name", "one"),))
    twice = Element("EventData", (), (data("Name", "two"), data("Name", "three")))
    reading = read(raw(tmp_path / "raw.evtx", [plain, twice, plain]))
    assert [e["EventData"]["Name"] for e in reading.records.values()] == ["one", ["two", "three"], "one"]


def test_a_named_data_that_holds_an_array(write_events: Write, read: Read) -> None:
    array = kind("Names Text", strings="Names")
    reading = read(write_events([event(array, (("a", "b", "c"), "x")), event(array, (("d",), "y"), 2)]))
    assert [e["EventData"] for e in reading.records.values()] == [
        {"Names": ["a", "b", "c"], "Text": "x"},
        {"Names": "d", "Text": "y"},
    ]


def test_an_array_that_grows_after_the_first_record(write_events: Write, read: Read) -> None:
    array = kind("Names", strings="Names")
    reading = read(write_events([event(array, (("a",),)), event(array, (("b", "c"),), 2)]))
    assert [e["EventData"]["Names"] for e in reading.records.values()] == ["a", ["b", "c"]]


def test_unnamed_data_beside_named(tmp_path: Path, read: Read) -> None:
    body = Element("EventData", (), (data(None, "free"), data("Name", "value"), data(None, "text")))
    (found,) = read(raw(tmp_path / "raw.evtx", [body])).records.values()
    assert found["EventData"] == {"#text": ["free", "text"], "Name": "value"}


def test_unnamed_data_alone(tmp_path: Path, read: Read) -> None:
    body = Element("EventData", (), (data(None, "one"), data(None, "two")))
    (found,) = read(raw(tmp_path / "raw.evtx", [body])).records.values()
    assert found["EventData"]["Data"]["#text"] == ["one", "two"]


def test_classic_events_are_left_as_they_are(write_events: Write, read: Read) -> None:
    classic = EventKind(
        "classic", Provider("EventLog"), "System", 6005, 0,
        (Field("Data", ValueType.STRINGS), Field("Binary", ValueType.BINARY)), body=Body.CLASSIC,
    )  # fmt: skip
    reading = read(write_events([event(classic, (("a", "b"), b"\x01\xff"))]))
    assert reading.records[1]["EventData"] == {"Data": {"#text": ["a", "b"]}, "Binary": "01FF"}


def test_characters_that_xml_forbids_and_changes(write_events: Write, read: Read) -> None:
    """They travel through XML where a kind has to be read from it, and must come out as they went in."""
    text = "a\x01\x0b\x1f b\r\nc\rd\ufffe\uffff \uf001\uf01f <&>\"']]> \U0001f600 "
    plain, twice = kind("Text", event_id=1), kind("Text Other Other", event_id=2)
    reading = read(write_events([event(plain, (text,)), event(twice, (text, "1", "2"), 2)]))
    assert [e["EventData"]["Text"] for e in reading.records.values()] == [text, text]
    assert reading.problems == []


def test_empty_values_stay_empty(write_events: Write, read: Read) -> None:
    twice = kind("Empty Blank Other Other")
    reading = read(write_events([event(twice, ("", " ", "1", "2")), event(twice, (None, "  ", "1", ""), 2)]))
    assert [e["EventData"] for e in reading.records.values()] == [
        {"Empty": "", "Blank": " ", "Other": ["1", "2"]},
        {"Empty": "", "Blank": "  ", "Other": ["1", ""]},
    ]


def test_lone_surrogates_lose_themselves_only(write_events: Write, read: Read) -> None:
    twice = kind("Text Other Other")
    reading = read(
        write_events([event(kind("Text", event_id=1), ("a\ud800b",)), event(twice, ("c\udc00d", "1", "2"), 2)])
    )
    assert [e["EventData"]["Text"] for e in reading.records.values()] == ["ab", "cd"]
    assert reading.problems == []


def test_user_data_keeps_its_element(write_events: Write, read: Read) -> None:
    user_data = kind("Operation User", body=Body.USER_DATA)
    reading = read(write_events([event(user_data, ("Start", "eve"))]))
    found = reading.records[1]["UserData"]["Root"]
    assert (found["Operation"], found["User"]) == ("Start", "eve")


def test_event_data_without_fields(write_events: Write, read: Read) -> None:
    assert read(write_events([event(kind(""), ())])).records[1]["EventData"] is None


def test_a_name_that_is_no_xml_name_costs_nothing_else(tmp_path: Path, read: Read) -> None:
    """Such a record cannot be compared with its XML, and must not end the worker."""
    odd = Element("EventData", (), (Element("a b<", (), ("x",)), data("Name", "value")))
    reading = read(raw(tmp_path / "raw.evtx", [odd, Element("EventData", (), (data("Name", "next"),))]))
    assert reading.records[1]["EventData"]["Name"] == "value"
    assert reading.records[2]["EventData"] == {"Name": "next"}


def test_the_right_one_of_two_records_with_one_id(tmp_path: Path, read: Read) -> None:
    """Two logs put together: the ids repeat in another chunk, with other values."""
    twice = kind("Text Text")
    halves: list[bytes] = []
    for name in ("first", "second"):
        path = tmp_path / f"{name}.evtx"
        with EvtxWriter(path, COMPUTER) as writer:
            for number in range(1, 4):
                values = (f"{name} {number}", "b")
                writer.write(LabEvent(COMPUTER, twice, NOON + number + (len(halves) << 30), values, record_id=number))
        halves.append(path.read_bytes())
    reading = read(halves[0] + halves[1][4096:])
    assert [e["EventData"]["Text"][0] for e in reading.records.values()] == [
        f"{name} {number}" for name in ("first", "second") for number in (1, 2, 3)
    ]


def test_a_wrong_first_id_in_the_header_costs_no_values(write_events: Write, read: Read) -> None:
    log = bytearray(write_events([event(kind("Text Text"), ("one", "two"))]))
    log[4096 + 24 : 4096 + 32] = (999).to_bytes(8, "little")
    assert read(bytes(log)).records[1]["EventData"]["Text"] == ["one", "two"]


def test_exported_logs(tmp_path: Path, read: Read) -> None:
    """Saved from Event Viewer: everything is text, and the header's record id may differ from the event's."""
    path = tmp_path / "exported.evtx"
    with ExportedEvtxWriter(path, COMPUTER) as writer:
        writer.write(event(kind("Text Empty"), ("x", ""), 5))
    (found,) = read(path.read_bytes()).records.values()
    assert found["System"]["EventID"] == "7"
    assert found["System"]["EventRecordID"] == "5"
    assert found["EventData"] == {"Text": "x", "Empty": ""}
    assert json.dumps(found)


@pytest.mark.parametrize("order", [1, -1])
def test_kinds_do_not_hide_each_other(write_events: Write, read: Read, order: int) -> None:
    """A lossy kind beside a sound one of the same provider."""
    events = [event(kind("A A", event_id=1), ("1", "2")), event(kind("A B", event_id=2), ("3", "4"))][::order]
    for number, one in enumerate(events, 1):
        one.record_id = number
    found = {e["System"]["EventID"]: e["EventData"] for e in read(write_events(events)).records.values()}
    assert found == {1: {"A": ["1", "2"]}, 2: {"A": "3", "B": "4"}}
