"""Many batches become one: no record changes, whoever reads goes on, and an end at any moment leaves old or new."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.lab import generate
from wmiwarehouse.lake import compact as module
from wmiwarehouse.lake import disk, rest
from wmiwarehouse.lake.commit import SourceEntry
from wmiwarehouse.lake.compact import compact
from wmiwarehouse.lake.manifest import Manifest
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.verify import verify
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest

Lake = Any


@pytest.fixture
def lake(lake: Lake) -> Lake:
    skipped = SourceEntry(None, "t.txt", None, 3, None, "skipped", "no event log")
    damaged = SourceEntry("x" * 64, "d.json", "x" * 64, 3, "nxlog", "read", problems=[("line 1", "cut", 1)])
    lake.commit({"a.json": [{"channel": "System"}, {}, {"channel": None}]}, skipped, parts=2)
    lake.commit({"b.json": [{}, {"record_id": 2}, {"record_id": 9, "event_id": 1}]}, damaged)
    lake.commit({"c.json": [{"record_id": 2, "computer": "WS01"}, {"host": "ws02", "computer": "WS02"}]})
    return lake


def run(lake: Lake, grace: float | None = None) -> module.Compacted | None:
    with lake.warehouse.writing():
        lake.warehouse.clear_staging()
        done = compact(lake.warehouse)
        if grace is not None:
            rest.purge(lake.warehouse, timedelta(seconds=grace))
        return done


def test_one_batch_with_the_same_rows(lake: Lake) -> None:
    before, old = lake.content(), lake.batches
    done = run(lake)
    assert done
    assert (done.batches, done.files, done.parts, done.records) == (3, 4, 1, 8)
    (new,) = lake.batches
    assert new.id not in {batch.id for batch in old}
    assert lake.content() == before  # batch_id of every row among it: from where it came stays known
    assert len({row["batch_id"] for row in lake.rows("select batch_id from lake_events")}) == 3
    assert verify(lake.warehouse).findings == []
    assert not any(path.stat().st_mode & 0o222 for path in new.folder.rglob("*.parquet"))
    assert list(lake.warehouse.staging.iterdir()) == []


def test_parts_are_sorted_and_have_the_row_groups_of_an_ingest(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROW_GROUP", 2048)
    lake.commit({"d.json": [{"record_id": 5000 - n, "seconds": -n} for n in range(4500)]})
    run(lake)
    (part,) = lake.batches[0].event_files
    found = pq.ParquetFile(part)
    assert [found.metadata.row_group(n).num_rows for n in range(found.num_row_groups)] == [2048, 2048, 412]
    stored = found.read(columns=["channel", "event_id", "event_time"])
    order = [(row["channel"] is None, row["channel"], row["event_id"], row["event_time"]) for row in stored.to_pylist()]
    assert order == sorted(order, key=lambda row: (row[0], row[1] or "", *row[2:]))


def test_what_is_large_is_left_alone(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [sum(file.stat().st_size for file in batch.event_files) for batch in lake.batches]
    monkeypatch.setattr(module, "SMALL", max(sizes))
    large = lake.batches[sizes.index(max(sizes))]
    done = run(lake)
    assert done
    assert done.batches == 2
    assert large in lake.batches


def test_a_large_part_is_linked_with_the_hash_it_was_committed_with(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lake.content()
    monkeypatch.setattr(module, "_LARGE_ENOUGH", 3)
    old = {file.stat().st_ino for batch in lake.batches for file in batch.event_files}
    done = run(lake)
    assert done
    assert done.parts > 1
    assert {file.stat().st_ino for file in lake.batches[0].event_files} & old
    assert lake.content() == before
    assert verify(lake.warehouse).findings == []


def test_a_disk_without_links(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("no links here")

    before = lake.content()
    monkeypatch.setattr(module, "_LARGE_ENOUGH", 1)
    monkeypatch.setattr("os.link", refuse)
    run(lake, grace=0)
    assert lake.content() == before
    assert verify(lake.warehouse).findings == []
    assert not any(path.stat().st_mode & 0o222 for path in lake.warehouse.lake.rglob("*.parquet"))


def test_what_does_not_fit_into_memory_becomes_several_parts(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    class Small:
        def __init__(self, genuine: Any) -> None:
            self._genuine = genuine

        def execute(self, sql: str, values: Any = None) -> Any:
            if "order by channel" in sql and len(values["files"]) > 2:
                raise duckdb.OutOfMemoryException("failed to allocate")
            return self._genuine.execute(sql, values)

    genuine = module._merge
    monkeypatch.setattr(module, "_merge", lambda connection, *more: genuine(Small(connection), *more))
    before = lake.content()
    done = run(lake)
    assert done
    assert done.parts == 2
    assert lake.content() == before


def test_nothing_to_do(lake: Lake) -> None:
    assert run(lake)
    (batch,) = lake.batches
    assert run(lake) is None
    assert lake.batches == [batch]


def test_replaced_files_go_after_the_grace_period(lake: Lake) -> None:
    old = [batch.folder for batch in lake.batches]
    run(lake, grace=3600)
    assert all(folder.is_dir() for folder in old)
    rest.purge(lake.warehouse, timedelta(0))
    assert not any(folder.exists() for folder in old)
    assert verify(lake.warehouse).findings == []
    assert list(lake.warehouse.staging.iterdir()) == []


def test_what_a_replaced_batch_replaced_stays_hidden(lake: Lake) -> None:
    """Else the first batches would come back with the removal of the second, which named them."""
    before = lake.content()
    first = lake.batches
    run(lake)
    second = lake.batches[0]
    lake.commit({"z.json": [{"record_id": 77}]})
    after = lake.content()
    run(lake)
    disk.remove(second.folder)
    assert all(batch.folder.is_dir() for batch in first)
    assert len(lake.batches) == 1
    assert lake.content() == after != before


def test_a_hunt_that_is_open_goes_on(lake: Lake) -> None:
    with open_hunt(lake.root, Library.load()) as hunting:
        connection = hunting.connection(models=["events"])
        before = rows(connection, "select count(*) as n from events")
        run(lake, grace=3600)
        assert rows(connection, "select count(*) as n from events") == before
        (batch,) = lake.batches
    with open_hunt(lake.root, Library.load()) as hunting:
        assert rows(hunting.connection(models=["events"]), "select count(*) as n from events") == before
    assert batch


def test_damage_is_not_made_the_truth(lake: Lake) -> None:
    victim = lake.batches[1].event_files[0]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.chmod(0o644)
    victim.write_bytes(content)
    before = [batch.id for batch in lake.batches]
    with pytest.raises(WmiwhError, match=r"damaged \(events/part-0\.parquet: changed\); nothing was changed"):
        run(lake)
    assert [batch.id for batch in lake.batches] == before


def test_a_count_that_does_not_add_up_replaces_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [batch.id for batch in lake.batches]
    monkeypatch.setattr(module, "_merge", lambda *_: {})
    with pytest.raises(WmiwhError, match="0 of 8 records would be left"):
        run(lake)
    assert [batch.id for batch in lake.batches] == before


POINTS = ("gather", "write_tables", "_merge", "publish", "disk.publish", "Manifest.write", "rename", "sync")


@pytest.mark.parametrize("point", POINTS)
def test_an_end_in_the_middle(lake: Lake, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    before = lake.content()

    def end(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        if point == "disk.publish":
            patch.setattr(disk, "publish", end)
        elif point == "Manifest.write":
            patch.setattr(Manifest, "write", end)
        elif point == "rename":
            patch.setattr(Path, "rename", end)
        elif point == "sync":
            genuine = disk.sync_folder
            patch.setattr(disk, "sync_folder", lambda at: end() if at == lake.warehouse.lake else genuine(at))
        else:
            patch.setattr(module, point, end)
        with pytest.raises(ZeroDivisionError):
            run(lake)
    assert len(lake.batches) == (1 if point == "sync" else 3)
    assert lake.content() == before
    assert list(lake.warehouse.staging.iterdir()) == []
    run(lake)
    assert len(lake.batches) == 1
    assert lake.content() == before


def test_an_end_while_old_files_are_removed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = lake.content()
    run(lake)

    def end(_: Path) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(disk, "remove", end)
        with pytest.raises(ZeroDivisionError):
            rest.purge(lake.warehouse, timedelta(0))
    assert lake.content() == before
    assert verify(lake.warehouse).findings == []
    assert len(rest.purge(lake.warehouse, timedelta(0))) == 2


def test_killed_at_many_moments(lake: Lake, die_at: Callable[..., tuple[int, int]]) -> None:
    """From the first step on disk to the last, with the removal of the old files."""
    before = lake.content()
    old = [batch.id for batch in lake.batches]
    killed, step = 0, 1
    while True:
        code, steps = die_at(lake, step, "compact", "--grace", "0")
        now = [batch.id for batch in lake.batches]
        assert lake.content() == before, step
        assert now == old or len(now) == 1, step
        if code == 0:
            break
        assert code == -9
        killed += 1
        step += 5
    assert killed >= 6
    assert steps
    assert len(lake.batches) == 1
    assert verify(lake.warehouse).findings == []


@pytest.fixture(scope="module")
def hourly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lab's logs, one ingest for each host."""
    folder = tmp_path_factory.mktemp("hourly")
    generate(folder / "logs", copies=True)
    warehouse = Warehouse.create(folder / "w")
    with warehouse.writing():
        for host in [*sorted((folder / "logs" / "evtx").iterdir())[:6], folder / "logs" / "copies"]:
            ingest([host], warehouse, workers=1)
    return folder / "w"


def _answers(root: Path) -> Iterator[tuple[str, list[str]]]:
    library = Library.load()
    with open_hunt(root, library) as hunting:
        hunting.prepare(list(library.newest.values()))
        for name, analytic in sorted(library.newest.items()):
            found = hunting.run(analytic).to_pylist()
            yield name, sorted(json.dumps(row, default=str, sort_keys=True) for row in found)


def test_every_analytic_answers_the_same(hourly: Path) -> None:
    before = dict(_answers(hourly))
    assert sum(map(bool, before.values())) > 20
    warehouse = Warehouse.open(hourly)
    assert len(warehouse.batches()) == 7
    with warehouse.writing():
        assert compact(warehouse)
        rest.purge(warehouse, timedelta(0))
    assert len(list(warehouse.lake.iterdir())) == 1
    after = dict(_answers(hourly))
    assert {name for name in before if before[name] != after[name]} == set()
