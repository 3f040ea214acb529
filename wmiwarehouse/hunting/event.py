"""One event with all that is known of it: its columns, the file it came from, and the analytics it stands in.

The way back from a finding to the proof: source file with SHA-256, ordinal of the record in it, and what was wrong with
that file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wmiwarehouse.content.library import Analytic, Library
from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting.hunt import Hunt
from wmiwarehouse.lake.query import columns_of, rows

_FEWEST = 6
_MOST = 20
#: Kinds whose rows are about several events.
_LASTING = ("session", "chain")
#: So many candidates are told of an ambiguous beginning.
_CANDIDATES = 10


@dataclass(frozen=True)
class Event:
    """An event, its source, and where it stands."""

    columns: dict[str, Any]
    source: dict[str, Any]
    problems: list[dict[str, Any]]
    analytics: list[Analytic]
    original: str | None
    """The event_uid of the record that this one is a copy of; analytics leave copies out."""
    twins: tuple[str, ...] = ()
    """Other files with the very same bytes: their records bear the same event_uid."""


class AmbiguousError(UsageError):
    """Several events begin like that; :attr:`candidates` has the first of them."""

    def __init__(self, prefix: str, candidates: list[dict[str, Any]], more: bool) -> None:
        count = f"more than {_CANDIDATES}" if more else str(len(candidates))
        super().__init__(f"{prefix}: {count} events begin like that; give more of the id")
        self.candidates = candidates


def find(hunting: Hunt, library: Library, text: str, on_step: Callable[[float], None] = lambda _: None) -> Event:
    """Return the event whose id begins with *text*; raises :class:`UsageError` if it is none or not the only one.

    *on_step* is told how many analytics were searched.
    """
    prefix = text.strip().lower()
    if not re.fullmatch(rf"[0-9a-f]{{{_FEWEST},{_MOST}}}", prefix):
        raise UsageError(f"{text}: no event id; it is {_MOST} hex digits, of which the first {_FEWEST} may do")
    connection = hunting.connection(models=["events"])
    found = rows(
        connection,
        f"select distinct event_uid, event_time, host, channel, event_id, record_id from lake_events "
        f"where starts_with(event_uid, $prefix) order by event_uid limit {_CANDIDATES + 1}",
        {"prefix": prefix},
    )
    if not found:
        raise UsageError(f"{text}: no event in this warehouse has an id that begins like that")
    if len(found) > 1:
        raise AmbiguousError(text, found[:_CANDIDATES], len(found) > _CANDIDATES)
    where, values = _one(found[0])
    # Of files with the same bytes one is looked at, the others are copies, and all bear the same id.
    same = rows(connection, f"select * from events where {where}", values)
    columns, *others = sorted(same, key=lambda row: (row["is_duplicate"], row["source_file"], row["source_record"]))
    return Event(
        columns,
        _source(connection, columns),
        _problems(connection, columns),
        [] if columns["is_duplicate"] else _standing(hunting, library, columns, on_step),
        _original(connection, columns) if columns["is_duplicate"] else None,
        tuple(row["source_file"] for row in others),
    )


def _one(event: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return SQL that finds *event* without a look at other times: row groups are sorted by time, never by id."""
    names = [name for name in ("event_uid", "event_time", "host") if event[name] is not None]
    return " and ".join(f"{name} = ${name}" for name in names), {name: event[name] for name in names}


def _source(connection: Any, event: dict[str, Any]) -> dict[str, Any]:
    # A source that was read again under another name is there twice; the name of this record's batch is meant.
    found = rows(
        connection,
        "select * from lake_sources where source_id = $source_id "
        "order by batch_id is distinct from $batch_id, source_file is distinct from $source_file limit 1",
        {name: event[name] for name in ("source_id", "batch_id", "source_file")},
    )
    return found[0] if found else {}


def _problems(connection: Any, event: dict[str, Any]) -> list[dict[str, Any]]:
    return rows(
        connection,
        "select position, reason, lost from lake_problems where source_id = $source_id and batch_id = $batch_id "
        "order by position, reason",
        {name: event[name] for name in ("source_id", "batch_id")},
    )


def _original(connection: Any, event: dict[str, Any]) -> str | None:
    names = ("channel", "event_id", "record_id", "event_data")
    found = rows(
        connection,
        "select event_uid from events where not is_duplicate and host = $host "
        "and event_time between $event_time - interval 10 second and $event_time + interval 10 second "
        "and lower(channel) = lower($channel) and event_id = $event_id "
        "and (record_id = $record_id or ($record_id is null and event_data = $event_data)) "
        "order by abs(datesub('microsecond', event_time, $event_time)), event_uid limit 1",
        {name: event[name] for name in (*names, "host", "event_time")},
    )
    return found[0]["event_uid"] if found else None


def _standing(
    hunting: Hunt, library: Library, event: dict[str, Any], on_step: Callable[[float], None]
) -> list[Analytic]:
    """Return the analytics with a row that is *event* or has it among its evidence."""
    analytics = sorted(library.newest.values(), key=lambda item: item.metadata.kind in _LASTING)
    if not hunting.is_large:  # to bind each of them over all events takes longer than to work them all out
        hunting.prepare(analytics)
    standing = []
    for number, analytic in enumerate(analytics):
        if hunting.is_large and analytic.metadata.kind in _LASTING:
            # Only now: what sessions and chains share is worked out for all times, single events are found by theirs.
            hunting.prepare(analytics[number:])
        standing += [analytic] if _stands_in(hunting, analytic, event) else []
        on_step(number + 1)
    return sorted(standing, key=lambda item: item.id)


def _stands_in(hunting: Hunt, analytic: Analytic, event: dict[str, Any]) -> bool:
    connection = hunting.connection(analytic)
    types = columns_of(connection, analytic.view, "hunt")
    values: dict[str, Any] = {}
    terms = []
    if {"event_uid", "event_time", "host"} <= set(types) and analytic.metadata.kind not in _LASTING:
        own, values = _one(event)
        terms.append(f"({own})")
    for column, kind in types.items():
        evidence = _evidence(column, kind)
        if evidence and not (terms and column == "event_uid"):
            terms.append(evidence)
            values["event_uid"] = event["event_uid"]
    if not terms:
        return False
    query = f"select 1 as one from hunt.{analytic.view} where {' or '.join(terms)} limit 1"
    return bool(rows(connection, query, values))


def _evidence(column: str, kind: str) -> str | None:
    """Return SQL that is true where *column* bears the event's id; None for a column that bears none."""
    if kind == "VARCHAR" and (column == "event_uid" or column.endswith("_uid")):
        return f'"{column}" = $event_uid'
    if kind == "VARCHAR[]" and column.endswith("_uids"):
        return f'list_contains("{column}", $event_uid)'
    if kind.startswith("STRUCT(") and kind.endswith("[]"):
        fields = re.findall(r'(?:^STRUCT\(|, )"?(\w*event_uid)"? VARCHAR', kind)
        terms = [f'list_contains(list_transform("{column}", lambda item: item.{name}), $event_uid)' for name in fields]
        return " or ".join(terms) or None
    return None
