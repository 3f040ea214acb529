"""Checks one 64 KiB chunk of an EVTX file before the parser sees it, and mends what would make the parser lose records.

Of everything that can be wrong with a chunk, the parser reports little: a cut tail, a zeroed record or a stale count
lose records without a word, and a cycle in the chunk's name table hangs it for good. So the records are walked here
first. A chunk that is sound is passed on untouched; in any other the headers are written anew around the records that
are there, so that damage costs the damaged record and not the rest of its chunk.

Layout: https://github.com/libyal/libevtx/blob/main/documentation/Windows%20XML%20Event%20Log%20(EVTX).asciidoc
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from wmiwarehouse.readers.model import Problem

SIZE = 65_536
MAGIC = b"ElfChnk\0"
RECORD_MAGIC = b"**\0\0"
_FIRST_RECORD = 512
_SMALLEST_RECORD = 28
_LEAP = 10_000  # filtered logs have gaps in their ids
_PIECE = 40  # of the space of several lost records
_TABLES = slice(128, 512)
_LATEST_TIME = 2_650_467_744_000_000_000  # year 10000 in FILETIME's 100 ns since 1601
_RECORD = struct.Struct("<4sIQQ")
_HEADER = struct.Struct("<QQQQIIII")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")

# A record that cannot be trusted becomes an empty document with an id that no log reaches: the parser steps over it,
# the reader leaves it out, and a template that is defined in it can still be used by the records behind it.
_EMPTY_DOCUMENT = b"\x0f\x01\x01\x00\x00"
UNTRUSTED_IDS = 1 << 62
# What a whole record gets whose id the parser must not see: one that stands twice, or is beyond these.
_SPARE_IDS = 1 << 61


@dataclass
class Chunk:
    """What the walk over a chunk found; offsets are from the chunk's start."""

    records: int = 0
    """Records that are there, damaged ones included."""
    lost: int = 0
    """Records that the header promises and that are not there."""
    problems: list[str] = field(default_factory=list)
    spans: list[tuple[int, int, int, bool]] = field(default_factory=list)
    """(offset, size, record id, sound) in order; only filled for a chunk that needs mending."""
    zero_tables: bool = False
    last_id: int = 0
    """The highest record id that it holds, or held."""
    numbers: tuple[int, int] | None = None
    """Running numbers of its first and last record in the log, if its header can be trusted."""

    sound: bool = False
    """Whether the header fits the records."""

    @property
    def needs_mending(self) -> bool:
        """Whether the parser would lose records of this chunk, or hang on it, as it is."""
        return not self.sound or self.zero_tables


def inspect(chunk: bytes, length: int = SIZE) -> Chunk:
    """Walk *chunk* (padded with zeros to 64 KiB; *length* bytes of it are in the file)."""
    found = Chunk()
    first_number, last_number, first_id, last_id, header_size, _, free, data_crc = _HEADER.unpack_from(chunk, 8)
    trusted = chunk[:8] == MAGIC and _header_crc(chunk) == _U32.unpack_from(chunk, 124)[0]
    trusted = trusted and header_size == 128 and _FIRST_RECORD <= free <= SIZE and first_number <= last_number + 1
    if trusted and last_number - first_number < SIZE:
        found.numbers = (first_number, last_number)
    if chunk[:8] != MAGIC:
        found.problems.append("no chunk header")
    elif not trusted:
        found.problems.append("chunk header damaged (checksum)")
    elif length >= free and zlib.crc32(memoryview(chunk)[_FIRST_RECORD:free]) != data_crc:
        found.problems.append("checksum of the records differs: contents may have been changed")
    if not _names_end(chunk):
        found.problems.append("name or template table damaged: read without it")
        found.zero_tables = True
    limit = min(free if free >= _FIRST_RECORD else SIZE, length)
    count, last_seen, end = _walk(chunk, limit, last_id)
    if not trusted and not (count and end == free):
        limit = length  # nothing says where the records end
    behind = _behind(chunk, free, length, last_seen) if end == free and count else 0
    if behind:
        found.problems.append("records behind the end that its header gives: they are read, too")
        limit = behind
    found.last_id = last_seen
    found.sound = trusted and not behind and end == free and (last_seen == last_id if count else free == _FIRST_RECORD)
    promised = found.numbers[1] - found.numbers[0] + 1 if found.numbers else 0
    if found.sound:
        found.records = count
    else:
        ids = range(first_id, last_id + 1) if trusted and not behind else range(0)
        found.spans = _salvage(chunk, limit, ids, open_end=not trusted and limit == length)
        found.records = len(found.spans)
        found.last_id = max((ident for _, _, ident, ok in found.spans if ok and ident < _SPARE_IDS), default=last_seen)
        broken = sum(1 for span in found.spans if not span[3])
        if broken:
            found.problems.append(f"{broken} damaged record{'s' if broken > 1 else ''}")
        elif not found.problems and length >= free:
            found.problems.append(
                "its checksums are right, and yet its header or a record's size does not fit its records"
            )
    if found.numbers and promised >= found.records and first_id <= last_id < first_id + SIZE:
        found.last_id = max(found.last_id, last_id)  # up to there this chunk accounts for what is lost
    if promised > found.records:
        found.lost = promised - found.records
        found.problems.append(f"{found.records} of {promised} records are there")
    elif not trusted and not found.records:
        found.problems.append("no records in it")
    return found


def mend(chunk: bytes, length: int = SIZE) -> bytes:
    """Return *chunk* with headers that fit the records in it; arguments as for :func:`inspect`."""
    found = inspect(chunk, length)
    if not found.records:
        return bytes(SIZE)
    out = bytearray(chunk)
    out[:8] = MAGIC
    if found.zero_tables or chunk[:8] != MAGIC:
        out[_TABLES] = bytes(_TABLES.stop - _TABLES.start)
    if not found.spans:
        return bytes(out)
    time = next(
        (t for o, _, _, ok in found.spans if ok and 0 < (t := _U64.unpack_from(chunk, o + 16)[0]) < _LATEST_TIME), 1
    )
    used: set[int] = set()
    for offset, size, record_id, ok in found.spans:
        # The parser stops at the id that the header calls the last, so no other one may look like it.
        ident = record_id if ok and record_id < _SPARE_IDS and record_id not in used else _SPARE_IDS + len(used)
        ident |= 0 if ok else UNTRUSTED_IDS
        used.add(ident)
        written = _U64.unpack_from(chunk, offset + 16)[0]
        time = written if 0 < written < _LATEST_TIME else time
        _RECORD.pack_into(out, offset, RECORD_MAGIC, size, ident, time)
        _U32.pack_into(out, offset + size - 4, size)
        if not ok:
            document = _EMPTY_DOCUMENT[: size - _SMALLEST_RECORD]
            out[offset + 24 : offset + 24 + len(document)] = document
    offset, size, _, _ = found.spans[-1]
    first_id, last_id = _U64.unpack_from(out, found.spans[0][0] + 8)[0], _U64.unpack_from(out, offset + 8)[0]
    _HEADER.pack_into(out, 8, 1, len(found.spans), first_id, last_id, 128, offset, offset + size, 0)
    return bytes(out)


def _header_crc(chunk: bytes) -> int:
    return zlib.crc32(chunk[128:512], zlib.crc32(chunk[:120]))


def _walk(chunk: bytes, limit: int, last_id: int) -> tuple[int, int, int]:
    """Follow the records from the first one on; return how many are sound, the last one's id, and where they end.

    A record behind the one with *last_id* is not sound: the parser would stop before it.
    """
    unpack, tail = _RECORD.unpack_from, _U32.unpack_from
    position, count, ident = _FIRST_RECORD, 0, 0
    while position + _SMALLEST_RECORD <= limit:
        magic, size, record_id, time = unpack(chunk, position)
        end = position + size
        # Time 0: so Windows leaves the last record of a log that it exports.
        if magic != RECORD_MAGIC or size < _SMALLEST_RECORD or end > limit or not 0 <= time < _LATEST_TIME:
            break
        if tail(chunk, end - 4)[0] != size or (count and ident == last_id) or record_id >= _SPARE_IDS:
            break
        count, ident, position = count + 1, record_id, end
    return count, ident, position


def _behind(chunk: bytes, position: int, limit: int, ident: int) -> int:
    """Return where records end that stand behind the last one and carry its numbering on, or 0 if there are none.

    Windows writes a chunk's header seldom, so that of a live or crashed log may be older than its records. What is left
    there from an earlier use of the space has other ids.
    """
    end = 0
    while position + _SMALLEST_RECORD <= limit:
        magic, size, record_id, time = _RECORD.unpack_from(chunk, position)
        fits = magic == RECORD_MAGIC and _SMALLEST_RECORD <= size <= limit - position
        if not fits or record_id != ident + 1 or not 0 < time < _LATEST_TIME:
            break
        if _U32.unpack_from(chunk, position + size - 4)[0] != size:
            break
        position, ident = position + size, record_id
        end = position
    return end


def _salvage(chunk: bytes, limit: int, ids: range, *, open_end: bool) -> list[tuple[int, int, int, bool]]:
    """Find every record up to *limit*, skipping what is damaged.

    With *open_end* nobody knows where the records end: what follows may be left from an earlier use of the space, so
    only records whose ids go on are taken. Where the header can be trusted (*ids* are those that it gives), whole
    records of other ids have strayed here: they are taken, and say nothing about those behind them.
    """
    spans: list[tuple[int, int, int, bool]] = []
    position, last_id = _FIRST_RECORD, 0
    while position + _SMALLEST_RECORD <= limit:
        magic, size, record_id, time = _RECORD.unpack_from(chunk, position)
        plausible = _SMALLEST_RECORD <= size <= limit - position
        if magic == RECORD_MAGIC and plausible and _closes(chunk, position, size, limit):
            goes_on = not open_end or not last_id or last_id < record_id <= last_id + _LEAP
            if not goes_on and not last_id < _id_at(chunk, position + size, limit) <= last_id + _LEAP:
                break
            spans.append((position, size, record_id, True))
            position, last_id = position + size, record_id if goes_on and (not ids or record_id in ids) else last_id
            continue
        following = _next_record(chunk, position + 4, limit, last_id, ids)
        end = following if following is not None else _end_of_data(chunk, position, limit)
        if following is None and (open_end or end - position < _SMALLEST_RECORD):
            break
        gap = end - position
        # One of the three copies of a record's bounds may be wrong; two that agree are enough.
        intact = 0 < time < _LATEST_TIME and (
            (magic == RECORD_MAGIC and _U32.unpack_from(chunk, end - 4)[0] == gap)
            or (magic != RECORD_MAGIC and size == gap)
        )
        missing = 1
        if following is not None and last_id and not intact:
            _, size, next_id, _ = _RECORD.unpack_from(chunk, following)
            if _id_at(chunk, following + size, limit) == next_id + 1:  # so this id is no damage, too
                missing = min(max(next_id - last_id - 1, 1), gap // _PIECE)
        # Where several records are gone, each keeps a place of its own, so that those behind them keep theirs.
        spans.append((position, gap - (missing - 1) * _PIECE, record_id, intact))
        spans += [(end - piece * _PIECE, _PIECE, 0, False) for piece in range(missing - 1, 0, -1)]
        last_id = record_id if intact else last_id
        position = end
    return spans


def _id_at(chunk: bytes, position: int, limit: int) -> int:
    """Return the id of the record at *position*, 0 if there is none."""
    if position + _SMALLEST_RECORD > limit or chunk[position : position + 4] != RECORD_MAGIC:
        return 0
    return int(_U64.unpack_from(chunk, position + 8)[0])


def _closes(chunk: bytes, position: int, size: int, limit: int) -> bool:
    end = position + size
    return bool(_U32.unpack_from(chunk, end - 4)[0] == size or chunk[end : end + 4] == RECORD_MAGIC or end == limit)


def _next_record(chunk: bytes, start: int, limit: int, last_id: int, ids: range) -> int | None:
    """Find the next whole record at or behind *start* whose id goes on from *last_id*, or is one of *ids*."""
    position = chunk.find(RECORD_MAGIC, start, limit)
    while position != -1 and position + _SMALLEST_RECORD <= limit:
        _, size, record_id, _ = _RECORD.unpack_from(chunk, position)
        fits = _SMALLEST_RECORD <= size <= limit - position and _U32.unpack_from(chunk, position + size - 4)[0] == size
        if fits and (record_id > last_id or record_id in ids) and position % 8 == 0:
            return position
        position = chunk.find(RECORD_MAGIC, position + 4, limit)
    return None


def _end_of_data(chunk: bytes, position: int, limit: int) -> int:
    """Where a damaged last record ends: its last byte that is not zero, rounded up to 8."""
    end = len(chunk[position:limit].rstrip(b"\0")) + position
    return min(limit, (end + 7) // 8 * 8)


def _names_end(chunk: bytes) -> bool:
    """Whether every chain of the string table and the template table stays in the chunk and comes to an end."""
    for table, buckets in ((128, 64), (384, 32)):
        for offset in struct.unpack_from(f"<{buckets}I", chunk, table):
            seen: set[int] = set()
            at = offset
            while at:
                if at in seen or not _FIRST_RECORD <= at <= SIZE - 8:
                    return False
                seen.add(at)
                (at,) = _U32.unpack_from(chunk, at)
    return True


def problems(chunk: Chunk, number: int) -> list[Problem]:
    """Return what was found as problems of chunk *number* (from 1)."""
    lost = chunk.lost + sum(1 for span in chunk.spans if not span[3])
    return [Problem(f"chunk {number}", "; ".join(chunk.problems), lost)] if chunk.problems else []
