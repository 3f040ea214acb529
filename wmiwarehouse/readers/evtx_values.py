"""Finds the kinds of events of which the parser's JSON loses values, and reads those from its XML instead.

In JSON two ``Data`` of one name become one, a named ``Data`` that holds an array keeps its last item, and an unnamed
one beside named ones is gone: all without a word (4648 has two ``LogonGuid`` in one Windows build). So the first record
of each kind (provider, event id, version) is read in both modes and compared. Kinds that lose nothing, nearly
all, cost one look into a set per record.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import orjson

from wmiwarehouse.readers import evtx_chunk

# The XML carries characters that XML forbids or (the carriage return) changes; they travel through the strict parser as
# noncharacters, which no text has.
_FORBIDDEN = [*range(1, 9), 11, 12, 13, *range(14, 32), 0xFFFE, 0xFFFF]
_HIDE = {code: 0xFDD0 + i for i, code in enumerate(_FORBIDDEN)}
_SHOW = {hidden: code for code, hidden in _HIDE.items()}
KIND_START = 0  # the root's name is a part of the kind: a damaged one makes no event
KIND_LIMIT = 600
_MOST_KINDS = 100_000

# A template's named Data whose one value is declared as an array: the end of the name, '>', the value, '</Data>'. How
# many items it has differs from record to record, so one sound record says nothing about the next.
_NAMED_ARRAY = re.compile(rb"[^\0]\0\x02[\x0d\x0e].\0\x81\x04", re.DOTALL)


class ValueCheck:
    """Remembers over all files of one worker which kinds of events can be taken from JSON as they are."""

    def __init__(self) -> None:
        self.sound: set[str] = set()
        """Kinds that lose nothing: what stands in a record's JSON from :data:`KIND_START` to its ``"Level"``."""
        self._lossy: set[str] = set()
        self._has_arrays = False
        self._data = b""
        self._xml: dict[tuple[int, str], str] = {}

    def whole(self, record: dict[str, Any], data: bytes) -> str:
        """Return the text of *record* (the parser's own) with every value; *data* holds the chunks that it is in."""
        text: str = record["data"]
        end = text.find('"Level"', KIND_START, KIND_LIMIT)
        kind = text[KIND_START:end]
        xml = self._record_xml((record["event_record_id"], record["timestamp"]), data)
        if xml is None:
            return text
        try:
            root = ElementTree.fromstring(xml.translate(_HIDE))  # noqa: S314 - see above
        except ElementTree.ParseError:
            return text  # a name that is none: no event of Windows has that
        event = orjson.loads(text)["Event"]
        bodies = {_name(child): child for child in root if _name(child) in ("EventData", "UserData")}
        lossy = kind in self._lossy or any(
            _is_ambiguous(body) or _count(body) > _values(event.get(name)) for name, body in bodies.items()
        )
        if not lossy:
            if end != -1 and not (self._has_arrays and _is_named(bodies)) and len(self.sound) < _MOST_KINDS:
                self.sound.add(kind)
            return text
        self._lossy.add(kind)
        event.update({name: _fields(body, 2) for name, body in bodies.items()})
        return orjson.dumps({"Event": event}).decode()

    def _record_xml(self, key: tuple[int, str], data: bytes) -> str | None:
        if self._data is not data:
            self._data, self._xml = data, {}
        if key not in self._xml:
            for chunk in _chunks_with(key[0], data):
                content = data[chunk : chunk + evtx_chunk.SIZE]
                self._xml, self._has_arrays = _all_xml(content), bool(_NAMED_ARRAY.search(content))
                if key in self._xml:
                    break
        return self._xml.get(key)


def _chunks_with(record_id: int, data: bytes) -> Iterator[int]:
    """Yield the offsets of the chunks in which a record has the id; what their headers say may be wrong."""
    wanted = struct.pack("<Q", record_id)
    position = data.find(wanted)
    while position != -1:
        if data.startswith(evtx_chunk.RECORD_MAGIC, position - 8):
            yield position - position % evtx_chunk.SIZE
        position = data.find(wanted, position + 1)


def _all_xml(chunk: bytes) -> dict[tuple[int, str], str]:
    from evtx import PyEvtxParser

    from wmiwarehouse.readers.evtx import file_header

    found: dict[tuple[int, str], str] = {}
    records: Any = iter(PyEvtxParser(io.BytesIO(file_header(1) + chunk), number_of_threads=1).records())
    while True:
        try:
            for record in records:
                found[record["event_record_id"], record["timestamp"]] = record["data"]
            return found
        except (RuntimeError, OSError, ValueError):
            continue  # reported where the same record is read as JSON


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element) -> str:
    return (element.text or "").translate(_SHOW)


def _is_ambiguous(body: ElementTree.Element) -> bool:
    """Whether two values of *body* have one name, or only some of them have none: JSON keeps one of them at most."""
    names = [child.get("Name") for child in body if _name(child) == "Data"]
    named = [name for name in names if name is not None]
    return len(set(named)) < len(named) or 0 < len(named) < len(names)


def _is_named(bodies: dict[str, ElementTree.Element]) -> bool:
    return any(child.get("Name") is not None for body in bodies.values() for child in body)


def _count(element: ElementTree.Element) -> int:
    """Count the values below *element*."""
    children = list(element)
    return sum(map(_count, children)) if children else int(bool(_text(element).strip()))


def _values(node: Any) -> int:
    """Count the values below a piece of the parser's JSON."""
    if isinstance(node, dict):
        return sum(_values(value) for name, value in node.items() if name != "#attributes")
    if isinstance(node, list):
        return sum(map(_values, node))
    return int(node is not None and bool(str(node).strip()))


def _fields(element: ElementTree.Element, depth: int) -> Any:
    """Turn an element into the parser's own JSON shape, with a list wherever a name stands more than once."""
    if not len(element):
        text = _text(element)
        return "" if text == "\n" + "  " * (depth - 1) else text  # how the parser writes an empty element
    fields: dict[str, list[Any]] = {}
    for child in element:
        is_data = _name(child) == "Data"
        name = child.get("Name", "#text") if is_data else _name(child)
        fields.setdefault(name, []).append(_fields(child, depth + 1))
    return {name: items[0] if len(items) == 1 and name != "#text" else items for name, items in fields.items()}
