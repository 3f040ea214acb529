"""EVTX files: what was written is what the `evtx` package reads, and the layout holds by an independent check."""

from __future__ import annotations

import json
import struct
import uuid
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from evtx import PyEvtxParser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wmiwarehouse.lab import generate
from wmiwarehouse.lab.binxml import ValueType
from wmiwarehouse.lab.events import KINDS
from wmiwarehouse.lab.evtx_exported import ExportedEvtxWriter
from wmiwarehouse.lab.evtx_writer import EvtxWriter
from wmiwarehouse.lab.model import (
    Body,
    EventKind,
    Field,
    LabEvent,
    Provider,
    guid_text,
    parse_guid,
    to_datetime,
    value_text,
)
from wmiwarehouse.lab.scenario import Scenario
from wmiwarehouse.lab.world import host_folder

COMPUTER = "WS01.acme.example"
NOON = 133_594_704_000_000_000  # 2024-05-06T12:00:00Z


def check_layout(path: Path) -> int:
    """Walk a file by the format's rules; the number of its records."""
    data = path.read_bytes()
    magic, first, last, next_id, size, minor, major, block, chunks = struct.unpack_from("<8sQQQIHHHH", data)
    assert (magic, first, size, minor, major, block) == (b"ElfFile\0", 0, 128, 1, 3, 4096)
    assert zlib.crc32(data[:120]) == struct.unpack_from("<I", data, 124)[0]
    assert data[120:124] == bytes(4)
    assert len(data) == 4096 + 65536 * chunks
    assert last == chunks - 1
    records = 0
    for start in range(4096, len(data), 65536):
        chunk = data[start : start + 65536]
        magic, first_number, last_number, first_id, last_id = struct.unpack_from("<8sQQQQ", chunk)
        header, last_offset, free, records_crc = struct.unpack_from("<IIII", chunk, 40)
        assert (magic, header) == (b"ElfChnk\0", 128)
        assert zlib.crc32(chunk[512:free]) == records_crc
        assert zlib.crc32(chunk[128:512], zlib.crc32(chunk[:120])) == struct.unpack_from("<I", chunk, 124)[0]
        assert free <= 65528
        assert not chunk[free:].strip(b"\0")
        offset, found, offsets = 512, [], [0]
        while offset < free:
            mark, length, record_id, _ = struct.unpack_from("<4sIQQ", chunk, offset)
            assert mark == b"\x2a\x2a\0\0"
            assert length % 8 == 0
            assert struct.unpack_from("<I", chunk, offset + length - 4)[0] == length
            found.append(record_id)
            offsets.append(offset)
            offset += length
        assert offset == free
        assert last_offset == offsets[-1]
        assert found == list(range(first_id, last_id + 1)) or not found
        assert (first_number, last_number) == (records + 1, records + len(found))
        records += len(found)
        if found:
            assert next_id > found[-1]
    return records


def expected(value_type: ValueType, value: Any) -> Any:
    """What the reader shows for a value, which it shows as JSON."""
    match value_type:
        case _ if value is None:
            return None
        case ValueType.GUID:
            return str(uuid.UUID(bytes_le=value)).upper()
        case ValueType.BINARY:
            return value.hex().upper()
        case ValueType.HEX32 | ValueType.HEX64 | ValueType.POINTER:
            return hex(value)
        case ValueType.FILETIME:
            return to_datetime(value).isoformat("T", "microseconds").replace("+00:00", "Z")
        case _:
            return value


def read(path: Path) -> Iterator[dict[str, Any]]:
    for record in PyEvtxParser(str(path)).records_json():
        assert record is not None
        event: dict[str, Any] = json.loads(record["data"])["Event"]
        assert record["event_record_id"] == int(event["System"]["EventRecordID"])
        yield event


def same(seen: Any, wanted: Any) -> bool:
    """Whether two values agree; nothing, null and empty text are one to the reader."""
    if isinstance(wanted, float):
        return float(seen) == wanted
    return seen in (None, "") if wanted in (None, "") else bool(seen == wanted)


def check_event(event: LabEvent, seen: dict[str, Any]) -> None:
    kind, system = event.kind, seen["System"]
    about = kind.provider
    names = {"Name": about.name, "Guid": about.guid, "EventSourceName": about.source_name}
    provider = {name: text for name, text in names.items() if text is not None}
    assert system["Provider"]["#attributes"] == provider
    if kind.qualifiers is None:
        assert system["EventID"] == kind.event_id
    else:
        assert system["EventID"] == {"#attributes": {"Qualifiers": kind.qualifiers}, "#text": kind.event_id}
    assert (system["Version"], system["Level"], system["Task"]) == (kind.version, kind.level, kind.task)
    assert (system["Opcode"], system["Keywords"]) == (kind.opcode, hex(kind.keywords))
    assert system["TimeCreated"]["#attributes"]["SystemTime"] == expected(ValueType.FILETIME, event.ticks)
    assert system["Execution"]["#attributes"] == {"ProcessID": event.process_id, "ThreadID": event.thread_id}
    assert (system["EventRecordID"], system["Channel"]) == (event.record_id, kind.channel)
    assert system["Computer"] == event.host
    assert system["Security"] == ({"#attributes": {"UserID": event.user_sid}} if event.user_sid else None)
    activity = event.activity_id and {"#attributes": {"ActivityID": expected(ValueType.GUID, event.activity_id)}}
    assert system["Correlation"] == activity
    if kind.body is Body.USER_DATA:
        name, namespace = kind.root
        data = seen["UserData"][name]
        assert data.pop("#attributes") == {"xmlns": namespace}
    else:
        data = seen["EventData"] or {}
    if kind.body is Body.CLASSIC:
        strings = data["Data"]["#text"] if event.values[0] else []
        assert ([strings] if isinstance(strings, str) else strings) == list(event.values[0])
        assert same(data["Binary"], expected(ValueType.BINARY, event.values[1]))
        return
    assert list(data) == [field.name for field in kind.fields]
    for field, value in zip(kind.fields, event.values, strict=True):
        wanted = expected(field.type, value)
        assert same(data[field.name], wanted), (field, data[field.name], wanted)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lab")
    generate(path, formats=("evtx", "exported"))
    return path


def logs(folder: Path, name: str) -> dict[tuple[str, str], Iterator[dict[str, Any]]]:
    return {
        (path.parent.name, path.stem.replace("%4", "/")): read(path)
        for path in sorted((folder / name).glob("*/*.evtx"))
    }


def scenario(seed: int = 1) -> Iterator[LabEvent]:
    """The events that `generate` writes, without the writing."""
    return Scenario(seed, 2).events(None, lambda: 0)


def test_every_value_of_the_scenario_is_read_back(folder: Path) -> None:
    readers = logs(folder, "evtx")
    for event in scenario():
        check_event(event, next(readers[host_folder(event.host), event.kind.channel]))
    assert all(next(reader, None) is None for reader in readers.values())


def test_exported_logs_hold_the_same_as_text(folder: Path) -> None:
    readers = logs(folder, "exported")
    for event in scenario():
        seen = next(readers[host_folder(event.host), event.kind.channel])
        event_id = seen["System"]["EventID"]
        assert (event_id["#text"] if isinstance(event_id, dict) else event_id) == str(event.kind.event_id)
        time = seen["System"]["TimeCreated"]["#attributes"]["SystemTime"]
        assert len(time) == len("2024-05-06T00:00:00.1234567Z")
        if event.kind.body is Body.EVENT_DATA and event.kind.fields:
            wanted = [
                value_text(field.type, value) for field, value in zip(event.kind.fields, event.values, strict=True)
            ]
            assert [text or "" for text in seen["EventData"].values()] == wanted
    assert all(next(reader, None) is None for reader in readers.values())


def test_layout_and_counts(folder: Path) -> None:
    truth = json.loads((folder / "truth.json").read_text())
    files = {name: count for name, count in truth["files"].items() if name.endswith(".evtx")}
    assert files
    assert {name: check_layout(folder / name) for name in files} == files
    assert sum(count for name, count in files.items() if name.startswith("evtx/")) == truth["records"]


def test_every_kind_in_both_styles(tmp_path: Path) -> None:
    samples: dict[ValueType, Any] = {
        ValueType.GUID: bytes(range(16)), ValueType.SID: "S-1-5-21-1-2-3-1104", ValueType.BINARY: b"\x01\xff",
        ValueType.STRINGS: ("one", "two"), ValueType.STRING: "a <b> & c\r\nd", ValueType.FILETIME: NOON,
    }  # fmt: skip
    written = [
        LabEvent(
            COMPUTER, kind, NOON + number, tuple(samples.get(field.type, number % 2) for field in kind.fields), 4, 8,
            "S-1-5-18" if number % 3 else None, bytes(range(16)) if number % 2 else None, record_id=number,
        )
        for number, kind in enumerate(KINDS, start=1)
    ]  # fmt: skip
    for writer in (EvtxWriter, ExportedEvtxWriter):
        path = write(tmp_path / f"{writer.__name__}.evtx", written, writer)
        assert check_layout(path) == len(KINDS)
        assert len(list(read(path))) == len(KINDS)
    for event, seen in zip(written, read(tmp_path / "EvtxWriter.evtx"), strict=True):
        check_event(event, seen)


def write(path: Path, written: Iterable[LabEvent], writer: type[EvtxWriter] = EvtxWriter) -> Path:
    with writer(path, COMPUTER) as file:
        for event in written:
            file.write(event)
    return path


def integers(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    return st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else st.integers(0, (1 << bits) - 1)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200) | st.sampled_from(
    ["", "<&>\"'", "]]>", "&amp;", "a\r\nb\n", "\U0001f600\U0010ffff", " trailing ", "\t"]
)
sids = st.builds(
    lambda authority, parts: "-".join(map(str, ("S-1", authority, *parts))),
    st.integers(0, (1 << 48) - 1),
    st.lists(integers(32, signed=False), min_size=1, max_size=15),
)
STRATEGIES: dict[ValueType, st.SearchStrategy[Any]] = {
    ValueType.STRING: texts,
    ValueType.INT8: integers(8, signed=True),
    ValueType.UINT8: integers(8, signed=False),
    ValueType.INT16: integers(16, signed=True),
    ValueType.UINT16: integers(16, signed=False),
    ValueType.INT32: integers(32, signed=True),
    ValueType.UINT32: integers(32, signed=False),
    ValueType.INT64: integers(64, signed=True),
    ValueType.UINT64: integers(64, signed=False),
    ValueType.DOUBLE: st.floats(allow_nan=False, allow_infinity=False),
    ValueType.BOOL: st.booleans(),
    ValueType.GUID: st.binary(min_size=16, max_size=16),
    ValueType.FILETIME: st.integers(NOON - (1 << 56), NOON + (1 << 56)),
    ValueType.SID: sids,
    ValueType.HEX32: integers(32, signed=False),
    ValueType.HEX64: integers(64, signed=False),
    ValueType.POINTER: integers(64, signed=False),
}
typed_values = st.sampled_from(sorted(STRATEGIES)).flatmap(
    lambda value_type: st.tuples(st.just(value_type), st.none() | STRATEGIES[value_type])
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(typed_values, max_size=12), min_size=1, max_size=5), user_data=st.booleans())
def test_any_values_round_trip(tmp_path: Path, rows: list[list[tuple[ValueType, Any]]], user_data: bool) -> None:
    written = []
    for number, row in enumerate(rows, start=1):
        kind = EventKind(
            "made_up", Provider("Made-Up", "5770385F-C22A-43E0-BF4C-06F5698FFBD9"), "Application", 7, 1,
            tuple(Field(f"F{index}", value_type) for index, (value_type, _) in enumerate(row)),
            body=Body.USER_DATA if user_data and row else Body.EVENT_DATA, root=("Made", "urn:made:up"),
        )  # fmt: skip
        written.append(LabEvent(COMPUTER, kind, NOON, tuple(value for _, value in row), record_id=number))
    path = write(tmp_path / "values.evtx", written)
    assert check_layout(path) == len(written)
    for event, seen in zip(written, read(path), strict=True):
        check_event(event, seen)


def test_values_too_long_are_refused(tmp_path: Path) -> None:
    kind = EventKind("long", Provider("Long"), "Application", 1, 0, (Field("Text", ValueType.STRING),))
    with EvtxWriter(tmp_path / "long.evtx", COMPUTER) as writer:
        for length in (33_000, 32_700):
            with pytest.raises(ValueError, match="bytes"):
                writer.write(LabEvent(COMPUTER, kind, NOON, ("x" * length,), record_id=1))
        writer.write(LabEvent(COMPUTER, kind, NOON, ("x" * 30_000,), record_id=1))
    assert check_layout(tmp_path / "long.evtx") == 1
    assert [event["EventData"]["Text"] for event in read(tmp_path / "long.evtx")] == ["x" * 30_000]


def test_a_log_without_records_is_valid(tmp_path: Path) -> None:
    assert check_layout(write(tmp_path / "empty.evtx", ())) == 0
    assert list(read(tmp_path / "empty.evtx")) == []


@given(st.binary(min_size=16, max_size=16))
def test_guid_text_is_what_the_standard_library_says(guid: bytes) -> None:
    assert guid_text(guid) == f"{{{uuid.UUID(bytes_le=guid)}}}"
    assert parse_guid(guid_text(guid)) == guid
