"""What a command does without: to load a library takes a command longer than many an answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from wmiwarehouse import cache

CODE = """
import sys
from wmiwarehouse.__main__ import main
try:
    main()
finally:
    sys.stderr.write("\\n" + " ".join(sys.modules))
"""
#: What only an ingest, a named run or an output file of rows needs.
NOT_NEEDED = {"evtx", "filelock", "pyarrow.compute", "pyarrow.fs", "pyarrow.parquet", "pydantic", "sqlglot", "ssl"}


def test_a_hunt_loads_nothing_that_it_does_not_use(case: Any, tmp_path: Path) -> None:
    environment = os.environ | {cache.VARIABLE: str(tmp_path)}
    command = [sys.executable, "-c", CODE, "hunt", "car_2016_03_002", "-w", str(case.warehouse)]
    loaded = set[str]()
    for _ in range(2):  # the first one checks the heads of the SQL files
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        loaded = set(done.stderr.splitlines()[-1].split())
    assert "duckdb" in loaded
    assert not loaded & NOT_NEEDED
