"""How fast is ingest, as ratios that mean the same on every machine?

``python bench/ingest.py [--megabytes 500] [--keep]`` makes logs with the lab and runs, in turn, in one go: plain
parsing with the ``evtx`` package and ingest of the same EVTX, with two processes and with one; DuckDB's own JSON reader
and ingest of NXLog JSON lines; 600 small EVTX; and the ingest of what is there already. It prints a table of medians
beside what they should reach, and one JSON line; with ``--keep`` that line goes into ``bench/history.jsonl``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.plain import lake_against_zstd, parse, read_json

_HISTORY = Path(__file__).parent / "history.jsonl"
_SMALL_FILES = 600
#: Figure -> (what it is, what it has to reach, what it should).
_GOALS = {
    "evtx_ratio": ("EVTX: ingest / plain parsing, 2 processes each", 3.8, 2.5),
    "json_ratio": ("NXLog JSON: ingest / read_json with explicit columns", 4.0, 3.0),
    "two_workers": ("EVTX: 1 worker / 2 workers (more is better)", 1.8, 1.8),
    "small_seconds": (f"{_SMALL_FILES} EVTX of 68 KB, whole process, seconds", 0.7, 0.5),
    "again_seconds": ("the same logs again, seconds without hashing", 0.3, 0.3),
    "worker_mb": ("peak memory of the largest worker, MB", 400, 250),
    "size_ratio": ("lake / zstd -19 of the raw JSON", 1.0, 0.7),
}
# The command in a process of its own, which tells what its workers took at most.
_RUN = """
import resource, sys
from wmiwarehouse.__main__ import main
if __name__ == "__main__":
    try:
        main()
    finally:
        unit = 1024 * 1024 if sys.platform == "darwin" else 1024
        sys.stderr.write(f"\\npeak {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit:.0f}\\n")
"""


def ingest(logs: Path, warehouse: Path, workers: int = 2, *, fresh: bool = True) -> tuple[float, int]:
    """Ingest as a user would, commit and views included; return seconds and the largest worker's peak in MB."""
    if fresh:
        shutil.rmtree(warehouse, ignore_errors=True)
    script = warehouse.with_suffix(".py")
    script.write_text(_RUN, encoding="utf-8")
    command = [sys.executable, str(script), "ingest", str(logs), "-w", str(warehouse), "--workers", str(workers)]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own command
    seconds = time.perf_counter() - started
    return seconds, int(done.stderr.rpartition("peak ")[2])


def small(logs: Path, folder: Path) -> Path:
    """Make 600 EVTX files of one chunk each out of *logs*."""
    from wmiwarehouse.readers.evtx import file_header

    folder.mkdir()
    done = 0
    for path in sorted(logs.rglob("*.evtx"), key=lambda path: -path.stat().st_size):
        data = path.read_bytes()
        for start in range(4096, len(data), 65_536):
            if done < _SMALL_FILES:
                (folder / f"{done:03}.evtx").write_bytes(file_header(1) + data[start : start + 65_536])
                done += 1
    return folder


def _hashing(logs: Path) -> float:
    """Return how long it takes to hash *logs* once."""
    started = time.perf_counter()
    for path in logs.rglob("*.evtx"):
        with path.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")
    return time.perf_counter() - started


def measure(megabytes: int, runs: int, folder: Path) -> dict[str, float]:
    """Return every figure; each pair of a ratio is measured side by side, *runs* times."""
    from wmiwarehouse.lab import generate

    generate(folder / "evtx", formats=("evtx",), target_bytes=megabytes * 1_000_000)
    generate(folder / "json", formats=("nxlog",), target_bytes=megabytes * 1_000_000)
    # Not the folders above them: there the lab's truth lies, which no reader has to look through.
    logs, lines, warehouse = folder / "evtx" / "evtx", folder / "json" / "nxlog", folder / "warehouse"
    few = small(logs, folder / "small")
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> float:
        found.setdefault(name, []).append(value)
        return value

    for _ in range(runs):
        seconds, peak = ingest(few, warehouse)
        note("small_seconds", seconds)
        note("worker_mb", peak)
        baseline = note("read_json_seconds", read_json(lines))
        seconds, peak = ingest(lines, warehouse)
        note("json_ratio", note("json_seconds", seconds) / baseline)
        note("worker_mb", peak)
        one, _ = ingest(logs, warehouse, workers=1)
        baseline = note("plain_seconds", parse(logs))
        seconds, peak = ingest(logs, warehouse)
        note("evtx_ratio", note("evtx_seconds", seconds) / baseline)
        note("two_workers", one / seconds)
        note("worker_mb", peak)
        note("again_seconds", ingest(logs, warehouse, fresh=False)[0] - _hashing(logs))
    note("size_ratio", lake_against_zstd(logs, warehouse))
    figure: dict[str, Callable[[list[float]], float]] = {"worker_mb": max}
    return {name: round(figure.get(name, statistics.median)(values), 2) for name, values in found.items()}


def main() -> None:
    """Measure, print, and keep the figures if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=500, help="of EVTX and of JSON lines (500)")
    parser.add_argument("--runs", type=int, default=3, help="of which the medians are taken (3)")
    parser.add_argument("--keep", action="store_true", help="append the figures to bench/history.jsonl")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        figures = measure(given.megabytes, given.runs, Path(name))
    for key, (title, reach, attempt) in _GOALS.items():
        sys.stdout.write(f"{title:55} {figures[key]:8.2f}   goal {reach:g} / {attempt:g}\n")
    result = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "version": version("wmiwarehouse"),
        "megabytes": given.megabytes,
        "machine": f"{platform.system()} {platform.machine()}, {multiprocessing.cpu_count()} processors",
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("duckdb", "pyarrow", "evtx")},
        "figures": figures,
    }
    sys.stdout.write(json.dumps(result) + "\n")
    if given.keep:
        with _HISTORY.open("a", encoding="utf-8", newline="\n") as history:
            history.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
