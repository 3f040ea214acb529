"""What a hunt scans and what an ingest does, against ``costs.toml`` beside this file: no test of time, and no noise.

On one small lake that is always the same: how often each view reads the lake, how many row groups and rows of it;
and for a number of small logs how many statements and files their ingest takes. More than is written there fails; less
is welcome. ``WMIWH_GOLDEN=1`` before pytest writes the file anew; read the difference before it is committed.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Costs:
    views: dict[str, Counts]
    ingests: dict[str, Counts]


def nxlog(folder: Path, logs: Path) -> Path:
    """Two hundred logs of ten lines."""
    lines = [line for path in sorted((logs / "nxlog").iterdir()) for line in path.read_bytes().splitlines()[:200]]
    folder.mkdir()
    for number in range(200):
        (folder / f"{number:03}.json").write_bytes(b"\n".join(lines[number * 10 :][:10]) + b"\n")
    return folder


def ingested(root: Path, logs: list[Path]) -> Counts:
    warehouse = Warehouse.create(root)
    before = {one.id for one in warehouse.batches()}
    with costs.counting() as statements, warehouse.writing():
        ingest(logs, warehouse, workers=1)
    (new,) = (one for one in warehouse.batches() if one.id not in before)
    files = sum(1 for path in new.folder.rglob("*") if path.is_file())
    return {"statements": len(statements), "parts": len(new.event_files), "files": files}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Costs]:
    folder = tmp_path_factory.mktemp("costs")
    generate(folder, formats=("evtx", "nxlog"))
    evtx = sorted((folder / "evtx").rglob("*.evtx"))
    small = sorted(nxlog(folder / "small", folder).iterdir())
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
    views = costs.of_views(folder / "w", Library.load(), folder / "profile.json")
    if RENEW:
        write(Costs(views, ingests))
    yield Costs(views, ingests)
    shutil.rmtree(folder, ignore_errors=True)


def write(found: Costs) -> None:
    lines = [_EXPLAINED]
    for title, table in (("views", found.views), ("ingests", found.ingests)):
        lines.append(f"\n[{title}]\n")
        for name, counts in table.items():
            lines.append(f"{name} = {{ {', '.join(f'{what} = {count}' for what, count in counts.items())} }}\n")
    GOLDEN.write_text("".join(lines), encoding="utf-8", newline="\n")


def above(found: dict[str, Counts], table: str) -> list[str]:
    """What costs more than the golden file says, or is not in it."""
    golden = tomllib.loads(GOLDEN.read_text(encoding="utf-8"))[table]
    return [
        f"{name}: {count:,} {what}, not at most {golden.get(name, {}).get(what, 'what costs.toml should say')}"
        for name, counts in found.items()
        for what, count in counts.items()
        if count > golden.get(name, {}).get(what, -1)
    ]


def test_no_view_scans_more_than_it_did(measured: Costs) -> None:
    assert above(measured.views, "views") == []


def test_no_ingest_of_small_logs_does_more_than_it_did(measured: Costs) -> None:
    assert above(measured.ingests, "ingests") == []


def test_more_logs_are_no_more_files(measured: Costs) -> None:
    assert {counts["parts"] for counts in measured.ingests.values()} == {1}


def test_nothing_in_the_golden_file_is_gone(measured: Costs) -> None:
    golden = tomllib.loads(GOLDEN.read_text(encoding="utf-8"))
    assert golden["views"].keys() == measured.views.keys()
    assert golden["ingests"].keys() == measured.ingests.keys()
