"""Stack counts over any view: how often each value stands there, and on how many of the hosts.

What an attacker leaves is seldom on many hosts, so the rarest comes first. Names of views and columns are looked up
before they get into a query; nothing that was typed is ever pasted into one.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wmiwarehouse.content.library import Analytic, Library
from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting.hunt import Hunt
from wmiwarehouse.lake.query import columns_of, fetch, rows

if TYPE_CHECKING:
    import pyarrow as pa

_HOSTS = ("host", "dest", "target_host", "source_host")
_BEGINS = ("event_time", "start_time", "start", "first_time", "first", "first_seen")
_ENDS = ("event_time", "end_time", "end", "last_time", "last", "last_seen")
_USERS = (("user_name", "user_domain"), ("user", ""), ("subject_name", "subject_domain"))
_COUNTED = ("events", "hosts", "host_share", "users", "first_seen", "last_seen")


@dataclass(frozen=True)
class Stack:
    """The counts, and how many rows and hosts they were taken from."""

    table: pa.Table
    rows: int
    hosts: int


def stack(hunting: Hunt, library: Library, columns: Sequence[str], *, of: str, rare: int | None = None) -> Stack:
    """Count the values of *columns* in the view *of*; *rare* keeps those of at most so many hosts."""
    analytic, view = _view(library, of)
    beneath = analytic is not None and analytic.metadata.filters == "events" and bool(hunting.filters)
    schema, name = view.split(".")
    models = [] if analytic else [name]
    connection = hunting.connection(*([analytic] if analytic else []), models=models, beneath=beneath)
    types = columns_of(connection, name, schema)
    keys = [_column(name, types, of) for name in dict.fromkeys(columns)]
    where = ""
    values: dict[str, object] = {}
    if hunting.filters and not beneath:
        lasting = analytic is not None and analytic.metadata.kind in ("session", "chain")
        where, values = hunting.filters.where(list(types), hunting.newest(), lasting=lasting)
    kept = _kept(keys, types, view, where, of)
    (total,) = rows(
        connection, f"with kept as ({kept}) select count(*) as n, count(distinct row_host) as m from kept", values
    )
    query = _counts(keys, types, kept)
    found = fetch(connection, query, values | {"all_hosts": total["m"], "rare": rare or total["m"]})
    return Stack(found, total["n"], total["m"])


def _view(library: Library, name: str) -> tuple[Analytic | None, str]:
    """Return the analytic *name* (None for a model view) and the view's name in SQL."""
    models = [model.name for model in library.models]
    plain = name.strip().lower()
    schema, dot, bare = plain.partition(".")
    if not dot:
        schema, bare = "", plain
    if schema in ("", "main") and bare in models:
        return None, f"main.{bare}"
    found = next((item for item in library.analytics if bare in (item.view, item.id)), None)
    if schema in ("", "hunt") and found:
        analytic = library.get(bare)
        return analytic, f"hunt.{analytic.view}"
    near = difflib.get_close_matches(bare, [*models, *library.ids], n=3)
    hint = f"nearest: {', '.join(near)}. " if near else ""
    raise UsageError(f'--of: no view "{name}"; {hint}Views: {", ".join(sorted(models))}, and every analytic')


def _column(name: str, types: Mapping[str, str], of: str) -> str:
    column = name.strip().lower()
    if column not in types:
        near = difflib.get_close_matches(column, types, n=3)
        inside = [known for known in types if column and column in known and known not in near]
        hint = f"nearest: {', '.join([*near, *inside][:3])}. " if near or inside else ""
        raise UsageError(f'{of} has no column "{name}"; {hint}It has: {", ".join(types)}')
    if column in _COUNTED:
        raise UsageError(f"{column} is one of the counts; {of} cannot be stacked by it")
    if types[column].startswith(("STRUCT", "MAP")) or (_is_list(types[column]) and types[column] != "VARCHAR[]"):
        raise UsageError(f"{column} holds records, not values; {of} cannot be stacked by it")
    return column


def _is_list(kind: str) -> bool:
    return kind.endswith("[]")


def _kept(keys: Sequence[str], types: Mapping[str, str], view: str, where: str, of: str) -> str:
    """Return the select of the rows to count: the keys, and what the counts need under names of their own."""
    host = next((column for column in _HOSTS if column in types), None)
    if host is None:
        raise UsageError(f"{of}: its rows are of no single host, so there is nothing to count by host")
    begin = next((f'"{column}"' for column in _BEGINS if column in types), "cast(null as timestamptz)")
    end = next((f'"{column}"' for column in _ENDS if column in types), begin)
    lists = [key for key in keys if _is_list(types[key])]
    if len(lists) > 1:
        raise UsageError(f"{' and '.join(lists)} are lists; only one can be stacked by at a time")
    picked = [_unnested(key) if key in lists else f'"{key}"' for key in keys]
    # A copy of a record is no second event.
    terms = [f"({where})"] if where else []
    terms += ["not coalesce(is_duplicate, false)"] if "is_duplicate" in types else []
    return (
        f'select {", ".join(picked)}, "{host}" as row_host, {_user(types)} as row_user, '
        f"{begin} as row_begin, coalesce({end}, {begin}) as row_end from {view}"
        + (f" where {' and '.join(terms)}" if terms else "")
    )


def _unnested(key: str) -> str:
    """One row for each value of a list; without any, one row without a value."""
    return f'unnest(case when coalesce(len("{key}"), 0) = 0 then [cast(null as varchar)] else "{key}" end) as "{key}"'


def _user(types: Mapping[str, str]) -> str:
    for name, domain in _USERS:
        if name in types:
            known = f"nullif(nullif(lower(\"{name}\"), ''), '-')"
            return f"coalesce(lower({domain}) || '\\', '') || {known}" if domain in types else known
    return "cast(null as varchar)"


def _counts(keys: Sequence[str], types: Mapping[str, str], kept: str) -> str:
    """Return the counting query. Windows knows no case, so neither do the groups; one spelling as logged is shown."""
    texts = {key for key in keys if types[key] in ("VARCHAR", "VARCHAR[]")}
    shown = [f'min(nullif("{key}", \'\')) as "{key}"' if key in texts else f'"{key}"' for key in keys]
    groups = [f"nullif(lower(\"{key}\"), '')" if key in texts else f'"{key}"' for key in keys]
    picked: list[Any] = [f'"{key}"' for key in keys]
    return f"""
        with kept as ({kept}),
        counted as (
            select
                {", ".join(shown)},
                count(*) as events,
                count(distinct row_host) as hosts,
                count(distinct row_user) as users,
                min(row_begin) as first_seen,
                max(row_end) as last_seen
            from kept
            group by {", ".join(groups)}
        )
        select
            {", ".join(picked)}, events, hosts, round(cast(hosts as double) / nullif($all_hosts, 0), 4) as host_share,
            users, first_seen, last_seen
        from counted
        where hosts <= $rare
        order by hosts, events, {", ".join(f"{key} nulls first" for key in picked)}"""
