"""What the survey of a file finds, and what reading a part of it returns: the words that all readers share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from wmiwarehouse.readers.containers import DAMAGE


@dataclass(frozen=True)
class Problem:
    """Something that a hunter has to know about a source: what could not be read, or was read in spite of damage."""

    position: str
    """Where in the file: ``chunk 3``, ``line 12 (byte 40960)``; empty for the file as a whole."""
    reason: str
    lost: int = 0
    """How many records are known to be lost by it."""
    is_remark: bool = False
    """Whether nothing is wrong: it has to be known, and is no reason to stop."""


@dataclass(frozen=True)
class Slice:
    """A part of a source that can be read on its own: bytes ``start`` to ``end`` (None: to the end)."""

    start: int = 0
    end: int | None = None
    first_record: int = 1
    """Ordinal (EVTX) or line number (JSON) of the first record in it."""
    mend: frozenset[int] = frozenset()
    """EVTX: offsets of the chunks in it that need mending before they can be parsed."""


@dataclass(frozen=True)
class Content:
    """The bytes of a source as one pass met them: where a stream breaks off, what came before it still counts."""

    stream: BinaryIO
    problems: list[Problem] = field(default_factory=list)

    def read(self, size: int) -> bytes:
        """Read up to *size* bytes; nothing at the end, and where the stream is damaged."""
        try:
            return self.stream.read(size)
        except DAMAGE as error:
            self.problems.append(Problem("", f"cannot be read to its end: {error}"))
            return b""


@dataclass
class Survey:
    """What one pass over a source tells: its identity, its parts, what is wrong with it."""

    sha256: str
    size: int
    slices: list[Slice]
    problems: list[Problem] = field(default_factory=list)


#: More than this nobody reads of one slice, and a file of nothing but damage would fill the memory with them.
MOST_PROBLEMS = 1_000


class Problems(list[Problem]):
    """A list of problems in which one stands for all those behind the first thousand."""

    def append(self, problem: Problem) -> None:
        """Take *problem*."""
        if len(self) < MOST_PROBLEMS:
            super().append(problem)
            self._others, self._first = 0, problem
            return
        self._others += 1
        if self._others == 1:
            self._first = problem
            super().append(problem)
        else:
            reason = f"{self._others:,} more problems behind this one: {self._first.reason}"
            self[-1] = Problem(self._first.position, reason, self[-1].lost + problem.lost)


@dataclass
class Outcome:
    """Collected while a slice is read."""

    problems: list[Problem] = field(default_factory=Problems)


#: Records of one slice that lie one behind the other: the first one's ordinal, and their JSON texts, all of them str or
#: all of them bytes in UTF-8. To hand over each record by itself costs more than a record's share of a run does.
Records = Iterator[tuple[int, list[str] | list[bytes]]]


def each(records: Records) -> Iterator[tuple[int, str]]:
    """Yield every record of *records* of its own: (ordinal, JSON text)."""
    for first, texts in records:
        for ordinal, text in enumerate[str | bytes](texts, first):
            yield ordinal, text if isinstance(text, str) else text.decode()
