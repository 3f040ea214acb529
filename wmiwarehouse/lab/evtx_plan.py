"""The XML of an event and, per event kind, all of its bytes that never change."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from wmiwarehouse.lab.binxml import (
    ENCODERS,
    Element,
    Slot,
    Template,
    ValueType,
    compile_template,
    encode_sid,
    stored_type,
)
from wmiwarehouse.lab.model import Body, EventKind, LabEvent, parse_guid

EVENT_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_TAIL = struct.Struct("<IIQ")

# The System part's slots, in the order of Windows' own template.
_ACTIVITY, _USER, _BODY, _SOURCE_NAME = 7, 12, 17, 18
_SLOTS = 19


def _system(computer: str) -> Element:
    def slot(index: int, value_type: ValueType) -> tuple[Slot]:
        return (Slot(index, value_type),)

    return Element(
        "System",
        (),
        (
            Element(
                "Provider",
                (
                    ("Name", Slot(14, ValueType.STRING)),
                    ("Guid", Slot(15, ValueType.GUID)),
                    ("EventSourceName", Slot(_SOURCE_NAME, ValueType.STRING)),
                ),
            ),
            Element("EventID", (("Qualifiers", Slot(4, ValueType.UINT16)),), slot(3, ValueType.UINT16)),
            Element("Version", (), slot(11, ValueType.UINT8)),
            Element("Level", (), slot(0, ValueType.UINT8)),
            Element("Task", (), slot(2, ValueType.UINT16)),
            Element("Opcode", (), slot(1, ValueType.UINT8)),
            Element("Keywords", (), slot(5, ValueType.HEX64)),
            Element("TimeCreated", (("SystemTime", Slot(6, ValueType.FILETIME)),)),
            Element("EventRecordID", (), slot(10, ValueType.UINT64)),
            Element(
                "Correlation",
                (
                    ("ActivityID", Slot(_ACTIVITY, ValueType.GUID)),
                    ("RelatedActivityID", Slot(13, ValueType.GUID)),
                ),
            ),
            Element(
                "Execution",
                (("ProcessID", Slot(8, ValueType.UINT32)), ("ThreadID", Slot(9, ValueType.UINT32))),
            ),
            Element("Channel", (), slot(16, ValueType.STRING)),
            Element("Computer", (), (computer,)),
            Element("Security", (("UserID", Slot(_USER, ValueType.SID)),)),
        ),
    )


def event_element(computer: str, *, user_data: bool) -> Element:
    """The outer template of one computer: everything around the event's own data, which is the slot ``_BODY``."""
    body = Slot(_BODY, ValueType.XML)
    return Element(
        "Event",
        (("xmlns", EVENT_NAMESPACE),),
        (_system(computer), Element("UserData", (), (body,)) if user_data else body),
    )


def body_element(kind: EventKind, contents: list[tuple[Slot | str, ...]]) -> Element:
    """The element that holds a kind's data, with one content per field."""
    if kind.body is Body.USER_DATA:
        name, namespace = kind.root
        plain = tuple(Element(field.name, (), content) for field, content in zip(kind.fields, contents, strict=True))
        return Element(name, (("xmlns", namespace),), plain)
    data = tuple(
        Element(field.name, (), content)
        if field.type is ValueType.BINARY or kind.body is Body.CLASSIC
        else Element("Data", (("Name", field.name),), content)
        for field, content in zip(kind.fields, contents, strict=True)
    )
    return Element("EventData", (), data)


class RecordPlan:
    """Everything about a kind on one computer that is the same in all its records."""

    def __init__(self, kind: EventKind, outer: Template) -> None:
        self.outer = outer
        self.inner = compile_template(
            body_element(kind, [(Slot(i, field.type),) for i, field in enumerate(kind.fields)])
        )
        self.fields: list[tuple[Callable[[Any], bytes], int]] = [
            (ENCODERS[field.type], stored_type(field.type) << 16) for field in kind.fields
        ]
        self.descriptors = struct.Struct(f"<{len(self.fields) + 1}I")
        self._constant = self._constants(kind)
        values = self._constant
        self._first = b"".join(values.get(index, (0, b""))[1] for index in range(6))
        self._version = values[11][1]
        self._last = b"".join(values.get(index, (0, b""))[1] for index in (13, 14, 15, 16))
        self._source_name = values.get(_SOURCE_NAME, (0, b""))[1]
        self._heads: dict[tuple[int, int], bytes] = {}

    @staticmethod
    def _constants(kind: EventKind) -> dict[int, tuple[ValueType, bytes]]:
        """Slot number -> type and bytes of what a kind fixes."""

        def value(value_type: ValueType, content: Any) -> tuple[ValueType, bytes]:
            return value_type, ENCODERS[value_type](content)

        constants = {
            0: value(ValueType.UINT8, kind.level),
            1: value(ValueType.UINT8, kind.opcode),
            2: value(ValueType.UINT16, kind.task),
            3: value(ValueType.UINT16, kind.event_id),
            5: value(ValueType.HEX64, kind.keywords),
            11: value(ValueType.UINT8, kind.version),
            14: value(ValueType.STRING, kind.provider.name),
            16: value(ValueType.STRING, kind.channel),
        }
        if kind.qualifiers is not None:
            constants[4] = value(ValueType.UINT16, kind.qualifiers)
        guid = kind.provider.guid
        if guid is not None:
            constants[15] = value(ValueType.STRING, guid) if guid[0] == "{" else (ValueType.GUID, parse_guid(guid))
        if kind.provider.source_name is not None:
            constants[_SOURCE_NAME] = value(ValueType.STRING, kind.provider.source_name)
        return constants

    def _head(self, activity: int, user: int) -> bytes:
        """Value count and the descriptors before the body's, for these lengths of the two optional values."""
        lengths = {index: (value_type, len(data)) for index, (value_type, data) in self._constant.items()}
        lengths |= {6: (ValueType.FILETIME, 8), 8: (ValueType.UINT32, 4), 9: (ValueType.UINT32, 4)}
        lengths |= {10: (ValueType.UINT64, 8)}
        if activity:
            lengths[_ACTIVITY] = (ValueType.GUID, activity)
        if user:
            lengths[_USER] = (ValueType.SID, user)
        descriptors = [lengths.get(index, (ValueType.NULL, 0)) for index in range(_BODY)]
        return struct.pack(f"<I{_BODY}I", _SLOTS, *(size | value_type << 16 for value_type, size in descriptors))

    def system(self, event: LabEvent, body_size: int) -> bytes:
        """The outer instance's values, all but the body, which follows them."""
        user = encode_sid(event.user_sid) if event.user_sid else b""
        activity = event.activity_id or b""
        lengths = (len(activity), len(user))
        head = self._heads.get(lengths)
        if head is None:
            head = self._heads[lengths] = self._head(*lengths)
        source_name = len(self._source_name)
        return b"".join(
            (
                head,
                _U32.pack(body_size | ValueType.XML << 16),
                _U32.pack(source_name | ValueType.STRING << 16 if source_name else 0),
                self._first,
                _U64.pack(event.ticks),
                activity,
                _TAIL.pack(event.process_id, event.thread_id, event.record_id),
                self._version,
                user,
                self._last,
            )
        )

    @property
    def after_body(self) -> bytes:
        """What follows the body's value."""
        return self._source_name

    def values(self, event: LabEvent) -> bytes:
        """The inner instance's count, descriptors and values."""
        descriptors = [len(self.fields)]
        parts = [b""]
        for (encode, stored), value in zip(self.fields, event.values, strict=True):
            if value is None:
                descriptors.append(0)
            else:
                data = encode(value)
                if len(data) > 0xFFFF:
                    raise ValueError(f"a value of {len(data)} bytes is more than the format holds")
                descriptors.append(len(data) | stored)
                parts.append(data)
        parts[0] = self.descriptors.pack(*descriptors)
        return b"".join(parts)
