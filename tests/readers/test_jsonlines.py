"""JSON lines: every line once, with the number that an editor shows, whatever the blocks and slices are."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wmiwarehouse.readers import jsonlines
from wmiwarehouse.readers.model import Outcome, Problem, each


def read(data: bytes, *, divisible: bool = True) -> tuple[list[tuple[int, str]], list[Problem]]:
    survey = jsonlines.survey(io.BytesIO(data), divisible=divisible)
    assert survey.size == len(data)
    outcome, found = Outcome(), []
    for part in survey.slices:
        stream = io.BytesIO(data)
        stream.seek(part.start)
        found += list(each(jsonlines.read(stream, part, outcome)))
    return found, survey.problems + outcome.problems


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonlines, "_BLOCK", 16)
    monkeypatch.setattr(jsonlines, "_SLICE", 40)
    monkeypatch.setattr(jsonlines, "_LONGEST_LINE", 100)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b'{"a":1}\n{"b":2}\n', [(1, '{"a":1}'), (2, '{"b":2}')]),
        (b'{"a":1}\n{"b":2}', [(1, '{"a":1}'), (2, '{"b":2}')]),
        (b'\xef\xbb\xbf{"a":1}\n{"b":2}\n', [(1, '{"a":1}'), (2, '{"b":2}')]),
        (b'{"a":1}\r\n{"b":2}\r\n', [(1, '{"a":1}'), (2, '{"b":2}')]),
        (b'\n\n{"a":1}\n  \n\r\n{"b":2}\n\n', [(3, '{"a":1}'), (6, '{"b":2}')]),
        ('{"a":"x\u2028y\u0085z\x1c"}\n{"b":2}\n'.encode(), [(1, '{"a":"x\u2028y\u0085z\x1c"}'), (2, '{"b":2}')]),
        (b"\n", []),
    ],
    ids=[
        "plain",
        "no line end at the end",
        "BOM",
        "CRLF",
        "blank lines",
        "other line ends in values",
        "one blank line",
    ],
)
def test_lines(data: bytes, lines: list[tuple[int, str]]) -> None:
    found, problems = read(data)
    assert [(number, text.rstrip("\r")) for number, text in found] == lines
    assert problems == []


def test_bytes_that_are_not_utf8_are_named_and_replaced() -> None:
    data = b'{"a":1}\n{"b":"\xff\xfe"}\n{"c":"\xc3\xa9"}\n{"d":"\x80"}'
    found, problems = read(data)
    assert found == [(1, '{"a":1}'), (2, '{"b":"\ufffd\ufffd"}'), (3, '{"c":"\xe9"}'), (4, '{"d":"\ufffd"}')]
    assert [problem.position for problem in problems] == ["line 2 (byte 14)", "line 4 (byte 36)"]
    assert all("UTF-8" in problem.reason and problem.lost == 0 for problem in problems)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("where", ["first", "middle", "last", "last without line end"])
def test_a_line_that_is_too_long_costs_itself_only(where: str) -> None:
    lines = [f'{{"n":{number}}}' for number in range(20)]
    index = {"first": 0, "middle": 9}.get(where, 19)
    lines[index] = '{"n":"' + "x" * 150 + '"}'
    data = "\n".join(lines).encode() + (b"" if "without" in where else b"\n")
    found, problems = read(data)
    assert found == [(number, line) for number, line in enumerate(lines, 1) if number != index + 1]
    assert [(problem.position, problem.lost) for problem in problems] == [(f"byte {data.index(b'xxx') - 6}", 1)]


@pytest.mark.usefixtures("small_blocks")
def test_slices_cover_the_file_once() -> None:
    data = b"".join(b'{"n":%d}\n' % number for number in range(100))
    survey = jsonlines.survey(io.BytesIO(data), divisible=True)
    assert len(survey.slices) > 10
    assert [part.start for part in survey.slices] == [0, *(part.end for part in survey.slices[:-1])]
    assert survey.slices[-1].end == len(data)
    assert [number for number, _ in read(data)[0]] == list(range(1, 101))
    assert len(jsonlines.survey(io.BytesIO(data), divisible=False).slices) == 1


@settings(max_examples=200, deadline=None)
@given(
    lines=st.lists(
        st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=60), max_size=40
    ),
    last=st.booleans(),
)
def test_any_lines_come_out_once_with_their_numbers(lines: list[str], last: bool) -> None:
    lines = [f"{{{line}" if line and not line.isspace() else line for line in lines]
    data = "\n".join(lines).encode() + (b"\n" if last else b"")
    wanted = [(number, line) for number, line in enumerate(lines, 1) if line.startswith("{")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonlines, "_BLOCK", 16)
        patch.setattr(jsonlines, "_SLICE", 40)
        assert read(data) == (wanted, [])


def test_an_empty_stream_has_no_slices() -> None:
    survey = jsonlines.survey(io.BytesIO(b""), divisible=True)
    assert (survey.size, survey.slices) == (0, [])


def test_a_real_line_of_many_megabytes_is_read() -> None:
    record: dict[str, Any] = {"EventID": 1, "Text": "x" * (3 << 20)}
    found, problems = read(json.dumps(record).encode() + b"\n")
    assert json.loads(found[0][1]) == record
    assert problems == []
