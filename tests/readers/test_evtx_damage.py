"""Every kind of damage to an EVTX file: what is still read, with which ordinals, and what is said about the rest.

The second of three chunks is damaged. A case says which of its records may be missing, how many are reported as lost,
and words of the problem; everything else must come out with its own value at its own ordinal.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

HEADER, CHUNK, FIRST = 4096, 65_536, 512
SECOND_CHUNK = HEADER + CHUNK

Log = Any
Reading = Any
Read = Callable[[bytes], Reading]


@dataclass(frozen=True)
class Damage:
    """What is done to the log, and what must come of it."""

    name: str
    do: Callable[[Log], None]
    says: tuple[str, ...] = ()
    """Words of one problem; none: no problem at all."""
    missing: Callable[[Log], range] = lambda _: range(0)
    lost: int | None = None
    """Records reported as lost, if not those that are missing."""
    shifts: bool = False
    """Whether nothing is left that keeps the place of what is missing: ordinals count what is there."""


def middle(log: Log) -> int:
    """Ordinal of a record in the middle of the second chunk."""
    inside = log.records_of(2)
    return int(inside[len(inside) // 2])


def at(log: Log, ordinal: int) -> tuple[int, int]:
    offset, size = log.spans[ordinal - 1]
    return offset, size


def patched(layout: str, offset: int, *values: int | bytes, sign: bool = False) -> Callable[[Log], None]:
    """Overwrite a piece of the second chunk's header."""

    def do(log: Log) -> None:
        log.put(layout, SECOND_CHUNK + offset, *values)
        if sign:
            log.sign(2)

    return do


def record(
    layout: str, offset: int, *values: int | bytes, which: str = "middle", sign: bool = False
) -> Callable[[Log], None]:
    """Overwrite a piece of one record of the second chunk; a negative offset counts from its end."""

    def do(log: Log) -> None:
        inside = log.records_of(2)
        start, size = at(log, {"first": inside[0], "middle": middle(log), "last": inside[-1]}[which])
        log.put(layout, start + offset if offset >= 0 else start + size + offset, *values)
        if sign:
            log.sign(2)

    return do


def zeroed(first: int, count: int, *, sign: bool = False) -> Callable[[Log], None]:
    """Zero *count* records of the second chunk; *first* counts from its middle."""

    def do(log: Log) -> None:
        start = at(log, middle(log) + first)[0]
        offset, size = at(log, middle(log) + first + count - 1)
        log.data[start : offset + size] = bytes(offset + size - start)
        if sign:
            log.sign(2)

    return do


def tail_zeroed(log: Log) -> None:
    start, end = at(log, middle(log))[0], log.free(2)
    log.data[start:end] = bytes(end - start)


def from_middle(log: Log) -> range:
    return range(middle(log), log.records_of(2)[-1] + 1)


def to_the_end(log: Log) -> range:
    return range(middle(log), len(log.texts) + 1)


def one(offset: int = 0) -> Callable[[Log], range]:
    return lambda log: range(middle(log) + offset, middle(log) + offset + 1)


def cut(where: Callable[[Log], int]) -> Callable[[Log], None]:
    def do(log: Log) -> None:
        del log.data[where(log) :]

    return do


def body_zeroed(log: Log) -> None:
    start, size = at(log, middle(log))
    log.data[start + 24 : start + size - 4] = bytes(size - 28)


def flip(log: Log) -> None:
    """One bit of the text of a record: the record is whole, but not what was written."""
    start, size = at(log, middle(log))
    log.data[start + size - 40] ^= 1


def free_too_low(log: Log) -> None:
    log.put("I", SECOND_CHUNK + 48, at(log, middle(log))[0] - SECOND_CHUNK)


def stale(log: Log) -> None:
    """The header as it was ten records ago: counts, ids, last record and end of data, all with right checksums."""
    last = log.records_of(2)[-1] - 10
    offset, size = at(log, last)
    first = log.records_of(2)[0]
    log.put("QQQQ", SECOND_CHUNK + 8, first, last, first, last)
    log.put("II", SECOND_CHUNK + 44, offset - SECOND_CHUNK, offset + size - SECOND_CHUNK)
    log.sign(2)


def template_offset(log: Log) -> None:
    """The outer template of a record points out of its chunk."""
    start, _ = at(log, middle(log))
    assert log.data[start + 28 : start + 30] == b"\x0c\x01"
    log.put("I", start + 34, 0xFFFFFF)


def token(log: Log) -> None:
    start, _ = at(log, middle(log))
    log.data[start + 28] = 0xEE


def cycle(table: int) -> Callable[[Log], None]:
    """A name that is followed by itself, in the space that no record uses: the parser would follow it for ever."""

    def do(log: Log) -> None:
        unused = log.free(2) - SECOND_CHUNK
        assert unused < CHUNK - 8
        log.put("I", SECOND_CHUNK + table, unused)
        log.put("I", SECOND_CHUNK + unused, unused)
        log.sign(2)

    return do


def header_count(count: int) -> Callable[[Log], None]:
    def do(log: Log) -> None:
        log.put("H", 42, count)
        log.sign_header()

    return do


def header_flags(flags: int) -> Callable[[Log], None]:
    return lambda log: log.put("I", 120, flags)


def stale_header(log: Log) -> None:
    """A live log: marked dirty, the header written when there was one chunk."""
    log.put("QQQ", 8, 0, 0, 2)
    header_count(1)(log)
    log.put("I", 120, 1)


def preallocated(log: Log) -> None:
    log.data += bytes(2 * CHUNK)


def chunk_zeroed(log: Log) -> None:
    log.data[SECOND_CHUNK : SECOND_CHUNK + CHUNK] = bytes(CHUNK)


def wiped(log: Log) -> None:
    log.data[SECOND_CHUNK : SECOND_CHUNK + CHUNK] = b"\xa5" * CHUNK


def strayed(log: Log, source: int) -> None:
    """A disk's block from elsewhere in the log, with whole records in it, that ends inside a record."""
    start, _ = at(log, middle(log))
    log.data[start : start + 4_000] = log.data[source + 40 : source + 4_040]


def taken_out(log: Log) -> None:
    """By somebody who mends the header."""
    del log.data[SECOND_CHUNK : SECOND_CHUNK + CHUNK]
    header_count(2)(log)


def whole_chunk(log: Log) -> range:
    inside: range = log.records_of(2)
    return inside


def both(*steps: Callable[[Log], None]) -> Callable[[Log], None]:
    def do(log: Log) -> None:
        for step in steps:
            step(log)

    return do


CASES = [
    Damage("untouched", lambda log: None),
    Damage("file magic", lambda log: log.put("8s", 0, b"\0" * 8), ("header", "checksum")),
    Damage("file header checksum", lambda log: log.put("I", 124, 1), ("header", "checksum")),
    Damage("header count low", header_count(2)),
    Damage("header count 0", header_count(0)),
    Damage("header count high", header_count(5), ("counts 5", "3 are there"), lost=0),
    Damage("stale header of a live log", stale_header),
    Damage("dirty", header_flags(1)),
    Damage("full", header_flags(2)),
    Damage("preallocated chunks behind the last", preallocated),
    Damage("chunk magic", patched("8s", 0, b"ElfChnx\0"), ("chunk 2", "no chunk header")),
    Damage("chunk header checksum", patched("I", 124, 7), ("chunk 2", "header damaged")),
    Damage("checksum of the records", patched("I", 52, 7), ("chunk 2", "header damaged")),
    Damage(
        "checksum of the records, signed",
        both(patched("I", 52, 7), lambda log: resign_header(log)),
        ("chunk 2", "checksum of the records"),
    ),
    Damage("flipped byte", flip, ("chunk 2", "checksum of the records"), missing=one(), lost=0),
    Damage("size copy", record("I", -4, 8), ("chunk 2", "checksum")),
    Damage("size copy, signed", record("I", -4, 8, sign=True), ("chunk 2", "does not fit")),
    Damage("record size 0", record("I", 4, 0), ("chunk 2", "checksum")),
    Damage("record size 0, signed", record("I", 4, 0, sign=True), ("chunk 2", "does not fit")),
    Damage("record size 20", record("I", 4, 20), ("chunk 2", "checksum")),
    Damage("record size past the chunk", record("I", 4, 100_000), ("chunk 2", "checksum")),
    Damage(
        "record size into the next record",
        lambda log: log.put("I", at(log, middle(log))[0] + 4, at(log, middle(log))[1] + 64),
        ("chunk 2", "checksum"),
    ),
    Damage("record magic", record("4s", 0, b"\0\0\0\0"), ("chunk 2", "checksum")),
    Damage("record magic of the first", record("4s", 0, b"\0\0\0\0", which="first"), ("chunk 2", "checksum")),
    Damage("record magic of the last", record("4s", 0, b"\0\0\0\0", which="last"), ("chunk 2", "checksum")),
    Damage(
        "record size and its copy", both(record("I", 4, 0), record("I", -4, 0)), ("chunk 2", "1 damaged record"), one()
    ),
    Damage("record time", record("Q", 16, 0), ("chunk 2", "checksum")),
    Damage("record time far away", record("Q", 16, 1 << 63), ("chunk 2", "checksum")),
    Damage("record id", record("Q", 8, 1 << 63), ("chunk 2", "checksum")),
    Damage("record id, signed", record("Q", 8, 1 << 63, sign=True), ("chunk 2", "does not fit")),
    Damage(
        "record id of its neighbour",
        both(record("Q", 8, 0), lambda log: log.put("Q", at(log, middle(log))[0] + 8, middle(log) - 1)),
        ("chunk 2", "checksum"),
    ),
    Damage(
        "record id of the last, signed",
        lambda log: (log.put("Q", at(log, middle(log))[0] + 8, log.records_of(2)[-1]), log.sign(2))[1],
        ("chunk 2", "does not fit"),
    ),
    Damage("record zeroed", zeroed(0, 1), ("chunk 2", "1 damaged record"), one()),
    Damage("record zeroed, signed", zeroed(0, 1, sign=True), ("chunk 2", "1 damaged record"), one()),
    Damage(
        "three records zeroed",
        zeroed(0, 3),
        ("chunk 2", "3 damaged records"),
        lambda log: range(middle(log), middle(log) + 3),
    ),
    Damage("record's body zeroed", body_zeroed, ("record", "no event"), one()),
    Damage("tail zeroed", tail_zeroed, ("chunk 2", "records are there"), from_middle, shifts=True),
    Damage(
        "tail zeroed, header damaged",
        both(tail_zeroed, patched("I", 124, 7)),
        ("chunk 2", "header damaged"),
        from_middle,
        shifts=True,
    ),
    Damage("chunk zeroed", chunk_zeroed, ("1 of 3 chunks are empty",), whole_chunk, shifts=True),
    Damage("chunk overwritten", wiped, ("chunk 2", "no records in it"), whole_chunk, shifts=True),
    Damage("free space too low", free_too_low, ("chunk 2", "header damaged")),
    Damage("free space too low, signed", both(free_too_low, lambda log: log.sign(2)), ("chunk 2", "behind")),
    Damage("free space too high", patched("I", 48, CHUNK), ("chunk 2", "header damaged")),
    Damage("free space too high, signed", patched("I", 48, CHUNK, sign=True), ("chunk 2", "does not fit")),
    Damage("free space out of range", patched("I", 48, CHUNK + 8, sign=True), ("chunk 2", "header")),
    Damage("stale chunk header", stale, ("chunk 2", "behind")),
    Damage("first id", patched("Q", 24, 999_999), ("chunk 2", "header damaged")),
    Damage("first id, signed", patched("Q", 24, 999_999, sign=True)),
    Damage("last id too low", patched("Q", 32, 1), ("chunk 2", "header damaged")),
    Damage(
        "last id too low, signed",
        lambda log: (log.put("Q", SECOND_CHUNK + 32, middle(log)), log.sign(2))[1],
        ("chunk 2", "does not fit"),
    ),
    Damage("last id too high, signed", patched("Q", 32, 1 << 40, sign=True), ("chunk 2", "does not fit")),
    Damage("record numbers", patched("QQ", 8, 5, 6), ("chunk 2", "header damaged")),
    Damage("template offset", template_offset, ("record", "cannot be parsed"), one()),
    Damage("token", token, ("record", "cannot be parsed"), one()),
    Damage("string table out of range", patched("I", 128, 0xFFFFFF, sign=True), ("chunk 2", "table damaged")),
    Damage("template table out of range", patched("I", 384, 0x7FFFFFFF, sign=True), ("chunk 2", "table damaged")),
    Damage("string table cycle", cycle(128), ("chunk 2", "table damaged")),
    Damage("template table cycle", cycle(384), ("chunk 2", "table damaged")),
    Damage("cut by one byte", cut(lambda log: len(log.data) - 1), ("chunk 3", "file ends inside it")),
    Damage("chunk taken out", taken_out, ("chunk 2", "numbering jumps"), whole_chunk, shifts=True),
    Damage(
        "cut behind chunk 1",
        cut(lambda log: SECOND_CHUNK),
        ("counts 3", "1 are there"),
        lambda log: range(log.records_of(2)[0], len(log.texts) + 1),
    ),
    Damage(
        "cut at a record of chunk 2",
        cut(lambda log: at(log, middle(log))[0]),
        ("chunk 2", "file ends inside it"),
        to_the_end,
    ),
    Damage(
        "cut in a record of chunk 2",
        cut(lambda log: at(log, middle(log))[0] + 100),
        ("chunk 2", "file ends inside it"),
        to_the_end,
    ),
    Damage(
        "cut just behind the header of a record of chunk 2",
        cut(lambda log: at(log, middle(log))[0] + 28),
        ("chunk 2", "file ends inside it"),
        to_the_end,
    ),
    Damage(
        "cut in the header of chunk 2",
        cut(lambda log: SECOND_CHUNK + 200),
        ("chunk 2", "file ends inside it"),
        lambda log: range(log.records_of(2)[0], len(log.texts) + 1),
    ),
    Damage(
        "cut to the file header",
        cut(lambda log: HEADER),
        ("counts 3", "0 are there"),
        lambda log: range(1, len(log.texts) + 1),
    ),
    Damage(
        "cut inside the file header",
        cut(lambda log: 1000),
        ("header", "ends after 1,000 bytes"),
        lambda log: range(1, len(log.texts) + 1),
        lost=0,
    ),
]


def resign_header(log: Log) -> None:
    """Only the header's checksum, not that of the records."""
    kept = struct.unpack_from("<I", log.data, SECOND_CHUNK + 52)[0]
    log.sign(2)
    log.put("I", SECOND_CHUNK + 52, kept)
    start = SECOND_CHUNK
    import zlib

    tables = log.data[start + 128 : start + FIRST]
    log.put("I", start + 124, zlib.crc32(tables, zlib.crc32(log.data[start : start + 120])))


def check(damage: Damage, log: Log, reading: Reading) -> None:
    missing = damage.missing(log)
    wanted = {number: text for number, text in enumerate(log.texts, 1) if number not in missing}
    if damage.shifts:
        wanted = dict(enumerate(wanted.values(), 1))
    if damage.name == "flipped byte":
        assert set(reading.texts) == set(wanted) | set(missing)
        assert {n: t for n, t in reading.texts.items() if n not in missing} == wanted
    else:
        assert reading.texts == wanted
    if not damage.shifts:
        assert all(event["System"]["EventRecordID"] == number for number, event in reading.records.items())
    assert reading.lost == (len(missing) if damage.lost is None else damage.lost)
    if damage.says:
        assert reading.said(*damage.says), reading.problems
    elif not damage.name.endswith("signed"):
        assert reading.problems == []


@pytest.mark.parametrize("damage", CASES, ids=lambda damage: damage.name)
def test_damage(damage: Damage, log: Log, read: Read) -> None:
    damage.do(log)
    check(damage, log, read(bytes(log.data)))


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_records_that_strayed_into_a_chunk_do_not_hide_those_behind_them(log: Log, read: Read, chunk: int) -> None:
    strayed(log, at(log, log.records_of(chunk)[-12])[0])
    reading = read(bytes(log.data))
    start, _ = at(log, middle(log))
    spans = zip(log.spans, log.texts, strict=True)
    spared = [text for (offset, size), text in spans if offset + size <= start or start + 4_000 <= offset]
    texts = set(reading.texts.values())
    assert [text for text in spared if text not in texts] == []
    assert reading.said("chunk 2", "damaged record")
