"""Reads the directory of a zip archive, so that each member can be opened on its own without reading it again.

:mod:`zipfile` reads the directory whenever an archive is opened (5,000 members, each opened alone, are 25 million
entries), gives up on all members for one odd name, and does not notice members that overlap, which only bombs have.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from wmiwarehouse.readers.unpack import PackedError, Part

_END = struct.Struct("<4s4H2LH")
_END64_PLACE = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY_MAGIC, _LOCAL_MAGIC, _END_MAGIC = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"
_LONGEST_COMMENT = 1 << 16
_BLOCK = 1 << 18
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}


@dataclass(frozen=True)
class ZipMember:
    """One entry of the directory."""

    name: str
    start: int
    """Where its local header stands."""
    packed: int
    size: int
    method: int
    crc: int
    is_encrypted: bool = False


def members(stream: BinaryIO) -> Iterator[ZipMember]:
    """Yield the members in the order of the directory; raises :class:`PackedError` where that is damaged."""
    size = stream.seek(0, 2)
    start, length, count, shift = _directory(stream, size)
    stream.seek(start)
    held, at, left = b"", 0, length
    for number in range(count):
        while len(held) - at < _ENTRY.size + 3 * 65_535 and left:
            data = stream.read(min(_BLOCK, left))
            if not data:
                break
            held, at, left = held[at:] + data, 0, left - len(data)
        if len(held) - at < _ENTRY.size or not held.startswith(_ENTRY_MAGIC, at):
            raise PackedError(f"the list of its members is damaged at {number + 1:,} of {count:,}: repair it (zip -FF)")
        entry = _ENTRY.unpack_from(held, at)
        flags, method, crc, packed, plain = entry[3], entry[4], entry[7], entry[8], entry[9]
        name_size, extra_size, comment_size, offset = entry[10], entry[11], entry[12], entry[16]
        name = held[at + _ENTRY.size : at + _ENTRY.size + name_size]
        extra = held[at + _ENTRY.size + name_size : at + _ENTRY.size + name_size + extra_size]
        at += _ENTRY.size + name_size + extra_size + comment_size
        plain, packed, offset = _wide(extra, plain, packed, offset)
        text = name.decode("utf-8" if flags & 0x800 else "cp437", "surrogateescape")
        yield ZipMember(text, offset + shift, packed, plain, method, crc, bool(flags & 0x41))


def overlapping(places: Sequence[int]) -> set[int]:
    """Return where members begin inside other ones; *places* has the start and packed size of each, in turn."""
    bad, end = set(), 0
    for start, packed in sorted(zip(places[::2], places[1::2], strict=True)):
        if start < end:
            bad.add(start)
        end = max(end, start + _LOCAL.size + packed)
    return bad


def opened(stream: BinaryIO, start: int, packed: int, method: int, crc: int) -> BinaryIO:
    """Open the member whose local header stands at *start*; its checksum is checked at the end."""
    if method not in _METHODS:
        raise PackedError(f"packed with method {method}, which is not read: unpack it first")
    stream.seek(start)
    header = stream.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(_LOCAL_MAGIC):
        raise PackedError("no member where the archive's list says")
    *_, name_size, extra_size = _LOCAL.unpack(header)
    info = zipfile.ZipInfo("member")
    info.compress_type, info.compress_size, info.CRC = method, packed, crc
    info.file_size = 1 << 62  # what the directory says is not believed
    part = Part(stream, start + _LOCAL.size + name_size + extra_size, packed)
    return cast("BinaryIO", _Checked(part, info))


class _Checked(zipfile.ZipExtFile):
    def __init__(self, part: Part, info: zipfile.ZipInfo) -> None:
        super().__init__(part, "r", info, None, True)

    def seekable(self) -> bool:
        """Say that it is not: going back would be unpacking anew."""
        return False

    def read(self, n: int | None = -1) -> bytes:
        """Return what one look gives: a full buffer would be lost with the damage behind it."""
        return self.read1(n if n and n > 0 else _BLOCK)


def _directory(stream: BinaryIO, size: int) -> tuple[int, int, int, int]:
    """Return where the directory is, its length, how many members it has, and by how much all offsets are too small.

    Something may stand before the archive.
    """
    tail = min(size, _END.size + _LONGEST_COMMENT)
    stream.seek(size - tail)
    data = stream.read(tail)
    position = data.rfind(_END_MAGIC)
    while position >= 0:  # a comment may hold the mark too
        if found := _list_before(stream, size - tail + position, data[position : position + _END.size]):
            return found
        position = data.rfind(_END_MAGIC, 0, position)
    raise PackedError("the list of its members, at its end, is missing or damaged: repair it (zip -FF)")


def _list_before(stream: BinaryIO, at: int, record: bytes) -> tuple[int, int, int, int] | None:
    """Return what :func:`_directory` does, if *record*, which stands at *at*, is the end of an archive."""
    if len(record) < _END.size:
        return None
    end = _END.unpack(record)
    count, length, offset = end[4], end[5], end[6]
    before = at - _END64_PLACE.size
    if before >= 0 and 0xFFFF in (count, length & 0xFFFF, offset & 0xFFFF):
        stream.seek(before)
        place = _END64_PLACE.unpack(stream.read(_END64_PLACE.size))
        for candidate in (place[2], before - _END64.size) if place[0] == b"PK\x06\x07" else ():
            stream.seek(max(candidate, 0))
            wide = stream.read(_END64.size)
            if len(wide) == _END64.size and wide.startswith(b"PK\x06\x06"):
                fields = _END64.unpack(wide)
                count, length, offset, at = fields[7], fields[8], fields[9], candidate
                break
    if length > at or count * _ENTRY.size > length:
        return None
    stream.seek(at - length)
    if count and stream.read(4) != _ENTRY_MAGIC:
        return None
    return at - length, length, count, max(0, at - length - offset)


def _wide(extra: bytes, plain: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Replace sizes that did not fit into 32 bits by those of the extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            numbers = iter(struct.unpack_from(f"<{min(size, len(extra) - at - 4) // 8}Q", extra, at + 4))
            plain, packed, offset = (
                next(numbers, value) if value == 0xFFFFFFFF else value for value in (plain, packed, offset)
            )
            break
        at += 4 + size
    return plain, packed, offset
