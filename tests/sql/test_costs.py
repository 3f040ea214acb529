"""What a hunt scans and what an ingest does, against ``costs.toml`` beside this file: no test of time, and no noise.

On one small lake that is always the same: how often each view reads the lake, how many row groups and rows of it;
and for a number of small logs how many statements and files their ingest takes. More than is written there fails; less
is welcome. ``WMIWH_GOLDEN=1`` before pytest writes the file anew; read the difference before it is committed.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from tests.sql import costs
from tests.sql.costs import Counts
from wmiwarehouse.content.library import Library
from wmiwarehouse.lab import generate
from wmiwarehouse.lake import compact
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest

GOLDEN = Path(__file__).with_name("costs.toml")
RENEW = os.environ.get("WMIWH_GOLDEN") == "1"

_EXPLAINED = """\
# What each view scans of the lake that test_costs.py makes, and what ingests of small logs take: the most that passes.
# Written by WMIWH_GOLDEN=1 pytest tests/sql/test_costs.py.
"""
#: Small enough that the lake has several, which a view can pass over.
_ROW_GROUP = 2048
_FEW = 20

Tables = dict[str, dict[str, Counts]]


def small_logs(folder: Path, lines: list[bytes]) -> list[Path]:
    """Two hundred logs of ten lines."""
    folder.mkdir()
    for number in range(200):
        (folder / f"{number:03}.json").write_bytes(b"\n".join(lines[number * 10 :][:10]) + b"\n")
    return sorted(folder.iterdir())


def ingested(root: Path, logs: list[Path]) -> Counts:
    warehouse = Warehouse.create(root)
    before = {one.id for one in warehouse.batches()}
    with costs.counting() as statements, warehouse.writing():
        ingest(logs, warehouse, workers=1)
    (new,) = (one for one in warehouse.batches() if one.id not in before)
    files = sum(1 for path in new.folder.rglob("*") if path.is_file())
    return {"statements": len(statements), "parts": len(new.event_files), "files": files}


def measured(folder: Path) -> Tables:
    generate(folder, formats=("evtx", "nxlog"))
    evtx = sorted((folder / "evtx").rglob("*.evtx"))
    lines = [line for path in sorted((folder / "nxlog").iterdir()) for line in path.read_bytes().splitlines()[:200]]
    small = small_logs(folder / "small", lines)
    ingests = {
        f"{_FEW}_evtx": ingested(folder / "w", evtx[:_FEW]),
        f"{len(evtx) - _FEW}_evtx": ingested(folder / "w", evtx[_FEW:]),
        f"{_FEW}_nxlog": ingested(folder / "few", small[:_FEW]),
        f"{len(small)}_nxlog": ingested(folder / "many", small),
    }
    warehouse = Warehouse.open(folder / "w")
    with pytest.MonkeyPatch.context() as patch, warehouse.writing():
        patch.setattr(compact, "ROW_GROUP", _ROW_GROUP)
        compact.compact(warehouse)
    return {"views": costs.of_views(folder / "w", Library.load(), folder / "profile.json"), "ingests": ingests}


def write(found: Tables) -> None:
    lines = [_EXPLAINED]
    for title, table in found.items():
        lines.append(f"\n[{title}]\n")
        for name, counts in table.items():
            lines.append(f"{name} = {{ {', '.join(f'{what} = {count}' for what, count in counts.items())} }}\n")
    GOLDEN.write_text("".join(lines), encoding="utf-8", newline="\n")


def test_nothing_costs_more_than_it_did(tmp_path: Path) -> None:
    """One test, because the lake takes longer to make than anything that is asked of it."""
    found = measured(tmp_path)
    if RENEW:
        write(found)
    golden: Tables = tomllib.loads(GOLDEN.read_text(encoding="utf-8"))
    assert {table: sorted(names) for table, names in golden.items()} == {
        table: sorted(names) for table, names in found.items()
    }
    dearer = [
        f"{name}: {count:,} {what}, not {golden[table][name][what]:,} at most"
        for table, names in found.items()
        for name, counts in names.items()
        for what, count in counts.items()
        if count > golden[table][name][what]
    ]
    assert dearer == []
    assert {counts["parts"] for counts in found["ingests"].values()} == {1}  # whatever the number of logs
