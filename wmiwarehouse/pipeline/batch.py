"""One batch on its way into the lake: planned as its files are surveyed, read by the workers, flushed, committed."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from wmiwarehouse.lake import disk
from wmiwarehouse.lake.commit import SourceEntry, commit
from wmiwarehouse.lake.hosts import Hosts
from wmiwarehouse.lake.known import known
from wmiwarehouse.lake.settings import Settings
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline import worker
from wmiwarehouse.pipeline.clock import decide
from wmiwarehouse.pipeline.own_files import compiled
from wmiwarehouse.pipeline.pool import Pool
from wmiwarehouse.pipeline.summary import Progress, Summary
from wmiwarehouse.pipeline.surveyor import Surveyed, Surveyor, size_of
from wmiwarehouse.pipeline.worker import CannotWrite, Clock, Done, Flush, Read
from wmiwarehouse.readers.model import Problem

_TICK = 0.1


class Run:
    """What all batches of one ingest share."""

    def __init__(
        self,
        warehouse: Warehouse,
        workers: int,
        ingest_folders: tuple[Path, ...],
        on_progress: Callable[[Progress], None] | None,
        again: bool = False,
    ) -> None:
        self.warehouse, self.workers, self.ingest_folders = warehouse, workers, ingest_folders
        self.summary, self.progress = Summary(), Progress()
        self._on_progress = on_progress or (lambda _: None)
        self._started = time.monotonic()
        self.projection = compiled(ingest_folders)
        self.known, self.listed = known(warehouse)
        #: Contents in the warehouse that are read anew, until they are committed.
        self.again: frozenset[str] = self.known if again else frozenset()
        self.known = frozenset() if again else self.known
        self.committed_before = warehouse.batches()
        self.settings = Settings.load(warehouse.root)  # wrong ones are refused before hours of reading, not after
        self.computers: set[str] = set()

    def show(self) -> None:
        """Hand the progress to whoever shows it."""
        self.progress.seconds = time.monotonic() - self._started
        self._on_progress(self.progress)


class Batch:
    """One attempt at one batch."""

    def __init__(self, run: Run, group: Sequence[Path], killers: Mapping[str, str]) -> None:
        self._run = run
        self.ingested_at = datetime.now(UTC)
        self.id = f"{self.ingested_at:%Y%m%dT%H%M%S.%fZ}-{os.urandom(3).hex()}"
        self._staged = run.warehouse.staging / self.id
        self._sources: dict[int, Surveyed] = {}
        self._others: list[SourceEntry] = []
        self._known: list[str] = []
        self._ready: list[Read | Clock] = []
        self._surveyor = Surveyor(group, run.projection, run.known, killers, self.id, self.ingested_at)
        self._surveying = True
        self._pool: Pool | None = None
        self._files_left: dict[Path, int] = defaultdict(int)

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
            self._flush()
        finally:
            self._surveyor.stop.set()
            thread.join()
        self._commit()

    def clean_up(self) -> None:
        """End the workers and remove what was staged and not committed."""
        if self._pool:
            self._pool.kill()
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
                    self._others.append(found)
                    self._run.progress.bytes_done += found.size or 0
                else:
                    self._known.append(found)

    def _plan(self, surveyed: Surveyed) -> None:
        self._sources[surveyed.source.number] = surveyed
        surveyed.entry.problems += [(p.position, p.reason, p.lost) for p in surveyed.survey.problems]
        surveyed.reads_left = len(surveyed.survey.slices)
        self._files_left[surveyed.source.place.path] += 1
        if self._run.projection.formats[surveyed.source.format].clock is not None:
            surveyed.clock_left = len(surveyed.survey.slices)
            self._ready += [Clock(surveyed.source, part) for part in surveyed.survey.slices]
        else:
            self._plan_reads(surveyed)
        if not surveyed.reads_left:
            self._finish(surveyed)

    def _plan_reads(self, surveyed: Surveyed) -> None:
        self._ready += [Read(surveyed.source, part, surveyed.offsets) for part in surveyed.survey.slices]

    # -- reading

    def _hand_out(self) -> None:
        if self._ready and self._pool is None:
            (self._staged / "events").mkdir(parents=True)
            folders = tuple(map(str, self._run.ingest_folders))
            self._pool = Pool(
                self._run.workers, worker.main, lambda name: (str(self._staged / "events"), name, folders)
            )
        while self._ready and self._pool and (connection := self._pool.idle()):
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
        if isinstance(done.task, Flush):
            return
        surveyed = self._sources[done.task.source.number]
        if isinstance(done.task, Clock):
            surveyed.findings += done.findings
            surveyed.clock_left -= 1
            if not surveyed.clock_left:
                surveyed.offsets = tuple(decide(surveyed.findings))
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
        self._files_left[path] -= 1
        if not self._files_left[path]:
            self._run.progress.files_done += 1
            if not surveyed.source.place.divisible:
                self._run.progress.bytes_done += size_of(path)

    def _add_problem(self, number: int, problem: Problem) -> None:
        self._sources[number].entry.problems.append((problem.position, problem.reason, problem.lost))

    def _flush(self) -> None:
        if not self._pool:
            return
        for connection in self._pool.connections:
            self._pool.give(connection, Flush())
        while self._pool.busy:
            self._take_answers()
            self._run.show()
        self._pool.close()

    # -- committing

    def _commit(self) -> None:
        entries = [surveyed.entry for surveyed in self._sources.values()] + self._others
        summary = self._run.summary
        summary.known += self._known
        for entry in self._others:
            (summary.failed if entry.status == "failed" else summary.skipped).append(
                (entry.source_file, entry.reason or "")
            )
        if all((entry.source_file, entry.reason) in self._run.listed for entry in entries):
            return  # nothing that the source list does not say already
        (self._staged / "events").mkdir(parents=True, exist_ok=True)
        run = self._run
        committed = commit(run.warehouse, self._staged, entries, self.ingested_at, run.committed_before, run.again)
        read_again = {entry.source_id for entry in entries if entry.source_id in run.again}
        summary.again += len(read_again)
        run.again -= read_again
        for entry in entries:
            summary.problems += [(entry.source_file, *problem) for problem in entry.problems]
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
