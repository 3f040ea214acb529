"""One batch on its way into the lake: planned as its files are surveyed, read by the workers, flushed, committed."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.lake import disk
from wmiwarehouse.lake.commit import SourceEntry, commit
from wmiwarehouse.lake.hosts import Hosts
from wmiwarehouse.lake.known import known, newest_ingest, next_ingest
from wmiwarehouse.lake.settings import Settings
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline import moving, worker
from wmiwarehouse.pipeline.clock import Zone, decide, without_findings
from wmiwarehouse.pipeline.own_files import compiled
from wmiwarehouse.pipeline.pool import Pool, Waiting
from wmiwarehouse.pipeline.summary import Progress, Summary
from wmiwarehouse.pipeline.surveyor import Surveyed, Surveyor, size_of
from wmiwarehouse.pipeline.worker import CannotWrite, Clock, Done, Flush, Learn, Read
from wmiwarehouse.readers.model import Problem

_TICK = 0.1
_SMALL = 1 << 18


def stopped(file: str, position: str, reason: str) -> WmiwhError:
    """Return what ends a strict ingest at its first problem."""
    where = f"{file}: {position}: " if position else f"{file}: "
    return WmiwhError(f"{where}{reason}; stopped (--strict), nothing was added", ExitCode.DAMAGED)


class Run:
    """What all batches of one ingest share."""

    def __init__(
        self,
        warehouse: Warehouse,
        workers: int,
        waiting: Waiting,
        ingest_folders: tuple[Path, ...],
        on_progress: Callable[[Progress], None] | None,
        again: bool = False,
        zone: Zone | None = None,
        strict: bool = False,
    ) -> None:
        self.warehouse, self.workers, self.waiting, self.ingest_folders = warehouse, workers, waiting, ingest_folders
        self.zone, self.strict = zone, strict
        self.summary, self.progress = Summary(), Progress()
        self._on_progress = on_progress or (lambda _: None)
        self._started = time.monotonic()
        self.projection = compiled(ingest_folders)
        there = known(warehouse)
        self.newest_ingest = newest_ingest(warehouse.batches())
        #: Contents in the warehouse that are read anew, until they are committed.
        self.again = frozenset(there.contents if again else ())
        self.known = {} if again else there.contents
        self.not_read = there.others
        self.committed_before = warehouse.batches()
        self.settings = Settings.load(warehouse.root)  # wrong ones are refused before hours of reading, not after
        self.computers: set[str] = set()

    def show(self) -> None:
        """Hand the progress to whoever shows it."""
        self.progress.seconds = time.monotonic() - self._started
        self._on_progress(self.progress)


def _load() -> None:
    """Load what the commit needs, while the workers write: before that it would keep them from starting."""
    import duckdb  # noqa: F401
    import pyarrow.parquet  # noqa: F401


def _is_small(task: object) -> bool:
    """Whether a task takes a millisecond or two, as one for a chunk of an EVTX file does."""
    if not isinstance(task, (Read, Clock)):
        return True
    return task.part.end is not None and task.part.end - task.part.start <= _SMALL


class SourcesChanged(Exception):  # noqa: N818 - an event, not a mistake of the caller
    """The files of these sources (``source_file``) are not what they were when they were surveyed."""

    def __init__(self, sources: Sequence[str]) -> None:
        super().__init__(", ".join(sources))
        self.sources = sources


class Batch:
    """One attempt at one batch."""

    def __init__(self, run: Run, group: Sequence[Path], killers: Mapping[str, str]) -> None:
        self._run = run
        self.ingested_at = next_ingest(run.newest_ingest)
        run.newest_ingest = self.ingested_at
        self.id = f"{self.ingested_at:%Y%m%dT%H%M%S.%fZ}-{os.urandom(3).hex()}"
        self._staged = run.warehouse.staging / self.id
        self._sources: dict[int, Surveyed] = {}
        self._others: list[SourceEntry] = []
        self._known: list[str] = []
        self._ready: list[Read | Clock] = []
        self._surveyor = Surveyor(
            group, run.projection, run.known, killers, self.id, self.ingested_at, self._staged / "spool"
        )
        self._surveying = True
        self._pool: Pool | None = None
        self._taught: set[tuple[Connection, str]] = set()
        """Which workers have the SQL of which format."""
        self._files_left: dict[Path, int] = defaultdict(int)
        self._changed: list[str] = []

    def run(self) -> None:
        """Survey, read, flush, commit."""
        thread = threading.Thread(target=self._surveyor.run, daemon=True)
        thread.start()
        try:
            while self._surveying or self._ready or (self._pool and self._pool.busy):
                self._take_surveys()
                self._hand_out()
                self._take_answers()
                self._run.show()
            if self._changed:
                raise SourcesChanged(self._changed)
            self._flush()
            self._name_left_out()
            disk.remove(self._staged / "spool")
        finally:
            self._surveyor.stop.set()
            thread.join()
        self._commit()

    def clean_up(self) -> None:
        """End the workers and remove what was staged and not committed."""
        if self._pool:
            self._pool.end()
        disk.remove(self._staged)

    def _take_surveys(self) -> None:
        while True:
            idle = not self._ready and not (self._pool and self._pool.busy)
            try:
                found = (
                    self._surveyor.found.get(timeout=_TICK)
                    if idle and self._surveying
                    else self._surveyor.found.get_nowait()
                )
            except queue.Empty:
                return
            if found is None:
                self._surveying = False
                return
            if isinstance(found, BaseException):
                raise found
            if isinstance(found, Surveyed):
                self._plan(found)
            else:
                self._run.progress.files_done += 1
                if isinstance(found, SourceEntry):
                    if found.status == "failed":
                        self._stop_if_strict(found.source_file, "", found.reason or "")
                    self._others.append(found)
                    self._run.progress.bytes_done += found.size or 0
                else:
                    self._known.append(found)

    def _plan(self, surveyed: Surveyed) -> None:
        self._sources[surveyed.source.number] = surveyed
        for problem in surveyed.survey.problems:
            self._add_problem(surveyed.source.number, problem)
        surveyed.reads_left = len(surveyed.survey.slices)
        self._files_left[surveyed.source.place.path] += 1
        if self._run.projection.has_clock(surveyed.source.format):
            surveyed.clock_left = len(surveyed.survey.slices)
            self._ready += [Clock(surveyed.source, part) for part in surveyed.survey.slices]
        else:
            surveyed.offsets = tuple(without_findings(self._run.zone))
            self._plan_reads(surveyed)
        if not surveyed.reads_left:
            self._finish(surveyed)

    def _plan_reads(self, surveyed: Surveyed) -> None:
        self._ready += [Read(surveyed.source, part, surveyed.offsets) for part in surveyed.survey.slices]

    # -- reading

    def _hand_out(self) -> None:
        if self._ready and self._pool is None:
            (self._staged / "events").mkdir(parents=True)
            given = (str(self._staged / "events"), self._run.projection.functions)
            self._pool = Pool(
                self._run.workers, worker.main, lambda name: (given[0], name, given[1]), self._run.waiting, _is_small
            )
        while self._ready and self._pool and (connection := self._pool.idle()):
            fmt = self._ready[0].source.format
            if (connection, fmt) not in self._taught:
                self._taught.add((connection, fmt))
                self._pool.give(connection, Learn(fmt, self._run.projection.statements(fmt)))
            self._pool.give(connection, self._ready.pop(0))

    def _take_answers(self) -> None:
        if self._pool and self._pool.busy:
            for answer in self._pool.answers(_TICK):
                self._take(answer)

    def _take(self, done: Done | CannotWrite) -> None:
        if isinstance(done, CannotWrite):
            raise disk.cannot_write(self._run.warehouse.root, done.reason)
        for number, problem in done.problems:
            self._add_problem(number, problem)
        for number, count in done.left_out:
            self._sources[number].left_out += count
        if not isinstance(done.task, (Read, Clock)):
            return
        surveyed = self._sources[done.task.source.number]
        if isinstance(done.task, Clock):
            surveyed.findings += done.findings
            surveyed.clock_left -= 1
            if not surveyed.clock_left:
                surveyed.offsets = tuple(decide(surveyed.findings, self._run.zone))
                self._plan_reads(surveyed)
            return
        self._run.progress.records += done.records
        surveyed.reads_left -= 1
        if surveyed.source.place.divisible and done.task.part.end:
            self._run.progress.bytes_done += done.task.part.end - done.task.part.start
        if not surveyed.reads_left:
            self._finish(surveyed)

    def _finish(self, surveyed: Surveyed) -> None:
        path = surveyed.source.place.path
        if moving.state(path) != surveyed.state:
            self._look_again(surveyed)
        self._files_left[path] -= 1
        if not self._files_left[path]:
            self._run.progress.files_done += 1
            if not surveyed.source.place.divisible:
                self._run.progress.bytes_done += size_of(path)

    def _look_again(self, surveyed: Surveyed) -> None:
        """Judge a file that was written to since its survey: nothing may be kept under the hash of other bytes."""
        if moving.still_begins_with(surveyed.source.place, surveyed.survey):
            size = surveyed.survey.size
            reason = f"grew while it was read: read up to byte {size:,}; what came later is for the next ingest"
            surveyed.entry.problems.append(("", reason, 0))
            surveyed.entry.remarks += 1
        else:
            self._changed.append(surveyed.source.place.text)

    def _add_problem(self, number: int, problem: Problem) -> None:
        entry = self._sources[number].entry
        entry.problems.append((problem.position, problem.reason, problem.lost))
        entry.remarks += problem.is_remark
        if not problem.is_remark:
            self._stop_if_strict(entry.source_file, problem.position, problem.reason)

    def _name_left_out(self) -> None:
        """Say how many records a format's own rule left out, such as previews of the same rows: no damage."""
        for surveyed in self._sources.values():
            if surveyed.left_out:
                number = f"{surveyed.left_out:,} record{'s'[: surveyed.left_out != 1]}"
                reason = f"{number} left out: no event by the rule of format {surveyed.source.format}"
                surveyed.entry.problems.append(("", reason, 0))
                surveyed.entry.remarks += 1

    def _stop_if_strict(self, file: str, position: str, reason: str) -> None:
        if self._run.strict:
            raise stopped(file, position, reason)

    def _flush(self) -> None:
        if not self._pool:
            return
        for connection in self._pool.connections:
            self._pool.give(connection, Flush())
        _load()
        while self._pool.busy:
            self._take_answers()
            self._run.show()
        self._pool.end()

    # -- committing

    def _commit(self) -> None:
        entries = [surveyed.entry for surveyed in self._sources.values()] + self._others
        summary = self._run.summary
        summary.known += self._known
        for entry in self._others:
            (summary.failed if entry.status == "failed" else summary.skipped).append(
                (entry.source_file, entry.reason or "")
            )
        if all((entry.source_file, entry.reason) in self._run.not_read for entry in entries):
            return  # nothing that the source list does not say already
        (self._staged / "events").mkdir(parents=True, exist_ok=True)
        run = self._run
        committed = commit(
            run.warehouse,
            self._staged,
            entries,
            self.ingested_at,
            run.committed_before,
            run.again,
            on_damage=stopped if run.strict else None,
            is_bare=run.projection.is_bare,
        )
        summary.displaced += committed.displaced
        read_again = {entry.source_id for entry in entries if entry.source_id in run.again}
        summary.again += len(read_again)
        run.again -= read_again
        for entry in entries:
            summary.problems += [(entry.source_file, *problem) for problem in entry.problems]
            summary.remarks += entry.remarks
        for count in committed.formats:
            total = summary.formats[count.format]
            total.files += count.files
            total.records += count.records
            total.duplicates += count.duplicates
            total.problems += count.problems
        self._run.computers |= committed.computers
        summary.hosts = len(Hosts.among(self._run.computers, self._run.settings).known)
        summary.first_time = min(filter(None, (summary.first_time, committed.first_time)), default=None)
        summary.last_time = max(filter(None, (summary.last_time, committed.last_time)), default=None)
        self._run.committed_before = self._run.warehouse.batches()
