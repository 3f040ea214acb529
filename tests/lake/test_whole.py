"""A lake that lost something says so: missing evidence must not pass for a quiet network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.verify import verify
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    line = {
        "EventTime": "2024-05-06 08:00:00",
        "Hostname": "WS01",
        "EventID": 4688,
        "SourceName": "x",
        "RecordNumber": 1,
    }
    (tmp_path / "log.json").write_text("\n".join(json.dumps(line | {"RecordNumber": n}) for n in range(1, 6)))
    warehouse = Warehouse.create(tmp_path / "w")
    with warehouse.writing():
        ingest([tmp_path / "log.json"], warehouse, workers=1)
    return warehouse


def _hunt(warehouse: Warehouse) -> None:
    with open_hunt(warehouse.root, Library.load()):
        pass


def test_a_whole_lake_is_whole(warehouse: Warehouse) -> None:
    _hunt(warehouse)


@pytest.mark.parametrize("what", ["events", "sources", "cut"])
def test_what_is_missing_is_named(warehouse: Warehouse, what: str) -> None:
    (batch,) = warehouse.batches()
    victim = batch.table("sources") if what == "sources" else batch.event_files[0]
    content = victim.read_bytes()
    victim.unlink()
    if what == "cut":
        victim.write_bytes(content[:-20])
    with pytest.raises(WmiwhError, match=f"batch {batch.id}"):
        _hunt(warehouse)


def test_what_was_not_committed_is_not_looked_at(warehouse: Warehouse) -> None:
    (batch,) = warehouse.batches()
    shutil.copy(batch.event_files[0], batch.event_files[0].with_name("zzz.parquet"))
    with open_hunt(warehouse.root, Library.load()) as hunt:
        counted = rows(hunt.connection(), "select count(*) as records from lake_events")
    assert counted == [{"records": 5}]
    assert [(one.finding, one.file) for one in verify(warehouse).findings] == [("unknown", "events/zzz.parquet")]


def test_a_copy_of_a_batch_is_refused(warehouse: Warehouse) -> None:
    (batch,) = warehouse.batches()
    shutil.copytree(batch.folder, batch.folder.with_name(f"{batch.id}-copy"))
    with pytest.raises(WmiwhError, match=f"batch {batch.id}-copy has the same files as {batch.id}: remove the copy"):
        _hunt(warehouse)


def test_a_damaged_list_of_sources_is_one_line(warehouse: Warehouse, tmp_path: Path) -> None:
    (batch,) = warehouse.batches()
    path = batch.table("sources")
    size = path.stat().st_size
    path.chmod(0o644)
    path.write_bytes(bytes(size))
    with warehouse.writing(), pytest.raises(WmiwhError, match=r"sources\.parquet.*wmiwh verify"):
        ingest([tmp_path / "log.json"], warehouse, workers=1)


@pytest.mark.parametrize("where", ["footer", "pages"])
def test_damage_that_shows_only_in_reading_is_one_line(warehouse: Warehouse, where: str) -> None:
    """The size is as committed: the name of the file, or at least what to do, must stand there and no traceback."""
    (batch,) = warehouse.batches()
    victim = batch.event_files[0]
    content = bytearray(victim.read_bytes())
    footer = int.from_bytes(content[-8:-4], "little")
    first, last = (len(content) - 8 - footer, len(content) - 8) if where == "footer" else (4, len(content) - 8 - footer)
    content[first:last] = bytes(byte ^ 0x5A for byte in content[first:last])
    victim.chmod(0o644)
    victim.write_bytes(content)
    with (
        pytest.raises(WmiwhError, match=r"the lake cannot be read: .*see: wmiwh verify"),
        open_hunt(warehouse.root, Library.load()) as hunting,
    ):
        hunting.connection(models=["events"]).sql("select * from events").to_arrow_table()
