"""A warehouse that was moved or copied answers other tools from its own files, from the next hunt on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting.hunt import open_hunt


def test_the_database_follows_the_folder(warehouse: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(warehouse, copy)
    with open_hunt(copy, Library.load()):
        pass
    query = "select sql from duckdb_views() where view_name = 'lake_events'"
    shell = str(Path(sys.executable).parent / "duckdb")
    command = [shell, "-readonly", "-csv", "-noheader", str(copy / "warehouse.duckdb"), query]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert str(copy) in text
    assert str(warehouse) not in text
