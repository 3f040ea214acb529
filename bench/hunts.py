"""How long do hunts take in a large warehouse, and how much memory?

``python -m bench.hunts [ROWS]`` makes logs with the lab, multiplies their warehouse to ROWS (100,000,000) events and
measures hunts in processes of their own with ``--memory`` for DuckDB: the first time, when nothing is remembered of the
lake, and warm (median of 3). The system's file cache is as it comes. Prints a table, and all of it as one JSON line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.common import UNIT, Ran, facts, ingest, lab_logs, run, table, wmiwh
from bench.replicate import replicate
from wmiwarehouse.lake import remembered
from wmiwarehouse.lake.warehouse import Warehouse

_HUNTS = ("wmiprvse_children", "car_2016_03_002", "lateral_movement")
_RUNS = 3
_SLOWEST = 12

Measured = dict[str, Any]


def build(folder: Path, records: int) -> tuple[Path, float]:
    """Make the warehouse; return it and the seconds that multiplying took."""
    ingest(lab_logs(folder / "logs", min(records, UNIT)), folder / "one")
    there = sum(row["records"] for row in _sources(folder / "one"))
    copies = max(1, round(records / there))
    started = time.perf_counter()

    def told(copy: int) -> None:
        sys.stderr.write(f"\r{copy * there:,} of {copies * there:,} records" + "\n" * (copy == copies))

    replicate(folder / "one", folder / "warehouse", copies, told)
    return folder / "warehouse", time.perf_counter() - started


def _sources(root: Path) -> list[dict[str, Any]]:
    from wmiwarehouse.lake import tables

    return [row for batch in Warehouse.open(root).batches() for row in tables.read(batch.table("sources"))]


def command(root: Path, names: list[str], memory: str, limit: float) -> Measured:
    """``wmiwh hunt`` as a whole command."""
    remembered.forget_all(root)
    runs: list[Ran] = []
    for _ in range(1 + _RUNS):
        runs.append(wmiwh("hunt", *names, "-w", root, memory=memory, limit=limit))
        if runs[-1].error:
            break
    title = f"wmiwh hunt {' '.join(names)}".strip()
    return _result(title, [one.seconds for one in runs[:1]], [one.seconds for one in runs[1:]], runs)


def inside(root: Path, title: str, arguments: list[str], memory: str, limit: float) -> tuple[Measured, list[Measured]]:
    """One of the modes of :mod:`bench.child`; return its sum, and what it said of each analytic."""
    ran = run(["-m", "bench.child", arguments[0], root, *arguments[1:]], memory=memory, limit=limit)
    said = [json.loads(line) for line in ran.out.splitlines()]
    first = [line["seconds"] for line in said if line["run"] == "first"]
    warm = [line["seconds"] for line in said if line["run"] == "warm"]
    is_one = arguments[0] == "one"
    result = _result(title, [sum(first)], warm if is_one else [sum(warm)][: bool(warm)], [ran])
    failed = [f"{line['name']}: {line['error']}" for line in said if "error" in line]
    result["error"] = result["error"] or ("; ".join(dict.fromkeys(failed)) or None)
    views: dict[str, Measured] = {}
    for line in said:
        view = views.setdefault(line["name"] or "(what several read)", {"hits": line.get("hits")})
        view.setdefault(line["run"], round(line["seconds"], 3))
        view |= {"error": line["error"]} if "error" in line else {}
    return result, [{"name": name, **view} for name, view in views.items()]


def _result(title: str, first: list[float], warm: list[float], runs: list[Ran]) -> Measured:
    peaks = [one.peak_mb for one in runs if one.peak_mb is not None]
    return {
        "name": title,
        "first": round(first[0], 3) if first else None,
        "warm": round(statistics.median(warm), 3) if warm else None,
        "peak_mb": max(peaks, default=None),
        "error": next((one.error for one in runs if one.error), None),
    }


def measure(root: Path, memory: str, limit: float) -> tuple[list[Measured], list[Measured]]:
    """Return the measurements, and those of single views."""
    found = []
    for name in _HUNTS:
        found.append(command(root, [name], memory, limit))
        found.append(inside(root, f"  in an open process: {name}", ["one", name], memory, limit)[0])
    found.append(command(root, [], memory, limit))
    result, views = inside(root, "  in an open process: all views", ["several"], memory, limit)
    found.append(result)
    for kind in ("session", "chain"):
        result, _ = inside(root, f"  in an open process: {kind} views", ["several", kind], memory, limit)
        found.append(result)
    return found, views


def main() -> int:
    """Build or take a warehouse, measure, print; 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.hunts", description="Time hunts in a large warehouse.")
    parser.add_argument("rows", type=int, nargs="?", default=100_000_000)
    parser.add_argument("--memory", default="4GB", help="for DuckDB in each hunt")
    parser.add_argument("--limit", type=float, default=3600, help="seconds after which a process is ended")
    parser.add_argument("--warehouse", type=Path, help="measure in this one; what it remembers is dropped")
    parser.add_argument("--folder", type=Path, help="where to make a new one, and leave it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        root, seconds = (options.warehouse, None) if options.warehouse else build(folder, options.rows)
        files = [path for batch in Warehouse.open(root).batches() for path in batch.event_files]
        about = {
            "records": sum(row["records"] for row in _sources(root)),
            "event_files": len(files),
            "lake_megabytes": round(sum(path.stat().st_size for path in files) / 1e6),
            "multiplied_seconds": seconds and round(seconds, 1),
            "memory": options.memory,
        } | facts()
        found, views = measure(root, options.memory, options.limit)
    for key, value in about.items():
        sys.stdout.write(f"{key:20} {value}\n")
    columns = ("name", "first", "warm", "peak_mb", "error")
    head = ("", "first s", "warm s", "peak MB", "")
    sys.stdout.write("\n" + table(head, [[line[column] for column in columns] for line in found]))
    slow = sorted(views, key=lambda view: -view.get("first", 0.0))[:_SLOWEST]
    columns = ("name", "first", "warm", "hits", "error")
    head = (f"slowest {len(slow)} of all views", "first s", "warm s", "hits", "")
    sys.stdout.write("\n" + table(head, [[view.get(column) for column in columns] for view in slow]))
    sys.stdout.write("\n" + json.dumps(about | {"measured": found, "views": views}) + "\n")
    return int(any(line["error"] for line in found))


if __name__ == "__main__":
    sys.exit(main())
