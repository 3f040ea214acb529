"""Counts what a query scans and what an ingest does: numbers that no machine's speed changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.lake import catalog, relations
from wmiwarehouse.lake.hosts import literal
from wmiwarehouse.lake.views import create_views
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline import batch
from wmiwarehouse.pipeline.part_writer import PartWriter
from wmiwarehouse.pipeline.worker import Done, Worker

Counts = dict[str, int]


def of_views(root: Path, library: Library, profile: Path) -> dict[str, Counts]:
    """What the rows of each newest analytic scan in the lake at *root*, alone: nothing is kept of the others."""
    found = {}
    with catalog.connect(threads=1) as connection:
        for statement in relations.base_relations(Warehouse.open(root).batches()):
            connection.execute(statement)
        views = create_views(connection, library, ())
        for name, analytic in sorted(library.newest.items()):
            # What the view is made of and not the view: most of the time goes into binding, and this binds once.
            _, _, body = views.statement(analytic.sql).partition(f"create or replace view hunt.{analytic.view} as")
            connection.execute("pragma enable_profiling = 'json'")
            connection.execute(f"pragma profiling_output = {literal(str(profile))}")
            connection.execute("pragma profiling_mode = 'detailed'")
            connection.execute(f"create or replace temp table answer as {body}")
            connection.execute("pragma disable_profiling")
            found[name] = _scanned(json.loads(profile.read_text(encoding="utf-8")))
    return found


def _scanned(profile: dict[str, Any]) -> Counts:
    operators = list(_operators(profile["operator"]))
    scans = [one for one in operators if one["type"] == "TABLE_SCAN" and "PARQUET" in json.dumps(one["extra_info"])]
    return {
        "scans": len(scans),
        "row_groups": profile["query"]["total_row_groups_scanned"],
        "rows": profile["query"]["total_rows_scanned"],
    }


def _operators(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        yield node
        yield from _operators(node.get("children", []))


class _Here:
    """Stands in for the pool: does each task at once and in this process, where its statements can be counted."""

    def __init__(self, size: int, target: Any, arguments: Any, *_: Any) -> None:
        folder, name, functions = arguments("part-0")
        self._writer = PartWriter(Path(folder), name, functions)
        self._worker = Worker(self._writer)
        self._done: list[Done] = []
        self.connections = [self]

    @property
    def busy(self) -> int:
        return len(self._done)

    def idle(self) -> _Here:
        return self

    def give(self, connection: _Here, task: Any) -> None:
        self._done.append(self._worker.do(task))

    def answers(self, timeout: float) -> Iterator[Done]:
        done, self._done = self._done, []
        yield from done

    def end(self) -> None:
        self._writer.close()


class _Counted:
    """A connection that counts its statements."""

    def __init__(self, connection: Any, statements: list[str]) -> None:
        self._connection, self._statements = connection, statements

    def execute(self, query: str, *rest: Any, **more: Any) -> Any:
        self._statements.append(query)
        return self._connection.execute(query, *rest, **more)

    def sql(self, query: str, *rest: Any, **more: Any) -> Any:
        self._statements.append(query)
        return self._connection.sql(query, *rest, **more)

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@contextmanager
def counting() -> Iterator[list[str]]:
    """Give the list into which every statement of an ingest goes, its workers' too, while the context is open."""
    statements: list[str] = []
    connect = duckdb.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb, "connect", lambda *args, **options: _Counted(connect(*args, **options), statements))
        patch.setattr(batch, "Pool", _Here)
        yield statements
