"""JSON in any arrangement: every record once, wherever blocks end; damage costs what is damaged."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wmiwarehouse.readers import documents, text
from wmiwarehouse.readers.model import Outcome, Problem, Slice, each
from wmiwarehouse.readers.shapes import Layout, Shape

SHAPE = Shape("made_up", keys=(("id",),))
LAYOUT = Layout("documents", "utf-8", SHAPE, ("events", "hits.hits", "reply.results.data"))
RECORDS: list[dict[str, Any]] = [
    {"id": number, "a": {"b": [{"c": '}{"\\'}, "é\u2028"]}, "text": f"line\n{number}"} for number in range(7)
]


def read(data: bytes | str, layout: Layout = LAYOUT) -> tuple[list[tuple[int, str]], list[Problem]]:
    raw = data.encode(layout.encoding) if isinstance(data, str) else data
    outcome = Outcome()
    found = list(each(documents.read(io.BytesIO(raw), Slice(0, len(raw)), outcome, layout)))
    return found, outcome.problems


def ids(found: Iterable[tuple[int, str]]) -> list[int]:
    return [json.loads(record)["id"] for _, record in found]


def lines(records: Iterable[Any], between: str = "\n", **options: Any) -> str:
    return between.join(json.dumps(record, **options) for record in records)


ARRANGEMENTS = {
    "array": json.dumps(RECORDS),
    "pretty array": json.dumps(RECORDS, indent=2),
    "array, a record a line": "[\n" + lines(RECORDS, ",\n") + "\n]\n",
    "pretty, one after another": lines(RECORDS, indent=4),
    "nothing between": lines(RECORDS, ""),
    "commas between": lines(RECORDS, ",\n", indent=1),
    "lines": lines(RECORDS),
    "record separators": "".join(f"\x1e{json.dumps(record)}\n" for record in RECORDS),
    "two arrays": json.dumps(RECORDS[:3]) + "\n" + json.dumps(RECORDS[3:], indent=1),
    "evtx_dump": "".join(f"Record {n}\n{json.dumps(record, indent=2)}\n" for n, record in enumerate(RECORDS)),
    "events": json.dumps({"events": RECORDS}),
    "events, more around": json.dumps({"took": 3, "x": {"y": [1]}, "events": RECORDS, "z": {"id": 9}, "n": None}),
    "hits": json.dumps({"hits": {"total": {"value": 7}, "hits": RECORDS, "max": 1}, "more": {"id": 1}}, indent=1),
    "three deep": json.dumps({"reply": {"results": {"data": RECORDS}}}),
    "a wrapper a line": json.dumps({"events": RECORDS[:2]}) + "\n" + json.dumps({"events": RECORDS[2:]}),
    "an empty wrapper first": json.dumps({"events": []}) + json.dumps({"events": RECORDS}),
    "CRLF": lines(RECORDS, "\r\n", indent=2).replace("\n", "\r\n").replace("\r\r", "\r"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRANGEMENTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_every_record_of_every_arrangement(name: str, encoding: str) -> None:
    for mark in ("", "\ufeff"):
        found, problems = read(mark + ARRANGEMENTS[name], Layout("documents", encoding, SHAPE, LAYOUT.lists))
        assert [json.loads(record) for _, record in found] == RECORDS
        assert [ordinal for ordinal, _ in found] == list(range(1, 8))
        assert problems == []


@pytest.mark.parametrize("name", ARRANGEMENTS)
@pytest.mark.parametrize("size", [1, 7, 64])
def test_wherever_blocks_end(monkeypatch: pytest.MonkeyPatch, name: str, size: int) -> None:
    monkeypatch.setattr(text, "_BLOCK", size)
    monkeypatch.setattr(documents, "_LET_GO", size)
    monkeypatch.setattr(documents, "_DECODED", 40)  # longer ones are measured only
    found, problems = read(ARRANGEMENTS[name])
    assert [json.loads(record) for _, record in found] == RECORDS
    assert problems == []


@pytest.mark.parametrize("between", [",", ", ", "\n", ",\n  ", "\nRecord 17\n"])
def test_whatever_stands_at_the_end_of_a_block(monkeypatch: pytest.MonkeyPatch, between: str) -> None:
    records = [{"id": number} for number in range(30)]
    whole = lines(records, between)
    for size in range(1, 40):
        monkeypatch.setattr(text, "_BLOCK", size)
        monkeypatch.setattr(documents, "_LET_GO", size)
        found, problems = read(whole)
        assert (ids(found), problems) == (list(range(30)), [])


@pytest.mark.parametrize("data", ["", " \n ", "[]", "[ ]", '{"events": []}', "\ufeff"])
def test_nothing(data: str) -> None:
    assert read(data) == ([], [])


# -- damage


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("arrangement", ["array", "one after another"])
@pytest.mark.parametrize("damage", ["colon", "quote", "brace", "cut out", "text", "bracket"])
def test_damage_costs_its_record(indent: int | None, arrangement: str, damage: str) -> None:
    whole = json.dumps(RECORDS, indent=indent) if arrangement == "array" else lines(RECORDS, indent=indent)
    at = whole.index('"id": 3')
    end = whole.index('"id": 4')
    harmed = {
        "colon": whole[:at] + '"id" 3' + whole[at + 7 :],
        "quote": whole[:at] + 'id": 3' + whole[at + 7 :],
        "brace": whole[:at].rstrip().removesuffix("{") + whole[at:],
        "cut out": whole[: at + 10] + whole[end - 30 :],
        "text": whole[:at] + "some text " + whole[at:],
        "bracket": whole[:at] + whole[at:].replace("[", "", 1),
    }[damage]
    found, problems = read(harmed)
    assert set(ids(found)) == {0, 1, 2, 4, 5, 6}
    assert len(problems) in (1, 2)
    line = 1 + whole.count("\n", 0, at)
    assert abs(int(problems[0].position.removeprefix("line ")) - line) <= 12
    assert "are not read, reading goes on at line" in problems[0].reason


def test_a_file_that_ends_inside_a_record() -> None:
    for whole in (json.dumps(RECORDS), lines(RECORDS, indent=2), json.dumps({"events": RECORDS}, indent=1)):
        found, problems = read(whole[: whole.rindex('"text"')])
        assert ids(found) == [0, 1, 2, 3, 4, 5]
        assert [(problem.reason.split(":")[0], problem.lost) for problem in problems] == [
            ("the file ends inside this record", 1)
        ]


def test_a_file_that_begins_inside_a_record() -> None:
    for whole in (json.dumps(RECORDS), lines(RECORDS, indent=2)):
        found, problems = read(whole[whole.index("id") :])
        assert ids(found) == [1, 2, 3, 4, 5, 6]
        assert [(problem.position, problem.lost) for problem in problems] == [("line 1", 0)]


def test_what_lies_between_records_is_named() -> None:
    first, second = map(json.dumps, RECORDS[:2])
    found, problems = read(f"{first}\nWARNING: the export was stopped\n{second}")
    assert ids(found) == [0, 1]
    assert [(problem.position, problem.lost) for problem in problems] == [("line 2", 0)]
    assert problems[0].reason.startswith("no JSON object: 32 characters are not read")


def test_what_a_collector_puts_before_each_record_is_named_once() -> None:
    """As syslog does, or Fluent Bit with a tag and a time: no damage, and no reason to miss what is."""
    headers = ('<13>1 2024-05-06T08:00:00-04:00 ws01 NXLOG - - [x y="z"] ', "winevtlog.0: [1714245129.7, ")
    for header in headers:
        found, problems = read("".join(f"{header}{json.dumps(record)}\n" for record in RECORDS))
        assert len(found) == len(RECORDS)
        (problem,) = problems
        assert (problem.position, problem.lost, problem.is_remark) == ("line 1", 0, True)
        assert problem.reason.startswith(f"{len(RECORDS)} records have text in front on the line, up to {len(header)} ")


def test_the_rest_of_a_damaged_record_is_no_header() -> None:
    first, second = map(json.dumps, RECORDS[:2])
    _, problems = read(f'"x": 1}} {first}\n{{"id" 7 {second}\n')
    assert [problem.is_remark for problem in problems] == [False, False]


def test_an_object_inside_a_damaged_record_is_no_record() -> None:
    harmed = '[{"id" 1, "list": [{"x": 1}, {"y": 2}]}, {"id": 2}]'
    found, _ = read(harmed)
    assert [record for _, record in found] == ['{"id": 2}']


def test_bytes_that_are_no_text_are_replaced_and_named() -> None:
    found, problems = read(b'[{"id": 1},\n{"id": 2, "t": "\xff"}]')
    assert [json.loads(record) for _, record in found] == [{"id": 1}, {"id": 2, "t": "\ufffd"}]
    assert [(p.position, p.reason) for p in problems] == [
        ("line 2", "not valid UTF-8: kept with the bad bytes replaced")
    ]
    layout = Layout("documents", "utf-16-le", SHAPE)
    found, problems = read('{"id": 1, "t": "'.encode("utf-16-le") + b"\x00\xd8" + '"}'.encode("utf-16-le"), layout)
    assert [json.loads(record) for _, record in found] == [{"id": 1, "t": "\ufffd"}]
    assert "not valid UTF-16-LE" in problems[0].reason


def test_odd_values_are_handed_on_as_they_are() -> None:
    odd = [
        '{"id": 1, "n": ' + "9" * 6000 + "}", '{"id": 2, "n": 1e999, "n": 2}', '{"id": 3, "t": "\\ud800"}',
        '{"id": 4, "t": "a\tb"}', '{"id": 5, "n": NaN}',
    ]  # fmt: skip
    found, problems = read("[" + ",".join(odd) + "]")
    assert [record for _, record in found] == odd
    assert problems == []


# -- bounds


def test_a_record_of_many_megabytes() -> None:
    record = {"id": 1, "text": 'x\\"' * 7_000_000, "list": list(range(1000))}
    found, problems = read(json.dumps([record, {"id": 2}]))
    assert json.loads(found[0][1]) == record
    assert ids(found) == [1, 2]
    assert problems == []


def test_a_record_that_is_too_long_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_BLOCK", 1_000)
    monkeypatch.setattr(documents, "_LET_GO", 1_000)
    monkeypatch.setattr(documents, "_DECODED", 2_000)
    monkeypatch.setattr(documents, "LONGEST", 1 << 20)
    found, problems = read(lines([{"id": 1}, {"id": 2, "t": "x" * (5 << 20)}, {"id": 3}]))
    assert ids(found) == [1, 3]
    assert [problem.lost for problem in problems if "a record of more than 1 MiB" in problem.reason] == [1]


@pytest.mark.parametrize(
    "evil",
    ["{", '{"a":[', '{"":', '{"a":1} x ', ' {"', "[", "Record 1\n{", '{"id":1,"a":"', '\\"{', '{"id":{"id":'],
)
def test_hostile_text_ends_soon(evil: str) -> None:
    started = time.process_time()
    found, _ = read(evil * (3_000_000 // len(evil)))
    assert len(found) <= 3
    assert time.process_time() - started < 20


def test_problems_do_not_fill_the_memory() -> None:
    _, problems = read('{"id": 1}\nx\n' * 20_000)
    assert len(problems) == 1_001
    assert problems[-1].reason.startswith("19,000 more problems behind this one: no JSON object")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.text(max_size=4), _VALUES, max_size=4), max_size=6),
    st.sampled_from([None, 0, 1, 4]),
    st.booleans(),
    st.integers(1, 40),
)
@settings(max_examples=150, deadline=None)
def test_any_records(records: list[dict[str, Any]], indent: int | None, in_array: bool, size: int) -> None:
    records = [{"id": number} | record for number, record in enumerate(records)]
    whole = json.dumps(records, indent=indent, ensure_ascii=False)
    whole = whole if in_array else lines(records, indent=indent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_BLOCK", size)
        patch.setattr(documents, "_LET_GO", size)
        found, problems = read(whole.encode("utf-8", "surrogatepass") if in_array else whole)
    assert [json.loads(record) for _, record in found] == records
    assert problems == []
