"""Reads JSON lines: a survey that hashes and counts, then lines slice by slice.

Lines end at ``\\n`` only: values may hold U+2028 and other ends of line. The ordinal of a record is its line number,
which is what a person looks for in an editor.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from wmiwarehouse.readers.model import Content, Outcome, Problem, Records, Slice, Survey

_BLOCK = 1 << 20
_SLICE = 16 << 20
_LONGEST_LINE = 64 << 20


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
    """Yield (line number, text) of every line in *part* of *stream*, which stands at the part's first byte."""
    line, position = part.first_record, part.start
    for block in _whole_lines(stream, part, outcome):
        if position == 0 and block.startswith(codecs.BOM_UTF8):
            block = block[len(codecs.BOM_UTF8) :]
            position += len(codecs.BOM_UTF8)
        try:
            texts = block.decode("utf-8").split("\n")
        except UnicodeDecodeError:
            texts = list(_decode_each(block, line, position, outcome))
        for text in texts:
            if text and not text.isspace():
                yield line, text
            line += 1
        line -= 1 if block.endswith(b"\n") else 0
        position += len(block)


def _whole_lines(stream: BinaryIO, part: Slice, outcome: Outcome) -> Iterator[bytes]:
    """Yield blocks that end at a line end; a line longer than 64 MiB is left out and named."""
    left = None if part.end is None else part.end - part.start
    rest, position = b"", part.start
    while block := stream.read(_BLOCK if left is None else min(_BLOCK, left)):
        left = None if left is None else left - len(block)
        cut = block.rfind(b"\n") + 1
        if cut:
            yield rest + block[:cut]
            position += len(rest) + cut
            rest = block[cut:]
        elif len(rest) > _LONGEST_LINE:
            outcome.problems.append(Problem(f"byte {position}", "a line of more than 64 MiB", 1))
            position, rest = _skip_line(stream, position + len(rest) + len(block))
            left = None if part.end is None else part.end - position - len(rest)
            yield b"\n"
        else:
            rest += block
    if rest:
        yield rest


def _skip_line(stream: BinaryIO, position: int) -> tuple[int, bytes]:
    while block := stream.read(_BLOCK):
        cut = block.find(b"\n")
        if cut != -1:
            return position + cut + 1, block[cut + 1 :]
        position += len(block)
    return position, b""


def _decode_each(block: bytes, line: int, position: int, outcome: Outcome) -> Iterator[str]:
    for number, raw in enumerate(block.split(b"\n"), line):
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError as error:
            place = f"line {number} (byte {position + error.start})"
            outcome.problems.append(Problem(place, "not valid UTF-8: kept with the bad bytes replaced"))
            yield raw.decode("utf-8", "replace")
        position += len(raw) + 1
