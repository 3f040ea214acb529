"""``wmiwh --help`` answers at once: it must not load the heavy libraries."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {"duckdb", "evtx", "jinja2", "numpy", "pandas", "pyarrow", "sqlglot"}

HELP = """
import json, sys
sys.argv = ["wmiwh", *sys.argv[1:]]
from wmiwarehouse.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def modules_after(*arguments: str) -> tuple[str, set[str]]:
    command = [sys.executable, "-c", HELP, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


def test_help_loads_no_heavy_library() -> None:
    shown, modules = modules_after("--help")
    assert "ingest" in shown
    assert not modules & HEAVY


def test_help_of_a_command_loads_no_heavy_library() -> None:
    shown, modules = modules_after("hunt", "--help")
    assert "--format" in shown
    assert not modules & HEAVY


def test_output_loads_what_it_needs_only_when_it_writes() -> None:
    code = "import sys, wmiwarehouse.output.formats, wmiwarehouse.output.console; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & (HEAVY | {"rich", "orjson"})
