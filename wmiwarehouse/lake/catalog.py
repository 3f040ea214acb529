"""Builds the views of ``sql/`` over the batches of a warehouse: in memory for ``wmiwh``, in a file for other tools.

The lake is given to the views as an explicit list of Parquet files, taken once: a hunt sees one state of the warehouse
from its first query to its last, whatever is committed meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from wmiwarehouse import __version__
from wmiwarehouse.content.library import Analytic, Library
from wmiwarehouse.lake import tables
from wmiwarehouse.lake.warehouse import Batch, Warehouse
from wmiwarehouse.schema import EVENT_COLUMNS

if TYPE_CHECKING:
    import duckdb

#: Oldest DuckDB whose shell has to open ``warehouse.duckdb``; 2.0's own format is refused by the 1.5 shells.
_STORAGE = "v1.4.0"

#: Settings that keep a connection from loading code and from reading in the session's time zone.
_SETTINGS = "set timezone = 'UTC'"


def connect(*, memory_limit: str | None = None, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """Return an empty in-memory connection set up as everything here expects it."""
    import duckdb

    config: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    config |= {"memory_limit": memory_limit} if memory_limit else {}
    config |= {"threads": threads} if threads else {}
    connection = duckdb.connect(config=config)
    connection.execute(_SETTINGS)
    return connection


def base_relations(batches: Iterable[Batch]) -> list[str]:
    """Return the statements that make ``lake_*`` relations over *batches*; an empty warehouse has them too."""
    batches = list(batches)
    events = [file for batch in batches for file in batch.event_files]
    statements = [_relation("lake_events", EVENT_COLUMNS, events)]
    for name, columns in (
        ("sources", tables.SOURCES),
        ("problems", tables.PROBLEMS),
        ("duplicates", tables.DUPLICATES),
    ):
        statements.append(_relation(f"lake_{name}", columns, [batch.table(name) for batch in batches]))
    return statements


def _relation(name: str, columns: dict[str, str], files: list[Any]) -> str:
    if not files:
        empty = ", ".join(f"cast(null as {kind}) as {column}" for column, kind in columns.items())
        return f"create or replace view {name} as select {empty} where false"
    listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    return f"create or replace view {name} as select {', '.join(columns)} from read_parquet([{listed}])"


def create_views(
    connection: duckdb.DuckDBPyConnection, library: Library, analytics: Iterable[Analytic], events_where: str = ""
) -> None:
    """Create the model views and *analytics*, as versions and plain ids, over the ``lake_*`` relations of *connection*.

    *events_where* narrows ``events``, and with it everything above but the models that are marked ``whole`` (the
    parent of a process may have started before the range): how filters get beneath an aggregation.
    """
    for model in library.models:
        if model.name == "events" and events_where:
            connection.execute(_renamed(model.sql))
            connection.execute(f"create or replace view events as select * from all_events where {events_where}")
        elif model.metadata.whole and events_where:
            connection.execute(re.sub(r"\b(from|join) events\b", r"\1 all_events as events", model.sql))
        else:
            connection.execute(model.sql)
    connection.execute("create schema if not exists hunt")
    for analytic in analytics:
        connection.execute(analytic.sql)
        if library.newest[analytic.id] == analytic:
            connection.execute(f"create or replace view hunt.{analytic.id} as select * from hunt.{analytic.view}")


def _renamed(sql: str) -> str:
    head = "create or replace view events as"
    if head not in sql:
        raise ValueError("sql/model/events.sql does not begin with 'create or replace view events as'")
    return sql.replace(head, head.replace("view events", "view all_events"), 1)


def write_database(warehouse: Warehouse, library: Library) -> None:
    """Build ``warehouse.duckdb`` anew beside the old one and put it in its place; views only, absolute paths."""
    aside = warehouse.database.with_suffix(".duckdb.new")
    aside.unlink(missing_ok=True)
    batches = warehouse.batches()
    with ExitStack() as exits:
        # DuckDB reads a "?" in the path of a database as the start of options.
        elsewhere = "?" in str(aside)
        built = Path(exits.enter_context(TemporaryDirectory())) / aside.name if elsewhere else aside
        _build_database(built, batches, library)
        if elsewhere:
            shutil.copyfile(built, aside)
    aside.replace(warehouse.database)
    warehouse.write_mark(_built_for(warehouse, batches, library))


def _build_database(path: Path, batches: Iterable[Batch], library: Library) -> None:
    connection = connect()
    try:
        target = str(path).replace("'", "''")
        connection.execute(f"attach '{target}' as built (storage_version '{_STORAGE}')")
        connection.execute("use built")
        for statement in base_relations(batches):
            connection.execute(statement)
        create_views(connection, library, library.analytics)
        connection.execute("use memory")
        connection.execute("detach built")
    finally:
        connection.close()


def refresh_database(warehouse: Warehouse, library: Library) -> None:
    """Build ``warehouse.duckdb`` anew if the folder was moved or it does not fit; silent where it cannot write."""
    if not is_current(warehouse, library) and os.access(warehouse.root, os.W_OK):
        write_database(warehouse, library)


def is_current(warehouse: Warehouse, library: Library) -> bool:
    """Whether ``warehouse.duckdb`` was built for this place, these batches and these views."""
    mark = warehouse.read_mark()
    expected = _built_for(warehouse, warehouse.batches(), library)
    return warehouse.database.is_file() and all(mark.get(key) == value for key, value in expected.items())


def _built_for(warehouse: Warehouse, batches: Iterable[Batch], library: Library) -> dict[str, Any]:
    views = hashlib.sha256("\0".join(view.sql for view in library.views).encode()).hexdigest()
    return {
        "version": __version__,
        "views": views,
        "root": str(warehouse.root),
        "batches": [batch.id for batch in batches],
    }
