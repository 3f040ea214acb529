"""What the writers of exports share: a file of records, and an event's values as text or as JSON has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from wmiwarehouse.lab.binxml import ValueType
from wmiwarehouse.lab.model import TICKS_PER_SECOND, LabEvent, guid_text, to_datetime, value_text
from wmiwarehouse.lab.nxlog import NxlogSettings
from wmiwarehouse.lab.world import host_folder

AUDIT_SUCCESS, AUDIT_FAILURE = 1 << 53, 1 << 52
_HEX = (ValueType.HEX32, ValueType.HEX64, ValueType.POINTER)


class Writer:
    """Writes one file. A format gives :meth:`texts`, and :attr:`before` and :attr:`after` if its file needs them."""

    suffix: ClassVar[str] = ".json"
    encoding: ClassVar[str] = "utf-8"
    before: ClassVar[str] = ""
    between: ClassVar[str] = ""
    after: ClassVar[str] = ""

    def __init__(self, path: Path, settings: NxlogSettings) -> None:
        self.settings = settings
        self.records = 0
        self.size = 0
        self._file = path.open("wb")
        self._put(self.before)

    def texts(self, event: LabEvent) -> Iterator[str]:
        """Yield the records of an event as they stand in the file: none where the format cannot carry it."""
        raise NotImplementedError

    def write(self, event: LabEvent) -> None:
        """Append one event."""
        for text in self.texts(event):
            self._put(self.between + text if self.records else text)
            self.records += 1

    def close(self) -> None:
        """Complete the file."""
        self._put(self.after)
        self._file.close()

    def _put(self, text: str) -> None:
        data = text.encode(self.encoding)
        self._file.write(data)
        self.size += len(data)


class LinesWriter(Writer):
    """Writes JSON lines. A format gives :meth:`row`."""

    def row(self, event: LabEvent) -> dict[str, Any] | None:
        """Return an event as the format's object; None where the format cannot carry it."""
        raise NotImplementedError

    def texts(self, event: LabEvent) -> Iterator[str]:
        """Yield the line."""
        row = self.row(event)
        if row is not None:
            yield compact(row) + "\n"


class ExportFolder:
    """``<name>/<HOST><suffix>``: all channels of a host in one file, as collectors leave them."""

    def __init__(self, folder: Path, name: str, writer: type[Writer], settings: NxlogSettings) -> None:
        self._folder = folder
        self._name = name
        self._writer = writer
        self._settings = settings
        self._writers: dict[str, tuple[str, Writer]] = {}

    @property
    def size(self) -> int:
        """Bytes so far."""
        return sum(writer.size for _, writer in self._writers.values())

    def write(self, event: LabEvent) -> None:
        """Write one event to its host's file."""
        opened = self._writers.get(event.host)
        if opened is None:
            path = f"{self._name}/{host_folder(event.host)}{self._writer.suffix}"
            (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
            opened = self._writers[event.host] = (path, self._writer(self._folder / path, self._settings))
        opened[1].write(event)

    def close(self) -> dict[str, int]:
        """Complete the files."""
        for _, writer in self._writers.values():
            writer.close()
        return {path: writer.records for path, writer in self._writers.values()}


def compact(value: Any) -> str:
    """JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def as_text(event: LabEvent) -> dict[str, str]:
    """The values by name as Windows writes them into XML: hexadecimal and GUIDs in lower case, nothing as ``""``."""
    return {
        field.name: value_text(field.type, value) for field, value in zip(event.kind.fields, event.values, strict=True)
    }


def as_json(event: LabEvent) -> dict[str, Any]:
    """The values by name with JSON's own types, as EVTX parsers give them; None where there is none."""
    return {
        field.name: _native(field.type, value) for field, value in zip(event.kind.fields, event.values, strict=True)
    }


def _native(value_type: ValueType, value: Any) -> Any:
    if value is None:
        return None
    if value_type is ValueType.GUID:
        return guid_text(value)[1:-1].upper()
    if value_type is ValueType.FILETIME:
        return iso(value, 6)
    if value_type is ValueType.BINARY or value_type in _HEX:
        return value_text(value_type, value)
    return list(value) if value_type is ValueType.STRINGS else value


def iso(ticks: int, digits: int = 7, zone: str = "Z") -> str:
    """A time in UTC with so many digits behind the second; Windows' own text has 7, or 9 with two zeros."""
    fraction = f"{ticks % TICKS_PER_SECOND:07d}00"[:digits]
    return f"{to_datetime(ticks):%Y-%m-%dT%H:%M:%S}{'.' if digits else ''}{fraction}{zone}"
