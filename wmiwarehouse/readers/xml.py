"""Reads event XML as Event Viewer, ``wevtutil`` and others write it: any number of ``<Event>``, in whatever wrapper.

The text is cut into events first and each is parsed alone: damage, or a character that XML forbids, costs the event
that it is in, memory is bounded by one event, and there is no document around it that could declare anything.
"""

from __future__ import annotations

import re
from typing import BinaryIO

import orjson

from wmiwarehouse.readers import event_xml
from wmiwarehouse.readers.event_xml import END, START, EventXmlError
from wmiwarehouse.readers.model import Outcome, Problem, Records, Slice
from wmiwarehouse.readers.shapes import Layout
from wmiwarehouse.readers.text import Text

_LONGEST = 32 << 20
_LET_GO = 1 << 20
_TAIL = 256
_BEGINNING = re.compile(r"(?:\s|<\?xml[^>]{0,200}\?>|<!--.{0,2000}?-->)*<(?:[\w.-]+:)?Events?[\s/>]", re.DOTALL)
# An event that begins a line of other text: Event Viewer's "Copy details as text", a browser's tree ("- <Event").
_WITHIN = re.compile(
    r"^[ \t-]*<(?:[\w.-]{1,40}:)?Event\s[^<>]{0,300}schemas\.microsoft\.com/win/2004/08/events/event", re.MULTILINE
)
_DECLARED = re.compile(r"<\?xml[^>]{0,100}encoding\s*=\s*[\"']([\w.-]{1,40})[\"']")
#: Other encodings that a declaration may ask for; each is ASCII as far as markup goes.
_ENCODINGS = ("iso-8859-1", "iso-8859-15", "windows-1250", "windows-1251", "windows-1252", "cp437", "cp850")
# What stands around events without being one of them.
_AROUND = re.compile(r"(?:[\s\0\ufeff-]+|<\?[^>]*\?>|</?(?:[\w.-]+:)?Events(?:\s[^<>]*)?>|<!--.*?-->)+", re.DOTALL)


def begins(text: str) -> bool:
    """Whether *text*, the head of a file, begins like events in XML."""
    return bool(_BEGINNING.match(text))


def stands_in(text: str) -> bool:
    """Whether an event in XML begins a line of *text*, the head of a file that begins otherwise."""
    return bool(_WITHIN.search(text))


def declared_encoding(text: str) -> str | None:
    """Return the encoding that an XML declaration names, if it is one that is honoured."""
    found = _DECLARED.search(text)
    return found[1].lower() if found and found[1].lower() in _ENCODINGS else None


def read(stream: BinaryIO, part: Slice, outcome: Outcome, layout: Layout) -> Records:
    """Yield (ordinal, JSON text) of every event of *stream*; one that cannot be read keeps its ordinal."""
    text = Text(stream, layout.encoding, outcome, part.end)
    at, ordinal = 0, part.first_record
    while True:
        if at > _LET_GO:
            text.drop(at)
            at = 0
        start = START.search(text.held, at)
        if start is None and not text.ended and len(text.held) - at < _LET_GO:
            text.more()
            continue
        stop = start.start() if start else max(at, len(text.held) - (0 if text.ended else _TAIL))
        _name_between(text, at, stop, outcome)
        at = stop
        if start is None:
            if text.ended:
                return
            text.drop(at)
            at = 0
            text.more()
            continue
        end = _end(text, start.end())
        try:
            if end is None:
                raise EventXmlError("it does not end")
            record, at = _event(text, stop, end)
            if text.held.find("\0", stop, at) >= 0:
                reason = "an event with zero bytes in it: overwritten, kept as it is, and perhaps made of two"
                outcome.problems.append(Problem(f"line {text.line_at(stop)}", reason))
            yield ordinal, [record]
        except EventXmlError as error:
            outcome.problems.append(Problem(f"line {text.line_at(stop)}", f"an event cannot be read: {error}", 1))
            following = START.search(text.held, stop + 1, end or len(text.held))
            at = following.start() if following else end or len(text.held)
        ordinal += 1


def _event(text: Text, start: int, end: int) -> tuple[str, int]:
    """Return the event at *start* as JSON text, and where it ends: at *end*, or behind if that end is in a value."""
    try:
        return orjson.dumps(event_xml.event(text.held[start:end])).decode(), end
    except EventXmlError:
        further = _end(text, end)
        if further is None or START.search(text.held, end, further):
            raise
        return orjson.dumps(event_xml.event(text.held[start:further])).decode(), further


def _end(text: Text, at: int) -> int | None:
    """Return where the event ends that *at* is in; None if nothing says so within reach."""
    looked = at
    while True:
        if found := END.search(text.held, looked):
            return found.end()
        looked = max(at, len(text.held) - _TAIL)
        if len(text.held) - at > _LONGEST or not text.more(max(_LET_GO, len(text.held) - at)):
            return None


def _name_between(text: Text, start: int, stop: int, outcome: Outcome) -> None:
    """Name what stands between two events and is none."""
    between = text.held[start:stop]
    if not between or between.isspace():
        return
    rest = _AROUND.sub("", between)
    if rest:
        lost = len(END.findall(rest))
        reason = f"no event: {len(rest):,} characters between events are not read"
        outcome.problems.append(Problem(f"line {text.line_at(start)}", reason, lost))
