"""Reads JSON lines: a survey that hashes and counts, then lines slice by slice.

Lines end at ``\\n`` only: values may hold U+2028 and other ends of line. The ordinal of a record is its line number,
which is what a person looks for in an editor.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from typing import BinaryIO

from wmiwarehouse.readers.model import Content, Outcome, Problem, Records, Slice, Survey

_BLOCK = 1 << 20
_SLICE = 16 << 20
_LONGEST_LINE = 64 << 20
_HEADING = re.compile(r"Record [0-9]+\s*")  # evtx_dump writes it before each record


def survey(stream: BinaryIO, *, divisible: bool) -> Survey:
    """Hash *stream* and cut it at line ends into slices of about 16 MiB, if it is *divisible*."""
    digest, content = hashlib.sha256(), Content(stream)
    slices: list[Slice] = []
    start = size = 0
    first = line = 1
    while block := content.read(_BLOCK):
        digest.update(block)
        if divisible and size + len(block) - start >= _SLICE and (cut := block.find(b"\n")) != -1:
            slices.append(Slice(start, size + cut + 1, first))
            start, first = size + cut + 1, line + 1
        line += block.count(b"\n")
        size += len(block)
    if size > start:
        slices.append(Slice(start, size, first))
    return Survey(digest.hexdigest(), size, slices, content.problems)


def read(stream: BinaryIO, part: Slice, outcome: Outcome) -> Records:
    """Yield the lines in *part* of *stream*, which stands at the part's first byte; an ordinal is a line's number."""
    line = part.first_record
    for position, block in _whole_lines(stream, part, outcome):
        if position == 0 and block.startswith(codecs.BOM_UTF8):
            block = block[len(codecs.BOM_UTF8) :]
            position += len(codecs.BOM_UTF8)
        try:
            block.decode()
            texts = block.split(b"\n")
        except UnicodeDecodeError:
            texts = list(_mended(block, line, position, outcome))
        if not texts[-1]:
            texts.pop()
        start = 0
        for number, text in enumerate(texts):
            if text.startswith(b"{") or (odd := text.decode()).lstrip().startswith("{"):
                continue
            if odd and not odd.isspace() and not _HEADING.fullmatch(odd):
                outcome.problems.append(Problem(f"line {line + number}", "not a JSON object", 1))
            if start < number:
                yield line + start, texts[start:number]
            start = number + 1
        if start < len(texts):
            yield line + start, texts[start:] if start else texts
        line += len(texts)


def _whole_lines(stream: BinaryIO, part: Slice, outcome: Outcome) -> Iterator[tuple[int, bytes]]:
    """Yield blocks that end at a line end, with their offsets; of a line that is too long an empty one is left."""
    blocks = _blocks(stream, part)
    rest: list[bytes] = []
    position, waiting = part.start, 0
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if cut:
            rest.append(block[:cut])
            yield position, b"".join(rest)
            position += waiting + cut
            rest, waiting = [block[cut:]], len(block) - cut
            continue
        rest.append(block)
        waiting += len(block)
        if waiting > _LONGEST_LINE:
            outcome.problems.append(Problem(f"byte {position}", f"a line of more than {_LONGEST_LINE >> 20} MiB", 1))
            while b"\n" not in block and (block := next(blocks, b"")):
                waiting += len(block)
            waiting -= len(block)
            cut = block.find(b"\n") + 1
            yield position, b"\n" if cut else b""
            position += waiting + cut
            rest, waiting = [block[cut:]], len(block) - cut
    if waiting:
        yield position, b"".join(rest)


def _blocks(stream: BinaryIO, part: Slice) -> Iterator[bytes]:
    left = _BLOCK if part.end is None else part.end - part.start
    while left and (block := stream.read(min(_BLOCK, left))):
        left -= 0 if part.end is None else len(block)
        yield block


def _mended(block: bytes, line: int, position: int, outcome: Outcome) -> Iterator[bytes]:
    """Yield the lines of *block* as UTF-8; what is none is replaced, and named."""
    for number, raw in enumerate(block.split(b"\n"), line):
        try:
            raw.decode("utf-8")
            yield raw
        except UnicodeDecodeError as error:
            place = f"line {number} (byte {position + error.start})"
            outcome.problems.append(Problem(place, "not valid UTF-8: kept with the bad bytes replaced"))
            yield raw.decode("utf-8", "replace").encode()
        position += len(raw) + 1
