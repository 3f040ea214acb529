"""A disk that is full at any moment of an ingest: one line, nothing half visible, and done once there is room."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.lake import catalog, disk, duplicates
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline import part_writer, worker
from wmiwarehouse.pipeline.ingest import ingest

Logs = Any
Commands = Any
Check = Callable[[Path], set[str]]
Hits = Callable[[Path], dict[str, Any]]

_MIB = 1 << 20
_NO_SPILL = "No space left on device for what does not fit into memory"


class SmallDisk:
    """A disk of 24 MiB of which a file takes all but what a test leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "w"

    @property
    def free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def leave(self, size: int) -> None:
        with (self.folder / "filler").open("ab") as filler:
            while (rest := self.free - size) > 0:
                filler.write(bytes(min(rest, _MIB)))
                filler.flush()

    def make_room(self) -> None:
        (self.folder / "filler").unlink()


@pytest.fixture(scope="module")
def small_disk(mount_disk: Callable[[Path, str], AbstractContextManager[None]], tmp_path_factory: Any) -> Any:
    folder = tmp_path_factory.mktemp("disk")
    with mount_disk(folder, "size=24m"):
        yield SmallDisk(folder)


@pytest.fixture
def full(small_disk: SmallDisk) -> Iterator[SmallDisk]:
    yield small_disk
    for path in small_disk.folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture(scope="module")
def alone(logs: Logs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that one worker made undisturbed: how two share the files, and so its size, differs each time."""
    root: Path = tmp_path_factory.mktemp("alone") / "w"
    ingest([logs.folder], Warehouse.create(root), workers=1)
    catalog.refresh_database(Warehouse.open(root), Library.load())
    return root


def lake_bytes(root: Path, pattern: str) -> int:
    """What the files of the warehouse *root* take on the small disk, in pages."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in root.glob(pattern))


@pytest.mark.parametrize("moment", ["start", "parts", "a part", "tables", "mark"])
def test_an_ingest_into_a_full_disk_leaves_nothing_and_completes_when_there_is_room(
    moment: str, full: SmallDisk, logs: Logs, alone: Path, commands: Commands, check: Check, hits: Hits
) -> None:
    parts, tables = lake_bytes(alone, "lake/*/events/*"), lake_bytes(alone, "lake/*/*.*")
    room = {"start": 4096, "parts": parts // 4, "a part": parts - 8192, "tables": parts + tables // 2, "mark": 0}
    full.leave(room[moment])
    code, said = commands.run("ingest", logs.folder, "-w", full.root, "--workers", 1)
    assert code == 1
    assert said.count("\n") == 1, said
    assert said.startswith(f"wmiwh: {full.root} cannot be written: No space left on device"), said
    if moment != "mark":
        assert said.endswith(
            "; nothing of this batch was committed. "
            f"Free some space, then run it again: wmiwh ingest PATH... -w {full.root}\n"
        )
        assert list((full.root / ".staging").iterdir()) == []
    assert check(full.root) == set()
    full.make_room()
    code, said = commands.run("ingest", logs.folder, "-w", full.root)
    assert code == 0, said
    assert check(full.root) == set(logs.records)
    assert hits(full.root) == logs.hits
    assert catalog.is_current(Warehouse.open(full.root), Library.load())


def test_what_was_committed_before_stays(full: SmallDisk, logs: Logs, commands: Commands, check: Check) -> None:
    code, said = commands.run("ingest", logs.folder / "WS01", "-w", full.root)
    assert code == 0, said
    before = check(full.root)
    full.leave(100_000)
    code, said = commands.run("ingest", logs.folder, "-w", full.root)
    assert (code, said.count("\n")) == (1, 1), said
    assert check(full.root) == before
    code, said = commands.run("hunt", "wmiprvse_children", "-f", "csv", "-w", full.root)
    assert code == 0, said
    full.make_room()
    assert commands.run("ingest", logs.folder, "-w", full.root)[0] == 0
    assert check(full.root) == set(logs.records)


@pytest.mark.parametrize("room", [0.02, 0.5, 0.9])
def test_an_ingest_is_done_though_there_is_no_room_for_the_database_of_other_tools(
    room: float, full: SmallDisk, logs: Logs, alone: Path, commands: Commands, check: Check
) -> None:
    needed = lake_bytes(alone, "lake/*/**/*.*") + 16_384
    # While it is built it takes as much again for DuckDB's log.
    full.leave(needed + int(room * lake_bytes(alone, "warehouse.duckdb")))
    code, said = commands.run("ingest", logs.folder, "-w", full.root, "--workers", 1)
    assert code == 0, said
    assert (
        f"wmiwh: warning: {full.root}/warehouse.duckdb cannot be written: No space left on device; there is none yet. "
        "Other tools do not see the new records; the next hunt builds it again\n"
    ) in said
    assert "Traceback" not in said
    assert check(full.root) == set(logs.records)
    assert sorted(path.name for path in full.root.iterdir() if ".new" in path.name) == []
    hunted, said = commands.run("hunt", "wmiprvse_children", "-f", "csv", "-w", full.root)
    assert hunted == 0, said
    assert not (full.root / "warehouse.duckdb").exists()
    full.make_room()
    assert commands.run("hunt", "wmiprvse_children", "-f", "csv", "-w", full.root)[0] == 0
    assert catalog.is_current(Warehouse.open(full.root), Library.load())


def spilling_main(connection: Any, folder: str, name: str, functions: str) -> None:
    """A worker whose records do not fit into memory and that finds no room for what it has to spill."""
    part_writer._MEMORY = "14MB"
    worker.main(connection, folder, name, functions)


def test_no_room_to_spill_is_the_disks_fault_and_costs_no_record(
    full: SmallDisk, logs: Logs, monkeypatch: pytest.MonkeyPatch, check: Check
) -> None:
    warehouse = Warehouse.create(full.root)
    full.leave(lake_bytes(logs.warehouse, "lake/*/events/*") + 1_000_000)
    with monkeypatch.context() as patched:
        patched.syspath_prepend(str(Path(__file__).parent))
        patched.setattr(spilling_main, "__module__", Path(__file__).stem)
        patched.setitem(sys.modules, Path(__file__).stem, sys.modules[__name__])
        patched.setattr(worker, "main", spilling_main)
        with warehouse.writing(), pytest.raises(WmiwhError, match=_NO_SPILL):
            ingest([logs.folder], warehouse, workers=1)
    assert check(full.root) == set()
    assert list(warehouse.staging.iterdir()) == []
    full.make_room()
    with warehouse.writing():
        assert ingest([logs.folder], warehouse).records == sum(logs.records.values())


def test_no_room_to_spill_while_duplicates_are_looked_for(
    full: SmallDisk, logs: Logs, monkeypatch: pytest.MonkeyPatch, check: Check
) -> None:
    warehouse = Warehouse.create(full.root)
    with warehouse.writing():
        ingest([logs.folder / "WS01"], warehouse)
    before = check(full.root)

    def find(connection: Any, *_: object) -> None:
        connection.execute("set memory_limit = '12MB'")
        connection.execute("create table much as select i, md5(i::varchar) as t from range(3000000) as r (i)")

    monkeypatch.setattr(duplicates, "find", find)
    full.leave(lake_bytes(logs.warehouse, "lake/*/events/*") + 1_000_000)
    with warehouse.writing(), pytest.raises(WmiwhError, match=f"{_NO_SPILL}; nothing of this batch was committed"):
        ingest([logs.folder], warehouse)
    assert check(full.root) == before
    assert list(warehouse.staging.iterdir()) == []


def test_a_path_to_run_again_can_be_pasted(tmp_path: Path) -> None:
    said = str(disk.cannot_write(tmp_path / "my case", "No space left on device"))
    assert said.endswith(f"wmiwh ingest PATH... -w '{tmp_path}/my case'")
    assert "run it again" not in str(disk.cannot_write(tmp_path, "Read-only file system"))


def test_what_is_not_the_disks_fault_keeps_its_traceback() -> None:
    assert disk.why(ValueError("a bug")) is None
    assert disk.why(OSError(5, "Input/output error")) is None
    assert disk.why(OSError(28, "x")) == "No space left on device"
