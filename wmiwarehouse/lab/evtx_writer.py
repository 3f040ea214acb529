"""A streaming EVTX writer: valid files of any size in the memory of one chunk.

A file is a 4096-byte header and chunks of 65,536 bytes, each complete in itself: templates and names are defined anew
in every chunk. Everything that is constant for an event kind is encoded once; a record then costs its own values and
a few joins.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

from wmiwarehouse.lab.binxml import END_OF_FRAGMENT, FRAGMENT_HEADER, Template, compile_template
from wmiwarehouse.lab.evtx_plan import RecordPlan, event_element
from wmiwarehouse.lab.model import Body, EventKind, LabEvent

_CHUNK = 65536
_CHUNK_HEADER = 512
_CHUNK_LIMIT = 65528  # a chunk that is full to the last byte loses its last record in libevtx
_FILE_HEADER = 4096
_RECORD_MAGIC = b"\x2a\x2a\x00\x00"

_RECORD = struct.Struct("<4sIQQ")
_INSTANCE = struct.Struct("<4s2sII")
_INSTANCE_TOKEN = b"\x0c\x01"
_U32 = struct.Struct("<I")


class EvtxWriter:
    """Writes the events of one computer to one file; records go in the order of their ids."""

    def __init__(self, path: Path, computer: str) -> None:
        self._file = path.open("wb")
        self._file.write(bytes(_FILE_HEADER))
        self._computer = computer
        self._outers: dict[bool, Template] = {}
        self._plans: dict[EventKind, RecordPlan] = {}
        self._defined: dict[Template, int] = {}
        self._chunk = bytearray(_CHUNK_HEADER)
        self._chunks = 0
        self._numbers = (1, 0)  # first and last record number of the current chunk
        self._ids = (0, 0)
        self._last_record = 0
        self.records = 0

    @property
    def size(self) -> int:
        """Bytes of log so far, without the empty rest of the current chunk."""
        return _FILE_HEADER + self._chunks * _CHUNK + len(self._chunk)

    def write(self, event: LabEvent) -> None:
        """Append one event."""
        payload = self.payload(event, len(self._chunk) + _RECORD.size)
        size = self._record_size(payload)
        if len(self._chunk) + size > _CHUNK_LIMIT:
            self._flush()
            payload = self.payload(event, _CHUNK_HEADER + _RECORD.size)
            size = self._record_size(payload)
            if _CHUNK_HEADER + size > _CHUNK_LIMIT:
                raise ValueError(f"a record of {size} bytes does not fit into a chunk")
        self._last_record = len(self._chunk)
        self._chunk += b"".join(
            (
                _RECORD.pack(_RECORD_MAGIC, size, event.record_id, event.ticks),
                payload,
                bytes(size - _RECORD.size - len(payload) - 4),
                _U32.pack(size),
            )
        )
        self.records += 1
        self._numbers = (self._numbers[0], self.records)
        self._ids = (self._ids[0] or event.record_id, event.record_id)

    @staticmethod
    def _record_size(payload: bytes) -> int:
        return (_RECORD.size + len(payload) + 4 + 7) & ~7

    def payload(self, event: LabEvent, at: int) -> bytes:
        """The record's binary XML when it begins at offset ``at`` of the chunk."""
        plan = self._plans.get(event.kind)
        if plan is None:
            plan = self._plans[event.kind] = self._plan(event.kind)
        values = plan.values(event)
        inner_new = plan.inner not in self._defined
        body_size = _INSTANCE.size + len(values) + len(END_OF_FRAGMENT)
        if inner_new:
            body_size += len(plan.inner.definition.data)
        if body_size > 0xFFFF:
            raise ValueError(f"event data of {body_size} bytes is more than the format holds")
        system = plan.system(event, body_size)
        outer = self._instance(plan.outer, at)
        inner = self._instance(plan.inner, at + len(outer) + len(system))
        return b"".join((outer, system, inner, values, END_OF_FRAGMENT, plan.after_body, END_OF_FRAGMENT))

    def _instance(self, template: Template, at: int) -> bytes:
        """A reference to a template, with its definition where the chunk has none yet."""
        known = self._defined.get(template)
        if known is not None:
            return _INSTANCE.pack(FRAGMENT_HEADER, _INSTANCE_TOKEN, template.id, known)
        base = self._defined[template] = at + _INSTANCE.size
        return _INSTANCE.pack(FRAGMENT_HEADER, _INSTANCE_TOKEN, template.id, base) + template.definition.at(base)

    def _plan(self, kind: EventKind) -> RecordPlan:
        user_data = kind.body is Body.USER_DATA
        outer = self._outers.get(user_data)
        if outer is None:
            outer = self._outers[user_data] = compile_template(event_element(self._computer, user_data=user_data))
        return RecordPlan(kind, outer)

    def _flush(self) -> None:
        """Complete the current chunk's header and write the chunk."""
        chunk = self._chunk
        free = len(chunk)
        struct.pack_into("<8sQQQQ", chunk, 0, b"ElfChnk\0", *self._numbers, *self._ids)
        struct.pack_into(
            "<IIII", chunk, 40, 128, self._last_record, free, zlib.crc32(memoryview(chunk)[_CHUNK_HEADER:])
        )
        _U32.pack_into(chunk, 120, 1)
        _U32.pack_into(chunk, 124, zlib.crc32(chunk[128:_CHUNK_HEADER], zlib.crc32(chunk[:120])))
        self._file.write(chunk)
        self._file.write(bytes(_CHUNK - free))
        self._chunks += 1
        self._numbers = (self.records + 1, self.records)
        self._ids = (0, self._ids[1])
        self._defined.clear()
        self._chunk = bytearray(_CHUNK_HEADER)

    def close(self) -> None:
        """Write the last chunk and the file header. A file without records has one empty chunk, as on Windows."""
        if len(self._chunk) > _CHUNK_HEADER or not self._chunks:
            self._flush()
        header = bytearray(_FILE_HEADER)
        struct.pack_into(
            "<8sQQQIHHHH", header, 0, b"ElfFile\0", 0, self._chunks - 1, self._ids[1] + 1, 128, 1, 3, 4096,
            min(self._chunks, 0xFFFF),
        )  # fmt: skip
        _U32.pack_into(header, 124, zlib.crc32(header[:120]))
        self._file.seek(0)
        self._file.write(header)
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
