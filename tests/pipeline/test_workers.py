"""What happens when a worker dies or cannot start, and how much it holds before it writes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.lake import catalog
from wmiwarehouse.lake.query import fetch
from wmiwarehouse.pipeline import buffer, worker
from wmiwarehouse.pipeline.buffer import Buffer, Source
from wmiwarehouse.pipeline.part_writer import PartWriter
from wmiwarehouse.pipeline.worker import Done, Flush, Read, Worker
from wmiwarehouse.projection.compiler import Projection
from wmiwarehouse.readers import evtx
from wmiwarehouse.readers.containers import Place
from wmiwarehouse.readers.model import Records, Slice
from wmiwarehouse.readers.shapes import LINES, Layout

Lab = Any
Lake = Any

POISON = "poison"


def deadly_main(connection: Any, folder: str, name: str, functions: str) -> None:
    """A worker that is killed while it reads a file whose name says so: what a crash in a parser looks like."""
    plain = evtx.read

    def read(stream: Any, *rest: Any) -> Records:
        if POISON in str(getattr(stream, "name", "")):
            os.kill(os.getpid(), signal.SIGKILL)
        yield from plain(stream, *rest)

    evtx.read = read  # type: ignore[assignment]
    worker.main(connection, folder, name, functions)


def stillborn_main(*_: object) -> None:
    os._exit(9)


def dies_at_the_end_main(connection: Any, folder: str, name: str, functions: str) -> None:
    worker.Worker._flush = lambda *_: os._exit(7)  # type: ignore[method-assign]
    worker.main(connection, folder, name, functions)


def killed_once_main(connection: Any, folder: str, name: str, functions: str) -> None:
    """A worker that somebody kills while it writes, the first time."""
    plain, once = worker.Worker._flush, Path(folder).parents[2] / "wmiwh.toml"

    def flush(*arguments: Any) -> None:
        if not once.exists():
            once.touch()
            os._exit(137)
        plain(*arguments)

    worker.Worker._flush = flush  # type: ignore[method-assign, assignment]
    worker.main(connection, folder, name, functions)


def no_folder_main(connection: Any, folder: str, name: str, functions: str) -> None:
    """A worker for which the disk has no room even for a folder."""
    Path.mkdir = lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device"))  # type: ignore
    worker.main(connection, folder, name, functions)


def full_disk_main(connection: Any, folder: str, name: str, functions: str) -> None:
    def write(*_: object) -> None:
        raise duckdb.IOException("IO Error: No space left on device")

    PartWriter.write = write  # type: ignore[method-assign, assignment]
    worker.main(connection, folder, name, functions)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes import this file by its name."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    name = Path(__file__).stem
    mains = (deadly_main, stillborn_main, dies_at_the_end_main, killed_once_main, no_folder_main, full_disk_main)
    for function in mains:
        monkeypatch.setattr(function, "__module__", name)
    monkeypatch.setitem(sys.modules, name, sys.modules[__name__])


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_kills_a_worker_costs_itself(
    lab: Lab, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    logs = tmp_path / "logs"
    shutil.copytree(lab.folder / "evtx" / "WS01", logs)
    shutil.copy(lab.folder / "evtx" / "WS02" / "System.evtx", logs / f"{POISON}.evtx")
    monkeypatch.setattr(worker, "main", deadly_main)
    summary = lake.ingest(logs, workers=workers)
    assert [Path(file).stem for file, _ in summary.failed] == [POISON]
    assert "a worker ended with -9" in summary.failed[0][1]
    assert summary.exit_code is ExitCode.DAMAGED
    expected = sum(count for name, count in lab.truth.files.items() if name.startswith("evtx/WS01/"))
    assert summary.records == expected
    assert lake.value("select count(*) from lake_events") == expected
    (row,) = lake.rows("select source_file, records from lake_sources where status = 'failed'")
    assert row == {"source_file": str(logs / f"{POISON}.evtx"), "records": 0}
    assert list(lake.warehouse.staging.iterdir()) == []
    # It stays unread until somebody tries again.
    monkeypatch.undo()
    monkeypatch.setenv("NO_COLOR", "1")
    assert lake.ingest(logs).records == lab.truth.files["evtx/WS02/System.evtx"]


@pytest.mark.parametrize("target", [stillborn_main, dies_at_the_end_main])
def test_a_worker_that_cannot_work_is_an_error_and_nothing_is_committed(
    lab: Lab, lake: Lake, monkeypatch: pytest.MonkeyPatch, target: Any
) -> None:
    monkeypatch.setattr(worker, "main", target)
    with pytest.raises(WmiwhError, match="nothing of this batch was committed"):
        lake.ingest(lab.folder / "evtx" / "WS01", workers=2)
    assert lake.warehouse.batches() == []
    assert list(lake.warehouse.staging.iterdir()) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_somebody_kills_costs_no_source(
    lab: Lab, lake: Lake, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(worker, "main", killed_once_main)
    summary = lake.ingest(lab.folder / "evtx" / "WS01", workers=workers)
    assert (lake.root / "wmiwh.toml").exists()
    assert summary.exit_code is ExitCode.DONE
    expected = sum(count for name, count in lab.truth.files.items() if name.startswith("evtx/WS01/"))
    assert summary.records == lake.value("select count(*) from lake_events") == expected


@pytest.mark.parametrize("target", [full_disk_main, no_folder_main])
def test_a_full_disk_is_nobodys_fault_but_the_disks(
    lab: Lab, lake: Lake, monkeypatch: pytest.MonkeyPatch, target: Any
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(worker, "main", target)
        with pytest.raises(
            WmiwhError, match="cannot be written: No space left on device; nothing of this batch was committed"
        ):
            lake.ingest(lab.folder / "evtx" / "WS01", workers=2)
    assert lake.warehouse.batches() == []
    assert lake.ingest(lab.folder / "evtx" / "WS01").failed == []


class Parts:
    """Takes what a worker writes, and refuses what a test says."""

    def __init__(self, refuse: str = "", error: Exception | None = None) -> None:
        self.sizes: list[int] = []
        self._refuse = refuse
        self._error = error or duckdb.ConversionException("Conversion Error: no\nand more")

    def write(self, fmt: str, records: Any, sources: Any, clock: Any) -> None:
        if self._refuse and any(self._refuse in text for text in records["record"].to_pylist()):
            raise self._error
        self.sizes.append(records.num_rows)

    def invalid(self, records: Any) -> list[int]:
        return []

    def left_out(self, fmt: str) -> dict[int, int]:
        return {}

    def more_memory(self) -> Any:
        return nullcontext()


def source(path: Path, fmt: str = "nxlog") -> Source:
    from datetime import UTC, datetime

    reader = "evtx" if fmt == "evtx" else "json"
    layout = Layout("evtx") if fmt == "evtx" else LINES
    return Source(0, Place(path), fmt, reader, "sha", "key:", "batch", datetime.now(UTC), layout)


def lines(path: Path, count: int, size: int = 10) -> Slice:
    path.write_text("".join(json.dumps({"EventID": n, "x": "y" * size}) + "\n" for n in range(count)))
    return Slice(0, path.stat().st_size, 1)


def test_a_part_has_so_many_records_at_most(tmp_path: Path) -> None:
    parts = Parts()
    one = Worker(parts)  # type: ignore[arg-type]
    done = one.do(Read(source(tmp_path / "log"), lines(tmp_path / "log", 140_000)))
    most = buffer._MOST_RECORDS
    assert (done.records, parts.sizes) == (140_000, [most] * (140_000 // most))
    one.do(Flush())
    assert parts.sizes == [most] * (140_000 // most) + [140_000 % most]


def test_a_part_has_so_much_text_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert buffer._MOST_TEXT <= 48 << 20
    assert buffer._MOST_RECORDS <= 65_536
    monkeypatch.setattr(buffer, "_MOST_TEXT", 100_000)
    parts = Parts()
    one = Worker(parts)  # type: ignore[arg-type]
    one.do(Read(source(tmp_path / "log"), lines(tmp_path / "log", 100, 10_000)))
    one.do(Flush())
    assert sum(parts.sizes) == 100
    assert max(parts.sizes) == 10


def test_one_record_that_cannot_be_projected_costs_itself(tmp_path: Path) -> None:
    parts = Parts(refuse='"EventID": 777,')
    one = Worker(parts)  # type: ignore[arg-type]
    one.do(Read(source(tmp_path / "log"), lines(tmp_path / "log", 1000)))
    done = one.do(Flush())
    assert sum(parts.sizes) == 999
    ((number, problem),) = done.problems
    assert (number, problem.position, problem.lost) == (0, "line 778", 1)
    assert problem.reason == "cannot be read: Conversion Error: no"


def test_a_record_that_takes_too_much_memory_costs_itself_and_one_that_finds_no_room_to_spill_nothing(
    tmp_path: Path,
) -> None:
    no_memory = duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block of size 256.0 KiB")
    no_room = duckdb.OutOfMemoryException("Out of Memory Error: failed to offload data block of size 256.0 KiB")
    for error in (no_memory, no_room):
        parts = Parts(refuse='"EventID": 777,', error=error)
        one = Worker(parts)  # type: ignore[arg-type]
        one.do(Read(source(tmp_path / "log"), lines(tmp_path / "log", 1000)))
        if error is no_memory:
            assert [problem.lost for _, problem in one.do(Flush()).problems] == [1]
            assert sum(parts.sizes) == 999
        else:
            with pytest.raises(duckdb.OutOfMemoryException):
                one.do(Flush())
            assert parts.sizes == []


def test_records_of_a_binary_log_are_not_called_lines(tmp_path: Path, lab: Lab) -> None:
    path = lab.folder / "evtx" / "WS01" / "System.evtx"
    parts = Parts(refuse='"EventID"')
    one = Worker(parts)  # type: ignore[arg-type]
    one.do(Read(source(path, "evtx"), Slice(4096, path.stat().st_size, 1)))
    done = one.do(Flush())
    assert done.problems[0][1].position == "record 1"


def test_a_source_that_vanishes_is_a_problem(tmp_path: Path) -> None:
    one = Worker(Parts())  # type: ignore[arg-type]
    done = one.do(Read(source(tmp_path / "gone"), Slice(0, 10, 1)))
    assert isinstance(done, Done)
    assert "reading broke off" in done.problems[0][1].reason


def test_text_beyond_ascii_survives_the_way_to_a_table() -> None:
    texts = ["", "ä漢\U0001f600", "x", '{"a":"\u2028"}']
    filled = Buffer()
    assert filled.take(source(Path("x")), 0, texts[:2]) == 2
    assert filled.take(source(Path("x")), 2, [text.encode() for text in texts[2:]]) == 2
    table = filled.record_table()
    table.validate(full=True)
    assert table["record"].to_pylist() == texts
    assert table["source_record"].to_pylist() == [0, 1, 2, 3]


def test_duckdb_draws_no_progress_of_its_own(tmp_path: Path) -> None:
    """It does in processes that were started with -c, which workers are: on standard output, between the rows."""
    (tmp_path / "events").mkdir()
    writer, hunts = PartWriter(tmp_path / "events", "part", Projection().functions), catalog.connect()
    query = "select current_setting('enable_progress_bar') as it"
    for connection in (writer._connection, hunts, catalog.beside(hunts)):
        assert fetch(connection, query).to_pylist() == [{"it": False}]
    hunts.close()
    writer.close()


def test_parts_are_sorted(tmp_path: Path, lab: Lab) -> None:
    import pyarrow.parquet as pq

    folder = tmp_path / "events"
    folder.mkdir()
    writer = PartWriter(folder, "part", Projection().functions)
    writer.learn("evtx", Projection().statements("evtx"))
    one = Worker(writer)
    for name in ("System", "Security"):
        path = lab.folder / "evtx" / "WS01" / f"{name}.evtx"
        one.do(Read(source(path, "evtx"), Slice(4096, path.stat().st_size, 1)))
    one.do(Flush())
    writer.close()
    (part,) = folder.glob("*.parquet")
    rows = pq.read_table(part, columns=["channel", "event_id", "event_time"]).to_pylist()
    keys = [tuple(row.values()) for row in rows]
    assert keys == sorted(keys)
    assert len(keys) > 300


def test_a_worker_short_of_memory_spills_beside_its_parts(
    tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wmiwarehouse.pipeline.part_writer._MEMORY", "12MB")
    folder = tmp_path / "staged" / "events"
    folder.mkdir(parents=True)
    writer = PartWriter(folder, "part", Projection().functions)
    writer._connection.execute("create table much as select i, md5(i::varchar) as t from range(1000000) as r (i)")
    assert (folder.parent / "spill" / "part").is_dir()
    writer.close()
