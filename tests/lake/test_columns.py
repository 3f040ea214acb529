"""What is kept of a view's columns is what binding it would say, and spares binding it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse import cache
from wmiwarehouse.content.library import Library
from wmiwarehouse.lake import catalog, relations
from wmiwarehouse.lake.columns import Columns
from wmiwarehouse.lake.query import columns_of
from wmiwarehouse.lake.views import create_views


def _columns_of_all(events_where: str = "") -> dict[str, dict[str, str]]:
    with catalog.connect() as connection:
        for statement in relations.base_relations([]):
            connection.execute(statement)
        views = create_views(connection, Library.load(), (), events_where=events_where)
        return {name: columns_of(connection, name) for name in views.models}


@pytest.mark.parametrize("where", ["", "host = 'ws01'"])
def test_views_over_kept_stubs_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    bound: list[str] = []
    learn = Columns.learn

    def noting(self: Columns, connection: Any, others: Any = ()) -> None:
        bound.extend(self._bound)
        learn(self, connection, others)

    monkeypatch.setattr(Columns, "learn", noting)
    monkeypatch.setenv(cache.VARIABLE, "")
    without = _columns_of_all(where)
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    first = _columns_of_all(where)
    assert sorted(bound) == sorted([*without, *without])
    second = _columns_of_all(where)
    assert sorted(bound) == sorted([*without, *without])
    assert without == first == second


def test_columns_are_learnt_bit_by_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    with catalog.connect() as connection:
        for name, body in (("one", "select 1 as a"), ("two", "select 'x' as \"b c\", [1] as d")):
            columns = Columns(["text"])
            columns.stub(connection, name, body)
            columns.learn(connection)
            connection.execute(f"drop table {name}")
        again = Columns(["text"])
        again.stub(connection, "one", "select nonsense")
        again.stub(connection, "two", "select nonsense")
        assert columns_of(connection, "one") == {"a": "INTEGER"}
        assert columns_of(connection, "two") == {"b c": "VARCHAR", "d": "INTEGER[]"}
        assert list(connection.execute("select * from one").fetchall()) == []


def test_what_is_asked_for_is_kept_until_a_table_may_lack_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    with catalog.connect() as connection:
        connection.execute("create schema hunt")
        connection.execute("create view hunt.x_v1 as select 1 as a")
        connection.execute("create view y as select 2 as b")
        columns = Columns(["text"])
        assert columns.of(connection, "x_v1", "hunt") == {"a": "INTEGER"}
        assert columns.of(connection, "not_yet") == {}
        columns.close()
        assert columns.of(connection, "y") == {"b": "INTEGER"}
        connection.execute("create or replace view hunt.x_v1 as select 'other' as c")
        connection.execute("create or replace view y as select 'other' as d")
        connection.execute("create view not_yet as select 3 as e")
        again = Columns(["text"])
        assert again.of(connection, "not_yet") == {"e": "INTEGER"}
        assert again.of(connection, "x_v1", "hunt") == {"a": "INTEGER"}
        assert again.of(connection, "y") == {"d": "VARCHAR"}
