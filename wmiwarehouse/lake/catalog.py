"""Builds the views of ``sql/`` over the batches of a warehouse: in memory for ``wmiwh``, in a file for other tools.

The lake is given to the views as an explicit list of Parquet files, taken once: a hunt sees one state of the warehouse
from its first query to its last, whatever is committed meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from wmiwarehouse import __version__
from wmiwarehouse.content.library import Analytic, Library
from wmiwarehouse.lake import tables
from wmiwarehouse.lake.hosts import Hosts, literal
from wmiwarehouse.lake.settings import Settings
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


def base_relations(batches: Iterable[Batch], settings: Settings | None = None, hosts: Hosts | None = None) -> list[str]:
    """Return the statements that make ``lake_*`` and the settings' relations; an empty warehouse has them too.

    *hosts* are those of *batches* under *settings*, for a caller that has them already.
    """
    batches = list(batches)
    settings = settings or Settings()
    hosts = hosts or Hosts.of(batches, settings)
    events = [file for batch in batches for file in batch.event_files]
    host = hosts.column()
    statements = [_relation("lake_events", EVENT_COLUMNS, events, {"host": host})]
    for name, columns in (
        ("sources", tables.SOURCES),
        ("problems", tables.PROBLEMS),
        ("duplicates", tables.DUPLICATES),
    ):
        statements.append(_relation(f"lake_{name}", columns, [batch.table(name) for batch in batches]))
    statements.append(_host_list(batches, host))
    return statements + settings_relations(settings, hosts.aliases)


def settings_relations(settings: Settings, aliases: Mapping[str, str] | None = None) -> list[str]:
    """Return the statements that make what *settings* say readable for views.

    *aliases* are the settings' own, with hosts as the column ``host`` has them; ``settings`` has one row always.
    """
    aliases = settings.aliases if aliases is None else aliases
    by_key = {key: aliases[alias] for alias, key in settings.alias_keys.items()}
    networks = [f"{{'low': '{low}', 'high': '{high}'}}" for low, high in settings.internal_networks]
    return [
        f"""create or replace view settings as select
            cast([{", ".join(networks)}] as struct(low varchar, high varchar)[]) as internal_networks,
            cast([{", ".join(map(literal, settings.internal_domains))}] as varchar[]) as internal_domains,
            cast([{", ".join(map(literal, settings.local_accounts))}] as varchar[]) as local_accounts""",
        _pairs("host_alias", ("alias", "host"), aliases),
        _pairs("host_alias_address", ("ip_key", "host"), by_key),
    ]


def analytic_requirement(library: Library) -> str:
    """Return the statement that makes what the newest analytics need readable for views: a row for each column."""
    columns = {"analytic": "VARCHAR", "requirement": "INTEGER", "channel": "VARCHAR", "event_id": "INTEGER"}
    columns |= {"column_name": "VARCHAR"}
    needed = [
        f"({literal(name)}, {number}, {literal(need.channel)}, "
        f"{'null' if need.event_id is None else need.event_id}, {literal(column)})"
        for name, analytic in sorted(library.newest.items())
        for number, need in enumerate(analytic.metadata.requires, 1)
        for column in need.columns
    ]
    if not needed:
        return _relation("analytic_requirement", columns, [])
    typed = ", ".join(f"cast({column} as {kind}) as {column}" for column, kind in columns.items())
    values = f"(values {', '.join(needed)}) as t ({', '.join(columns)})"
    return f"create or replace view analytic_requirement as select {typed} from {values}"


def _pairs(name: str, columns: tuple[str, str], pairs: Mapping[str, str]) -> str:
    if not pairs:
        return _relation(name, dict.fromkeys(columns, "VARCHAR"), [])
    listed = ", ".join(f"({literal(one)}, {literal(other)})" for one, other in sorted(pairs.items()))
    named = ", ".join(columns)
    return f"create or replace view {name} as select {named} from (values {listed}) as t ({named})"


def _relation(name: str, columns: dict[str, str], files: list[Any], derived: Mapping[str, str] | None = None) -> str:
    if not files:
        empty = ", ".join(f"cast(null as {kind}) as {column}" for column, kind in columns.items())
        return f"create or replace view {name} as select {empty} where false"
    derived = {column: sql for column, sql in (derived or {}).items() if sql != column}
    picked = ", ".join(f"{derived[column]} as {column}" if column in derived else column for column in columns)
    return f"create or replace view {name} as select {picked} from {_parquet(files)}"


def _parquet(files: Iterable[Any]) -> str:
    return f"read_parquet([{', '.join(literal(str(file)) for file in files)}])"


def _host_list(batches: Iterable[Batch], host: str) -> str:
    """``lake_hosts``; of batches of older versions, which have no list of their hosts, from their events."""
    listed, unlisted = [], []
    for batch in batches:
        if batch.table("hosts").is_file():
            listed.append(batch.table("hosts"))
        else:
            unlisted += batch.event_files
    if not unlisted:
        return _relation("lake_hosts", tables.HOSTS, listed, {"host": host})
    branches = [f"select {', '.join(tables.HOSTS)} from {_parquet(listed)}"] if listed else []
    branches.append(
        "select computer, host, count(*) as records, min(event_time) as first_time, max(event_time) as last_time "
        f"from {_parquet(unlisted)} group by computer, host"
    )
    mapped = ", ".join(f"{host} as host" if column == "host" else column for column in tables.HOSTS)
    return f"create or replace view lake_hosts as select {mapped} from ({' union all '.join(branches)}) as t"


def create_views(
    connection: duckdb.DuckDBPyConnection, library: Library, analytics: Iterable[Analytic], events_where: str = ""
) -> None:
    """Create the model views and *analytics*, as versions and plain ids, over the ``lake_*`` relations of *connection*.

    *events_where* narrows ``events``, and with it everything above but the models that are marked ``whole`` (the
    parent of a process may have started before the range): how filters get beneath an aggregation.
    """
    connection.execute(analytic_requirement(library))
    models = list(_models(library, events_where))
    # A view is bound when it is made, with all that it is built on, many times over. So each model first stands there
    # as an empty table, and the views are made from the top down: each then finds tables and not whole trees.
    for name, sql in models:
        connection.execute(sql)
        connection.execute(f"create or replace table stub as select * from {name} limit 0")
        connection.execute(f"drop view {name}")
        connection.execute(f"alter table stub rename to {name}")
    connection.execute("create schema if not exists hunt")
    for analytic in analytics:
        connection.execute(analytic.sql)
        if library.newest[analytic.id] == analytic:
            connection.execute(f"create or replace view hunt.{analytic.id} as select * from hunt.{analytic.view}")
    for name, sql in reversed(models):
        connection.execute(f"drop table {name}")
        connection.execute(sql)


def _models(library: Library, events_where: str) -> Iterator[tuple[str, str]]:
    """Yield name and statement of each model view, each after those that it reads."""
    for model in library.models:
        if model.name == "events" and events_where:
            yield "all_events", _renamed(model.sql)
            yield "events", f"create or replace view events as select * from all_events where {events_where}"
        elif model.metadata.whole and events_where:
            yield model.name, re.sub(r"\b(from|join) events\b", r"\1 all_events as events", model.sql)
        else:
            yield model.name, model.sql


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
    settings = Settings.load(warehouse.root)
    with ExitStack() as exits:
        # DuckDB reads a "?" in the path of a database as the start of options.
        elsewhere = "?" in str(aside)
        built = Path(exits.enter_context(TemporaryDirectory())) / aside.name if elsewhere else aside
        _build_database(built, batches, settings, library)
        if elsewhere:
            shutil.copyfile(built, aside)
    aside.replace(warehouse.database)
    warehouse.write_mark(_built_for(warehouse, batches, settings, library))


def _build_database(path: Path, batches: Iterable[Batch], settings: Settings, library: Library) -> None:
    connection = connect()
    try:
        target = str(path).replace("'", "''")
        connection.execute(f"attach '{target}' as built (storage_version '{_STORAGE}')")
        connection.execute("use built")
        connection.begin()  # or each of the hundreds of statements waits for the disk
        for statement in base_relations(batches, settings):
            connection.execute(statement)
        create_views(connection, library, library.analytics)
        connection.commit()
        connection.execute("use memory")
        connection.execute("detach built")
    finally:
        connection.close()


def refresh_database(warehouse: Warehouse, library: Library) -> None:
    """Build ``warehouse.duckdb`` anew if the folder was moved or it does not fit; silent where it cannot write."""
    if not is_current(warehouse, library) and os.access(warehouse.root, os.W_OK):
        write_database(warehouse, library)


def is_current(warehouse: Warehouse, library: Library) -> bool:
    """Whether ``warehouse.duckdb`` was built for this place, these batches, these settings and these views."""
    mark = warehouse.read_mark()
    expected = _built_for(warehouse, warehouse.batches(), Settings.load(warehouse.root), library)
    return warehouse.database.is_file() and all(mark.get(key) == value for key, value in expected.items())


def _built_for(warehouse: Warehouse, batches: Iterable[Batch], settings: Settings, library: Library) -> dict[str, Any]:
    views = hashlib.sha256("\0".join(view.sql for view in library.views).encode()).hexdigest()
    return {
        "version": __version__,
        "views": views,
        "root": str(warehouse.root),
        "settings": settings.fingerprint,
        "batches": [batch.id for batch in batches],
    }
