"""What the lab passes around: the kinds of events, the events, and their times.

Times are FILETIME ticks everywhere: 100 ns since 1601-01-01 UTC, as an int. It is what the format stores, compares
fast, and loses nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from wmiwarehouse.lab.binxml import ValueType

if TYPE_CHECKING:
    from wmiwarehouse.lab.ledger import Entry
    from wmiwarehouse.lab.staging import Origin

TICKS_PER_SECOND = 10_000_000
MS = TICKS_PER_SECOND // 1000
_EPOCH = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
_UNIX_EPOCH_SECONDS = 11_644_473_600


def to_ticks(moment: dt.datetime) -> int:
    """Ticks of an aware datetime."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1) * 10


def to_datetime(ticks: int) -> dt.datetime:
    """The UTC datetime of a tick count, cut to microseconds."""
    return _EPOCH + dt.timedelta(microseconds=ticks // 10)


def to_unix(ticks: int) -> int:
    """Whole seconds since 1970, as Sysmon puts them into its GUIDs."""
    return ticks // TICKS_PER_SECOND - _UNIX_EPOCH_SECONDS


def millisecond_text(ticks: int) -> str:
    """Sysmon's own time text: ``2024-05-06 07:08:09.123``, UTC."""
    return to_datetime(ticks).replace(tzinfo=None).isoformat(" ", "milliseconds")


def guid_text(guid: bytes) -> str:
    """A stored GUID as Windows writes it in messages: lower case, in braces."""
    tail = guid[8:].hex()
    return f"{{{guid[3::-1].hex()}-{guid[5:3:-1].hex()}-{guid[7:5:-1].hex()}-{tail[:4]}-{tail[4:]}}}"


def parse_guid(text: str) -> bytes:
    """Stored bytes of a GUID written as text, with or without braces."""
    plain = bytes.fromhex(text.strip("{}").replace("-", ""))
    return plain[3::-1] + plain[5:3:-1] + plain[7:5:-1] + plain[8:]


def value_text(value_type: ValueType, value: Any) -> str:
    """A value as text, the way Windows renders it into exported XML and NXLog into its fields."""
    if value is None:
        return ""
    match value_type:
        case ValueType.GUID:
            return guid_text(value)
        case ValueType.HEX32 | ValueType.HEX64 | ValueType.POINTER:
            return hex(value)
        case ValueType.BOOL:
            return "true" if value else "false"
        case ValueType.BINARY:
            return bytes(value).hex().upper()
        case ValueType.FILETIME:
            return f"{to_datetime(value):%Y-%m-%dT%H:%M:%S}.{value % TICKS_PER_SECOND:07d}00Z"
        case ValueType.STRINGS:
            return "\r\n".join(value)
        case _:
            return str(value)


class Body(Enum):
    """Where an event keeps its data."""

    EVENT_DATA = "EventData with one named Data per field"
    USER_DATA = "UserData around the provider's own element"
    CLASSIC = "EventData with unnamed strings and a Binary"


class Field(NamedTuple):
    """One datum of an event. A BINARY field of EventData stands in an element of its own name."""

    name: str
    type: ValueType


class Provider(NamedTuple):
    """Who writes an event. A GUID in braces is logged as that text, any other in the binary form."""

    name: str
    guid: str | None = None
    source_name: str | None = None


@dataclass(frozen=True, eq=False, slots=True)
class EventKind:
    """All that is the same in every event of one provider, id and version.

    ``message`` is the text that Windows shows: for Sysmon and Security its first line, else a format string over the
    field names. ``root`` names the element (and its namespace) inside UserData.
    """

    name: str
    provider: Provider
    channel: str
    event_id: int
    version: int
    fields: tuple[Field, ...]
    task: int = 0
    level: int = 0
    opcode: int = 0
    keywords: int = 0
    qualifiers: int | None = None
    body: Body = Body.EVENT_DATA
    root: tuple[str, str] = ("", "")
    message: str = ""
    category: str = ""


@dataclass(slots=True)
class LabEvent:
    """One event of the lab: what happened, when (ticks, UTC) and on which host (FQDN as in ``Computer``).

    ``record_id`` is given when the event is written. ``labels`` say what it is to the analytics that it was
    staged for (analytic, verdict), ``act`` to which staged act it belongs, in which role, ``links`` in which
    entries of the ledger it stands, in which role, and ``origin`` where the session of a child of WMI came from.
    """

    host: str
    kind: EventKind
    ticks: int
    values: tuple[Any, ...]
    process_id: int = 4
    thread_id: int = 0
    user_sid: str | None = None
    activity_id: bytes | None = None
    record_id: int = 0
    labels: tuple[tuple[str, str], ...] = ()
    act: tuple[int, str] | None = None
    links: tuple[tuple[Entry, str], ...] = ()
    origin: Origin | None = None
