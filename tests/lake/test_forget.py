"""A source goes whole, what was hidden behind it comes back, and the log says so."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.errors import UsageError
from wmiwarehouse.lake import disk, forget, known, rest
from wmiwarehouse.lake.commit import SourceEntry
from wmiwarehouse.lake.compact import compact
from wmiwarehouse.lake.forget import AmbiguousSourceError, Forgotten, find_source, forgotten
from wmiwarehouse.lake.manifest import Manifest
from wmiwarehouse.lake.verify import verify

Lake = Any
SKIPPED = SourceEntry(None, "t.txt", None, 3, None, "skipped", "no event log")


@pytest.fixture
def lake(lake: Lake) -> Lake:
    """Record 1 is in all files: that of a.json is seen, the others are copies of it."""
    lake.commit({"a.json": [{}, {}], "b.json": [{}, {"record_id": 12}]}, SKIPPED, parts=2)
    lake.commit({"c.json": [{}, {"record_id": 13}]})
    lake.commit({"d.json": [{}], "e.json": [{"record_id": 14, "host": "ws02"}]})
    return lake


def run(lake: Lake, text: str) -> Forgotten:
    with lake.warehouse.writing():
        lake.warehouse.clear_staging()
        return forget.forget(lake.warehouse, find_source(lake.warehouse, text))


def files(lake: Lake) -> set[str]:
    return {row["source_file"] for row in lake.rows("select source_file from lake_events")}


def test_the_source_goes_and_its_copies_are_seen_again(lake: Lake) -> None:
    assert lake.copies() == {"b.json": 1, "c.json": 1, "d.json": 1}
    assert run(lake, "a.json") == Forgotten(1, 2, 1)
    assert files(lake) == {"b.json", "c.json", "d.json", "e.json"}
    assert lake.copies() == {"c.json": 1, "d.json": 1}
    assert ("b.json", 1) in lake.seen()
    assert {row["source_file"] for row in lake.rows("select * from lake_sources")} >= {"t.txt", "b.json"}
    assert "a.json" not in str(lake.content())
    assert verify(lake.warehouse).findings == []


def test_the_next_copy_comes_from_another_batch(lake: Lake) -> None:
    run(lake, "a.json")
    untouched = lake.batches[0]
    assert run(lake, "b.json") == Forgotten(1, 2, 1)
    assert ("c.json", 1) in lake.seen()
    assert lake.copies() == {"d.json": 1}
    assert run(lake, "c.json").restored == 1
    assert lake.seen() == {("d.json", 1), ("e.json", 1)}
    assert untouched
    assert verify(lake.warehouse).findings == []


def test_a_copy_goes_without_a_trace(lake: Lake) -> None:
    seen = lake.seen()
    assert run(lake, "d.json") == Forgotten(1, 1, 0)
    assert lake.seen() == seen
    assert len(lake.batches) == 3


def test_other_batches_are_left_alone(lake: Lake) -> None:
    first, second, _ = lake.batches
    run(lake, "e.json")
    assert {first, second} <= set(lake.batches)


def test_parts_without_its_records_are_linked(lake: Lake) -> None:
    lake.commit({"f.json": [{"record_id": 50}], "g.json": [{"record_id": 51}]}, parts=2)
    old = {file.stat().st_ino for file in lake.batches[-1].event_files}
    run(lake, "f.json")
    (kept,) = lake.batches[-1].event_files
    assert kept.stat().st_ino in old
    assert verify(lake.warehouse).findings == []


def test_from_disk_with_the_old_batch(lake: Lake) -> None:
    run(lake, "a.json")
    rest.purge(lake.warehouse, timedelta(0))
    assert not any(b"a.json" in path.read_bytes() for path in lake.warehouse.lake.rglob("events/*.parquet"))


def test_the_log_stays(lake: Lake) -> None:
    assert forgotten(lake.warehouse) == []
    run(lake, "a.json")
    run(lake, "b.json")
    with lake.warehouse.writing():
        compact(lake.warehouse)
        rest.purge(lake.warehouse, timedelta(0))
    log = forgotten(lake.warehouse)
    assert [(row["source_file"], row["records"], row["source_id"]) for row in log] == [
        ("a.json", 2, find_sha("a.json")),
        ("b.json", 2, find_sha("b.json")),
    ]
    assert log[0]["forgotten_at"] <= log[1]["forgotten_at"]
    for name in ("c.json", "d.json", "e.json", "t.txt"):
        run(lake, name)
    assert len(forgotten(lake.warehouse)) == 6
    assert lake.content() == []
    assert verify(lake.warehouse).findings == []


def find_sha(name: str) -> str:
    import hashlib

    return hashlib.sha256(name.encode()).hexdigest()


def test_it_can_be_ingested_again(lake: Lake) -> None:
    before = lake.seen()
    run(lake, "e.json")
    assert find_sha("e.json") not in known.known(lake.warehouse).contents
    lake.commit({"e.json": [{"record_id": 14, "host": "ws02"}]})
    assert lake.seen() == before
    assert find_sha("e.json") in known.known(lake.warehouse).contents


def test_which_source_is_meant(lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    warehouse = lake.warehouse
    assert [row["source_file"] for row in find_source(warehouse, find_sha("c.json")[:8].upper())] == ["c.json"]
    assert [row["status"] for row in find_source(warehouse, "t.txt")] == ["skipped"]
    for text in ("nothing", "c.jso", find_sha("c.json")[:5], "0" * 12, ""):
        with pytest.raises(UsageError, match="no such source"):
            find_source(warehouse, text)
    monkeypatch.chdir(tmp_path)
    path = str(tmp_path / "x.json")
    one, other = (SourceEntry("abcdef" + digit * 58, path, None, 1, "nxlog", "read") for digit in "01")
    lake.commit({}, one)
    lake.commit({}, SourceEntry(None, path, None, 1, "nxlog", "failed", "cut"))
    assert [row["status"] for row in find_source(warehouse, "x.json")] == ["read", "failed"]
    lake.commit({}, other, SourceEntry("e" * 64, f"{tmp_path}/z.zip!a.json", "f" * 64, 1, "nxlog", "read"))
    for text in ("abcdef", "x.json", "z.zip"):
        with pytest.raises(AmbiguousSourceError) as error:
            find_source(warehouse, text)
        assert len(error.value.candidates) == {"abcdef": 2, "x.json": 3, "z.zip": 1}[text]
    assert len(find_source(warehouse, "abcdef0")) == 1


def test_one_of_two_names_of_the_same_content(lake: Lake) -> None:
    twin = SourceEntry(find_sha("f.json"), "copy of f.json", None, 1, "nxlog", "read")
    lake.commit({"f.json": [{"record_id": 70}]}, twin)
    assert len(find_source(lake.warehouse, find_sha("f.json"))) == 2
    run(lake, "f.json")
    assert [row["source_file"] for row in find_source(lake.warehouse, find_sha("f.json"))] == ["copy of f.json"]


def test_records_without_an_id_and_without_a_host(lake: Lake) -> None:
    plain = {"record_id": None, "host": None, "computer": None, "channel": None}
    lake.commit({"p.json": [plain, plain], "q.json": [plain] * 3})
    assert lake.seen() >= {("p.json", 1), ("p.json", 2), ("q.json", 3)}
    assert run(lake, "p.json").restored == 2
    assert lake.seen() >= {("q.json", 1), ("q.json", 2), ("q.json", 3)}


@pytest.mark.parametrize("seed", range(16))
def test_as_if_it_had_never_been_there(new_lake: Callable[[str], Lake], any_record: Any, seed: int) -> None:
    """Any files in any batches: after a source went, what is seen is what is seen where it never came.

    Every second time with names and times of which it depends on the order whether two records are one.
    """
    chosen = random.Random(seed)
    is_clear = bool(seed % 2)
    batches: list[dict[str, list[dict[str, Any]]]] = []
    for number in range(chosen.randint(1, 4)):
        names = [f"{chosen.choice('abcxyz')}{number}{n}.json" for n in range(chosen.randint(1, 3))]
        batches.append({name: [any_record(chosen, is_clear) for _ in range(chosen.randint(1, 5))] for name in names})
    victim = chosen.choice([name for batch in batches for name in batch])
    whole, never = new_lake("whole"), new_lake("never")
    for batch in batches:
        whole.commit(batch, parts=chosen.randint(1, 2))
        never.commit({name: rows for name, rows in batch.items() if name != victim})
    before = {one for one in whole.seen() if one[0] != victim}
    run(whole, victim)
    assert whole.seen() >= before
    if is_clear:
        assert whole.seen() == never.seen()
    assert _kinds(whole) == _kinds(never)
    whole.copies()
    assert verify(whole.warehouse).findings == []


def _kinds(lake: Lake) -> set[Any]:
    """What no two records that are one can differ in, of the records that are seen."""
    seen = lake.seen()
    found = lake.rows(
        "select source_file, source_record, record_id, event_time > '2024-05-06 12:00:20+00' as l from lake_events"
    )
    return {(row["record_id"], row["l"]) for row in found if (row["source_file"], row["source_record"]) in seen}


POINTS = ("take_out", "write_tables", "publish", "disk.publish", "Manifest.write", "rename")


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
        else:
            patch.setattr(forget, point, end)
        with pytest.raises(ZeroDivisionError):
            run(lake, "a.json")
    assert lake.content() == before
    assert run(lake, "a.json") == Forgotten(1, 2, 1)


def test_killed_at_many_moments(
    lake: Lake, new_lake: Callable[[str], Lake], die_at: Callable[..., tuple[int, int]]
) -> None:
    before = lake.content()
    killed, step = 0, 1
    while True:
        code, _ = die_at(lake, step, "forget", "a.json", "--yes", "--grace", "0")
        if lake.content() != before or code == 0:
            break
        killed += 1
        step += 4
    assert killed >= 4
    # From here on it is forgotten, and whatever the end left over is found and goes.
    assert "a.json" not in str(lake.content())
    assert lake.copies() == {"c.json": 1, "d.json": 1}
    assert [row["source_file"] for row in forgotten(lake.warehouse)] == ["a.json"]
    assert {one.finding for one in verify(lake.warehouse).findings} <= {"replaced"}
