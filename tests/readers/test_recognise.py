"""Which format a file is, and in which arrangement: by what is in it, the most particular format first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.readers import documents
from wmiwarehouse.readers.recognise import Candidate, Skipped, recognise
from wmiwarehouse.readers.shapes import Shape, Shapes, has, look

FLAT = Shape("flat", keys=(("id",), ("time", "when")))
NARROW = Shape("narrow", keys=(("id",), ("time",), ("more",)))
DEEP = Shape("deep", keys=(("win.system.id",),), at=("", "_source", "data"), each=("events",))
WITHOUT = Shape("without", keys=(("kind",),), not_keys=("id", "win.system"))
XML, EVTX = Shape("some_xml", "xml"), Shape("some_evtx", "evtx")
SHAPES = Shapes([FLAT, NARROW, DEEP, WITHOUT, XML, EVTX])
RECORD = {"id": 1, "time": 2}
INSIDE = {"win": {"system": {"id": None}}}

Told = Callable[[bytes], Any]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    def call(data: bytes) -> Any:
        (tmp_path / "file").write_bytes(data)
        (one,) = recognise(tmp_path / "file", SHAPES)
        if isinstance(one, Skipped):
            return one.reason, one.damaged
        return one.format, one.layout.kind, one.layout.encoding

    return call


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"id": 1, "time": 2}, "flat"),
        ({"id": 1, "when": 2}, "flat"),
        ({"id": 1}, None),
        ({"ID": 1, "time": 2}, None),
        ({"id": None, "time": None}, "flat"),
        ({"id": 1, "time": 2, "more": 3}, "narrow"),
        (INSIDE, "deep"),
        ({"_source": INSIDE}, "deep"),
        ({"data": INSIDE, "kind": 1}, "deep"),
        ({"win.system.id": 1}, None),
        ({"kind": 1}, "without"),
        ({"kind": 1, "id": 2}, None),
        ({"kind": 1, "win": {"system": 1}}, None),
        ([1], None),
        (None, None),
    ],
)
def test_the_most_particular_format(record: Any, name: str | None) -> None:
    found = SHAPES.of(record)
    assert (found and found.name) == name


def test_the_order_of_formats_does_not_matter_and_own_ones_come_first() -> None:
    one, other = Shape("one", keys=(("id",),)), Shape("other", keys=(("id",),))
    own = Shape("zzz", keys=(("id",),), rank=1)
    for shapes in ([one, other], [other, one]):
        assert Shapes(shapes).of({"id": 1}) is one
        assert Shapes([*shapes, own]).of({"id": 1}) is own
        assert Shapes([*shapes, own, FLAT]).of(RECORD) is FLAT


def test_paths() -> None:
    assert look({"a": {"b": 1}}, "a.b") == 1
    assert look({"a": [1]}, "a.b") is None
    assert look(RECORD, "") is RECORD
    assert has({"a": {"b": None}}, "a.b")
    assert not has({"a": {"b": None}}, "a.b.c")
    assert DEEP.place_in({"_source": INSIDE}) == INSIDE
    assert DEEP.place_in({"x": 1}) == {"x": 1}


LINE = json.dumps(RECORD).encode()
EVENT_XML = b'<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">\n</Event>'
# All names of FLAT, where no record of it is.
WRAPPED = json.dumps({"a": {"b": RECORD}}).encode()


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (LINE, ("flat", "lines", "utf-8")),
        (LINE + b"\n" + LINE, ("flat", "lines", "utf-8")),
        (b"[" + LINE + b"]", ("flat", "documents", "utf-8")),
        (b"[\n" + LINE + b",\n" + LINE + b"\n]", ("flat", "documents", "utf-8")),
        (json.dumps([RECORD], indent=2).encode(), ("flat", "documents", "utf-8")),
        (json.dumps(RECORD, indent=2).encode(), ("flat", "documents", "utf-8")),
        (b"\xef\xbb\xbf[" + LINE + b"]", ("flat", "documents", "utf-8")),
        (json.dumps({"events": [INSIDE]}).encode(), ("deep", "documents", "utf-8")),
        (json.dumps({"n": 1, "events": [RECORD]}, indent=1).encode(), ("flat", "documents", "utf-8")),
        (b"Record 1\n" + json.dumps(RECORD, indent=2).encode(), ("flat", "documents", "utf-8")),
        (b"Record 1\n" + LINE + b"\nRecord 2\n" + LINE, ("flat", "lines", "utf-8")),
        (LINE.decode().encode("utf-16"), ("flat", "documents", "utf-16-le")),
        (b"\xfe\xff" + LINE.decode().encode("utf-16-be"), ("flat", "documents", "utf-16-be")),
        (LINE.decode().encode("utf-16-le"), ("flat", "documents", "utf-16-le")),
        (LINE.decode().encode("utf-16-be"), ("flat", "documents", "utf-16-be")),
        (json.dumps([RECORD], indent=2)[20:].encode() + LINE, ("flat", "documents", "utf-8")),
        (b'"x": 1}\n' + LINE + b"\n", ("flat", "lines", "utf-8")),
        (json.dumps([{"a": "x" * 200_000}, RECORD], indent=2).encode(), ("flat", "documents", "utf-8")),
        (json.dumps({"a": "x" * 200_000} | RECORD).encode(), ("flat", "lines", "utf-8")),
        (json.dumps({"a": "x" * 6_000_000} | RECORD, indent=1).encode(), ("flat", "documents", "utf-8")),
        (b"<Event xmlns='x'/>", ("some_xml", "xml", "utf-8")),
        (b'<?xml version="1.0"?>\n<!-- x -->\n<Events>', ("some_xml", "xml", "utf-8")),
        ('<?xml version="1.0" encoding="utf-16"?><Events>'.encode("utf-16"), ("some_xml", "xml", "utf-16-le")),
        (b'<?xml version="1.0" encoding="windows-1252"?><Events>', ("some_xml", "xml", "windows-1252")),
        (b"Log Name: Security\nEvent Xml:\n" + EVENT_XML, ("some_xml", "xml", "utf-8")),
        (b"{ a sentence in braces }\r\n- " + EVENT_XML, ("some_xml", "xml", "utf-8")),
        (("Ereignis-XML:\n" + EVENT_XML.decode()).encode("utf-16"), ("some_xml", "xml", "utf-16-le")),
        (b"see " + EVENT_XML, ("not an event log: neither EVTX nor JSON nor event XML", False)),
        (b"ElfFile\0", ("some_evtx", "evtx", "utf-8")),
        (b"<html><Event>", ("not an event log: neither EVTX nor JSON nor event XML", False)),
        (b'[{"x": 1}]', ("JSON, but of no known event log format", False)),
        (b'[{"id": 1}]', ("JSON, but of no known event log format", True)),
        (b'{"events": [{"id": 1}]}', ("JSON, but of no known event log format", True)),
        (WRAPPED, ("JSON, but of no known event log format", True)),
        (json.dumps(json.loads(WRAPPED), indent=1).encode(), ("JSON, but of no known event log format", True)),
        (json.dumps([json.loads(WRAPPED)] * 3, indent=1).encode(), ("JSON, but of no known event log format", True)),
        (json.dumps({"x": 1}, indent=1).encode(), ("JSON, but of no known event log format", False)),
        (b'{"Event_ID": 4624}', ("JSON, but of no known event log format", True)),
        (b'[{"winlog.channel": ["Security"]}]', ("JSON, but of no known event log format", True)),
        (
            b"LogName=Security\nEventCode=4624\n",
            ("text of what seem to be Windows events, in no form that is read", True),
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:51b50514a959\nsize 7323827\n",
            ("only a pointer to the file, which Git LFS keeps elsewhere: git lfs pull", True),
        ),
        (b"a { b }\n", ("not an event log: neither EVTX nor JSON nor event XML", False)),
    ],
)
def test_formats_and_arrangements(told: Told, data: bytes, answer: tuple[Any, ...]) -> None:
    assert told(data) == answer


def test_a_log_whose_first_records_are_of_another_kind(told: Told) -> None:
    other = json.dumps({"x": 1}).encode() + b"\n"
    assert told(other * 3_000 + LINE)[0] == "flat"
    pretty = "".join(json.dumps({"x": number}, indent=1) for number in range(40))
    assert told(pretty.encode() + LINE)[0] == "flat"


def test_a_log_that_cannot_be_parsed_is_told_by_its_names(told: Told) -> None:
    assert told(b'{"id": 1, "time": 2') == ("flat", "lines", "utf-8")
    assert told(b'[{"id": 1, "time": 2')[:2] == ("flat", "documents")
    reason, damaged = told(b'{"id": broken}\n')
    assert reason.startswith("JSON that cannot be parsed")
    assert damaged


def test_a_format_without_a_file_for_its_reader(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"<Events>")
    (one,) = recognise(tmp_path / "x", Shapes([FLAT]))
    assert isinstance(one, Skipped)
    assert one.damaged


def test_a_large_text_with_braces_is_given_up_soon(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LONGEST", 1 << 20)
    reason, _ = told(b"{ margin: 0; }\n" * 300_000)
    assert "JSON" in reason


def test_every_source_is_a_candidate_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(LINE)
    (one,) = recognise(tmp_path / "x", SHAPES)
    assert isinstance(one, Candidate)
    assert one.layout.shape is FLAT
