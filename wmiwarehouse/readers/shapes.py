"""Tells the formats of JSON records apart by the names that stand in them, as the files in ``ingest/formats`` ask for.

A record is of the format of which it has the most groups of keys. The order of files never decides, and two formats
that overlap say so themselves with ``not_keys``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wmiwarehouse.readers.dotted import nested


@dataclass(frozen=True)
class Shape:
    """What a reader has to know of a format."""

    name: str
    reader: str = "json"
    keys: tuple[tuple[str, ...], ...] = ()
    """A record has one key of each group; dots lead into objects."""
    not_keys: tuple[str, ...] = ()
    at: tuple[str, ...] = ("",)
    """Where in a JSON document the record may lie; empty for the document itself."""
    each: tuple[str, ...] = ()
    """Where in a document a list of records may lie."""
    event_xml: str = ""
    """The field that may hold the event's XML."""
    data_xml: str = ""
    """The field that may hold an event's data as XML."""
    dotted: bool = False
    """Whether a record's names may have dots in place of objects."""
    begins: str = ""
    """The pattern of what begins a record, in text that is neither JSON nor XML."""
    once: str = ""
    """What stands once in such a record: where it stands twice, the beginning of one is damaged."""
    rank: int = 0
    """Decides between formats of equally many keys: a user's own before the shipped ones."""

    def found_in(self, document: object) -> bool:
        """Whether *document* holds a record of this format."""
        return any(self._met(look(document, path)) for path in self.at)

    def place_in(self, document: object) -> Any:
        """Return the record that lies in *document*: at the first path where the keys are met, else all of it."""
        return next((record for path in self.at if self._met(record := look(document, path))), document)

    def _met(self, record: object) -> bool:
        return (
            isinstance(record, dict)
            and bool(self.keys)
            and all(any(has(record, key) for key in group) for group in self.keys)
            and not any(has(record, key) for key in self.not_keys)
        )

    def named_in(self, text: str) -> bool:
        """Whether *text* has the names of a record of this format, wherever they stand in it."""
        return (
            bool(self.keys)
            and all(any(_all_in(text, key) for key in group) for group in self.keys)
            and not any(_all_in(text, key) for key in self.not_keys)
        )

    def begins_in(self, text: str, *, anywhere: bool) -> bool:
        """Whether a record begins *text*, or a line of it."""
        begins = re.compile(self.begins, re.MULTILINE)
        return bool(begins.search(text) if anywhere else begins.match(text.lstrip()))


def _all_in(text: str, path: str) -> bool:
    return all(f'"{name}"' in text for name in path.split("."))


@dataclass(frozen=True)
class Layout:
    """How the bytes of one source are to be read: found when it is recognised, needed by whoever reads it."""

    kind: str = "lines"
    """``evtx``, ``lines`` (one JSON object a line), ``documents`` (JSON in any other arrangement), ``xml`` or
    ``text`` (records of several lines)."""
    encoding: str = "utf-8"
    shape: Shape = Shape("")
    lists: tuple[str, ...] = ()
    """Where in a document, of whatever format, a list of records may lie."""


LINES = Layout()


class Shapes:
    """All formats that an ingest knows."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        everything = sorted(shapes, key=lambda s: (-len(s.keys), -s.rank, s.name))
        self._json = [shape for shape in everything if shape.reader == "json"]
        self._text = [shape for shape in everything if shape.reader == "text"]
        self._others = {
            reader: min((s for s in everything if s.reader == reader), key=lambda s: -s.rank, default=None)
            for reader in ("evtx", "xml")
        }

    def of(self, document: object) -> Shape | None:
        """Return the format of a JSON document; None for what is no record of any."""
        if found := next((shape for shape in self._json if shape.found_in(document)), None):
            return found
        plain = nested(document)
        return next((shape for shape in self._json if shape.dotted and shape.found_in(plain)), None)

    def reader(self, name: str) -> Shape | None:
        """Return the format that reader *name*, ``evtx`` or ``xml``, is for."""
        return self._others[name]

    def text(self, text: str, *, anywhere: bool = False) -> Shape | None:
        """Return the format of which a record begins *text*, or stands *anywhere* in it; None if none does."""
        return next((shape for shape in self._text if shape.begins_in(text, anywhere=anywhere)), None)

    def likely(self, text: str) -> Shape | None:
        """Return the format whose names all stand in *text*, which cannot be parsed as it is."""
        return next((shape for shape in self._json if shape.named_in(text)), None)

    def names_a_key(self, text: str) -> bool:
        """Whether *text* looks like an event log, though not like one that is read."""
        return any(_all_in(text, key) for shape in self._json for group in shape.keys for key in group)

    @cached_property
    def lists(self) -> tuple[str, ...]:
        """Where, in documents of any format, a list of records may lie; the longest paths first."""
        found = {path for shape in self._json for path in shape.each}
        return tuple(sorted(found, key=lambda path: (-path.count("."), path)))


def look(document: Any, path: str) -> Any:
    """Return what lies at a dotted *path* of names in *document*; None if there is nothing."""
    for name in path.split(".") if path else ():
        document = document.get(name) if isinstance(document, dict) else None
    return document


def has(record: Any, path: str) -> bool:
    """Whether *record* has a dotted *path* of names, whatever its value."""
    *folders, last = path.split(".")
    for name in folders:
        record = record.get(name) if isinstance(record, dict) else None
    return isinstance(record, dict) and last in record


def as_paths(value: str | Sequence[str]) -> tuple[str, ...]:
    """Return the paths of a head's ``at`` or ``each``, which may be one or several."""
    return (value,) if isinstance(value, str) else tuple(value)
