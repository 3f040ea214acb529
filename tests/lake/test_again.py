"""Sources that are read again take the place of what was read before: never both, never neither."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.lake import rest
from wmiwarehouse.lake.commit import SourceEntry
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


def test_reading_again_replaces(lake: Lake) -> None:
    before = lake.seen()
    lake.commit({"a.json": [{"event_data": "anew"}, {}]}, again=["a.json"])
    assert lake.seen() == before
    assert {row["event_data"] for row in lake.rows("select * from lake_events where source_file = 'a.json'")} == {
        "anew",
        "{}",
    }
    assert [row["records"] for row in lake.rows("select * from lake_sources where source_file = 'a.json'")] == [2]
    assert lake.copies() == {"b.json": 1, "c.json": 1, "d.json": 1}
    assert verify(lake.warehouse).findings == []


def test_reading_again_what_is_a_copy(lake: Lake) -> None:
    before = lake.seen()
    lake.commit({"c.json": [{}, {"record_id": 13}]}, again=["c.json"])
    assert lake.seen() == before


def test_reading_again_otherwise(lake: Lake) -> None:
    """What was a copy of a record that is another now is seen; what is a copy now is not."""
    lake.commit({"a.json": [{"host": "ws09"}, {"record_id": 13}]}, again=["a.json"])
    assert lake.seen() == {("a.json", 1), ("b.json", 1), ("b.json", 2), ("c.json", 2), ("e.json", 1)}
    assert lake.copies() == {"a.json": 1, "c.json": 1, "d.json": 1}


def test_reading_everything_again_even_if_it_is_damaged(lake: Lake) -> None:
    before = lake.seen()
    victim = lake.batches[0].event_files[0]
    victim.chmod(0o644)
    victim.write_bytes(b"x")
    everything = {"a.json": [{}, {}], "b.json": [{}, {"record_id": 12}], "c.json": [{}, {"record_id": 13}]}
    some = everything | {"d.json": [{}]}
    with pytest.raises(WmiwhError, match="is damaged"):
        lake.commit(some, again=list(some))
    lake.warehouse.clear_staging()
    everything = some | {"e.json": [{"record_id": 14, "host": "ws02"}]}
    lake.commit(everything, again=list(everything))
    assert lake.seen() == before
    assert len(lake.batches) == 1
    assert verify(lake.warehouse).findings == []


def test_new_sources_beside_those_read_again(lake: Lake) -> None:
    lake.commit({"a.json": [{}, {}], "n.json": [{}, {"record_id": 90}]}, SKIPPED, again=["a.json"])
    assert {("a.json", 1), ("n.json", 2)} <= lake.seen()
    assert ("n.json", 1) not in lake.seen()
    assert [row["source_file"] for row in lake.rows("select * from lake_sources where status = 'skipped'")] == ["t.txt"]


def test_what_cannot_be_read_any_more_keeps_what_was_read(lake: Lake) -> None:
    before = lake.seen()
    lake.commit({}, SourceEntry(None, "a.json", None, 1, "nxlog", "failed", "a worker died"), again=["a.json"])
    assert lake.seen() == before


@pytest.mark.parametrize("point", ["take_out", "write_duplicates", "publish"])
def test_an_end_while_reading_again(lake: Lake, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    before = lake.content()

    def end(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(rest, point, end)
        with pytest.raises(ZeroDivisionError):
            lake.commit({"a.json": [{"host": "ws09"}]}, again=["a.json"])
    assert lake.content() == before


@pytest.mark.parametrize("seed", range(8))
def test_reading_the_same_again_changes_nothing(new_lake: Callable[[str], Lake], any_record: Any, seed: int) -> None:
    """One of each group of copies stays in sight, no more and no fewer."""
    chosen = random.Random(seed)
    batches = [
        {f"{chosen.choice('abcxyz')}{number}{n}.json": [any_record(chosen, True) for _ in range(3)] for n in range(2)}
        for number in range(3)
    ]
    lake, never = new_lake("w"), new_lake("never")
    for batch in batches:
        lake.commit(batch)
    sources = {name: rows for batch in batches for name, rows in batch.items()}
    again = {name: rows for name, rows in sources.items() if chosen.random() < 0.5} or sources
    lake.commit(again, again=list(again))
    lake.copies()
    for batch in batches:
        never.commit({name: rows for name, rows in batch.items() if name not in again})
    never.commit(again)
    # The same groups, each with one of it in sight; which one may differ.
    assert len(lake.seen()) == len(never.seen())
    assert verify(lake.warehouse).findings == []
