"""Reads JSON in any arrangement but one object a line: arrays, objects pretty-printed one after another, wrappers.

The text is read as a stream: the standard library's decoder finds the end of each record (230 MB/s measured, where a
scanner of regular expressions does 80), so what is held is one record and a block. A decoder that streams is no help:
it ends at the first damage. Here reading goes on at the next place where a record of the format begins.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from wmiwarehouse.readers.model import Outcome, Problem, Records, Slice
from wmiwarehouse.readers.shapes import Layout
from wmiwarehouse.readers.text import Text

LONGEST = 64 << 20
#: Beyond this a record is only measured, not decoded: as objects it could take twenty times its size in memory.
_DECODED = 4 << 20
_LET_GO = 1 << 20
_CUT = 16  # characters: an error this near to the end of what has been read may be no error
# Looking for the next whole record is bounded by what it costs, in characters decoded: hostile text has a beginning
# everywhere and an end nowhere.
_FREE_COST = 64 << 20
_TRIAL = 2_000

# What may stand between records without being damage: evtx_dump writes "Record 12" before each.
BETWEEN = re.compile(r"[\s,\[\]\0\ufeff\x1e]*(?:Record [0-9]+(?=\s))?")
_SPACE = re.compile(r"\s*")
_START = re.compile(r"(?:(?<=[\[,\s}:\0])|^)\{")
_STRUCTURE = re.compile(r'["{}\[\]]')
_IN_STRING = re.compile(r'[^"\\]*(?:\\.[^"\\]*){0,500}', re.DOTALL)  # unlimited it would note each repetition

_DECODER = json.JSONDecoder()
_LENIENT = json.JSONDecoder(strict=False)
#: Python refuses numbers of thousands of digits; the lake keeps them as text.
_PATIENT = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)


class _DamageError(Exception):
    """What stands here is no JSON; *at* is how far the decoder came."""

    def __init__(self, cause: str, at: int, lost: int = 1) -> None:
        super().__init__(cause)
        self.at, self.lost = at, lost


def read(stream: BinaryIO, part: Slice, outcome: Outcome, layout: Layout) -> Records:
    """Yield (ordinal, text) of every record of *stream*, which is read as one *part*."""
    reader = _Reader(Text(stream, layout.encoding, outcome, part.end), outcome, layout)
    for ordinal, (_, text) in enumerate(reader.records(), part.first_record):
        yield ordinal, [text]


def samples(stream: BinaryIO, layout: Layout, outcome: Outcome) -> Iterator[tuple[Any, str]]:
    """Yield the first records as (value, text), to tell what they are; the value of a very long one is None.

    What cannot be read among them goes into *outcome*.
    """
    return _Reader(Text(stream, layout.encoding, outcome, LONGEST), outcome, layout).records()


class _Reader:
    """Walks over the text of a source; positions are those in what :class:`Text` holds at the moment."""

    def __init__(self, text: Text, outcome: Outcome, layout: Layout) -> None:
        self._text, self._outcome, self._shape = text, outcome, layout.shape
        self._lists = [path.split(".") for path in layout.lists]
        self._at = 0
        self._open = 0
        """How many objects around the records are open."""
        self._is_wrapped: bool | None = None
        """Whether the records lie in objects; documents of one file are taken to be alike."""
        self._cost = 0
        self._passed = 0
        self._headed = self._first_header = self._longest = 0
        """How many records have a header before them, the line of the first, the length of the longest."""

    def records(self) -> Iterator[tuple[Any, str]]:
        """Yield every record: its value, its text."""
        while self._next():
            try:
                start = self._text.held[self._at]
                if self._open and start in '}"':
                    self._leave()
                    continue
                if start != "{":
                    raise _DamageError("no JSON object", self._at, lost=0)
                if self._is_wrapped is not False and (inside := self._enter(self._at, self._lists)):
                    self._at, self._is_wrapped = inside, True
                    continue
                self._is_wrapped = bool(self._is_wrapped)
                value, end = self._value(self._at)
                yield value, self._text.held[self._at : end]
                self._at = end
            except _DamageError as damage:
                if found := self._recover(damage):
                    yield found
        if self._headed:
            who = f"{self._headed:,} records have text" if self._headed > 1 else "a record has text"
            what = f"{who} in front on the line, up to {self._longest:,} characters: that is not read"
            self._outcome.problems.append(Problem(f"line {self._first_header}", what, is_remark=True))

    def _next(self) -> bool:
        """Go to the next character that says something; False at the end."""
        while True:
            if self._at > _LET_GO:
                self._let_go(self._at)
            held = self._text.held
            end, start = self._at, -1
            while end != start and (found := BETWEEN.match(held, end)):
                start, end = end, found.end()
            if end < len(held) and (held[end] in '{}"' or len(held) - end > _CUT or self._text.ended):
                self._at = end
                return True
            self._at = end
            self._let_go(end)
            if not self._text.more() and not self._text.held:
                return False

    def _let_go(self, count: int) -> None:
        self._text.drop(count)
        self._passed += count
        self._at -= count

    def _character(self, at: int) -> tuple[str, int]:
        """Return the next character from *at* on that is no space, and its position."""
        while True:
            found = _SPACE.match(self._text.held, at)
            end = found.end() if found else at
            if end < len(self._text.held):
                return self._text.held[end], end
            if not self._text.more():
                raise _DamageError("the file ends inside this record", end)

    def _value(self, at: int) -> tuple[Any, int]:
        """Return the value that begins at *at* (None for a very long one) and where it ends."""
        text, decoder = self._text, _DECODER
        if len(text.held) - at > 2 * _DECODED and text.held[at] in '{["':  # what is decoded must not be that much
            end = self._measured(at)
            if end - at > _DECODED:
                return None, end
        while True:
            try:
                return decoder.raw_decode(text.held, at)
            except json.JSONDecodeError as error:
                if error.msg.startswith("Invalid control character") and decoder is _DECODER:
                    decoder = _LENIENT  # a tab written as it is: the record is mended later
                    continue
                is_open = error.msg.startswith("Unterminated string")
                if not is_open and error.pos < len(text.held) - _CUT:
                    raise _DamageError(error.msg, error.pos) from None
            except RecursionError:
                raise _DamageError("nested too deeply", at + 8 * sys.getrecursionlimit()) from None
            except ValueError:
                decoder = _PATIENT
                continue
            if len(text.held) - at > _DECODED and text.held[at] in '{["':
                return None, self._measured(at)
            if not text.more(max(_LET_GO, len(text.held) - at)):
                raise _DamageError("the file ends inside this record", len(text.held))

    def _measured(self, at: int) -> int:
        """Return where the object or string at *at* ends, by its brackets and quotes alone."""
        text, position, depth, in_string = self._text, at, 0, False
        while True:
            held, size = text.held, len(text.held)
            while position < size:
                if in_string:
                    if found := _IN_STRING.match(held, position):  # which it always does
                        position = found.end()
                    if position >= size - 1 and held[position:] != '"':
                        break
                    in_string = held[position] != '"'
                    position += not in_string
                    if not depth and not in_string:
                        return position
                elif found := _STRUCTURE.search(held, position):
                    position = found.end()
                    in_string = found[0] == '"'
                    if not in_string:
                        depth += 1 if found[0] in "{[" else -1
                        if not depth:
                            return position
                else:
                    position = size
            if size - at > LONGEST or sys.getsizeof(held) > 2 * LONGEST:
                raise _DamageError(f"a record of more than {LONGEST >> 20} MiB", size)
            if not text.more(min(size - at, LONGEST // 4)):
                raise _DamageError("the file ends inside this record", size)

    # -- objects around the records

    def _enter(self, at: int, paths: Sequence[list[str]]) -> int | None:
        """Return where the list begins that one of *paths* leads to in the object at *at*; None if there is none."""
        start, position = self._character(at + 1)
        while start == '"':
            name, position = self._value(position)
            position = self._colon(position)
            start, position = self._character(position)
            inner = [path[1:] for path in paths if path[0] == name]
            if [] in inner and start == "[" and self._character(position + 1)[0] in "{]":
                self._open += 1
                return position + 1
            deeper = [path for path in inner if path]
            if deeper and start == "{" and (found := self._enter(position, deeper)):
                self._open += 1
                return found
            _, position = self._value(position)
            start, position = self._character(position)
            if start != ",":
                return None
            start, position = self._character(position + 1)
        return None

    def _leave(self) -> None:
        """Pass the end of an object around the records, or what it says behind them."""
        if self._text.held[self._at] == "}":
            self._open -= 1
            self._at += 1
            return
        _, position = self._value(self._at)
        position = self._colon(position)
        _, self._at = self._value(self._character(position)[1])

    def _colon(self, at: int) -> int:
        found, position = self._character(at)
        if found != ":":
            raise _DamageError("Expecting ':' delimiter", position)
        return position + 1

    # -- damage

    def _recover(self, damage: _DamageError) -> tuple[Any, str] | None:
        """Go on behind *damage* with the next record of the format, and name what lies between."""
        text, start = self._text, self._at
        line, first = text.line_at(start), self._passed + start
        self._cost += damage.at - start
        position, found = start + bool(damage.lost), None
        while found is None:
            brace = _START.search(text.held, position)
            if brace is None or self._cost > _FREE_COST + 8 * (self._passed + brace.start()):
                self._let_go(len(text.held))
                position = 0
                if not text.more():
                    break
                continue
            position = brace.start()
            try:
                value, end = self._value(position)
            except _DamageError as error:
                self._cost += error.at - position + _TRIAL
            else:
                if self._is_record(value, text.held[position:end]):
                    found = value, text.held[position:end]
                    break
            position += 1
        if found and not damage.lost and self._is_header(start, position):
            self._note_header(line, position - start)
            self._at = end
            return found
        count = self._passed + position - first
        rest = f"reading goes on at line {text.line_at(position)}" if found else "up to the end of the file"
        what = f"{damage}: {count:,} characters are not read, {rest}"
        self._outcome.problems.append(Problem(f"line {line}", what, damage.lost))
        self._at = end if found else len(text.held)
        return found

    def _is_header(self, start: int, end: int) -> bool:
        """Whether a line begins with this, and a record follows: what syslog or a collector puts before each.

        The rest of a damaged record has a brace at its end.
        """
        held = self._text.held
        return (not start or held[start - 1] in "\r\n") and not re.search(r"[}\r\n]", held[start:end])

    def _note_header(self, line: int, length: int) -> None:
        self._first_header = self._first_header or line
        self._longest = max(self._longest, length)
        self._headed += 1

    def _is_record(self, value: Any, text: str) -> bool:
        """Whether this is a record and not an object inside one that is damaged."""
        if value is None:
            return not self._shape.keys or self._shape.named_in(text)
        return isinstance(value, dict) and (not self._shape.keys or self._shape.found_in(value))
