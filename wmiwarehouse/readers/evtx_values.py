"""Finds the kinds of events of which the parser's JSON loses values, and reads those from its XML instead.

In JSON two ``Data`` of one name become one, a named ``Data`` that holds an array keeps its last item, and an unnamed
one beside named ones is gone: all without a word (4648 has two ``LogonGuid`` in one Windows build). So the first record
of each kind (provider, event id, version) is read in both modes and compared, and every record of a chunk that uses a
template which was not met before: another build of Windows may fill the same kind with other names. Kinds that
lose nothing, nearly all, cost one look into a set per record.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from wmiwarehouse.readers import event_xml, evtx_chunk
from wmiwarehouse.readers.event_xml import EventXmlError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

KIND_START = 0  # the root's name is a part of the kind: a damaged one makes no event
KIND_LIMIT = 600
_MOST_KINDS = 100_000

# A template's named Data whose one value is declared as an array: the end of the name, '>', the value, '</Data>'. How
# many items it has differs from record to record, so one sound record says nothing about the next.
_NAMED_ARRAY = re.compile(rb"[^\0]\0\x02[\x0d\x0e].\0\x81\x04", re.DOTALL)

# Where a record uses a template: the tokens, and the id that the GUID of the template begins with. What else looks like
# it is only taken for a further template.
_INSTANCE = re.compile(rb"\x0f\x01\x01\0\x0c\x01(....)", re.DOTALL)
_PLAIN = re.compile(r'<EventData>\s*((?:<Data Name="[^"]*">[^<]*</Data>\s*)*)</EventData>')
_NAMES = re.compile(r'<Data Name="([^"]*)">')
_BUCKETS = struct.Struct("<32I")
_TEMPLATE_TABLE = 384
_TEMPLATE = struct.Struct("<I4s")  # where the next one of its bucket is, and the start of its GUID


class ValueCheck:
    """Remembers over all files of one worker which kinds of events can be taken from JSON as they are."""

    def __init__(self) -> None:
        self.sound: set[str] = set()
        """Kinds that lose nothing: what stands in a record's JSON from :data:`KIND_START` to its ``"Level"``."""
        self._lossy: set[str] = set()
        self._templates: set[bytes] = set()
        self._has_arrays = False
        self._data = b""
        self._xml: dict[tuple[int, str], str] = {}

    def pieces(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Cut *data* (whole chunks) so that chunks in which every record has to be compared stand alone, and say so.

        Those have a template that was not met before, or none at all: each record is then built in its own way.
        """
        start = 0
        for at in range(0, len(data), evtx_chunk.SIZE):
            used = _templates(data, at)
            if used and used <= self._templates:
                continue
            if len(self._templates) < _MOST_KINDS:
                self._templates |= used
            if start < at:
                yield data[start:at], False
            start = at + evtx_chunk.SIZE
            yield data[at:start], True
        if start < len(data):
            yield (data[start:] if start else data), False

    def whole(self, record: dict[str, Any], data: bytes) -> str:
        """Return the text of *record* (the parser's own) with every value; *data* holds the chunks that it is in."""
        text: str = record["data"]
        end = text.find('"Level"', KIND_START, KIND_LIMIT)
        kind = text[KIND_START:end]
        xml = self._record_xml((record["event_record_id"], record["timestamp"]), data)
        if xml is None:
            return text
        names = _plain_names(xml)
        if names is not None and kind not in self._lossy:
            self._found_sound(kind, has_names=bool(names), is_whole=end != -1)
            return text
        try:
            root = event_xml.parse(xml, is_indented=True)
        except EventXmlError:
            return text  # a name that is none: no event of Windows has that
        event = orjson.loads(text)["Event"]
        bodies = {child.tag: child for child in root if child.tag in ("EventData", "UserData")}
        lossy = kind in self._lossy or any(
            _is_ambiguous(body) or _count(body) > _values(event.get(name)) for name, body in bodies.items()
        )
        if not lossy:
            self._found_sound(kind, has_names=_is_named(bodies), is_whole=end != -1)
            return text
        self._lossy.add(kind)
        self.sound.discard(kind)
        event.update({name: event_xml.content(body) for name, body in bodies.items()})
        return orjson.dumps({"Event": event}).decode()

    def _found_sound(self, kind: str, *, has_names: bool, is_whole: bool) -> None:
        if not is_whole or (self._has_arrays and has_names):
            self.sound.discard(kind)
        elif len(self.sound) < _MOST_KINDS:
            self.sound.add(kind)

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


def _templates(data: bytes, chunk: int) -> set[bytes]:
    """Return the ids of the templates that the chunk at *chunk* in *data* uses; its table may be empty."""
    found, seen = set[bytes](), {0}
    for offset in _BUCKETS.unpack_from(data, chunk + _TEMPLATE_TABLE):
        while offset not in seen and offset <= evtx_chunk.SIZE - _TEMPLATE.size:
            seen.add(offset)
            offset, template = _TEMPLATE.unpack_from(data, chunk + offset)
            found.add(template)
    return found or set(_INSTANCE.findall(data, chunk, chunk + evtx_chunk.SIZE))


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


def _plain_names(xml: str) -> list[str] | None:
    """Return the names of an event's data that is a list of ``Data`` of different names, which JSON keeps; else None.

    Nearly all events are so, and this is ten times as quick as to parse them.
    """
    found = _PLAIN.search(xml)
    names = _NAMES.findall(found[1]) if found and "<UserData" not in xml else None
    return names if names is not None and len(set(names)) == len(names) else None


def _is_ambiguous(body: Element) -> bool:
    """Whether two values of *body* have one name, or only some of them have none: JSON keeps one of them at most."""
    names = [child.attrib.get("Name") for child in body if child.tag == "Data"]
    named = [name for name in names if name is not None]
    return len(set(named)) < len(named) or 0 < len(named) < len(names)


def _is_named(bodies: dict[str, Element]) -> bool:
    return any("Name" in child.attrib for body in bodies.values() for child in body)


def _count(node: Element) -> int:
    """Count the values below *node*."""
    return sum(map(_count, node)) if len(node) else int(bool((node.text or "").strip()))


def _values(node: Any) -> int:
    """Count the values below a piece of the parser's JSON."""
    if isinstance(node, dict):
        return sum(_values(value) for name, value in node.items() if name != "#attributes")
    if isinstance(node, list):
        return sum(map(_values, node))
    return int(node is not None and bool(str(node).strip()))
