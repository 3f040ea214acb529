"""Looks through files ahead of the workers, in a thread of the parent: what each is, its hash, what is wrong."""

from __future__ import annotations

import hashlib
import itertools
import queue
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from wmiwarehouse.lake.commit import SourceEntry
from wmiwarehouse.pipeline import moving
from wmiwarehouse.pipeline.buffer import Source
from wmiwarehouse.pipeline.clock import Finding, Offset
from wmiwarehouse.projection.compiler import Projection
from wmiwarehouse.readers import containers, reading
from wmiwarehouse.readers.model import Survey
from wmiwarehouse.readers.recognise import Candidate, Skipped, recognise
from wmiwarehouse.readers.shapes import Shape, Shapes


@dataclass
class Surveyed:
    """A source on its way: its survey, what is left to do for it, and what was found."""

    source: Source
    survey: Survey
    entry: SourceEntry
    state: tuple[int, ...]
    """The file as it was before the survey (:func:`wmiwarehouse.pipeline.moving.state`)."""
    clock_left: int = 0
    reads_left: int = 0
    findings: list[Finding] = field(default_factory=list)
    offsets: tuple[Offset, ...] = ()
    left_out: int = 0
    """Records that the format's own rule leaves out."""


#: What the surveyor says of a source: it can be read, why it is not, or (a text) that its content is known already.
Answer = Surveyed | SourceEntry | str


def size_of(path: Path) -> int:
    """Return the size of *path*, 0 if it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def shapes(projection: Projection) -> Shapes:
    """Return what the readers have to know of the formats."""
    return Shapes(
        Shape(
            fmt.name,
            fmt.reader,
            fmt.keys,
            fmt.not_keys,
            fmt.at,
            fmt.each,
            fmt.event_xml,
            fmt.data_xml,
            fmt.dotted,
            fmt.begins,
            fmt.once,
            projection.rank(fmt),
        )
        for fmt in projection.formats.values()
    )


class Surveyor:
    """Surveys one group of files.

    *killers* are sources that a worker died of, *known* contents that are there now, with their sizes.
    """

    def __init__(
        self,
        group: Sequence[Path],
        projection: Projection,
        known: Mapping[str, int | None],
        killers: Mapping[str, str],
        batch_id: str,
        ingested_at: datetime,
        spool: Path,
    ) -> None:
        self._group, self._projection, self._known, self._killers = group, projection, known, killers
        self._batch_id, self._ingested_at = batch_id, ingested_at
        self._known_sizes = frozenset(known.values())
        self._shapes = shapes(projection)
        self._spool = spool
        self._unpacked: Counter[Path] = Counter()
        """Bytes that came out of each archive."""
        self._numbers = itertools.count()
        self._hashed: tuple[Path, str] | None = None
        self.found: queue.SimpleQueue[Answer | BaseException | None] = queue.SimpleQueue()
        self.stop = threading.Event()

    def run(self) -> None:
        """Put every source of the group into :attr:`found`, then None; an exception goes the same way."""
        try:
            for path in self._group:
                for found in recognise(path, self._shapes, self._spool):
                    if self.stop.is_set():
                        return
                    self.found.put(self._survey(found))
        except BaseException as error:  # noqa: BLE001 - raised again where it can be told
            self.found.put(error)
        finally:
            self.found.put(None)

    def _survey(self, found: Candidate | Skipped) -> Surveyed | SourceEntry | str:
        place = found.place
        text = place.text
        if isinstance(found, Skipped):
            status = "failed" if found.damaged else "skipped"
            return SourceEntry(None, text, None, size_of(place.path), None, status, found.reason)
        if text in self._killers:
            return SourceEntry(None, text, None, size_of(place.path), found.format, "failed", self._killers[text])
        reader = self._projection.formats[found.format].reader
        before = moving.state(place.path)
        try:
            if place.container and self._unpacked[place.path] > containers.allowed_in_all(place.path):
                reason = f"its archive grows to more than {containers.MOST_EXPANSION} times its size: unpack it first"
                return SourceEntry(None, text, None, None, found.format, "failed", reason)
            # To hash a file takes less than half of the time of looking at each chunk of it.
            may_be_known = not place.container and size_of(place.path) in self._known_sizes
            if may_be_known and self._file_sha256(place.path) in self._known:
                return text
            with place.open() as stream:
                survey = reading.survey(stream, found.layout, divisible=place.divisible)
            self._unpacked[place.path] += survey.size
            file_sha256 = self._file_sha256(place.path) if place.container else survey.sha256
        except containers.DAMAGE as error:
            return SourceEntry(None, text, None, None, found.format, "failed", f"cannot be read: {error}")
        if survey.sha256 in self._known:
            return text
        uid_key = (
            hashlib.sha256(f"{survey.sha256}\0{place.member}".encode("utf-8", "surrogateescape")).hexdigest()[:32] + ":"
        )
        source = Source(
            next(self._numbers),
            place,
            found.format,
            reader,
            survey.sha256,
            uid_key,
            self._batch_id,
            self._ingested_at,
            found.layout,
        )
        entry = SourceEntry(survey.sha256, text, file_sha256, survey.size, found.format, "read")
        return Surveyed(source, survey, entry, before)

    def _file_sha256(self, path: Path) -> str:
        """Hash a file; an archive once for all its members."""
        if self._hashed is None or self._hashed[0] != path:
            with path.open("rb") as stream:
                self._hashed = path, hashlib.file_digest(stream, "sha256").hexdigest()
        return self._hashed[1]
