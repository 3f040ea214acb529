"""Rows of which there are too many for memory reach the reader bit by bit: the same rows, in the same order."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from wmiwarehouse.cli.app import app
from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting import hunt
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.hunt import open_hunt, select


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunt, "MOST_HITS", 1)


@pytest.mark.parametrize("filters", [None, Filters(since="2024-05-06T10:00:00Z")], ids=["all", "since"])
def test_the_rows_of_each_analytic_are_the_same(warehouse: Path, few: None, filters: Filters | None) -> None:
    library = Library.load()
    streamed = 0
    with open_hunt(warehouse, library, filters) as hunting:
        for item in select(library, []):
            rows, whole = hunting.read(item), hunting.run(item)
            assert isinstance(rows, pa.Table) == (whole.num_rows <= 1), item.id
            streamed += not isinstance(rows, pa.Table)
            line = hunting.line(item)  # while the reader waits
            read = rows if isinstance(rows, pa.Table) else rows.read_all()
            assert read.schema == whole.schema
            assert read.to_pylist() == whole.to_pylist(), item.id
            assert line.hits == whole.num_rows
    assert streamed > 20


@pytest.mark.parametrize("fmt", ["table", "csv", "ndjson", "markdown"])
@pytest.mark.parametrize("name", ["lateral_movement", "wmiprvse_children"])
def test_the_command_prints_the_same(warehouse: Path, name: str, fmt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["hunt", name, "-w", str(warehouse), "-f", fmt]
    whole = CliRunner().invoke(app, command)
    monkeypatch.setattr(hunt, "MOST_HITS", 1)
    streamed = CliRunner().invoke(app, command)
    assert (streamed.exit_code, streamed.stdout, streamed.stderr) == (0, whole.stdout, whole.stderr)
    assert whole.stdout.count("\n") > 2
