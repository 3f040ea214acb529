"""What a command tells those who operate it: ``--log-file`` (JSON lines) and ``--stats`` (one JSON line on stderr).

Such lines go where event data must not: to log collectors, monitoring, tickets. So nothing from a log can get into
them, not even by mistake: an entry is a name of ours and numbers, and there is no way to hand over a text. Names of
files, hosts and users, error messages and command lines stay on stderr.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from wmiwarehouse import __version__
from wmiwarehouse.errors import ExitCode
from wmiwarehouse.output import console

if TYPE_CHECKING:
    from wmiwarehouse.hunting.line import Line
    from wmiwarehouse.pipeline.summary import Summary
    from wmiwarehouse.report.model import Report

#: What a command can say in the middle.
Event = Literal["ingested", "hunted", "reported", "scored", "verified", "compacted"]
#: Keys that ``--stats`` always has, so that a collector need not ask; None where a command has no such number.
STATS = ("records_added", "records", "files", "hits", "suppressed")

_current: ContextVar[Run | None] = ContextVar("_current", default=None)


@dataclass
class Run:
    """One run of a command: its counts, added up, and where its lines go."""

    command: str
    log_file: Path | None
    id: str = field(default_factory=lambda: os.urandom(4).hex())
    begun: float = field(default_factory=time.monotonic)
    totals: dict[str, int] = field(default_factory=dict)
    found: dict[str, tuple[str, str, int, int]] = field(default_factory=dict)
    """Of each analytic its kind, severity, hits and suppressed hits."""
    is_log_broken: bool = False

    def write(self, event: str, level: str, more: dict[str, Any]) -> None:
        """Append one line to the log file; if that cannot be, say so once and go on."""
        if self.log_file is None or self.is_log_broken:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = {"time": now, "level": level, "command": self.command, "run": self.id, "event": event}
        try:
            _append(self.log_file, f"{json.dumps(head | more)}\n".encode("ascii"))
        except (OSError, ValueError) as error:
            self.is_log_broken = True
            reason = error.strerror if isinstance(error, OSError) else error
            console.warn(f"--log-file {self.log_file}: {reason}; this run goes on without it")

    def summary(self, code: int) -> dict[str, Any]:
        """Return all that ``--stats`` says."""
        return {
            "command": self.command,
            "run": self.id,
            "seconds": round(time.monotonic() - self.begun, 3),
            **{name: self.totals.get(name) for name in STATS},
            **{name: count for name, count in self.totals.items() if name not in STATS},
            "peak_memory_mb": peak_memory_mb(),
            "exit_code": code,
            "versions": _versions(),
        }


@contextmanager
def running(command: str, log_file: Path | None, *, stats: bool) -> Iterator[None]:
    """Write that *command* started and, whatever becomes of it, how it finished."""
    run = Run(command, log_file)
    token = _current.set(run)
    is_told = log_file is not None or stats  # to look the versions up takes some milliseconds
    if is_told:
        run.write("started", "info", {"pid": os.getpid(), "versions": _versions()})
    code: int = ExitCode.FAILED  # what a bug, which goes on with its traceback, ends with
    try:
        yield
        code = ExitCode.DONE
    except typer.Exit as ended:
        code = int(ended.exit_code)
        raise
    finally:
        _current.reset(token)
        if is_told:
            summary = run.summary(code)
            said = {key: value for key, value in summary.items() if key not in ("command", "run") and value is not None}
            run.write("finished", _level(code), said)
            if stats:
                console.note(json.dumps(summary))


def count(event: Event, *, seconds: float | None = None, **counts: int) -> None:
    """Add *counts* to the totals of the command that runs, and write them as one line; elsewhere do nothing."""
    run = _current.get()
    if run is None:
        return
    numbers = {name: int(number) for name, number in counts.items()}  # int(): a text cannot get in
    for name, number in numbers.items():
        # What was looked at is the same in each part of a batch; what was found or added is not.
        before = run.totals.get(name, 0)
        run.totals[name] = max(before, number) if name == "records" else before + number
    run.write(event, "info", numbers | ({} if seconds is None else {"seconds": round(float(seconds), 3)}))


def ingested(summary: Summary) -> None:
    """Count what an ingest did."""
    count(
        "ingested",
        seconds=summary.seconds,
        files=summary.files,
        records_added=summary.records,
        duplicates=summary.duplicates,
        records_lost=summary.lost,
        problems=len(summary.problems) - summary.remarks,
        files_not_read=len(summary.failed),
        files_skipped=len(summary.skipped),
        files_known=len(summary.known),
    )


def hunted(lines: Sequence[Line], records: int) -> None:
    """Count what a hunt found."""
    heads = [(line.analytic.id, line.analytic.metadata) for line in lines]
    _hit(
        "hunted",
        {
            name: (head.kind, head.severity, line.hits, line.suppressed)
            for (name, head), line in zip(heads, lines, strict=True)
        },
        records=records,
        analytics=len(lines),
    )


def reported(report: Report, records: int) -> None:
    """Count what a report shows."""
    movements = sum(case.kind == "lateral movement" for case in report.cases)
    counts = {"cases": len(report.cases), "movements": movements, "changes": len(report.changes)}
    found = {query.id: (query.kind, query.severity, query.hits, query.suppressed) for query in report.queries}
    _hit("reported", found, records=records, **counts)


def _hit(event: Event, found: dict[str, tuple[str, str, int, int]], **counts: int) -> None:
    """Count an *event* with hits; what two parts of a batch find is counted once in its totals."""
    run = _current.get()
    if run is None:
        return
    for name, one in found.items():
        run.found[name] = max(one, run.found.get(name, one), key=lambda known: known[2])
    count(event, **counts, **_hits(found))
    run.totals |= _hits(run.found)


def _hits(found: dict[str, tuple[str, str, int, int]]) -> dict[str, int]:
    """Add up the hits of those kinds that can alarm, as ``--fail-on`` does, in all and by severity."""
    counts = {"hits": 0, "suppressed": sum(suppressed for *_, suppressed in found.values())}
    for kind, severity, hits, _ in found.values():
        if kind in ("detection", "chain") and hits:
            counts["hits"] += hits
            counts[f"hits_{severity}"] = counts.get(f"hits_{severity}", 0) + hits
    return counts


def peak_memory_mb() -> int | None:
    """Return the most memory that this process, or the largest of those it started, ever had; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(most / (1 << 20 if sys.platform == "darwin" else 1 << 10))


def _append(path: Path, line: bytes) -> None:
    # Opened anew for each line, so that a rotation takes effect at once; one write, so that lines of two runs don't
    # mix; without waiting, or a named pipe that nobody reads would hold up the hunt.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, 0o640)
    try:
        if os.write(handle, line) != len(line):
            raise OSError(None, "a line was cut, the disk may be full")
    finally:
        os.close(handle)


def _level(code: int) -> str:
    if code == ExitCode.DONE:
        return "info"
    return "warning" if code in (ExitCode.HITS, ExitCode.DAMAGED) else "error"


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        duckdb = version("duckdb")
    except PackageNotFoundError:  # in a bundle without the packages' own files
        duckdb = "unknown"
    return {"wmiwarehouse": __version__, "duckdb": duckdb, "python": platform.python_version()}
