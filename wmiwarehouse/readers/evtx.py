"""Reads EVTX files: a survey of the whole file, then its records slice by slice with the ``evtx`` package.

Chunks are self-contained, so a slice of 128 of them behind the file's header is a file of its own to the parser: that
is what lets two workers share one file, and what bounds memory. What the parser's JSON mode is known to lose is read
again from XML (:mod:`wmiwarehouse.readers.evtx_values`).
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from wmiwarehouse.readers import evtx_chunk
from wmiwarehouse.readers.evtx_values import KIND_LIMIT, KIND_START, ValueCheck
from wmiwarehouse.readers.model import Content, Outcome, Problem, Records, Slice, Survey

MAGIC = b"ElfFile\0"
_HEADER_SIZE = 4096
_CHUNKS_PER_SLICE = 128
_DIRTY = 1
_EVENT = '{"Event":{'
_LARGEST_GAP = 1_000_000  # two logs that were put together have greater ones
_NONE: frozenset[str] = frozenset()
_MOST_PER_CHUNK = 2_200  # 64 KiB of the smallest records
_TOGETHER = 128  # records handed over at a time; the text of one may be many times as long as its chunk


def survey(stream: BinaryIO, *, divisible: bool) -> Survey:
    """Hash *stream* and check its headers, checksums, record chains and name tables, one chunk at a time.

    *divisible* says whether parts can be read on their own (a plain file) or the stream has to be read as one.
    """
    digest, content = hashlib.sha256(), Content(stream)
    header = _read_fully(content, _HEADER_SIZE)
    digest.update(header)
    problems = _header_problems(header)
    slices: list[Slice] = []
    promised = struct.unpack_from("<H", header, 42)[0] if len(header) == _HEADER_SIZE else 0
    start, first, mend, total, size = _HEADER_SIZE, 1, set[int](), 0, len(header)
    empty_below_count = last_id = number = 0
    numbering = _Numbering()
    while block := _read_fully(content, evtx_chunk.SIZE):
        number += 1
        digest.update(block)
        offset, size = size, size + len(block)
        padded = block if len(block) == evtx_chunk.SIZE else block.ljust(evtx_chunk.SIZE, b"\0")
        if not padded.startswith(evtx_chunk.MAGIC) and not padded.strip(b"\0"):
            empty_below_count += number <= promised
            numbering.unclear(number, 0)
        else:
            chunk = evtx_chunk.inspect(padded, len(block))
            problems += evtx_chunk.problems(chunk, number)
            last_id = max(last_id, chunk.last_id)
            if len(block) < evtx_chunk.SIZE:
                problems.append(
                    Problem(f"chunk {number}", f"file ends inside it, after {len(block):,} of 65,536 bytes")
                )
            if chunk.needs_mending or len(block) < evtx_chunk.SIZE:
                mend.add(offset)
            total += chunk.records
            if chunk.numbers:
                start_number, end_number = chunk.numbers  # the second may be older than the records
                problems += numbering.clear(number, start_number, max(end_number, start_number + chunk.records - 1))
            else:
                numbering.unclear(number, chunk.records)
        if divisible and number % _CHUNKS_PER_SLICE == 0:
            slices.append(Slice(start, size, first, frozenset(mend)))
            start, first, mend = size, total + 1, set()
    if size > start:
        slices.append(Slice(start, size, first, frozenset(mend)))
    if empty_below_count:
        problems.append(Problem("", f"{empty_below_count} of {promised} chunks are empty: zeroed, or never written"))
    if number < promised:
        # The header also knows the id that the next record would have had.
        missing = max(0, struct.unpack_from("<Q", header, 24)[0] - 1 - last_id)
        missing = missing if missing < promised * _MOST_PER_CHUNK else 0
        about = f"the file is cut off; about {missing:,} records are missing" if missing else "some are missing"
        lost = missing or int(not number)  # of how many nobody can say, but of some
        problems.append(Problem("", f"the header counts {promised} chunks, {number} are there: {about}", lost))
    elif number == promised and (size - len(header)) % evtx_chunk.SIZE:
        missing = struct.unpack_from("<Q", header, 24)[0] - 1 - last_id
        if 0 < missing <= _MOST_PER_CHUNK:
            reason = f"by the header's count about {missing:,} records are missing at the end"
            problems.append(Problem(f"chunk {number}", reason, missing))
    return Survey(digest.hexdigest(), size, slices, problems + content.problems)


class _Numbering:
    """Follows the running numbers in the chunks' headers: where they jump behind a damaged chunk, records are gone."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._chunks: list[int] = []
        self._records = 0

    def unclear(self, chunk: int, records: int) -> None:
        """Pass a chunk that does not say how many records it had."""
        self._chunks.append(chunk)
        self._records += records

    def clear(self, chunk: int, first: int, last: int) -> list[Problem]:
        """Pass a chunk whose header is whole; return what is missing before it."""
        if not self._chunks and self._next is not None and 0 < first - self._next <= _LARGEST_GAP:
            missing, self._next = first - self._next, last + 1
            reason = f"{missing:,} records are missing before it: the numbering jumps, as if chunks had been taken out"
            return [Problem(f"chunk {chunk}", reason, missing)]
        missing = first - self._next - self._records if self._chunks and self._next is not None else 0
        chunks, self._chunks, self._records, self._next = self._chunks, [], 0, last + 1
        if not 0 < missing <= len(chunks) * _MOST_PER_CHUNK:
            return []
        place = f"chunk {chunks[0]}" if len(chunks) == 1 else f"chunks {chunks[0]} to {chunks[-1]}"
        return [Problem(place, f"{missing:,} records are missing here: the numbering goes on behind them", missing)]


def _header_problems(header: bytes) -> list[Problem]:
    if len(header) < _HEADER_SIZE:
        return [Problem("header", f"the file ends after {len(header):,} bytes")]
    flags, crc = struct.unpack_from("<II", header, 120)
    if zlib.crc32(header[:120]) != crc and not flags & _DIRTY:
        return [Problem("header", "checksum differs")]
    return []


def read(stream: BinaryIO, part: Slice, outcome: Outcome, values: ValueCheck) -> Records:
    """Yield the records of *part* of *stream*, which stands at the part's first byte; damage goes into *outcome*.

    A record that cannot be parsed still takes its ordinal, so the others keep theirs.
    """
    from evtx import PyEvtxParser

    first, texts = part.first_record, list[str]()
    for data, is_new in (cut for piece in _pieces(stream, part) for cut in values.pieces(piece)):
        sound = _NONE if is_new else values.sound
        parser = PyEvtxParser(io.BytesIO(file_header(len(data) // evtx_chunk.SIZE) + data), number_of_threads=1)
        records: Any = iter(parser.records_json())
        while True:
            reason = None
            try:
                for record in records:
                    text = record["data"]
                    if text[KIND_START : text.find('"Level"', KIND_START, KIND_LIMIT)] in sound:
                        texts.append(text)
                    elif text.startswith(_EVENT):
                        texts.append(values.whole(record, data))
                    else:
                        if record["event_record_id"] < evtx_chunk.UNTRUSTED_IDS:  # else the survey has named it
                            reason = "no event in it: overwritten"
                        break
                    if len(texts) == _TOGETHER:
                        yield first, texts
                        first, texts = first + _TOGETHER, []
                else:
                    break
            except (RuntimeError, OSError, ValueError) as error:
                if not _is_untrusted(error):
                    reason = f"cannot be parsed: {_cause(error)}"
            ordinal = first + len(texts)
            if reason:
                outcome.problems.append(Problem(f"record {ordinal}", reason, 1))
            if texts:
                yield first, texts
            first, texts = ordinal + 1, []
        if texts:  # now: the stream may break off at the next piece
            yield first, texts
            first, texts = first + len(texts), []


def _pieces(stream: BinaryIO, part: Slice) -> Iterator[bytes]:
    """Yield 8 MiB pieces of the part, whole chunks, mended where the survey found it needed."""
    offset = part.start
    while part.end is None or offset < part.end:
        wanted = _CHUNKS_PER_SLICE * evtx_chunk.SIZE
        data = _read_fully(stream, wanted if part.end is None else min(wanted, part.end - offset))
        if not data:
            return
        if any(offset <= bad < offset + len(data) for bad in part.mend):
            chunks = []
            for start in range(0, len(data), evtx_chunk.SIZE):
                chunk = data[start : start + evtx_chunk.SIZE]
                padded = chunk.ljust(evtx_chunk.SIZE, b"\0")
                chunks.append(evtx_chunk.mend(padded, len(chunk)) if offset + start in part.mend else padded)
            yield b"".join(chunks)
        else:
            yield data
        offset += len(data)


def file_header(chunks: int) -> bytes:
    """Return an EVTX file header for *chunks* chunks."""
    header = bytearray(_HEADER_SIZE)
    struct.pack_into(
        "<8sQQQIHHHH", header, 0, MAGIC, 0, max(chunks - 1, 0), 1, 128, 1, 3, _HEADER_SIZE, min(chunks, 0xFFFF)
    )
    struct.pack_into("<I", header, 124, zlib.crc32(header[:120]))
    return bytes(header)


def _read_fully(stream: BinaryIO | Content, size: int) -> bytes:
    """Read *size* bytes unless the stream ends first; decompressing streams may return less at a time."""
    data = stream.read(size)
    while 0 < len(data) < size and (more := stream.read(size - len(data))):
        data += more
    return data


def _is_untrusted(error: BaseException) -> bool:
    """Whether it is about what stands in for a damaged record that has no room for a document: that one is named."""
    number = re.search(r"record number (\d{19,20})\b", str(error))
    return bool(number and int(number[1]) >= evtx_chunk.UNTRUSTED_IDS)


def _cause(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
