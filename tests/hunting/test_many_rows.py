"""Rows of which there are too many for memory reach the reader bit by bit: the same rows, in the same order."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
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
def own(warehouse: Path, tmp_path: Path) -> Path:
    """A warehouse in which more may be remembered."""
    return Path(shutil.copytree(warehouse, tmp_path / "warehouse"))


def many(monkeypatch: pytest.MonkeyPatch, *, is_large: bool) -> None:
    """Have two rows be too many, in a lake of which more is remembered or not."""
    monkeypatch.setattr(hunt, "LEAST_LAKE", 0 if is_large else 1 << 40)
    monkeypatch.setattr(hunt, "MOST_HITS", 1)


@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("filters", [None, Filters(since="2024-05-06T10:00:00Z")], ids=["all", "since"])
def test_the_rows_are_the_same(
    own: Path, monkeypatch: pytest.MonkeyPatch, filters: Filters | None, is_large: bool
) -> None:
    library = Library.load()
    with open_hunt(own, library, filters) as hunting:
        held_whole = {name: hunting.read(library.get(name)) for name in ASKED}
    many(monkeypatch, is_large=is_large)
    with open_hunt(own, library, filters) as hunting:
        for name in ASKED:
            item = library.get(name)
            rows, whole = hunting.read(item), hunting.run(item)
            assert isinstance(rows, pa.RecordBatchReader) == (whole.num_rows > 1)
            line = hunting.line(item)  # while the reader waits
            read = rows if isinstance(rows, pa.Table) else rows.read_all()
            assert read.schema == whole.schema
            assert read.to_pylist() == whole.to_pylist() == held_whole[name].to_pylist()
            assert line.hits == whole.num_rows > 0


@pytest.mark.parametrize("fmt", ["table", "ndjson"])
@pytest.mark.parametrize("name", ["lateral_movement", "wmiprvse_children"])
def test_the_command_prints_the_same(own: Path, name: str, fmt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["hunt", name, "-w", str(own), "-f", fmt]
    whole = CliRunner().invoke(app, command)
    many(monkeypatch, is_large=True)
    streamed = CliRunner().invoke(app, command)
    assert (streamed.exit_code, streamed.stdout, streamed.stderr) == (0, whole.stdout, whole.stderr)
    assert whole.stdout.count("\n") > 2


@pytest.mark.parametrize(
    ("said", "raised"),
    [
        (OSError("Out of Memory Error: could not allocate block"), duckdb.OutOfMemoryException),
        (OSError("INTERRUPT Error: Interrupted!"), KeyboardInterrupt),
        (pa.ArrowInvalid("Invalid Input Error: snappy"), duckdb.Error),
    ],
)
def test_what_fails_on_the_way_fails_as_anything_else_in_the_hunt_does(
    said: Exception, raised: type[BaseException]
) -> None:
    """What DuckDB raises in the middle of a stream comes through Arrow, as another class."""
    rows = held(_Breaking(said), 10)
    assert isinstance(rows, pa.RecordBatchReader)
    with pytest.raises(raised, match=str(said)[:5] if raised is not KeyboardInterrupt else None):
        rows.read_all()


class _Breaking:
    """A relation of which *error* is raised after the first batch."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def to_arrow_reader(self, size: int) -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            yield pa.record_batch({"n": list(range(20))})
            raise self._error

        return pa.RecordBatchReader.from_batches(pa.schema([("n", pa.int64())]), batches())
