"""How fast is ingest, as a ratio: against the plain ``evtx`` package, with as many processes, over the same EVTX.

``python bench/ingest.py [MEGABYTES]`` makes the logs with the lab, runs both in turn three times, prints a table and
one JSON line. Ratios are what counts: absolute times are the machine's.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

_CHUNKS = 128 * 65_536
_PROCESSES = 2
_RUNS = 3


def _parse(jobs: Any, counts: Any) -> None:
    from evtx import PyEvtxParser

    from wmiwarehouse.readers.evtx import file_header

    records = 0
    while (job := jobs.get()) is not None:
        path, start, end = job
        with path.open("rb") as stream:
            stream.seek(start)
            data = stream.read(end - start)
        parser = PyEvtxParser(io.BytesIO(file_header(len(data) // 65_536) + data), number_of_threads=1)
        records += sum(1 for _ in parser.records_json())
    counts.put(records)


def plain(logs: Path) -> tuple[float, int]:
    """Parse every record to JSON and drop it; return seconds and records."""
    started = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    jobs, counts = context.Queue(), context.Queue()
    processes = [context.Process(target=_parse, args=(jobs, counts)) for _ in range(_PROCESSES)]
    for process in processes:
        process.start()
    for path in sorted(logs.rglob("*.evtx")):
        size = path.stat().st_size
        for start in range(4096, size, _CHUNKS):
            jobs.put((path, start, min(size, start + _CHUNKS)))
    for _ in processes:
        jobs.put(None)
    records = sum(counts.get() for _ in processes)
    for process in processes:
        process.join()
    return time.perf_counter() - started, records


def ingest(logs: Path, warehouse: Path) -> float:
    """Ingest into a new warehouse as a user would, commit included; return seconds."""
    shutil.rmtree(warehouse, ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "wmiwarehouse",
        "ingest",
        str(logs),
        "-w",
        str(warehouse),
        "--workers",
        str(_PROCESSES),
    ]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command
    return time.perf_counter() - started


def main(megabytes: int) -> None:
    """Run the comparison over logs of about *megabytes* MB."""
    from wmiwarehouse.lab import generate

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "logs", target_bytes=megabytes * 1_000_000)
        logs = folder / "logs" / "evtx"
        size = sum(path.stat().st_size for path in logs.rglob("*.evtx"))
        runs = [(*plain(logs), ingest(logs, folder / "warehouse")) for _ in range(_RUNS)]
        lake = sum(path.stat().st_size for path in (folder / "warehouse" / "lake").rglob("*.parquet"))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
    result = {
        "megabytes": round(size / 1e6),
        "records": runs[0][1],
        "plain_seconds": round(statistics.median(run[0] for run in runs), 2),
        "ingest_seconds": round(statistics.median(run[2] for run in runs), 2),
        "ratio": round(statistics.median(run[2] / run[0] for run in runs), 2),
        "lake_megabytes": round(lake / 1e6, 1),
        "largest_process_mb": round(peak),
        "machine": platform.machine(),
        "cpus": multiprocessing.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("duckdb", "pyarrow", "evtx")},
    }
    for key, value in result.items():
        sys.stdout.write(f"{key:20} {value}\n")
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
