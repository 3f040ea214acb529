"""A power cut: what is visible was on the disk before, and the name that makes it visible is flushed after."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.lake import catalog, disk
from wmiwarehouse.lake.compact import compact
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest

Logs = Any
State = tuple[int, int, int]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot flush a folder")


class NotDurableError(AssertionError):
    pass


class Recorder:
    """Follows what this process flushes and renames below *root*, and fails where the order is wrong."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._root = root
        self._flushed: dict[int, State] = {}
        """Inode -> its state when it was flushed."""
        self.open_ends: dict[Path, str] = {}
        """Folders that have a new name in them and were not flushed since."""
        self.renamed: list[tuple[str, str]] = []
        self._plain = {name: getattr(os, name) for name in ("fsync", "rename", "replace")}
        monkeypatch.setattr(os, "fsync", self._fsync)
        monkeypatch.setattr(os, "rename", lambda old, new: self._rename("rename", old, new))
        monkeypatch.setattr(os, "replace", lambda old, new: self._rename("replace", old, new))

    def _fsync(self, handle: int) -> None:
        found = os.fstat(handle)
        self._flushed[found.st_ino] = _state(found)
        self.open_ends = {path: name for path, name in self.open_ends.items() if path.stat().st_ino != found.st_ino}
        self._plain["fsync"](handle)

    def _rename(self, how: str, old: Any, new: Any) -> None:
        source, target = Path(old), Path(new)
        if target.is_relative_to(self._root):
            for path in [source, *source.rglob("*")]:
                found = path.stat()
                if self._flushed.get(found.st_ino) != _state(found):
                    raise NotDurableError(f"{path} became visible and was not flushed")
            self.renamed.append((source.name, target.name))
            self._plain[how](old, new)
            self.open_ends[target.parent] = target.name
        else:
            self._plain[how](old, new)


def _state(found: os.stat_result) -> State:
    return found.st_size, found.st_mtime_ns, found.st_mode


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Warehouse.create(tmp_path / "w").root


def _ingest(logs: Logs, root: Path) -> None:
    warehouse = Warehouse.open(root)
    with warehouse.writing():
        assert ingest([logs.folder / "WS01"], warehouse, workers=1).records


def test_a_batch_is_flushed_before_it_is_renamed_and_the_lake_after(
    logs: Logs, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        recorder = Recorder(root, patched)
        _ingest(logs, root)
    (batch,) = Warehouse.open(root).batches()
    assert recorder.renamed == [(batch.id, batch.id)]
    assert recorder.open_ends == {}
    files = [path for path in batch.folder.rglob("*") if path.is_file()]
    assert len(files) > 4
    assert all(path.stat().st_mode & 0o222 == 0 for path in files)


def test_the_database_for_other_tools_is_flushed_before_its_mark_says_that_it_fits(
    logs: Logs, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ingest(logs, root)
    with monkeypatch.context() as patched:
        recorder = Recorder(root, patched)
        catalog.refresh_database(Warehouse.open(root), Library.load())
    assert recorder.renamed == [
        ("warehouse.duckdb.new", "warehouse.duckdb"),
        ("warehouse.json.new", "warehouse.json"),
    ]
    assert recorder.open_ends == {}


def test_so_is_a_batch_that_takes_the_place_of_others(logs: Logs, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = Warehouse.open(root)
    with monkeypatch.context() as patched:
        recorder = Recorder(root, patched)
        for host in ("WS01", "WS02"):
            with warehouse.writing():
                ingest([logs.folder / host], warehouse, workers=1)
        with warehouse.writing():
            found = compact(warehouse)
    assert found is not None
    (batch,) = warehouse.batches()
    assert recorder.renamed[-1] == (batch.id, batch.id)
    assert len(recorder.renamed) == 3
    assert recorder.open_ends == {}


def test_the_folders_of_a_new_warehouse_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr(disk, "sync_folder", flushed.append)
    root = Warehouse.create(tmp_path / "w").root
    assert flushed == [root, root.parent]
    flushed.clear()
    Warehouse.create(root)
    assert flushed == []


def _without_files(staged: Path, target: Path) -> None:
    for path in [*(path for path in staged.rglob("*") if path.is_dir()), staged]:
        disk.sync_folder(path)
    staged.rename(target)


def _without_folders(staged: Path, target: Path) -> None:
    for path in staged.rglob("*"):
        if path.is_file():
            with path.open("r+b") as stream:
                os.fsync(stream.fileno())
    staged.rename(target)


def _one_written_later(staged: Path, target: Path) -> None:
    with (staged / "late").open("wb") as stream:
        os.fsync(stream.fileno())
        stream.write(b"x")
    for path in staged.rglob("*"):
        if path.is_file() and path.name != "late":
            with path.open("r+b") as stream:
                os.fsync(stream.fileno())
        elif path.is_dir():
            disk.sync_folder(path)
    disk.sync_folder(staged)
    staged.rename(target)


@pytest.mark.parametrize("wrong", [_without_files, _without_folders, _one_written_later])
def test_the_recorder_notices_a_wrong_order(
    logs: Logs, root: Path, monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Path, Path], None]
) -> None:
    monkeypatch.setattr(disk, "publish", wrong)
    with monkeypatch.context() as patched:
        Recorder(root, patched)
        with pytest.raises(NotDurableError):
            _ingest(logs, root)


def test_the_recorder_notices_that_the_name_was_not_flushed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(root, monkeypatch)
    aside = root / "aside"
    aside.write_bytes(b"x")
    with monkeypatch.context() as patched:
        patched.setattr(disk, "sync_folder", lambda _: None)
        disk.replace(aside, root / "target")
    assert recorder.open_ends == {root: "target"}
    disk.sync_folder(root)
    assert recorder.open_ends == {}
