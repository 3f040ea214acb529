"""A warehouse that may only be read: hunts work, everything that writes says so in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

Logs = Any
Commands = Any


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(folder.rglob("*"))}


def hunt_works(commands: Commands, logs: Logs, root: Path, **bound: Any) -> None:
    code, said = commands.run("hunt", "wmiprvse_children", "-f", "csv", "-w", root, **bound)
    assert code == 0, said
    assert said.count("\n") > sum(logs.hits["wmiprvse_children"].values())


def is_refused(commands: Commands, logs: Path, root: Path, reason: str, **bound: Any) -> None:
    code, said = commands.run("ingest", logs, "-w", root, **bound)
    assert (code, said) == (1, f"wmiwh: {root} cannot be written: {reason}\n")


def test_on_a_disk_that_is_mounted_read_only(
    logs: Logs,
    commands: Commands,
    mount_disk: Callable[[Path, str], AbstractContextManager[None]],
    tmp_path: Path,
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mount_disk(disk, "size=24m"):
        shutil.copytree(logs.warehouse, disk / "w")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        before = contents(disk)
        hunt_works(commands, logs, disk / "w")
        is_refused(commands, logs.folder, disk / "w", "Read-only file system")
        is_refused(commands, logs.folder, disk / "new", "Read-only file system")
        assert contents(disk) == before


@pytest.fixture
def bound() -> dict[str, Any]:
    """How to run a command as one whom the permissions of files bind: root is bound by none."""
    if sys.platform == "win32":
        pytest.skip("permissions of POSIX")
    if os.geteuid() != 0:
        return {}
    prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if not shutil.which("setpriv") or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("root may do everything, and there is no setpriv to change that")
    return {"prefix": prefix}


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder for folders that are closed, which are opened again so that they can be removed."""
    yield tmp_path
    for path in (tmp_path, tmp_path / "closed"):
        if path.exists():
            path.chmod(0o755)
    for path in tmp_path.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)


def test_in_folders_without_the_permission_to_write(
    logs: Logs, commands: Commands, closed: Path, bound: dict[str, Any]
) -> None:
    folder = closed / "closed"
    root = folder / "w"
    shutil.copytree(logs.warehouse, root)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = contents(root)
    hunt_works(commands, logs, root, **bound)
    is_refused(commands, logs.folder, root, "Permission denied", **bound)
    is_refused(commands, logs.folder, folder / "new", "Permission denied", **bound)
    assert contents(root) == before
    # A copy elsewhere does not fit its database any more: no hunt may fail for that.
    folder.chmod(0o755)
    root.rename(folder / "moved")
    hunt_works(commands, logs, folder / "moved", **bound)


def test_in_a_folder_that_may_not_be_looked_into(
    logs: Logs, commands: Commands, closed: Path, bound: dict[str, Any]
) -> None:
    root = closed / "closed"
    shutil.copytree(logs.warehouse, root)
    root.chmod(0)
    is_refused(commands, logs.folder, root, "Permission denied", **bound)
    for arguments in (("hunt",), ("hunt", "wmiprvse_children"), ("sources",)):
        code, said = commands.run(*arguments, "-w", root, **bound)
        assert code == 1
        assert said.count("\n") == 1
        assert said.startswith("wmiwh: ")
        assert "Permission denied" in said
        assert str(root) in said
