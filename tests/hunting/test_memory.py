"""A hunt keeps to the memory that it is given, and says so in one line where that is not enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.lake import memory
from wmiwarehouse.lake.query import rows


def limit(warehouse: Path) -> str:
    with open_hunt(warehouse, Library.load()) as hunting:
        return str(rows(hunting.connection(), "select current_setting('memory_limit') as given")[0]["given"])


@pytest.mark.parametrize(("text", "given"), [("4GiB", "4.0 GiB"), (" 512 mib ", "512.0 MiB"), ("4GB", "3.7 GiB")])
def test_the_variable_limits_a_hunt(warehouse: Path, monkeypatch: pytest.MonkeyPatch, text: str, given: str) -> None:
    monkeypatch.setenv(memory.VARIABLE, text)
    assert limit(warehouse) == given


def test_without_it_duckdb_decides(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(memory.VARIABLE, raising=False)
    usual = limit(warehouse)
    monkeypatch.setenv(memory.VARIABLE, "  ")
    assert limit(warehouse) == usual


@pytest.mark.parametrize("text", ["4", "much", "-3GB", "0GB", "63MiB", "50%"])
def test_what_is_no_size_is_refused(warehouse: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(memory.VARIABLE, text)
    with pytest.raises(WmiwhError, match=f"{memory.VARIABLE}={text}: is no size") as caught:
        limit(warehouse)
    assert caught.value.code == ExitCode.USAGE


def test_too_little_is_told_in_one_line(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_LEAST", 0)
    monkeypatch.setenv(memory.VARIABLE, "8MB")
    library = Library.load()
    with (
        pytest.raises(WmiwhError, match=r"needs more memory than it has.* WMIWH_MEMORY=8GB"),
        open_hunt(warehouse, library) as hunting,
    ):
        hunting.run(library.get("lateral_movement"))
