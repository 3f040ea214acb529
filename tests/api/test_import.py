"""``import wmiwarehouse`` costs next to nothing, and its names are there when they are asked for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import wmiwarehouse

HEAVY = {"duckdb", "evtx", "orjson", "pandas", "pyarrow", "pydantic", "rich", "sqlglot", "typer"}


def modules_after(code: str) -> set[str]:
    command = [sys.executable, "-c", f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_import_loads_nothing_of_ours() -> None:
    modules = modules_after("import wmiwarehouse; wmiwarehouse.__version__")
    assert {name for name in modules if name.startswith("wmiwarehouse.")} == set()
    assert not modules & HEAVY


def test_errors_are_there_without_the_libraries() -> None:
    assert not modules_after("from wmiwarehouse import NoDataError, UsageError, WmiwhError, ExitCode") & HEAVY


def test_import_takes_no_time() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import wmiwarehouse"]
    fastest = 10**9
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        last = done.stderr.splitlines()[-1]
        assert last.endswith(" wmiwarehouse")
        fastest = min(fastest, int(last.split("|")[1]))
    assert fastest < 50_000  # microseconds


@pytest.mark.parametrize("name", wmiwarehouse.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(wmiwarehouse, name) is not None
    assert name in dir(wmiwarehouse)


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'opne'"):
        wmiwarehouse.opne  # type: ignore[attr-defined] # noqa: B018
