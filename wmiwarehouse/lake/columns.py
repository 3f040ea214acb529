"""Which columns the views have, without binding them.

What columns a view has is only known once it is bound, which for one as wide as ``events`` takes as long as many a
query; and to ask DuckDB for them takes the longer the more views there are. They hang on the program and the SQL alone,
so they are kept (:mod:`wmiwarehouse.cache`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from wmiwarehouse import cache
from wmiwarehouse.lake.query import columns_of

if TYPE_CHECKING:
    import duckdb


class Columns:
    """The columns of the views whose statements are *texts*."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._made_of = "\0".join(["columns", *texts])
        found = cache.fetch(self._made_of)
        self._known: dict[str, dict[str, str]] = json.loads(found) if found else {}
        self._bound: list[str] = []
        self._is_closed = False

    def close(self) -> None:
        """Keep nothing more: some view was replaced by a table with fewer columns, which one above it may not name."""
        self._is_closed = True

    def knows(self, name: str, schema: str = "main") -> bool:
        """Whether the columns of the view *name* are known without it."""
        return _key(name, schema) in self._known

    def of(self, connection: duckdb.DuckDBPyConnection, name: str, schema: str = "main") -> dict[str, str]:
        """Return the columns with their types of the view *name*; none of one that is neither known nor there."""
        key = _key(name, schema)
        if key not in self._known and (found := columns_of(connection, name, schema)):
            self._keep({key: found})
        return self._known.get(key, {})

    def stub(self, connection: duckdb.DuckDBPyConnection, name: str, body: str) -> None:
        """Make the empty table *name*, with the columns of the query *body*, which others find when they are made."""
        if columns := self._known.get(name):
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f"create table {name} ({listed})")
        else:
            connection.execute(f"create table {name} as select * from (\n{body}\n) as stub limit 0")
            self._bound.append(name)

    def learn(self, connection: duckdb.DuckDBPyConnection, others: Iterable[str] = ()) -> None:
        """Keep the columns of the stubs that had to be bound, which stand there still, and of *others* in ``hunt``."""
        fresh = {name: columns_of(connection, name) for name in self._bound}
        fresh |= {
            f"hunt.{name}": columns_of(connection, name, "hunt") for name in others if f"hunt.{name}" not in self._known
        }
        self._bound.clear()
        if fresh:
            self._keep(fresh)

    def _keep(self, found: dict[str, dict[str, str]]) -> None:
        self._known |= found
        if not self._is_closed:
            cache.keep(self._made_of, json.dumps(self._known).encode())


def _key(name: str, schema: str) -> str:
    return name if schema == "main" else f"{schema}.{name}"
