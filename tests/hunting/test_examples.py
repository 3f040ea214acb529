"""The examples run as they are written, in the real shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_first_questions_run_in_the_shell(warehouse: Path, tmp_path: Path) -> None:
    script = (EXAMPLES / "first-questions.sql").read_text(encoding="utf-8")
    shell = Path(sys.executable).parent / "duckdb"
    command = [str(shell), "-readonly", "-json", "-bail", str(warehouse / "warehouse.duckdb")]
    answer = subprocess.run(command, input=script, cwd=tmp_path, capture_output=True, text=True, check=True)
    results = [part for part in answer.stdout.replace("]\n[", "]\0[").split("\0") if part.strip()]
    assert len(results) == script.count(";")
    assert all("{" in result for result in results[:4])
    assert '"remote_command"' in results[1]
