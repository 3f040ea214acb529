"""What the large benchmarks share: a warehouse of the lab, commands in processes of their own, facts of the machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wmiwarehouse import __version__
from wmiwarehouse.lab import generate

#: Records of the lab's domain over two days; more of them would be busier hosts, not a larger network.
UNIT = 250_000
_EVTX_BYTES = 840
_DONE = (0, 4)


@dataclass(frozen=True)
class Ran:
    """What a command took."""

    seconds: float
    peak_mb: int | None
    """Of the process itself; None on Windows, which does not say it."""
    out: str
    error: str | None


def run(arguments: Sequence[object], *, memory: str | None = None, limit: float | None = None) -> Ran:
    """Run Python with *arguments*; hunts get *memory*, and everything *limit* seconds."""
    environment = os.environ | ({"WMIWH_MEMORY": memory} if memory else {})
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        started = time.perf_counter()
        command = [sys.executable, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=out, stderr=said, env=environment)  # noqa: S603 - our own command
        timer = threading.Timer(limit or threading.TIMEOUT_MAX, process.kill)
        timer.start()
        peak = _wait(process)
        timer.cancel()
        seconds = time.perf_counter() - started
        out.seek(0)
        said.seek(0)
        error = None
        if limit and seconds >= limit:
            error = f"ended after {limit:.0f} s"
        elif process.returncode not in _DONE:
            error = (said.read().strip().splitlines() or [f"exit {process.returncode}"])[-1]
        return Ran(seconds, peak, out.read(), error)


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    if sys.platform == "win32":
        process.wait()
        return None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return round(usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10))


def wmiwh(*arguments: object, memory: str | None = None, limit: float | None = None) -> Ran:
    """Run ``wmiwh`` as a user would."""
    return run(["-m", "wmiwarehouse", *arguments], memory=memory, limit=limit)


def lab_logs(folder: Path, records: int) -> Path:
    """Make EVTX of about *records* records."""
    generate(folder, target_bytes=records * _EVTX_BYTES)
    return folder / "evtx"


def ingest(logs: Path, warehouse: Path) -> Ran:
    """Ingest *logs*; raises :class:`RuntimeError` where that fails: nothing could be measured then."""
    ran = wmiwh("ingest", logs, "-w", warehouse)
    if ran.error:
        raise RuntimeError(ran.error)
    return ran


def facts() -> dict[str, Any]:
    """Return what a figure means nothing without."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "memory_gb": round(pages / 1e9, 1),
        "python": platform.python_version(),
        "versions": {"wmiwarehouse": __version__} | {name: version(name) for name in ("duckdb", "pyarrow", "evtx")},
    }


def table(head: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """Return *lines* under *head*, the first column to the left, all others to the right."""
    cells = [list(head), *([_cell(value) for value in line] for line in lines)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    rows = (
        "  ".join(text.rjust(width) if column else text.ljust(width) for column, (text, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in cells)
    )
    return "".join(f"{row.rstrip()}\n" for row in rows)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
