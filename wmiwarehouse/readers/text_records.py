"""Reads text in which records of several lines stand one behind the other: what begins one is told by its format.

A record reaches to where the next one begins; it is handed on as ``{"_raw": ...}``, and what its text says is left to
the format's SQL.
"""

from __future__ import annotations

import re
from typing import BinaryIO

import orjson

from wmiwarehouse.readers.model import Outcome, Problem, Records, Slice
from wmiwarehouse.readers.shapes import Layout
from wmiwarehouse.readers.text import Text

_LONGEST = 32 << 20
#: What begins a record is shorter.
_TAIL = 1_000
_TOGETHER = 128


def read(stream: BinaryIO, part: Slice, outcome: Outcome, layout: Layout) -> Records:
    """Yield (ordinal, JSON texts) of the records of *stream*; what stands before the first one is named."""
    begins = re.compile(layout.shape.begins, re.MULTILINE)
    text = Text(stream, layout.encoding, outcome, part.end)
    first, texts = part.first_record, list[str]()
    start: int | None = None
    scanned = unread = 0
    while True:
        if found := begins.search(text.held, scanned):
            if start is not None:
                texts.append(_record(text, start, found.start(), layout, outcome))
            else:
                _name_unread(text, unread + len(text.held[: found.start()].strip()), found.start(), outcome)
                unread = 0
            start, scanned = found.start(), found.end()
            if len(texts) == _TOGETHER:
                yield first, texts
                first, texts = first + _TOGETHER, []
            continue
        tail = max(scanned, len(text.held) - _TAIL)
        if start is not None and len(text.held) - start > _LONGEST:
            reason = f"a record of more than {_LONGEST:,} characters: what is behind them is not read"
            outcome.problems.append(Problem(f"line {text.line_at(start)}", reason))
            texts.append(_record(text, start, tail, layout, outcome))
            start, kept = None, tail
        elif start is not None:
            kept = start
        else:
            kept = text.held.rfind("\n", 0, tail) + 1 or max(tail - 1, 0)
            unread += len(text.held[:kept].strip())
        text.drop(kept)
        scanned, start = tail - kept, None if start is None else 0
        if not text.more():
            break
    if start is None:
        _name_unread(text, unread + len(text.held.strip()), len(text.held), outcome)
    else:
        texts.append(_record(text, start, len(text.held), layout, outcome))
    if texts:
        yield first, texts


def _record(text: Text, start: int, stop: int, layout: Layout, outcome: Outcome) -> str:
    once = layout.shape.once
    if once and (again := text.held.find(once, text.held.find(once, start, stop) + 1, stop)) > start:
        reason = f"{once.strip()} stands twice in a record: kept as it is, and perhaps made of two"
        outcome.problems.append(Problem(f"line {text.line_at(again + 1)}", reason))
    elif (zero := text.held.find("\0", start, stop)) >= 0:
        reason = "a record with zero bytes in it: overwritten, kept as it is, and perhaps made of two"
        outcome.problems.append(Problem(f"line {text.line_at(zero)}", reason))
    return orjson.dumps({"_raw": text.held[start:stop].removesuffix("\n").removesuffix("\r")}).decode()


def _name_unread(text: Text, count: int, position: int, outcome: Outcome) -> None:
    if count:
        reason = f"no event: {count:,} characters before it are not read"
        outcome.problems.append(Problem(f"line {text.line_at(position)}", reason))
