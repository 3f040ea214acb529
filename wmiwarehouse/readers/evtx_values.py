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

import orjson

from wmiwarehouse.readers import event_xml, evtx_chunk
from wmiwarehouse.readers.event_xml import EventXmlError, Node

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
            root = event_xml.parse(xml, is_indented=True)
        except EventXmlError:
            return text  # a name that is none: no event of Windows has that
        event = orjson.loads(text)["Event"]
        bodies = {child.name: child for child in root.children if child.name in ("EventData", "UserData")}
        lossy = kind in self._lossy or any(
            _is_ambiguous(body) or _count(body) > _values(event.get(name)) for name, body in bodies.items()
        )
        if not lossy:
            if end != -1 and not (self._has_arrays and _is_named(bodies)) and len(self.sound) < _MOST_KINDS:
                self.sound.add(kind)
            return text
        self._lossy.add(kind)
        event.update({name: event_xml.content(body) for name, body in bodies.items()})
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


def _is_ambiguous(body: Node) -> bool:
    """Whether two values of *body* have one name, or only some of them have none: JSON keeps one of them at most."""
    names = [child.attributes.get("Name") for child in body.children if child.name == "Data"]
    named = [name for name in names if name is not None]
    return len(set(named)) < len(named) or 0 < len(named) < len(names)


def _is_named(bodies: dict[str, Node]) -> bool:
    return any("Name" in child.attributes for body in bodies.values() for child in body.children)


def _count(node: Node) -> int:
    """Count the values below *node*."""
    return sum(map(_count, node.children)) if node.children else int(bool(node.text.strip()))


def _values(node: Any) -> int:
    """Count the values below a piece of the parser's JSON."""
    if isinstance(node, dict):
        return sum(_values(value) for name, value in node.items() if name != "#attributes")
    if isinstance(node, list):
        return sum(map(_values, node))
    return int(node is not None and bool(str(node).strip()))
