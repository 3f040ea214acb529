"""Lays the relations under the views: the batches of a lake, the settings, and what the analytics need.

The lake is given to the views as an explicit list of Parquet files, taken once: a hunt sees one state of the warehouse
from its first query to its last, whatever is committed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.lake import memory, spill, tables
from wmiwarehouse.lake.hosts import Hosts, lists, literal, parquet
from wmiwarehouse.lake.query import unreadable
from wmiwarehouse.lake.remembered import FOLDER, forget_all
from wmiwarehouse.lake.settings import Settings
from wmiwarehouse.lake.warehouse import Batch
from wmiwarehouse.schema import EVENT_COLUMNS


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
    for name, columns in (("duplicates", tables.DUPLICATES), ("problems", tables.PROBLEMS)):
        # Without any copies in the lake, no view has to look for them.
        files = [batch.table(name) for batch in batches if not batch.is_empty(name)]
        statements.append(_relation(f"lake_{name}", columns, files))
    statements.append(_source_list(batches))
    statements.append(_host_list(batches, host))
    return statements + settings_relations(settings, hosts.aliases)


def lay_lake(connection: Any, batches: Sequence[Batch], settings: Settings | None = None) -> None:
    """Make all of :func:`base_relations` over *batches*; raises :class:`WmiwhError` where a file is damaged."""
    settings = settings or Settings()
    lay(connection, base_relations(batches, settings, Hosts.of(batches, settings, connection)))


def lay(connection: Any, statements: Iterable[str]) -> None:
    """Run *statements* of :func:`base_relations`; raises :class:`WmiwhError` where a file of the lake is damaged."""
    import duckdb

    try:
        for statement in statements:
            connection.execute(statement)
    except duckdb.Error as error:
        raise unreadable(error) from None


@contextmanager
def reading(root: Path) -> Iterator[None]:
    """Raise :class:`WmiwhError` where memory ends, or a file of the warehouse at *root* turns out to be damaged."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException) or spill.PREFIX in str(error):
            raise memory.exhausted(error) from None
        if ".parquet" not in str(error) and type(error) is not duckdb.Error:  # what Thrift says has no class
            raise
        if f"{root / FOLDER}" in str(error):
            forget_all(root)
            raise WmiwhError("what was remembered of this lake was damaged and is removed: run it again") from None
        raise unreadable(error) from None


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
    return f"create or replace view {name} as select {picked} from {parquet(files)}"


def _source_list(batches: Iterable[Batch]) -> str:
    """``lake_sources``; what is a copy may have changed since a source was committed."""
    batches = list(batches)
    files = [batch.table("sources") for batch in batches if not batch.is_empty("sources")]
    if not files or all(batch.is_empty("duplicates") for batch in batches):
        return _relation("lake_sources", tables.SOURCES, files)
    counted = """(
        select source_id as copied_id, source_file as copied_file, count(distinct source_record) as copies
        from lake_duplicates
        group by source_id, source_file
    ) on source_id = copied_id and source_file = copied_file"""
    derived = {"duplicates": "coalesce(copies, 0)"}
    return f"{_relation('lake_sources', tables.SOURCES, files, derived)} left join {counted}"


def _host_list(batches: Iterable[Batch], host: str) -> str:
    """``lake_hosts``; of batches of older versions, which have no list of their hosts, from their events."""
    listed, unlisted = lists(batches)
    if not unlisted:
        return _relation("lake_hosts", tables.HOSTS, listed, {"host": host})
    branches = [f"select {', '.join(tables.HOSTS)} from {parquet(listed)}"] if listed else []
    branches.append(
        "select computer, host, count(*) as records, min(event_time) as first_time, max(event_time) as last_time "
        f"from {parquet(unlisted)} group by computer, host"
    )
    mapped = ", ".join(f"{host} as host" if column == "host" else column for column in tables.HOSTS)
    return f"create or replace view lake_hosts as select {mapped} from ({' union all '.join(branches)}) as t"
