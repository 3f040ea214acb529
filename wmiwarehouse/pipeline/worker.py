"""One worker process: reads slices of sources, buffers their records, and flushes them into parts.

A part is a flush across sources, so that a thousand small files don't become a thousand small Parquet files.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from wmiwarehouse.lake import disk
from wmiwarehouse.pipeline.buffer import Buffer, Source
from wmiwarehouse.pipeline.clock import Finding, Offset
from wmiwarehouse.pipeline.mending import sort_out
from wmiwarehouse.pipeline.pool import READY
from wmiwarehouse.readers import containers, reading
from wmiwarehouse.readers.evtx_values import ValueCheck
from wmiwarehouse.readers.model import Outcome, Problem, Records, Slice

if TYPE_CHECKING:
    import pyarrow as pa

    from wmiwarehouse.pipeline.part_writer import PartWriter
    from wmiwarehouse.projection.compiler import Statements

_MOST_PROBLEMS = 1_000


@dataclass(frozen=True)
class Read:
    """Task: put the records of *part* into the lake."""

    source: Source
    part: Slice
    offsets: tuple[Offset, ...] = ()


@dataclass(frozen=True)
class Clock:
    """Task: find out what the records of *part* tell about their hosts' clocks."""

    source: Source
    part: Slice


@dataclass(frozen=True)
class Learn:
    """Task: keep the compiled SQL of a format, before the first source of it."""

    format: str
    statements: Statements


@dataclass(frozen=True)
class Flush:
    """Task: write what is buffered."""


@dataclass(frozen=True)
class Done:
    """Answer to a task."""

    task: Read | Clock | Learn | Flush
    records: int = 0
    findings: tuple[Finding, ...] = ()
    problems: tuple[tuple[int, Problem], ...] = ()
    """(source number, problem); a flush names sources of earlier tasks."""
    left_out: tuple[tuple[int, int], ...] = ()
    """(source number, records that the format's own rule leaves out)"""


@dataclass(frozen=True)
class CannotWrite:
    """Answer of a worker that cannot go on for a reason that is no source's fault, such as a full disk."""

    reason: str


class Worker:
    """Does the tasks of one process; *folder* takes the parts."""

    def __init__(self, writer: PartWriter) -> None:
        self._writer = writer
        self._buffers: dict[str, Buffer] = {}
        self._values = ValueCheck()
        self._word: dict[int, str] = {}
        """What a person calls a record of a source."""
        self._problems: list[tuple[int, Problem]] = []
        self._left_out: Counter[int] = Counter()

    def do(self, task: Read | Clock | Learn | Flush) -> Done:
        """Do one task."""
        if isinstance(task, Learn):
            self._writer.learn(task.format, task.statements)
            return Done(task)
        if isinstance(task, Clock):
            return self._find_clock(task)
        records = 0
        if isinstance(task, Read):
            records = self._read(task)
        else:
            for fmt in list(self._buffers):
                self._flush(fmt)
        problems, self._problems = tuple(_shortened(self._problems)), []
        left_out, self._left_out = tuple(self._left_out.items()), Counter()
        return Done(task, records=records, problems=problems, left_out=left_out)

    def _records(self, source: Source, part: Slice, outcome: Outcome) -> Records:
        """Yield the records of *part*; an archive that breaks off is a problem, what came before it counts."""
        try:
            with source.place.open(part.start) as stream:
                yield from reading.read(stream, part, outcome, source.layout, self._values)
        except containers.DAMAGE as error:
            outcome.problems.append(Problem("", f"reading broke off: {error}", 1))

    def _filled(self, task: Read | Clock, outcome: Outcome, opened: Callable[[], Buffer]) -> Iterator[Buffer]:
        """Put the records of *task* into what *opened* returns; yield each buffer that is full, and the last one."""
        buffer = opened()
        for first, texts in self._records(task.source, task.part, outcome):
            at = 0
            while at < len(texts):
                at += buffer.take(task.source, first, texts, at)
                if buffer.is_full:
                    yield buffer
                    buffer = opened()
        yield buffer

    def _read(self, task: Read) -> int:
        outcome, opened = Outcome(), partial(self._opened, task)
        count = -len(opened())
        for buffer in self._filled(task, outcome, opened):
            count += len(buffer)
            if buffer.is_full:
                self._flush(task.source.format)
        self._problems += [(task.source.number, problem) for problem in outcome.problems]
        return count

    def _opened(self, task: Read) -> Buffer:
        buffer = self._buffers.setdefault(task.source.format, Buffer())
        buffer.offsets[task.source.number] = task.offsets
        self._word[task.source.number] = "line" if task.source.layout.kind == "lines" else "record"
        return buffer

    def _flush(self, fmt: str) -> None:
        buffer = self._buffers.pop(fmt)
        if not buffer:
            return
        self._write(fmt, buffer.record_table(), buffer.source_table(), buffer.clock_table())

    def _write(
        self, fmt: str, records: pa.Table, sources: pa.Table, clock: pa.Table, *, is_alone: bool = False
    ) -> None:
        """Write a part; records that make the projection fail are left out and named."""
        import duckdb

        try:
            self._writer.write(fmt, records, sources, clock)
        except duckdb.IOException:
            raise
        except duckdb.Error as error:
            is_large = isinstance(error, duckdb.OutOfMemoryException)
            if is_large and disk.why(error):
                raise  # no room to spill is no fault of a record
            cause = str(error).splitlines()[0]
        else:
            self._left_out.update(self._writer.left_out(fmt))
            return
        if is_large and records.num_rows == 1 and not is_alone:
            with self._writer.more_memory():
                self._write(fmt, records, sources, clock, is_alone=True)
            return
        invalid = self._writer.invalid(records)
        if invalid:
            found = sort_out(self._writer, records, invalid)
            self._leave_out(found.left_out, "not valid JSON")
            for number, record, what in found.mended:
                self._problems.append(
                    (number, Problem(f"{self._word[number]} {record}", f"{what}: the record is read"))
                )
            if found.records.num_rows:
                self._write(fmt, found.records, sources, clock)
        elif records.num_rows == 1:
            self._leave_out(records, f"cannot be read: {cause}")
        else:
            half = records.num_rows // 2
            for rows in (records.slice(0, half), records.slice(half)):
                self._write(fmt, rows, sources, clock)

    def _leave_out(self, records: pa.Table, reason: str) -> None:
        for row in records.select(["source_no", "source_record"]).to_pylist():
            number = row["source_no"]
            self._problems.append((number, Problem(f"{self._word[number]} {row['source_record']}", reason, 1)))

    def _find_clock(self, task: Clock) -> Done:
        if not self._writer.has_clock(task.source.format):
            return Done(task)
        findings: list[Finding] = []
        for buffer in self._filled(task, Outcome(), Buffer):
            findings += self._clock_of(task.source.format, buffer)
        return Done(task, findings=tuple(findings))

    def _clock_of(self, fmt: str, buffer: Buffer) -> list[Finding]:
        if not buffer:
            return []
        import duckdb

        records = buffer.record_table()
        try:
            rows = self._writer.clock(fmt, records)
        except duckdb.Error:
            with self._writer.more_memory():
                records = sort_out(
                    self._writer, records, self._writer.invalid(records)
                ).records  # named when they are read
                rows = self._writer.clock(fmt, records) if records.num_rows else []
        return [Finding(**row) for row in rows]


def _shortened(problems: list[tuple[int, Problem]]) -> Iterator[tuple[int, Problem]]:
    """Yield the first thousand problems of each source, and one that stands for all the others."""
    seen: Counter[int] = Counter()
    others: dict[int, list[Problem]] = defaultdict(list)
    for number, problem in problems:
        seen[number] += 1
        if seen[number] <= _MOST_PROBLEMS:
            yield number, problem
        else:
            others[number].append(problem)
    for number, rest in others.items():
        reason = f"{len(rest):,} more problems behind this one: {rest[0].reason}"
        yield number, Problem(rest[0].position, reason, sum(problem.lost for problem in rest))


def main(connection: Connection, folder: str, name: str, functions: str) -> None:
    """Entry of a worker process: do what comes over *connection* until the parent ends it, or is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import duckdb
    import pyarrow as pa

    from wmiwarehouse.pipeline.part_writer import PartWriter

    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps what it once had: some 60 MB more at the peak
    with suppress(EOFError, ConnectionError):  # the parent was killed: nobody is left to tell
        try:
            writer = PartWriter(Path(folder), name, functions)
            connection.send(READY)
            worker = Worker(writer)
            while True:
                connection.send(_slim(worker.do(connection.recv())))
        except ConnectionError:
            raise
        except (duckdb.IOException, duckdb.OutOfMemoryException, OSError) as error:
            # Reading has its own net: this was writing. What takes too much memory is the fault of what was read.
            reason = disk.why(error)
            if reason is None and isinstance(error, duckdb.OutOfMemoryException):
                raise
            connection.send(CannotWrite(reason or str(error).splitlines()[0]))


def _end_with_parent() -> None:
    """End this process when its parent has ended, however that came: an orphan must not go on reading."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _slim(done: Done) -> Done:
    """Drop from the answer what the parent knows anyway."""
    return replace(done, task=replace(done.task, offsets=())) if isinstance(done.task, Read) else done
