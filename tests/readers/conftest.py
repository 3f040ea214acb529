"""A lab-written log of three chunks that tests damage, and a reader that says all it found."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from wmiwarehouse.lab.binxml import ValueType
from wmiwarehouse.lab.evtx_writer import EvtxWriter
from wmiwarehouse.lab.model import EventKind, Field, LabEvent, Provider
from wmiwarehouse.readers import evtx
from wmiwarehouse.readers.evtx_values import ValueCheck
from wmiwarehouse.readers.model import Outcome, Problem, each

COMPUTER = "WS01.acme.example"
NOON = 133_594_704_000_000_000  # 2024-05-06T12:00:00Z
SECOND = 10_000_000
HEADER, CHUNK, FIRST = 4096, 65_536, 512
_TEXT = "x" * 500


@dataclass
class Log:
    """The bytes of a log, to be patched; offsets of records are from the file's start."""

    data: bytearray
    texts: list[str]
    """The value of each record, in order."""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """(offset, size) of each record."""

    def records_of(self, chunk: int) -> range:
        """Ordinals (from 1) of the records in *chunk* (from 1)."""
        start = HEADER + (chunk - 1) * CHUNK
        inside = [i for i, (offset, _) in enumerate(self.spans, 1) if start <= offset < start + CHUNK]
        return range(inside[0], inside[-1] + 1)

    def free(self, chunk: int) -> int:
        """Offset in the file where the records of *chunk* end."""
        offset, size = self.spans[self.records_of(chunk)[-1] - 1]
        return offset + size

    def put(self, layout: str, offset: int, *values: int | bytes) -> None:
        """Overwrite a piece."""
        struct.pack_into(f"<{layout}", self.data, offset, *values)

    def sign(self, chunk: int) -> None:
        """Make the checksums of *chunk* fit what it is now: damage that no checksum tells of."""
        start = HEADER + (chunk - 1) * CHUNK
        (free,) = struct.unpack_from("<I", self.data, start + 48)
        body = self.data[start + FIRST : start + min(free, CHUNK)]
        self.put("I", start + 52, zlib.crc32(body))
        tables = self.data[start + 128 : start + FIRST]
        self.put("I", start + 124, zlib.crc32(tables, zlib.crc32(self.data[start : start + 120])))

    def sign_header(self) -> None:
        """Make the checksum of the file's header fit."""
        self.put("I", 124, zlib.crc32(self.data[:120]))


@dataclass
class Reading:
    """What came out of a log."""

    records: dict[int, dict[str, Any]]
    """Ordinal to event."""
    problems: list[Problem]

    @property
    def lost(self) -> int:
        return sum(problem.lost for problem in self.problems)

    @property
    def texts(self) -> dict[int, str]:
        """Ordinal to the value of ``Text``."""
        return {ordinal: event["EventData"]["Text"] for ordinal, event in self.records.items()}

    def said(self, *words: str) -> bool:
        """Whether one problem has all *words* in its position or reason."""
        return any(all(word in f"{p.position} {p.reason}" for word in words) for p in self.problems)


def kinds() -> tuple[EventKind, EventKind]:
    provider = Provider("Made-Up", "5770385F-C22A-43E0-BF4C-06F5698FFBD9")
    one = EventKind(
        "one", provider, "Application", 1, 0, (Field("Text", ValueType.STRING), Field("N", ValueType.UINT32))
    )
    two = EventKind(
        "two", provider, "Application", 2, 0, (Field("N", ValueType.HEX64), Field("Text", ValueType.STRING))
    )
    return one, two


def write_log(path: Path, count: int) -> Log:
    one, two = kinds()
    texts = [f"record {number} {_TEXT}" for number in range(1, count + 1)]
    with EvtxWriter(path, COMPUTER) as writer:
        for number, text in enumerate(texts, 1):
            kind, values = (one, (text, number)) if number % 3 else (two, (number, text))
            writer.write(LabEvent(COMPUTER, kind, NOON + number * SECOND, values, record_id=number))
    return load(path.read_bytes(), texts)


def load(data: bytes, texts: list[str]) -> Log:
    log = Log(bytearray(data), texts)
    for start in range(HEADER, len(data), CHUNK):
        (free,) = struct.unpack_from("<I", data, start + 48)
        offset = start + FIRST
        while offset < start + free:
            (size,) = struct.unpack_from("<I", data, offset + 4)
            log.spans.append((offset, size))
            offset += size
    return log


@pytest.fixture(scope="session")
def _pristine(tmp_path_factory: pytest.TempPathFactory) -> Log:
    path = tmp_path_factory.mktemp("log") / "three.evtx"
    log = write_log(path, 120)
    per_chunk = len(log.records_of(1))
    log = write_log(path, per_chunk * 2 + 31)
    assert len(log.data) == HEADER + 3 * CHUNK
    assert all(len(log.records_of(chunk)) > 30 for chunk in (1, 2, 3))
    return log


@pytest.fixture
def log(_pristine: Log) -> Log:
    """A fresh copy of a log of three chunks with more than 30 records each."""
    return Log(bytearray(_pristine.data), _pristine.texts, _pristine.spans)


def read_evtx(data: bytes, *, divisible: bool = True) -> Reading:
    survey = evtx.survey(io.BytesIO(data), divisible=divisible)
    values, outcome = ValueCheck(), Outcome()
    records: dict[int, dict[str, Any]] = {}
    for part in survey.slices:
        stream = io.BytesIO(data)
        stream.seek(part.start)
        for ordinal, text in each(evtx.read(stream, part, outcome, values)):
            assert ordinal not in records, f"ordinal {ordinal} twice"
            records[ordinal] = orjson.loads(text)["Event"]
    return Reading(records, survey.problems + outcome.problems)


@pytest.fixture
def read() -> Callable[[bytes], Reading]:
    """Reads a log from its bytes as the pipeline does."""
    return read_evtx


@pytest.fixture
def write_events(tmp_path: Path) -> Callable[[Iterable[LabEvent]], bytes]:
    """Writes events of one computer to a log and returns its bytes."""

    def write(events: Iterable[LabEvent]) -> bytes:
        path = tmp_path / "events.evtx"
        with EvtxWriter(path, COMPUTER) as writer:
            for event in events:
                writer.write(event)
        return path.read_bytes()

    return write
