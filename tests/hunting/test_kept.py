"""All events worked out once, where that is cheaper than to plan them wherever they are named: the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting import kept
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.hunt import Hunt, open_hunt
from wmiwarehouse.lake.query import rows

ASKED = ("lateral_movement", "evidence_tampering", "data_coverage", "wmiprvse_children", "report_remote_execution")


def are_kept(hunting: Hunt, *, beneath: bool = False) -> bool:
    """Whether ``events``, or what the filters leave of them *beneath*, is a table by now."""
    connection = hunting.connection(beneath=beneath)
    return bool(rows(connection, "select 1 as yes from duckdb_tables() where table_name = 'events'"))


def answers(hunting: Hunt, library: Library) -> dict[str, Any]:
    return {name: hunting.run(library.get(name)).to_pylist() for name in ASKED}


@pytest.mark.parametrize("filters", [None, Filters(host="ws01", since="2024-05-06T10:00:00Z")], ids=["all", "some"])
def test_the_rows_are_the_same(warehouse: Path, monkeypatch: pytest.MonkeyPatch, filters: Filters | None) -> None:
    library = Library.load()
    monkeypatch.setattr(kept, "_EVENTS_ALIKE", kept._MOST)
    with open_hunt(warehouse, library, filters) as hunting:
        found = answers(hunting, library)
        assert are_kept(hunting)
        assert are_kept(hunting, beneath=True) is bool(filters)
    monkeypatch.setattr(kept, "_EVENTS_ALIKE", 0)
    with open_hunt(warehouse, library, filters) as hunting:
        assert answers(hunting, library) == found
        assert not are_kept(hunting)
        assert not are_kept(hunting, beneath=True)
    assert found["lateral_movement"]


def test_what_reads_them_seldom_does_without(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library.load()
    size = sum(path.stat().st_size for path in warehouse.glob("lake/*/events/*.parquet"))
    monkeypatch.setattr(kept, "_EVENTS_ALIKE", size // 3)
    with open_hunt(warehouse, library) as hunting:
        hunting.run(library.get("playbook_dst_4672_user"))
        assert not are_kept(hunting)
        hunting.run(library.get("lateral_movement"))
        assert are_kept(hunting)


@pytest.mark.parametrize("limit", ["_MOST", "_MOST_TEXT"])
def test_too_many_or_too_long_ones_are_not_held(warehouse: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """A gigabyte of one letter is a few bytes of Parquet."""
    library = Library.load()
    monkeypatch.setattr(kept, limit, 1000)
    with open_hunt(warehouse, library) as hunting:
        assert hunting.lines([library.get("lateral_movement"), library.get("evidence_tampering")])
        assert not are_kept(hunting)
