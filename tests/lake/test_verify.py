"""Whatever changed in the lake since it was committed is found, and nothing else is called damage."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.lake import catalog, manifest, rest
from wmiwarehouse.lake.commit import SourceEntry
from wmiwarehouse.lake.compact import compact
from wmiwarehouse.lake.verify import Finding, left_over, remove_left_over, verify
from wmiwarehouse.lake.warehouse import Warehouse

Lake = Any


@pytest.fixture
def lake(lake: Lake) -> Lake:
    lake.commit({"a.json": [{}, {}], "b.json": [{"record_id": 1}]}, parts=2)
    lake.commit({"c.json": [{"record_id": n} for n in (1, 7, 8)]})
    return lake


def kinds(lake: Lake, **options: Any) -> list[str]:
    found = verify(lake.warehouse, **options)
    assert found.is_damaged == any(one.finding not in ("replaced", "left over", "no list") for one in found.findings)
    return sorted(one.finding for one in found.findings)


def test_a_sound_lake(lake: Lake) -> None:
    told: list[tuple[int, int]] = []
    found = verify(lake.warehouse, on_progress=lambda *one: told.append(one))
    assert (found.findings, found.is_damaged, found.batches, found.records) == ([], False, 2, 6)
    assert found.files == sum(1 for path in lake.warehouse.lake.rglob("*.parquet"))
    assert told[-1][0] <= told[-1][1]
    assert verify(lake.warehouse).digest == found.digest


@pytest.mark.parametrize("seed", range(40))
def test_one_changed_bit(lake: Lake, seed: int) -> None:
    chosen = random.Random(seed)
    files = sorted(path for path in lake.warehouse.lake.rglob("*") if path.is_file())
    victim = files[seed % len(files)]
    content = bytearray(victim.read_bytes())
    content[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
    victim.chmod(0o644)
    victim.write_bytes(content)
    assert kinds(lake) == ["changed"]


def test_every_bit_of_the_list_counts(lake: Lake) -> None:
    victim = lake.batches[0].folder / "batch.json"
    whole = victim.read_bytes()
    victim.chmod(0o644)
    for at in range(0, len(whole), 23):
        content = bytearray(whole)
        content[at] ^= 1
        victim.write_bytes(content)
        if json.loads(whole) != _json(bytes(content)):  # a blank between words may become another one
            assert kinds(lake) == ["changed"]
            with pytest.raises(WmiwhError, match=r"batch\.json"):
                lake.warehouse.batches()


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def test_a_truncated_a_missing_an_empty_and_an_added_file(lake: Lake) -> None:
    batch = lake.batches[0]
    first, second = batch.event_files
    batch.table("problems").unlink()
    for path, size in ((first, 40), (second, 0)):
        content = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(content[:size])
    shutil.copy(batch.table("hosts"), batch.folder / "events" / "more.parquet")
    found = {(one.finding, one.file): one.detail for one in verify(lake.warehouse).findings}
    assert set(found) == {
        ("changed", "events/part-0.parquet"),
        ("changed", "events/part-1.parquet"),
        ("missing", "problems.parquet"),
        ("unknown", "events/more.parquet"),
    }
    assert found["changed", "events/part-0.parquet"].startswith("40 bytes, not ")


def test_two_swapped_files(lake: Lake) -> None:
    first, second = lake.batches[0].event_files
    aside = first.with_suffix(".aside")
    first.rename(aside)
    second.rename(first)
    aside.rename(second)
    found = verify(lake.warehouse).findings
    assert [(one.finding, one.file, one.detail) for one in found] == [
        ("changed", "events/part-0.parquet", "has the content of events/part-1.parquet"),
        ("changed", "events/part-1.parquet", "has the content of events/part-0.parquet"),
    ]


def test_a_file_of_another_batch(lake: Lake) -> None:
    one, other = lake.batches
    one.table("sources").unlink()
    shutil.copy(other.table("sources"), one.table("sources"))
    assert "changed" in kinds(lake)


def test_what_is_no_batch_at_all(lake: Lake) -> None:
    (lake.warehouse.lake / "notes.txt").write_text("x")
    (lake.warehouse.lake / "half" / "events").mkdir(parents=True)
    assert kinds(lake) == ["unknown", "unknown"]


def test_a_lost_list_is_not_taken_for_an_older_version(lake: Lake) -> None:
    """It may say that older batches are replaced: without it their records would count twice."""
    (lake.batches[0].folder / "batch.json").unlink()
    assert kinds(lake) == ["changed"]
    with pytest.raises(WmiwhError, match=r"has lost its batch\.json; see: wmiwh verify"):
        lake.warehouse.batches()


def test_a_whole_batch_is_gone(lake: Lake) -> None:
    catalog.write_database(lake.warehouse, Library.load())
    shutil.rmtree(lake.batches[1].folder)
    (found,) = verify(lake.warehouse).findings
    assert (found.finding, found.detail) == ("missing", "the whole batch")


def test_a_batch_of_an_older_version(lake: Lake) -> None:
    batch = lake.batches[0]
    lake.age(batch)
    (found,) = verify(lake.warehouse).findings
    assert (found.finding, found.batch) == ("no list", batch.id)
    assert not verify(lake.warehouse).is_damaged
    batch.event_files[0].unlink()
    assert kinds(lake) == ["no list", "records", "records"]


def test_older_batches_can_be_compacted_and_then_have_a_list(lake: Lake) -> None:
    before = lake.content()
    for batch in lake.batches:
        lake.age(batch)
    with lake.warehouse.writing():
        assert compact(lake.warehouse)
        rest.purge(lake.warehouse, timedelta(0))
    assert lake.content() == before
    assert kinds(lake) == []


def test_the_same_sources_twice(lake: Lake) -> None:
    """A backup that brings a batch back under another name must not go unnoticed."""
    shutil.copytree(lake.batches[0].folder, lake.warehouse.lake / "20991231T000000.000000Z-000000")
    assert kinds(lake) == ["twice", "twice"]


def test_left_over_is_named_and_removed_and_nothing_else(lake: Lake) -> None:
    warehouse: Warehouse = lake.warehouse
    (warehouse.staging / "dead" / "events").mkdir(parents=True)
    (warehouse.root / "warehouse.duckdb.new").write_bytes(b"x")
    (warehouse.root / "mine.txt").write_text("x")
    before = {path for path in warehouse.root.rglob("*") if path.is_file()}
    assert kinds(lake) == []
    found = left_over(warehouse)
    assert found == [
        Finding("left over", None, ".staging/dead", "of an interrupted command"),
        Finding("left over", None, "warehouse.duckdb.new", "of an interrupted command"),
    ]
    remove_left_over(warehouse)
    assert left_over(warehouse) == []
    after = {path for path in warehouse.root.rglob("*") if path.is_file()}
    assert before - after == {warehouse.root / "warehouse.duckdb.new"}


def test_replaced_files_stay_as_long_as_what_replaced_them_is_damaged(lake: Lake) -> None:
    with lake.warehouse.writing():
        compact(lake.warehouse)
        (new,) = lake.batches
        kept = new.table("hosts").read_bytes()
        new.table("hosts").unlink()
        assert rest.purge(lake.warehouse, timedelta(0)) == []
        new.table("hosts").write_bytes(kept)
        assert len(rest.purge(lake.warehouse, timedelta(0))) == 2
    assert lake.batches == [new]


def _entry(name: str, path: Path, content: bytes | None = None) -> SourceEntry:
    file = hashlib.sha256(path.read_bytes()).hexdigest()
    own = hashlib.sha256(content).hexdigest() if content is not None else file
    return SourceEntry(own, name, file, 1, "nxlog", "read")


def test_the_original_files(new_lake: Callable[[str], Lake], tmp_path: Path) -> None:
    lake = new_lake("other")
    plain, packed, archive, odd = (tmp_path / name for name in ("p!1.json", "g.json.gz", "z!.zip", "odd.json"))
    plain.write_bytes(b"plain")
    packed.write_bytes(gzip.compress(b"packed"))
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr("a!b.json", "member")
        stream.writestr("c.json", "other")
    odd.write_bytes(b"odd")
    raw = tmp_path / b"log-\xff.json".decode("utf-8", "surrogateescape")
    raw.write_bytes(b"raw")
    lake.commit(
        {},
        _entry(str(plain), plain),
        _entry(str(packed), packed, b"packed"),
        _entry(f"{archive}!a!b.json", archive, b"member"),
        _entry(f"{archive}!c.json", archive, b"other"),
        _entry(str(odd), odd),
        _entry(f"{tmp_path}/log-\\xff.json", raw),
        SourceEntry(None, str(tmp_path / "t.txt"), None, 3, None, "skipped", "no event log"),
    )
    assert kinds(lake) == []
    found = verify(lake.warehouse, originals=True)
    assert (found.findings, found.originals) == ([], 5)
    archive.write_bytes(archive.read_bytes() + b"x")
    packed.unlink()
    odd.write_bytes(b"ood")
    found = verify(lake.warehouse, originals=True)
    assert {(one.finding, Path(one.file).name) for one in found.findings} == {
        ("source changed", archive.name),
        ("source changed", odd.name),
        ("source missing", packed.name),
    }
    assert (found.originals, found.is_damaged) == (2, True)


def test_a_lake_that_changes_while_it_is_listed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a folder is no single step: neither both nor neither may be seen."""
    answers = [manifest._entries(lake.warehouse.lake)[:1]]
    genuine = manifest._entries
    monkeypatch.setattr(manifest, "_entries", lambda folder: answers.pop() if answers else genuine(folder))
    assert len(lake.warehouse.batches()) == 2
