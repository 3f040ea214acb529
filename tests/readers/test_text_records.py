"""Text in which records stand one behind the other: where each ends, and what stands between or before them."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest

from wmiwarehouse.pipeline.surveyor import shapes
from wmiwarehouse.projection.compiler import Projection
from wmiwarehouse.readers import text, text_records
from wmiwarehouse.readers.model import Outcome, Problem, Slice, each
from wmiwarehouse.readers.recognise import Candidate, Skipped, recognise
from wmiwarehouse.readers.shapes import Layout, Shape

SHAPES = shapes(Projection())


def one(number: int, message: str = "A text.", moment: str = "05/06/2024 09:01:01 AM") -> str:
    return f"{moment}\nLogName=Security\nEventCode={number}\nComputerName=WS01\nMessage={message}"


SHAPE = SHAPES.text(one(1)) or Shape("none")


def read(data: bytes | str, encoding: str = "utf-8") -> tuple[dict[int, str], list[Problem]]:
    raw = data.encode(encoding) if isinstance(data, str) else data
    outcome, found = Outcome(), dict[int, str]()
    layout = Layout("text", encoding, SHAPE)
    for ordinal, record in each(text_records.read(io.BytesIO(raw), Slice(0, len(raw)), outcome, layout)):
        assert ordinal not in found
        found[ordinal] = json.loads(record)["_raw"]
    return found, outcome.problems


EVENTS = [one(4624, "A\n\nSubject:\n\tName:\t\tx "), one(1, "{\n}"), one(4104, "05/06/2024 09:01:01 AM\nend")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_record_reaches_to_the_next(encoding: str, end: str) -> None:
    found, problems = read("\n".join(EVENTS) + end, encoding)
    assert list(found.values()) == EVENTS
    assert list(found) == [1, 2, 3]
    assert problems == []


def test_blank_lines_between_records_are_of_the_one_before() -> None:
    found, problems = read("\r\n\r\n".join(text.replace("\n", "\r\n") for text in EVENTS) + "\r\n")
    assert [text.rstrip().replace("\r\n", "\n") for text in found.values()] == [text.rstrip() for text in EVENTS]
    assert problems == []


@pytest.mark.parametrize(
    "moment", ["5/6/2024 9:01:01 AM", "05/06/2024 09:01:01.402 PM", "05/06/2024 21:01:01", "05/06/2024 09:01:01 AM  "]
)
def test_how_times_are_written(moment: str) -> None:
    found, problems = read(one(1, moment=moment) + "\n" + one(2, moment=moment))
    assert len(found) == 2
    assert problems == []


@pytest.mark.parametrize("block", [1, 7, 64])
def test_blocks_end_anywhere(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_BLOCK", block)
    monkeypatch.setattr(text_records, "_TOGETHER", 2)
    found, problems = read("\n".join(EVENTS * 4))
    assert list(found.values()) == EVENTS * 4
    assert problems == []


@pytest.mark.parametrize("before", ["no event\n", "x" * 5_000 + "\n", "a\n" * 5_000])
@pytest.mark.parametrize("block", [100, 1 << 20])
def test_what_stands_before_the_first_is_named(before: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_BLOCK", block)
    found, (problem,) = read(before + "\n".join(EVENTS))
    assert list(found.values()) == EVENTS
    assert problem.position == f"line {before.count(chr(10)) + 1}"
    assert "are not read" in problem.reason


def test_a_record_whose_beginning_is_damaged_is_named() -> None:
    found, (problem,) = read("\n".join([EVENTS[0], EVENTS[1].replace("05/06", "0!/06"), EVENTS[2]]))
    assert [found[1].count("LogName="), found[2]] == [2, EVENTS[2]]
    assert problem == Problem("line 10", "LogName= stands twice in a record: kept as it is, and perhaps made of two")


def test_zeros_in_a_record_are_named() -> None:
    whole = "\n".join(EVENTS)
    found, (problem,) = read(whole.replace(EVENTS[1], "\0" * len(EVENTS[1])))
    assert list(found.values())[1:] == [EVENTS[2]]
    assert problem.position == "line 9"
    assert "zero bytes" in problem.reason


def test_a_record_without_end_is_cut_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_BLOCK", 1_000)
    monkeypatch.setattr(text_records, "_LONGEST", 10_000)
    found, problems = read("\n".join([EVENTS[0], one(2, "x" * 50_000), EVENTS[2]]))
    assert (found[1], found[3]) == (EVENTS[0], EVENTS[2])
    assert 9_000 < len(found[2]) < 13_000
    assert "more than 10,000 characters" in problems[0].reason
    assert "characters before it are not read" in problems[1].reason


def _recognised(path: Path) -> Candidate | Skipped:
    (found,) = recognise(path, SHAPES)
    return found


@pytest.mark.parametrize(
    "content",
    ["\n".join(EVENTS), "\n\n" + EVENTS[0], "\ufeff" + EVENTS[1], "some words\n" + EVENTS[0], EVENTS[1] + "\n{}\n"],
)
def test_recognised_by_how_it_begins(content: str, tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.log", tmp_path / "b.gz"
    plain.write_text(content, encoding="utf-8")
    packed.write_bytes(gzip.compress(content.encode()))
    for path in (plain, packed):
        found = _recognised(path)
        assert isinstance(found, Candidate), found
        assert (found.format, found.layout.kind) == ("splunk_raw", "text")


@pytest.mark.parametrize("content", ["05/06/2024 09:01:01 AM\nName=x\n", "x 05/06/2024 09:01:01 AM\nLogName=x\n"])
def test_other_text_is_no_log(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(content, encoding="utf-8")
    assert isinstance(_recognised(path), Skipped)
