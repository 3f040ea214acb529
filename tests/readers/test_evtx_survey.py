"""What a survey must not do: hang, escape with an exception, or take stale bytes for records."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wmiwarehouse.lab import generate
from wmiwarehouse.readers import evtx, evtx_chunk
from wmiwarehouse.readers.evtx_values import ValueCheck
from wmiwarehouse.readers.model import Outcome, each

HEADER, CHUNK, FIRST = 4096, 65_536, 512
SECOND_CHUNK = HEADER + CHUNK

Log = Any
Read = Callable[[bytes], Any]

_READ_IT = """
import io, sys
from wmiwarehouse.readers import evtx
from wmiwarehouse.readers.evtx_values import ValueCheck
from wmiwarehouse.readers.model import Outcome, each
data = open(sys.argv[1], "rb").read()
survey = evtx.survey(io.BytesIO(data), divisible=True)
outcome, found = Outcome(), 0
for part in survey.slices:
    stream = io.BytesIO(data)
    stream.seek(part.start)
    found += sum(1 for _ in each(evtx.read(stream, part, outcome, ValueCheck())))
print(found, [problem.reason for problem in survey.problems + outcome.problems])
"""


@pytest.mark.parametrize("table", [128, 384])
def test_a_cycle_in_a_name_table_does_not_hang(log: Log, tmp_path: Path, table: int) -> None:
    """The parser follows such a chain for ever, and holds the interpreter while it does."""
    for bucket in range(2):
        log.put("I", SECOND_CHUNK + table + 4 * bucket, 50_000 + 8 * bucket)
        log.put("I", SECOND_CHUNK + 50_000 + 8 * bucket, 50_000 + 8 * (1 - bucket))
    log.sign(2)
    path = tmp_path / "cycle.evtx"
    path.write_bytes(log.data)
    done = subprocess.run(
        [sys.executable, "-c", _READ_IT, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    count, _, problems = done.stdout.partition(" ")
    assert "table damaged" in problems
    # The two links stand in the text of one record or two.
    assert len(log.texts) - 2 <= int(count) <= len(log.texts)


def test_a_chunk_that_stands_twice_is_read_twice(log: Log, read: Read) -> None:
    """Which of them are copies is known when the batch is committed; the reader gives each its own ordinal."""
    log.data += log.data[SECOND_CHUNK : SECOND_CHUNK + CHUNK]
    log.put("H", 42, 4)
    log.sign_header()
    reading = read(bytes(log.data))
    again = [log.texts[ordinal - 1] for ordinal in log.records_of(2)]
    assert list(reading.texts.values()) == log.texts + again
    assert reading.problems == []


def test_stale_records_behind_the_end_are_not_read(log: Log, read: Read) -> None:
    """A chunk that is used again keeps what stood there before, under other ids."""
    free = log.free(3)
    for offset, size in [log.spans[4], log.spans[5]]:
        log.data[free : free + size] = log.data[offset : offset + size]
        free += size
    reading = read(bytes(log.data))
    assert list(reading.texts.values()) == log.texts
    assert reading.problems == []


def test_stale_records_behind_a_damaged_header_are_not_read(log: Log, read: Read) -> None:
    free = log.free(2)
    offset, size = log.spans[4]
    size = min(size, SECOND_CHUNK + CHUNK - free)
    log.data[free : free + size] = log.data[offset : offset + size]
    log.put("I", SECOND_CHUNK + 124, 1)
    log.put("I", SECOND_CHUNK + 48, 0)
    reading = read(bytes(log.data))
    assert list(reading.texts.values()) == log.texts
    assert reading.said("chunk 2", "header damaged")


def test_damaged_records_are_told_apart_from_good_ones_in_a_compressed_stream(
    log: Log, read: Callable[..., Any]
) -> None:
    """What cannot be divided gives the same records."""
    start, size = log.spans[70]
    log.data[start : start + size] = bytes(size)
    data = bytes(log.data)
    assert read(data).records == read(data, divisible=False).records


def test_slices_give_the_same_records_as_the_whole(
    log: Log, read: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read(bytes(log.data))
    monkeypatch.setattr(evtx, "_CHUNKS_PER_SLICE", 1)
    assert len(evtx.survey(io.BytesIO(bytes(log.data)), divisible=True).slices) == 3
    assert read(bytes(log.data)) == whole
    assert len(evtx.survey(io.BytesIO(bytes(log.data)), divisible=False).slices) == 1


def test_an_empty_log_is_no_problem(write_events: Callable[..., bytes], read: Read) -> None:
    reading = read(write_events([]))
    assert reading.records == {}
    assert reading.problems == []


def test_a_full_file_has_more_chunks_than_its_header_can_count(log: Log) -> None:
    assert struct.unpack_from("<H", evtx.file_header(70_000), 42)[0] == 0xFFFF


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    blows=st.lists(
        st.tuples(st.integers(0, 10_000), st.integers(0, 700), st.integers(0, 255))
        | st.tuples(st.just(-1), st.integers(0, 511), st.integers(0, 255)),
        min_size=1,
        max_size=12,
    ),
    data=st.data(),
)
def test_no_damage_makes_an_exception_or_a_shift(
    log: Log, blows: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """Whatever stands in the second chunk, the others come out whole, and what comes out of it is an event."""
    damaged = bytearray(log.data)
    inside = log.records_of(2)
    for which, offset, value in blows:
        if which < 0:
            damaged[SECOND_CHUNK + offset] = value
        else:
            start, size = log.spans[inside[which % len(inside)] - 1]
            damaged[start + offset % size] = value
    survey = evtx.survey(io.BytesIO(bytes(damaged)), divisible=True)
    outcome, texts = Outcome(), []
    for part in survey.slices:
        stream = io.BytesIO(bytes(damaged))
        stream.seek(part.start)
        texts += [text for _, text in each(evtx.read(stream, part, outcome, ValueCheck()))]
    assert all(text.startswith('{"Event":{') for text in texts)
    first, last = len(log.records_of(1)), len(log.records_of(3))
    assert [orjson.loads(text)["Event"]["EventData"]["Text"] for text in texts[:first]] == log.texts[:first]
    assert [orjson.loads(text)["Event"]["EventData"]["Text"] for text in texts[-last:]] == log.texts[-last:]
    if bytes(damaged) != bytes(log.data):
        behind_the_checksums = (
            damaged[SECOND_CHUNK + 120 : SECOND_CHUNK + 124] != log.data[SECOND_CHUNK + 120 : SECOND_CHUNK + 124]
        )
        assert survey.problems or outcome.problems or behind_the_checksums


@given(chunk=st.binary(max_size=3000), length=st.integers(0, CHUNK))
def test_any_bytes_can_be_inspected_and_mended(chunk: bytes, length: int) -> None:
    padded = (evtx_chunk.MAGIC + bytes(504) + chunk).ljust(CHUNK, b"\0")
    found = evtx_chunk.inspect(padded, length)
    assert found.records == len(found.spans) or found.sound
    assert len(evtx_chunk.mend(padded, length)) == CHUNK


@pytest.mark.parametrize("size", [28, 32, 36, 40])
def test_the_smallest_damaged_record_keeps_its_size(size: int) -> None:
    """What stands in for a damaged record must not be longer than it."""
    chunk = bytearray(CHUNK)
    chunk[:8] = evtx_chunk.MAGIC
    chunk[FIRST : FIRST + size] = b"\xff" * size
    good = struct.pack("<4sIQQ", b"**\0\0", 40, 7, 1 << 57).ljust(36, b"\0") + struct.pack("<I", 40)
    at = FIRST + size + -size % 8
    chunk[at : at + 40] = good
    found = evtx_chunk.inspect(bytes(chunk))
    assert [span[3] for span in found.spans] == [False, True]
    mended = evtx_chunk.mend(bytes(chunk))
    assert len(mended) == CHUNK
    assert mended[at : at + 40] == good


@pytest.mark.parametrize("length", [200_000, 150_001, 4096 + 2 * 65_536 + 700, 4096 + 2 * 65_536, 396_000])
def test_a_cut_log_loses_exactly_what_is_not_read(tmp_path: Path, length: int) -> None:
    """What a cut takes is counted once, whether it falls between chunks, into one, or into the last."""
    truth = generate(tmp_path)
    name = "evtx/WS01/Security.evtx"
    content = (tmp_path / name).read_bytes()[:length]
    found = evtx.survey(io.BytesIO(content), divisible=True)
    outcome = Outcome()
    read = 0
    for part in found.slices:
        stream = io.BytesIO(content)
        stream.seek(part.start)
        read += sum(1 for _ in each(evtx.read(stream, part, outcome, ValueCheck())))
    assert read + sum(problem.lost for problem in found.problems + outcome.problems) == truth.files[name]


def test_records_before_a_break_in_the_stream_are_handed_over(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= HEADER + 2 * CHUNK:
                raise EOFError("Compressed file ended")
            return super().read(size)

    monkeypatch.setattr(evtx, "_CHUNKS_PER_SLICE", 1)
    (part,) = evtx.survey(io.BytesIO(bytes(log.data)), divisible=False).slices
    stream, found, values = Breaking(bytes(log.data)), list[tuple[int, str]](), ValueCheck()
    for _ in range(2):  # the second time no template is new, and chunks are read together
        stream.seek(HEADER)
        found.clear()
        with suppress(EOFError):
            for record in each(evtx.read(stream, part, Outcome(), values)):
                found.append(record)
            pytest.fail("the stream has to break off")
    assert len(found) == len(log.records_of(1)) + len(log.records_of(2))
