"""Does anything grow faster than the data? Ingest and each view at 1, 4 and 16 units, and the exponent over rows.

``python -m bench.growth [UNIT]`` ingests logs of 1, 4 and 16 times UNIT (250,000) events, and takes each view's summary
from nothing in as large warehouses. The exponent is that of the least squares through the logarithms. A fixed cost
hides in it what grows, so the last step alone is given too; it counts where it took a second. Above 1.15 is faster than
n log n and is marked.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.common import UNIT, facts, ingest, lab_logs, run, table
from bench.replicate import replicate
from wmiwarehouse.lake import tables
from wmiwarehouse.lake.warehouse import Warehouse

_SIZES = (1, 4, 16)
_MOST = 1.15
_TELLING = 1.0


def exponent(rows: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the slope of the line through the logarithms of *seconds* over those of *rows*."""
    points = [(math.log(x), math.log(y)) for x, y in zip(rows, seconds, strict=True)]
    middle_x, middle_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    above = sum((x - middle_x) * (y - middle_y) for x, y in points)
    return float(above / sum((x - middle_x) ** 2 for x, _ in points))


def _records(root: Path) -> int:
    batches = Warehouse.open(root).batches()
    return sum(row["records"] for batch in batches for row in tables.read(batch.table("sources")))


def _views(root: Path, memory: str) -> dict[str, float]:
    ran = run(["-m", "bench.child", "each", root], memory=memory)
    if ran.error:
        raise RuntimeError(ran.error)
    best: dict[str, float] = {}
    for line in map(json.loads, ran.out.splitlines()):
        seconds = math.inf if "error" in line else line["seconds"]
        best[line["name"]] = min(best.get(line["name"], math.inf), seconds)
    return best


def measure(folder: Path, unit: int, memory: str) -> dict[str, tuple[list[int], list[float]]]:
    """Return rows and seconds of each thing measured, by size."""
    found: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))

    def note(name: str, rows: int, seconds: float) -> None:
        found[name][0].append(rows)
        found[name][1].append(seconds)

    one = folder / "ingested-1"
    small = lab_logs(folder / "small", 1)
    for size in _SIZES:
        root = folder / f"ingested-{size}"
        ran = ingest(lab_logs(folder / "logs", size * unit), root)
        note("ingest", _records(root), ran.seconds)
        shutil.rmtree(folder / "logs")
        many = folder / f"many-{size}"
        rows = replicate(one, many, size)
        for name, seconds in _views(many, memory).items():
            note(name, rows, seconds)
        note("ingest of a small log into it", rows, ingest(small, many).seconds)
        for done in {root, many} - {one}:
            shutil.rmtree(done)
        sys.stderr.write(f"{rows:,} records measured\n")
    return dict(found)


def judged(name: str, rows: list[int], seconds: list[float]) -> dict[str, Any]:
    """Return the exponents of one thing measured and whether it grows too fast; without them where a size failed."""
    result: dict[str, Any] = {"name": name, "rows": rows, "seconds": [round(value, 3) for value in seconds]}
    if len(seconds) < len(_SIZES) or math.inf in seconds:
        return result | {"seconds": [value for value in result["seconds"] if value != math.inf], "failed": True}
    fit, last = exponent(rows, seconds), exponent(rows[-2:], seconds[-2:])
    too_fast = fit > _MOST or (last > _MOST and seconds[-1] >= _TELLING)
    return result | {"exponent": round(fit, 2), "last_step": round(last, 2), "too_fast": too_fast}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description="Time over rows of ingest and views.")
    parser.add_argument("unit", type=int, nargs="?", default=UNIT)
    parser.add_argument("--memory", default="4GB", help="for DuckDB in each hunt")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name), options.unit, options.memory)
    results = [judged(name, *points) for name, points in found.items()]
    results.sort(key=lambda result: -max(result.get("exponent", math.inf), result.get("last_step", math.inf)))
    lines = [
        [
            result["name"],
            *(result["seconds"] + [None] * len(_SIZES))[: len(_SIZES)],
            result.get("exponent"),
            result.get("last_step"),
            "failed" if result.get("failed") else "faster than n log n" if result["too_fast"] else None,
        ]
        for result in results
    ]
    head = ["", *(f"{size * options.unit:,} s" for size in _SIZES), "exponent", "last step", ""]
    sys.stdout.write(table(head, lines))
    sys.stdout.write("\n" + json.dumps({"unit": options.unit, "memory": options.memory, "measured": results} | facts()))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
