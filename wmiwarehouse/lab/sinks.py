"""Where events go: one folder of files per format, opened as hosts and channels appear."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from wmiwarehouse.lab.evtx_exported import ExportedEvtxWriter
from wmiwarehouse.lab.evtx_writer import EvtxWriter
from wmiwarehouse.lab.exports import WRITERS
from wmiwarehouse.lab.exports.base import ExportFolder
from wmiwarehouse.lab.model import LabEvent
from wmiwarehouse.lab.nxlog import NxlogSettings, NxlogWriter
from wmiwarehouse.lab.world import host_folder


class Sink(Protocol):
    """One format's output."""

    @property
    def size(self) -> int:
        """Bytes so far."""

    def write(self, event: LabEvent) -> None:
        """Write one event."""

    def close(self) -> dict[str, int]:
        """Complete the files; their paths below the output folder with their numbers of records."""


class EvtxFolder:
    """``<name>/<HOST>/<channel>.evtx`` with Windows' own file names."""

    def __init__(self, folder: Path, name: str, writer: type[EvtxWriter]) -> None:
        self._folder = folder
        self._name = name
        self._writer = writer
        self._writers: dict[tuple[str, str], tuple[str, EvtxWriter]] = {}

    @property
    def size(self) -> int:
        """Bytes of log so far."""
        return sum(writer.size for _, writer in self._writers.values())

    def write(self, event: LabEvent) -> None:
        """Write one event to its host's and channel's file."""
        log = (event.host, event.kind.channel)
        opened = self._writers.get(log)
        if opened is None:
            path = f"{self._name}/{host_folder(event.host)}/{event.kind.channel.replace('/', '%4')}.evtx"
            (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
            opened = self._writers[log] = (path, self._writer(self._folder / path, event.host))
        opened[1].write(event)

    def close(self) -> dict[str, int]:
        """Complete the files."""
        for _, writer in self._writers.values():
            writer.close()
        return {path: writer.records for path, writer in self._writers.values()}


class NxlogFolder:
    """``nxlog/<HOST>.json``, all channels of a host in one file, as a collector leaves them."""

    def __init__(self, folder: Path, settings: NxlogSettings) -> None:
        self._folder = folder
        self._settings = settings
        self._writers: dict[str, tuple[str, NxlogWriter]] = {}

    @property
    def size(self) -> int:
        """Bytes so far."""
        return sum(writer.size for _, writer in self._writers.values())

    def write(self, event: LabEvent) -> None:
        """Write one event to its host's file."""
        opened = self._writers.get(event.host)
        if opened is None:
            path = f"nxlog/{host_folder(event.host)}.json"
            (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
            opened = self._writers[event.host] = (path, NxlogWriter(self._folder / path, self._settings))
        opened[1].write(event)

    def close(self) -> dict[str, int]:
        """Complete the files."""
        for _, writer in self._writers.values():
            writer.close()
        return {path: writer.records for path, writer in self._writers.values()}


def open_sink(name: str, folder: Path, settings: NxlogSettings) -> Sink:
    """The output of a format by its name: ``evtx``, ``exported`` (EVTX as Event Viewer saves it), ``nxlog``, or one of
    :data:`~wmiwarehouse.lab.exports.WRITERS`.
    """
    match name:
        case "evtx":
            return EvtxFolder(folder, "evtx", EvtxWriter)
        case "exported":
            return EvtxFolder(folder, "exported", ExportedEvtxWriter)
        case "nxlog":
            return NxlogFolder(folder, settings)
        case _ if name in WRITERS:
            return ExportFolder(folder, name, WRITERS[name], settings)
        case _:
            raise ValueError(f"no such format: {name}")
