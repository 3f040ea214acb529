"""Event XML: the same JSON as from EVTX, every value of it, and damage that costs one event."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from evtx import PyEvtxParser

from wmiwarehouse.lab import generate
from wmiwarehouse.readers import event_xml, text, xml
from wmiwarehouse.readers.event_xml import EventXmlError
from wmiwarehouse.readers.model import Outcome, Problem, Slice, each
from wmiwarehouse.readers.shapes import Layout

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "evtx"
NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
_EMPTY = re.compile(r">\n *</")  # how the EVTX parser writes an empty element


def one(number: int, data: str = "") -> str:
    system = f"<System><Provider Name='P'/><EventID>{number}</EventID><Channel>C</Channel></System>"
    return (
        f"<Event xmlns='{NAMESPACE}'>{system}<EventData><Data Name='Text'>{data or number}</Data></EventData></Event>"
    )


EVENTS = [one(number) for number in range(1, 6)]


def read(data: bytes | str, encoding: str = "utf-8") -> tuple[dict[int, Any], list[Problem]]:
    raw = data.encode(encoding) if isinstance(data, str) else data
    outcome = Outcome()
    found = {}
    for ordinal, record in each(xml.read(io.BytesIO(raw), Slice(0, len(raw)), outcome, Layout("xml", encoding))):
        assert ordinal not in found
        found[ordinal] = orjson.loads(record)["Event"]
    return found, outcome.problems


def ids(found: dict[int, Any]) -> list[int]:
    return [int(event["System"]["EventID"]) for event in found.values()]


def plain(node: Any) -> Any:
    """What XML can tell of the parser's JSON: everything is text, and nothing is an empty text."""
    if isinstance(node, dict):
        return {name: plain(value) for name, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    if node is None:
        return ""
    return str(node).lower() if isinstance(node, bool) else str(node)


def both(path: Path) -> list[tuple[Any, Any]]:
    """Each event of a log as the parser's JSON, and as made from its XML."""
    as_xml: Any = PyEvtxParser(str(path)).records()
    as_json: Any = PyEvtxParser(str(path)).records_json()
    texts = {(r["event_record_id"], r["timestamp"]): r["data"] for r in as_xml}
    return [
        (
            plain(orjson.loads(record["data"])),
            plain(event_xml.event(_EMPTY.sub("></", texts[record["event_record_id"], record["timestamp"]]))),
        )
        for record in as_json
    ]


def test_every_kind_of_the_lab_is_as_the_parser_gives_it(tmp_path: Path) -> None:
    generate(tmp_path, formats=("evtx", "exported"))
    kinds = set[tuple[str, str]]()
    for path in tmp_path.rglob("*.evtx"):
        for parsed, made in both(path):
            system = parsed["Event"]["System"]
            kind = (system["Provider"]["#attributes"]["Name"], str(system["EventID"]))
            if kind in kinds and len(kinds) > 40:
                continue
            kinds.add(kind)
            if len(parsed["Event"].get("EventData") or ()) >= len(made["Event"].get("EventData") or ()):
                assert made == parsed
    assert len(kinds) > 25


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real logs is not beside the project")
def test_every_real_event_is_as_the_parser_gives_it() -> None:
    logs = [path for path in sorted(CORPUS.rglob("*")) if path.is_file() and path.read_bytes()[:7] == b"ElfFile"]
    count = 0
    for path in logs[::4]:
        for parsed, made in both(path):
            assert made == parsed
            count += 1
    assert count > 1_000


@pytest.mark.parametrize(
    "data",
    [
        "".join(EVENTS),
        "\n".join(EVENTS),
        f"<Events>{''.join(EVENTS)}</Events>",
        f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\r\n<Events>{"".join(EVENTS)}</Events>\r\n',
        "".join(f'<?xml version="1.0"?>\n{event}\n' for event in EVENTS),
        f"<!-- all of them -->\n<Events xmlns:x='y'>{''.join(EVENTS)}</Events>",
        "".join(EVENTS).replace("<E", "<e:E").replace("</E", "</e:E"),
        f"<Events>{''.join(EVENTS[:2])}</Events>\n<Events>{''.join(EVENTS[2:])}</Events>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_every_event_of_every_wrapper(data: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert xml.begins(data)
    for size in (1 << 20, 50):
        monkeypatch.setattr(text, "_BLOCK", size)
        monkeypatch.setattr(xml, "_LET_GO", size)
        for mark in ("", "\ufeff"):
            found, problems = read(mark + data, encoding)
            assert ids(found) == list(found) == [1, 2, 3, 4, 5]
            assert problems == []


def data_of(body: str) -> Any:
    (event,) = read(f"<Event xmlns='{NAMESPACE}'><System/>{body}</Event>")[0].values()
    return event["EventData"]


def test_values_that_share_a_name_or_have_none() -> None:
    assert data_of("<EventData><Data Name='A'>1</Data><Data Name='A'>2</Data></EventData>") == {"A": ["1", "2"]}
    assert data_of("<EventData><Data>1</Data><Data>2</Data></EventData>") == {"Data": {"#text": ["1", "2"]}}
    assert data_of("<EventData><Data>1</Data></EventData>") == {"Data": {"#text": "1"}}
    assert data_of("<EventData><Data>1</Data><Data Name='A'>2</Data></EventData>") == {"#text": ["1"], "A": "2"}
    assert data_of("<EventData><Data Name='A'/><Data Name='B'></Data><Binary/></EventData>") == {
        "A": "", "B": "", "Binary": None,
    }  # fmt: skip
    assert data_of("<EventData/>") is None


def test_attributes_and_namespaces_stay() -> None:
    (event,) = read(
        f"<Event xmlns='{NAMESPACE}'><System><EventID Qualifiers='0'>1</EventID></System>"
        "<UserData><Root xmlns='urn:x'><Item>1</Item><Item>2</Item></Root></UserData></Event>"
    )[0].values()
    assert event["#attributes"] == {"xmlns": NAMESPACE}
    assert event["System"]["EventID"] == {"#attributes": {"Qualifiers": "0"}, "#text": "1"}
    assert event["UserData"] == {"Root": {"#attributes": {"xmlns": "urn:x"}, "Item": ["1", "2"]}}


def test_characters_that_xml_forbids_or_changes_stay() -> None:
    raw = "a\x01\x0b\x1f b\r\nc\rd\ufffe\uffff \U0001f600 "
    assert data_of(f"<EventData><Data Name='A'>{raw}</Data></EventData>") == {"A": raw}
    assert data_of("<EventData><Data Name='A'>&#x1;&#11;&#xD;&#xFFFE;&#xD83D;&#xDE00;</Data></EventData>") == {
        "A": "\x01\x0b\r\ufffe\U0001f600"
    }
    assert data_of("<EventData><Data Name='A'>&lt;&#60;&amp;#1;<![CDATA[</Event>]]></Data></EventData>") == {
        "A": "<<&#1;</Event>"
    }


@pytest.mark.parametrize(
    ("harm", "left", "lost"),
    [
        (lambda t: t.replace("<EventID>3</EventID>", "<EventID>3</EventI>"), [1, 2, 4, 5], 1),
        (lambda t: t.replace("<Data Name='Text'>3", "<Data Name=Text>3"), [1, 2, 4, 5], 1),
        (lambda t: t.replace(EVENTS[2], EVENTS[2][:-8]), [1, 2, 4, 5], 1),
        (lambda t: t.replace(EVENTS[2], EVENTS[2][30:]), [1, 2, 4, 5], 1),
        (lambda t: t.replace(EVENTS[2], "some text"), [1, 2, 4, 5], 0),
        (lambda t: t.replace("</EventID><Channel>", "&unknown;</EventID><Channel>", 1), [2, 3, 4, 5], 1),
        (lambda t: t[:-20], [1, 2, 3, 4], 1),
        (lambda t: t[40:], [2, 3, 4, 5], 1),
    ],
)
def test_damage_costs_one_event(harm: Callable[[str], str], left: list[int], lost: int) -> None:
    found, problems = read(harm("\n".join(EVENTS)))
    assert ids(found) == left
    assert [problem.lost for problem in problems] == [lost]
    assert re.fullmatch(r"line [1-5]", problems[0].position)


def test_nothing_is_declared_or_fetched() -> None:
    bomb = '<!DOCTYPE e [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>'
    found, problems = read(f'<?xml version="1.0"?>{bomb}<Events>{one(1, "&b;")}{one(2, "&x;")}{one(3)}</Events>')
    assert ids(found) == [3]
    assert sum(problem.lost for problem in problems) == 2
    with pytest.raises(EventXmlError, match="document type"):
        event_xml.event(bomb + one(1))


@pytest.mark.parametrize(
    "evil",
    ["<a>" * 3_000_000, "<a/>" * 300_000, " ".join(f'a{n}=""' for n in range(1_100_000)).join(("<a ", "/>"))],
    ids=["deep", "wide", "attributes"],
)
def test_hostile_events_are_refused(evil: str) -> None:
    found, problems = read(f"<Events><Event>{evil}</Event>{one(1)}</Events>")
    assert ids(found) == [1]
    assert [problem.lost for problem in problems] == [1]


def test_an_event_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "_LONGEST", 1 << 20)
    found, problems = read(one(1) + "<Event>" + "x" * (3 << 20) + one(2))
    assert ids(found) == [1, 2]
    assert any("does not end" in problem.reason for problem in problems)


def test_what_a_browser_puts_before_elements_is_nothing() -> None:
    found, problems = read("- " + one(1).replace("<System>", "\n  - <System>") + "\n- " + one(2))
    assert ids(found) == [1, 2]
    assert problems == []


def test_declared_encodings() -> None:
    assert xml.declared_encoding('<?xml version="1.0" encoding="Windows-1252"?>') == "windows-1252"
    assert xml.declared_encoding('<?xml version="1.0" encoding="rot13"?>') is None
    found, _ = read(one(1, "caf\u00e9").encode("windows-1252"), "windows-1252")
    assert found[1]["EventData"]["Text"] == "caf\u00e9"
