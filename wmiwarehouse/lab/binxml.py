"""Windows' binary XML, as far as a writer of event logs needs it.

A template is compiled once to bytes in which every name offset is relative to the template's own start, plus the list
of those offsets (the fix-ups). Placing it in a chunk then costs one addition per name and no walk of the tree, which
is what makes gigabytes of log affordable.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

FRAGMENT_HEADER = b"\x0f\x01\x01\x00"
END_OF_FRAGMENT = b"\x00"
_NO_DEPENDENCY = b"\xff\xff"
_NAMESPACE = uuid.UUID("5c1d7f0e-52a5-5d0c-9c38-6f0f4b7f2a10")
_U32 = struct.Struct("<I")


class ValueType(IntEnum):
    """How a value is stored; the numbers are the format's own."""

    NULL = 0x00
    STRING = 0x01
    INT8 = 0x03
    UINT8 = 0x04
    INT16 = 0x05
    UINT16 = 0x06
    INT32 = 0x07
    UINT32 = 0x08
    INT64 = 0x09
    UINT64 = 0x0A
    DOUBLE = 0x0C
    BOOL = 0x0D
    BINARY = 0x0E
    GUID = 0x0F
    POINTER = 0x10  # declared so, but stored as HEX64
    FILETIME = 0x11
    SID = 0x13
    HEX32 = 0x14
    HEX64 = 0x15
    XML = 0x21
    STRINGS = 0x81


def encode_text(text: str) -> bytes:
    """UTF-16LE; lone surrogates pass, as they do on Windows."""
    return text.encode("utf-16-le", "surrogatepass")


@lru_cache(maxsize=4096)
def encode_sid(sid: str) -> bytes:
    """Bytes of a SID such as ``S-1-5-18``: the authority is the only big-endian number in the format."""
    _, revision, authority, *rest = sid.split("-")
    subs = [int(part) for part in rest]
    return bytes([int(revision), len(subs)]) + int(authority).to_bytes(6, "big") + struct.pack(f"<{len(subs)}I", *subs)


def _encode_strings(items: Sequence[str]) -> bytes:
    return b"".join(encode_text(item) + b"\0\0" for item in items)


# What Python values go in: GUIDs as their 16 stored bytes, FILETIMEs as 100 ns ticks, SIDs as text, hex as int.
ENCODERS: dict[ValueType, Callable[[Any], bytes]] = {
    ValueType.STRING: encode_text,
    ValueType.INT8: struct.Struct("<b").pack,
    ValueType.UINT8: struct.Struct("<B").pack,
    ValueType.INT16: struct.Struct("<h").pack,
    ValueType.UINT16: struct.Struct("<H").pack,
    ValueType.INT32: struct.Struct("<i").pack,
    ValueType.UINT32: struct.Struct("<I").pack,
    ValueType.INT64: struct.Struct("<q").pack,
    ValueType.UINT64: struct.Struct("<Q").pack,
    ValueType.DOUBLE: struct.Struct("<d").pack,
    ValueType.BOOL: struct.Struct("<I").pack,
    ValueType.BINARY: bytes,
    ValueType.GUID: bytes,
    ValueType.POINTER: struct.Struct("<Q").pack,
    ValueType.FILETIME: struct.Struct("<Q").pack,
    ValueType.SID: encode_sid,
    ValueType.HEX32: struct.Struct("<I").pack,
    ValueType.HEX64: struct.Struct("<Q").pack,
    ValueType.STRINGS: _encode_strings,
}


def stored_type(declared: ValueType) -> ValueType:
    """The type that a value's descriptor bears, which is what readers go by."""
    return ValueType.HEX64 if declared is ValueType.POINTER else declared


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a template that a record's value with this index fills; left out when the value is null."""

    index: int
    type: ValueType


@dataclass(frozen=True, slots=True)
class Element:
    """An XML element; plain text content and attribute values are part of the template."""

    name: str
    attributes: tuple[tuple[str, str | Slot], ...] = ()
    children: tuple[Element | Slot | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fragment:
    """Compiled XML whose name offsets (at ``fixups``) are relative to its own start."""

    data: bytes
    fixups: tuple[int, ...]

    def at(self, base: int) -> bytes:
        """The bytes as they stand at offset ``base`` of a chunk."""
        placed = bytearray(self.data)
        for position in self.fixups:
            _U32.pack_into(placed, position, _U32.unpack_from(placed, position)[0] + base)
        return bytes(placed)


@dataclass(frozen=True, eq=False, slots=True)
class Template:
    """A template definition: its id (the GUID's first 32 bits) and its bytes."""

    id: int
    definition: Fragment


class _Compiler:
    """Writes one tree; the first use of a name carries the name, later ones point back at it."""

    def __init__(self, *, start: int, in_definition: bool) -> None:
        self._start = start
        self._dependency = _NO_DEPENDENCY if in_definition else b""
        self._names: dict[str, int] = {}
        self.fixups: list[int] = []
        self.out = bytearray()

    def _u32_placeholder(self) -> int:
        self.out += b"\0\0\0\0"
        return len(self.out) - 4

    def _fill_size(self, position: int) -> None:
        _U32.pack_into(self.out, position, len(self.out) - position - 4)

    def _name(self, name: str) -> None:
        position = self._start + len(self.out)
        self.fixups.append(position)
        known = self._names.get(name)
        if known is not None:
            self.out += _U32.pack(known)
            return
        self._names[name] = position + 4
        self.out += struct.pack("<IIHH", position + 4, 0, name_hash(name), len(name)) + encode_text(name) + b"\0\0"

    def _content(self, content: Slot | str) -> None:
        if isinstance(content, Slot):
            self.out += struct.pack("<BHB", 0x0E, content.index, content.type)
        else:
            text = encode_text(content)
            self.out += struct.pack("<BBH", 0x05, 0x01, len(text) // 2) + text

    def element(self, element: Element) -> None:
        """Append one element with all that is in it."""
        self.out.append(0x41 if element.attributes else 0x01)
        self.out += self._dependency
        size = self._u32_placeholder()
        self._name(element.name)
        if element.attributes:
            attributes_size = self._u32_placeholder()
            last = len(element.attributes) - 1
            for number, (name, value) in enumerate(element.attributes):
                self.out.append(0x06 if number == last else 0x46)
                self._name(name)
                self._content(value)
            self._fill_size(attributes_size)
        if element.children:
            self.out.append(0x02)
            for child in element.children:
                if isinstance(child, Element):
                    self.element(child)
                else:
                    self._content(child)
            self.out.append(0x04)
        else:
            self.out.append(0x03)
        self._fill_size(size)


def name_hash(name: str) -> int:
    """The hash that Windows stores beside each name."""
    value = 0
    for (unit,) in struct.iter_unpack("<H", encode_text(name)):
        value = (value * 65599 + unit) & 0xFFFFFFFF
    return value & 0xFFFF


@lru_cache(maxsize=1024)
def compile_template(root: Element) -> Template:
    """Compile a template definition; equal trees get equal ids on every run."""
    head = 24  # next, GUID, body size
    compiler = _Compiler(start=head + len(FRAGMENT_HEADER), in_definition=True)
    compiler.element(root)
    body = FRAGMENT_HEADER + bytes(compiler.out) + END_OF_FRAGMENT
    guid = uuid.uuid5(_NAMESPACE, body.hex()).bytes_le
    data = struct.pack("<I16sI", 0, guid, len(body)) + body
    return Template(_U32.unpack_from(guid)[0], Fragment(data, tuple(compiler.fixups)))


def compile_inline(root: Element) -> Fragment:
    """Compile a tree that stands in a record by itself, without a template, as exported logs have it."""
    compiler = _Compiler(start=len(FRAGMENT_HEADER), in_definition=False)
    compiler.element(root)
    return Fragment(FRAGMENT_HEADER + bytes(compiler.out) + END_OF_FRAGMENT, tuple(compiler.fixups))
