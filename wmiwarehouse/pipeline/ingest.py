"""Ingest: finds the sources in the given paths, has the workers read them, and commits what they read.

One batch holds whole sources up to some gigabytes, so a long ingest keeps what it has done when it is interrupted. The
parent surveys the files (hash, headers, checksums) in a thread while the workers read; a worker that dies costs the
source it was reading: the batch is begun again without it.
"""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.frontmatter import FrontMatterError
from wmiwarehouse.lake.commit import SourceEntry, commit
from wmiwarehouse.lake.known import known
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline import worker
from wmiwarehouse.pipeline.buffer import Buffer, Source
from wmiwarehouse.pipeline.clock import Finding, Offset, decide
from wmiwarehouse.pipeline.pool import Pool, WorkerDied
from wmiwarehouse.pipeline.worker import CannotWrite, Clock, Done, Flush, Read
from wmiwarehouse.projection.compiler import IngestFileError, Projection
from wmiwarehouse.readers import containers, evtx, jsonlines
from wmiwarehouse.readers.model import Problem, Survey
from wmiwarehouse.readers.recognise import Candidate, Skipped, files, recognise
from wmiwarehouse.schema import EVENT_COLUMNS

_BATCH_BYTES = 4 << 30
_TICK = 0.1


@dataclass
class Progress:
    """What a progress display shows; handed to the callback as it grows."""

    files: int = 0
    files_done: int = 0
    bytes: int = 0
    bytes_done: int = 0
    records: int = 0
    seconds: float = 0.0


@dataclass
class FormatCount:
    """Totals of one format."""

    files: int = 0
    records: int = 0
    duplicates: int = 0
    problems: int = 0


@dataclass
class Summary:
    """What an ingest did."""

    formats: dict[str, FormatCount] = field(default_factory=lambda: defaultdict(FormatCount))
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """(file, reason) of what is no event log."""
    failed: list[tuple[str, str]] = field(default_factory=list)
    """(file, reason) of event logs that could not be read at all."""
    known: list[str] = field(default_factory=list)
    """Files whose content the warehouse has already."""
    problems: list[tuple[str, str, str, int]] = field(default_factory=list)
    """(file, position, reason, records lost)"""
    hosts: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None
    seconds: float = 0.0
    files: int = 0

    @property
    def records(self) -> int:
        """Records added to the lake, copies among them."""
        return sum(count.records for count in self.formats.values())

    @property
    def duplicates(self) -> int:
        """How many of them are copies of others."""
        return sum(count.duplicates for count in self.formats.values())

    @property
    def lost(self) -> int:
        """Records that are known to be lost."""
        return sum(lost for *_, lost in self.problems)

    @property
    def exit_code(self) -> ExitCode:
        """The contract's exit code for this ingest."""
        return ExitCode.DAMAGED if self.problems or self.failed else ExitCode.DONE


@dataclass
class _Surveyed:
    """A source on its way: its survey, what is left to do for it, and what was found."""

    source: Source
    survey: Survey
    entry: SourceEntry
    clock_left: int = 0
    reads_left: int = 0
    findings: list[Finding] = field(default_factory=list)
    offsets: tuple[Offset, ...] = ()


def ingest(
    paths: Sequence[Path],
    warehouse: Warehouse,
    *,
    workers: int = 2,
    ingest_folders: Sequence[Path] = (),
    on_progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Read every event log in *paths* into *warehouse*; call it while holding the warehouse's lock.

    *paths* are files or folders (walked); *ingest_folders* are further folders in the shape of ``ingest/``.
    Raises :class:`WmiwhError` where a path does not exist (exit 2) or no file is there at all (exit 3).
    """
    for path in paths:
        if not path.exists():
            raise WmiwhError(f"{path}: no such file or folder", ExitCode.USAGE)
    found = list(files(paths))
    if not found:
        raise WmiwhError(f"{', '.join(map(str, paths))}: no files in it", ExitCode.NO_DATA)
    run = _Run(warehouse, workers, tuple(ingest_folders), on_progress)
    started = time.monotonic()
    run.progress.files, run.progress.bytes = len(found), sum(map(_size, found))
    for group in _groups(found):
        run.batch(group)
    run.summary.seconds = time.monotonic() - started
    run.summary.files = len(found)
    return run.summary


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _groups(found: Iterable[Path]) -> Iterator[list[Path]]:
    group: list[Path] = []
    size = 0
    for path in found:
        if group and size + _size(path) > _BATCH_BYTES:
            yield group
            group, size = [], 0
        group.append(path)
        size += _size(path)
    if group:
        yield group


def _compiled(folders: Sequence[Path]) -> Projection:
    """Return the projection; raises :class:`WmiwhError` (exit 2) for a file that no worker could use."""
    try:
        projection = Projection(*folders)
        names = list(projection.formats) if folders else []  # the shipped files are known to compile
        queries = {name: [projection.select(name), projection.clock(name)] for name in names}
    except (IngestFileError, FrontMatterError, OSError, UnicodeDecodeError) as error:
        raise WmiwhError(str(error), ExitCode.USAGE) from None
    if folders:
        _bind(projection, queries)
    return projection


def _bind(projection: Projection, queries: Mapping[str, Iterable[str | None]]) -> None:
    """Let DuckDB look at what a user's own files made, which only it can judge."""
    import duckdb

    empty = Buffer()
    with duckdb.connect() as connection:
        connection.execute(projection.functions)
        for name, table in (
            ("records", empty.record_table()),
            ("sources", empty.source_table()),
            ("clock", empty.clock_table()),
        ):
            connection.register(name, table)
        for name, statements in queries.items():
            try:
                for statement in filter(None, statements):
                    connection.execute(f"explain {statement}")
                select = connection.sql(projection.select(name))
                types = dict(zip(select.columns, map(str, select.types), strict=True))
                for column, kind in EVENT_COLUMNS.items():
                    if types[column] != kind.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"):
                        raise WmiwhError(
                            f"format {name!r}: column {column!r} comes out as {types[column]}, not {kind}",
                            ExitCode.USAGE,
                        )
            except duckdb.Error as error:
                where = ", ".join(map(str, projection.folders))
                text = f"format {name!r} with the files of {where}: {str(error).splitlines()[0]}"
                raise WmiwhError(text, ExitCode.USAGE) from None


class _Run:
    """One call of :func:`ingest`."""

    def __init__(
        self,
        warehouse: Warehouse,
        workers: int,
        ingest_folders: tuple[Path, ...],
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.warehouse, self.workers, self.ingest_folders = warehouse, workers, ingest_folders
        self.summary, self.progress = Summary(), Progress()
        self._on_progress = on_progress or (lambda _: None)
        self._started = time.monotonic()
        self._projection = _compiled(ingest_folders)
        self._json_formats = {f.name: f.keys for f in self._projection.formats.values() if f.reader == "json"}
        self._known, self._listed = known(warehouse)
        self._committed_before = warehouse.batches()
        self.hosts: set[str] = set()

    def batch(self, group: Sequence[Path]) -> None:
        """Read and commit one group of files; begun again without the culprit if a worker dies."""
        killers: dict[str, str] = {}
        saved = (self.progress.files_done, self.progress.bytes_done, self.progress.records)
        while True:
            self.progress.files_done, self.progress.bytes_done, self.progress.records = saved
            attempt = _Batch(self, group, killers)
            try:
                attempt.run()
                return
            except WorkerDied as died:
                if not isinstance(died.task, (Read, Clock)):
                    raise WmiwhError(f"{died}; nothing of this batch was committed") from None
                killers[died.task.source.place.text] = f"a worker ended with {died.exit_code} while reading it"
            finally:
                attempt.clean_up()

    def show(self) -> None:
        """Hand the progress to whoever shows it."""
        self.progress.seconds = time.monotonic() - self._started
        self._on_progress(self.progress)


class _Batch:
    """One attempt at one batch."""

    def __init__(self, run: _Run, group: Sequence[Path], killers: dict[str, str]) -> None:
        self._run, self._group, self._killers = run, group, killers
        self.ingested_at = datetime.now(UTC)
        self.id = f"{self.ingested_at:%Y%m%dT%H%M%S.%fZ}-{os.urandom(3).hex()}"
        self._staged = run.warehouse.staging / self.id
        self._sources: dict[int, _Surveyed] = {}
        self._others: list[SourceEntry] = []
        self._known: list[str] = []
        self._ready: list[Read | Clock] = []
        self._surveys: queue.SimpleQueue[_Surveyed | SourceEntry | str | BaseException | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._surveying = True
        self._pool: Pool | None = None
        self._hashed: tuple[Path, str] | None = None
        self._files_left: dict[Path, int] = defaultdict(int)

    def run(self) -> None:
        """Survey, read, flush, commit."""
        thread = threading.Thread(target=self._survey_all, daemon=True)
        thread.start()
        try:
            while self._surveying or self._ready or (self._pool and self._pool.busy):
                self._take_surveys()
                self._hand_out()
                self._take_answers()
                self._run.show()
            self._flush()
        finally:
            self._stop.set()
            thread.join()
        self._commit()

    def clean_up(self) -> None:
        """End the workers and remove what was staged and not committed."""
        if self._pool:
            self._pool.kill()
        shutil.rmtree(self._staged, ignore_errors=True)

    # -- surveying, in a thread of its own

    def _survey_all(self) -> None:
        try:
            for path in self._group:
                for found in recognise(path, self._run._json_formats):
                    if self._stop.is_set():
                        return
                    self._surveys.put(self._survey(found))
        except BaseException as error:  # noqa: BLE001 - raised again where it can be told
            self._surveys.put(error)
        finally:
            self._surveys.put(None)

    def _survey(self, found: Candidate | Skipped) -> _Surveyed | SourceEntry | str:
        place = found.place
        text = place.text
        if isinstance(found, Skipped):
            status = "failed" if found.damaged else "skipped"
            return SourceEntry(None, text, None, _size(place.path), None, status, found.reason)
        if text in self._killers:
            return SourceEntry(None, text, None, _size(place.path), found.format, "failed", self._killers[text])
        reader = self._run._projection.formats[found.format].reader
        try:
            with place.open() as stream:
                survey = (evtx if reader == "evtx" else jsonlines).survey(stream, divisible=place.divisible)
            file_sha256 = self._file_sha256(place.path) if place.container else survey.sha256
        except containers.DAMAGE as error:
            return SourceEntry(None, text, None, None, found.format, "failed", f"cannot be read: {error}")
        if survey.sha256 in self._run._known:
            return text
        number = len(self._sources)
        uid_key = (
            hashlib.sha256(f"{survey.sha256}\0{place.member}".encode("utf-8", "surrogateescape")).hexdigest()[:32] + ":"
        )
        source = Source(number, place, found.format, reader, survey.sha256, uid_key, self.id, self.ingested_at)
        entry = SourceEntry(survey.sha256, text, file_sha256, survey.size, found.format, "read")
        surveyed = _Surveyed(source, survey, entry)
        self._sources[number] = surveyed
        return surveyed

    def _file_sha256(self, path: Path) -> str:
        """Hash an archive once for all its members."""
        if self._hashed is None or self._hashed[0] != path:
            with path.open("rb") as stream:
                self._hashed = path, hashlib.file_digest(stream, "sha256").hexdigest()
        return self._hashed[1]

    def _take_surveys(self) -> None:
        while True:
            idle = not self._ready and not (self._pool and self._pool.busy)
            try:
                found = self._surveys.get(timeout=_TICK) if idle and self._surveying else self._surveys.get_nowait()
            except queue.Empty:
                return
            if found is None:
                self._surveying = False
                return
            if isinstance(found, BaseException):
                raise found
            if isinstance(found, _Surveyed):
                self._plan(found)
            else:
                self._run.progress.files_done += 1
                if isinstance(found, SourceEntry):
                    self._others.append(found)
                    self._run.progress.bytes_done += found.size or 0
                else:
                    self._known.append(found)

    def _plan(self, surveyed: _Surveyed) -> None:
        surveyed.entry.problems += [(p.position, p.reason, p.lost) for p in surveyed.survey.problems]
        surveyed.reads_left = len(surveyed.survey.slices)
        self._files_left[surveyed.source.place.path] += 1
        if self._run._projection.formats[surveyed.source.format].clock is not None:
            surveyed.clock_left = len(surveyed.survey.slices)
            self._ready += [Clock(surveyed.source, part) for part in surveyed.survey.slices]
        else:
            self._plan_reads(surveyed)
        if not surveyed.reads_left:
            self._finish(surveyed)

    def _plan_reads(self, surveyed: _Surveyed) -> None:
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
            raise WmiwhError(
                f"{self._run.warehouse.root} cannot be written: {done.reason}; nothing of this batch was committed"
            )
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

    def _finish(self, surveyed: _Surveyed) -> None:
        path = surveyed.source.place.path
        self._files_left[path] -= 1
        if not self._files_left[path]:
            self._run.progress.files_done += 1
            if not surveyed.source.place.divisible:
                self._run.progress.bytes_done += _size(path)

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
        if all((entry.source_file, entry.reason) in self._run._listed for entry in entries):
            return  # nothing that the source list does not say already
        (self._staged / "events").mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._staged / "spill", ignore_errors=True)
        committed = commit(self._run.warehouse, self._staged, entries, self.ingested_at, self._run._committed_before)
        for entry in entries:
            summary.problems += [(entry.source_file, *problem) for problem in entry.problems]
        for count in committed.formats:
            total = summary.formats[count.format]
            total.files += count.files
            total.records += count.records
            total.duplicates += count.duplicates
            total.problems += count.problems
        self._run.hosts |= committed.hosts
        summary.hosts = len(self._run.hosts)
        summary.first_time = min(filter(None, (summary.first_time, committed.first_time)), default=None)
        summary.last_time = max(filter(None, (summary.last_time, committed.last_time)), default=None)
        self._run._committed_before = self._run.warehouse.batches()
