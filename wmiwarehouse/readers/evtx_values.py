"""Finds the kinds of events of which the parser's JSON loses values, and reads those from its XML instead.

In JSON two ``Data`` of one name become one, a named ``Data`` that holds an array keeps its last item, and an unnamed one
beside named ones is gone: all without a word (4648 has two ``LogonGuid`` in one Windows build). So the first record of
each kind (provider, event id, version) is read in both modes and the values are counted. Kinds that lose none, nearly
all, cost one look into a set per record.
"""

from __future__ import annotations

import io
import struct
from typing import Any
from xml.etree import ElementTree  # noqa: S405 - the text comes from the parser, which writes no DTD and escapes values

import orjson

from wmiwarehouse.readers import evtx_chunk

# The XML carries characters that XML forbids; they travel through the strict parser as private-use ones.
_FORBIDDEN = [*range(1, 9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF]
_HIDE = {code: 0xF000 + i for i, code in enumerate(_FORBIDDEN)}
_SHOW = {hidden: code for code, hidden in _HIDE.items()}
KIND_START = len('{"Event":{"#attributes":{"xmlns":"')
KIND_LIMIT = 600
_MOST_KINDS = 100_000


class ValueCheck:
    """Remembers over all files of one worker which kinds of events can be taken from JSON as they are."""

    def __init__(self) -> None:
        self.sound: set[str] = set()
        """Kinds that lose nothing: what stands in a record's JSON from :data:`KIND_START` to its ``"Level"``."""
        self._lossy: set[str] = set()
        self._chunk: tuple[int, bytes] = (-1, b"")
        self._xml: dict[int, str] = {}

    def whole(self, text: str, record_id: int, data: bytes) -> str:
        """Return *text* with every value; *data* holds the chunks that the record is in."""
        end = text.find('"Level"', KIND_START, KIND_LIMIT)
        kind = text[KIND_START:end]
        xml = self._record_xml(record_id, data)
        if xml is None:
            return text
        event = orjson.loads(text)["Event"]
        root = ElementTree.fromstring(xml.translate(_HIDE))  # noqa: S314 - see above
        bodies = {_name(child): child for child in root if _name(child) in ("EventData", "UserData")}
        lossy = kind in self._lossy or any(_count(body) > _values(event.get(name)) for name, body in bodies.items())
        if not lossy:
            if end != -1 and len(self.sound) < _MOST_KINDS:
                self.sound.add(kind)
            return text
        self._lossy.add(kind)
        event.update({name: _fields(body) for name, body in bodies.items()})
        return orjson.dumps({"Event": event}).decode()

    def _record_xml(self, record_id: int, data: bytes) -> str | None:
        if record_id not in self._xml or self._chunk[1] is not data:
            chunk = self._find(record_id, data)
            if chunk is None:
                return None
            self._chunk, self._xml = (chunk, data), _all_xml(data[chunk : chunk + evtx_chunk.SIZE])
        return self._xml.get(record_id)

    @staticmethod
    def _find(record_id: int, data: bytes) -> int | None:
        for start in range(0, len(data), evtx_chunk.SIZE):
            first, last = struct.unpack_from("<QQ", data, start + 24)
            if first <= record_id <= last:
                return start
        return None


def _all_xml(chunk: bytes) -> dict[int, str]:
    from evtx import PyEvtxParser

    from wmiwarehouse.readers.evtx import file_header

    found: dict[int, str] = {}
    records = iter(PyEvtxParser(io.BytesIO(file_header(1) + chunk), number_of_threads=1).records())
    while True:
        try:
            for record in records:
                found[record["event_record_id"]] = record["data"]
            return found
        except (RuntimeError, OSError, ValueError):
            continue  # reported where the same record is read as JSON


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element) -> str:
    return (element.text or "").translate(_SHOW)


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


def _fields(element: ElementTree.Element) -> Any:
    """Turn an element into the parser's own JSON shape, with a list wherever a name stands more than once."""
    if not len(element):
        return _text(element)
    fields: dict[str, list[Any]] = {}
    for child in element:
        is_data = _name(child) == "Data"
        fields.setdefault(child.get("Name", "#text") if is_data else _name(child), []).append(_fields(child))
    return {name: items[0] if len(items) == 1 and name != "#text" else items for name, items in fields.items()}
