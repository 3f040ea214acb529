"""Ingest: finds the sources in the given paths, has the workers read them, and commits what they read.

One batch holds whole sources up to some gigabytes, so a long ingest keeps what it has done when it is interrupted. The
parent surveys the files (hash, headers, checksums) in a thread while the workers read; a worker that dies costs the
source it was reading: the batch is begun again without it.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.lake import disk
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.batch import Batch, Run, SourcesChanged
from wmiwarehouse.pipeline.clock import Zone
from wmiwarehouse.pipeline.pool import Waiting, WorkerDied
from wmiwarehouse.pipeline.summary import Progress, Summary
from wmiwarehouse.pipeline.surveyor import size_of
from wmiwarehouse.pipeline.worker import Clock, Read
from wmiwarehouse.readers.recognise import files

__all__ = ["Progress", "Summary", "ingest"]

_BATCH_BYTES = 4 << 30
_MOST_MOVED = 100
_MOVES = "changed while it was read, more than once: copy it first (a live log: wevtutil epl), and ingest the copy"


def ingest(
    paths: Sequence[Path],
    warehouse: Warehouse,
    *,
    workers: int = 2,
    ingest_folders: Sequence[Path] = (),
    again: bool = False,
    assume_tz: str | None = None,
    strict: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    waiting: Waiting | None = None,
) -> Summary:
    """Read every event log in *paths* into *warehouse*; call it while holding the warehouse's lock.

    *paths* are files or folders (walked); *ingest_folders* are further folders in the shape of ``ingest/``.
    With *again* contents that the warehouse has already are read once more, and replaced. Times without a zone are
    taken to be in *assume_tz*, whatever else tells their zone. With *strict* the first problem ends it
    (:class:`WmiwhError`, exit 5), and the warehouse is what it was before. The first workers are those of *waiting*.
    Raises :class:`WmiwhError` where a path does not exist, *assume_tz* or the settings are wrong (exit 2), or no file
    is there at all (exit 3).
    """
    zone = Zone.of(assume_tz) if assume_tz is not None else None
    found = check(paths)
    with waiting or Waiting() as workers_ahead:
        run = Run(warehouse, workers, workers_ahead, tuple(ingest_folders), on_progress, again, zone, strict)
        started = time.monotonic()
        sizes = [size_of(path) for path in found]
        run.progress.files, run.progress.bytes = len(found), sum(sizes)
        # A folder of logs has other files in it, too: no worker is needed to pass over them once more.
        known_sizes = {*run.known.values(), *run.not_read.values()}
        workers_ahead.start(min(workers, sum(size not in known_sizes for size in sizes)))
        for group in [found] if strict else _groups(found):  # a batch is committed whole or not at all
            _one_batch(run, group)
    run.summary.seconds = time.monotonic() - started
    run.summary.files = len(found)
    return run.summary


def check(paths: Sequence[Path]) -> list[Path]:
    """Return every file in *paths*; raises :class:`WmiwhError` if a path does not exist or there is no file at all."""
    for path in paths:
        try:
            if not path.exists():
                raise WmiwhError(f"{path}: no such file or folder", ExitCode.USAGE)
        except OSError as error:
            raise WmiwhError(f"{path}: {error.strerror or error}", ExitCode.USAGE) from None
    found = list(files(paths))
    if not found:
        raise WmiwhError(f"{', '.join(map(str, paths))}: no files in it", ExitCode.NO_DATA)
    return found


def _groups(found: Iterable[Path]) -> Iterator[list[Path]]:
    group: list[Path] = []
    size = 0
    for path in found:
        if group and size + size_of(path) > _BATCH_BYTES:
            yield group
            group, size = [], 0
        group.append(path)
        size += size_of(path)
    if group:
        yield group


def _one_batch(run: Run, group: Sequence[Path]) -> None:
    """Read and commit one group of files; begun again without the culprit if a worker dies.

    A death at no source's reading (somebody or the system killed it) is forgiven once.
    """
    forgiven = False
    moved: Counter[str] = Counter()
    killers: dict[str, str] = {}
    saved = (run.progress.files_done, run.progress.bytes_done, run.progress.records)
    while True:
        run.progress.files_done, run.progress.bytes_done, run.progress.records = saved
        attempt = Batch(run, group, killers)
        try:
            attempt.run()
            return
        except WorkerDied as died:
            if not isinstance(died.task, (Read, Clock)):
                if forgiven:
                    raise WmiwhError(f"{died}; nothing of this batch was committed") from None
                forgiven = True
                continue
            killers[died.task.source.place.text] = f"a worker ended with {died.exit_code} while reading it"
        except SourcesChanged as changed:
            moved.update(changed.sources)
            killers |= {one: _MOVES for one in changed.sources if moved[one] > 1 or moved.total() > _MOST_MOVED}
        except disk.failures() as error:
            reason = disk.why(error)
            if reason is None or not _is_ours(error, run.warehouse):
                raise
            raise disk.cannot_write(run.warehouse.root, reason) from None
        finally:
            attempt.clean_up()


def _is_ours(error: Exception, warehouse: Warehouse) -> bool:
    """Whether *error* is, or may be, about the warehouse's disk and not about a log that cannot be read."""
    name = getattr(error, "filename", None)
    return name is None or Path(os.fsdecode(name)).is_relative_to(warehouse.root)
