"""Empty tables that stand for model views while others are made over them.

What columns a view has is only known once it is bound, which for one as wide as ``events`` takes as long as many a
query. It hangs on the program and the SQL alone, so it is kept (:mod:`wmiwarehouse.cache`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from wmiwarehouse import cache
from wmiwarehouse.lake.query import columns_of

if TYPE_CHECKING:
    import duckdb


class Stubs:
    """Makes the stubs of the models whose statements are *texts*."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._made_of = "\0".join(["columns", *texts])
        found = cache.fetch(self._made_of)
        self._columns: dict[str, dict[str, str]] = json.loads(found) if found else {}
        self._bound: list[str] = []

    def make(self, connection: duckdb.DuckDBPyConnection, name: str, body: str) -> None:
        """Make the empty table *name*, with the columns of the query *body*."""
        if columns := self._columns.get(name):
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f"create table {name} ({listed})")
        else:
            connection.execute(f"create table {name} as select * from (\n{body}\n) as stub limit 0")
            self._bound.append(name)

    def learn(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Keep the columns of the stubs that had to be bound, which stand there still."""
        if self._bound:
            self._columns |= {name: columns_of(connection, name) for name in self._bound}
            cache.keep(self._made_of, json.dumps(self._columns).encode())
        self._bound.clear()
