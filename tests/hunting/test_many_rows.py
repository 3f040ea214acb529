"""Rows of which there are too many for memory reach the reader bit by bit: the same rows, in the same order."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from wmiwarehouse.cli.app import app
from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting import hunt
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.lake.query import held

ASKED = ("wmiprvse_children", "car_2014_12_001_session", "lateral_movement", "stack_src_process_to_135", "wmi_activity")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunt, "MOST_HITS", 1)


@pytest.mark.parametrize("filters", [None, Filters(since="2024-05-06T10:00:00Z")], ids=["all", "since"])
def test_the_rows_are_the_same(warehouse: Path, few: None, filters: Filters | None) -> None:
    library = Library.load()
    with open_hunt(warehouse, library, filters) as hunting:
        for name in ASKED:
            item = library.get(name)
            rows, whole = hunting.read(item), hunting.run(item)
            assert isinstance(rows, pa.RecordBatchReader) == (whole.num_rows > 1)
            line = hunting.line(item)  # while the reader waits
            read = rows if isinstance(rows, pa.Table) else rows.read_all()
            assert read.schema == whole.schema
            assert read.to_pylist() == whole.to_pylist()
            assert line.hits == whole.num_rows > 0


@pytest.mark.parametrize("fmt", ["table", "ndjson"])
@pytest.mark.parametrize("name", ["lateral_movement", "wmiprvse_children"])
def test_the_command_prints_the_same(warehouse: Path, name: str, fmt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["hunt", name, "-w", str(warehouse), "-f", fmt]
    whole = CliRunner().invoke(app, command)
    monkeypatch.setattr(hunt, "MOST_HITS", 1)
    streamed = CliRunner().invoke(app, command)
    assert (streamed.exit_code, streamed.stdout, streamed.stderr) == (0, whole.stdout, whole.stderr)
    assert whole.stdout.count("\n") > 2


def test_what_fails_on_the_way_fails_as_anything_else_in_the_hunt_does() -> None:
    query = "select case when i < 500000 then '1' else 'x' end::int as n from range(1000000) as t(i)"
    with duckdb.connect() as connection:
        rows = held(connection.sql(query), 10)
        assert isinstance(rows, pa.RecordBatchReader)
        with pytest.raises(duckdb.Error, match="Could not convert"):
            rows.read_all()
