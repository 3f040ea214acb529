"""Counts what is in a new batch and yet doubtful: records without an id or a time, times that cannot be.

They are kept as they were logged. One query over a few columns of the staged parts, so that it costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from wmiwarehouse.lake.query import rows

_HOSTS_NAMED = 5

#: A problem as it is listed, and whether it means that something is wrong with what was read.
Doubt = tuple[tuple[str, str, int], bool]

_QUERY = """
with counted as (
    select
        source_id,
        source_file,
        source_record,
        host,
        event_time,
        event_id is null and channel is null as is_nothing,
        -- Channels of endpoint sensors are '<vendor>/<kind>' in lower case: their events have no ids.
        event_id is null and channel is not null and not regexp_matches(channel, '^[a-z]+/') as is_without_id,
        event_time is null as is_without_time,
        host is null and not (event_id is null and channel is null) as is_without_host,
        -- Exports without names for values, cut short, or of a message in another language.
        {is_bare} as is_bare,
        event_time < timestamptz '1990-01-01' as is_early,
        event_time > $latest as is_late,
        time_source = 'assumed' and event_time is not null as is_assumed
    from read_parquet($parts)
)
select
    source_id,
    source_file,
    count(*) as records,
    count(distinct host) as hosts,
    min(event_time) as first_time,
    max(event_time) as last_time,
    {counts},
    min(event_time) filter (where is_early) as earliest,
    max(event_time) filter (where is_early) as last_early,
    min(event_time) filter (where is_late) as soonest,
    list_sort(list(distinct coalesce(host, 'no host')) filter (where is_assumed)) as assumed_hosts
from counted
group by source_id, source_file"""
_KINDS = ("nothing", "without_id", "without_time", "without_host", "bare", "early", "late", "assumed")


def counts(
    connection: Any, parts: Sequence[Path], latest: datetime, is_bare: str
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what the staged *parts* hold, by (source_id, source_file); times after *latest* are in the future.

    *is_bare* is the condition of a record that lacks what all of its event have; ``ingest/events`` tells.
    """
    if not parts:
        return {}
    each = ",\n    ".join(
        f"count(*) filter (where is_{kind}) as {kind}, min(source_record) filter (where is_{kind}) as first_{kind}"
        for kind in _KINDS
    )
    query = _QUERY.replace("{counts}", each).replace("{is_bare}", is_bare)
    found = rows(connection, query, {"parts": list(map(str, parts)), "latest": latest})
    return {(row["source_id"], row["source_file"]): row for row in found}


def told(found: dict[str, Any]) -> Iterator[Doubt]:
    """Yield the doubts about a source that :func:`counts` *found* something of.

    Times of a clock that is wrong, and values that an export left out, are no damage: they only have to be known.
    """
    for kind, words, way, is_wrong in (
        ("nothing", "neither channel nor event id", "no analytic sees them", True),
        ("without_id", "no event id", "no analytic sees them", True),
        ("without_time", "no time", "filters by time leave them out", True),
        ("without_host", "no host", "nothing joins them with what else happened there", True),
        ("bare", "a known event id and none of its values", "analytics see next to nothing of them", False),
    ):
        if number := found.get(kind):
            yield (_place(found, kind), f"{_records(number, 'has', 'have')} {words}: kept, but {way}", 0), is_wrong
    if number := found.get("early"):
        span = _span((found["earliest"], found["last_early"]))
        reason = f"{_records(number, 'is', 'are')} from before 1990 ({span}): kept as logged"
        yield (_place(found, "early"), reason, 0), False
    if number := found.get("late"):
        span = _span((found["soonest"], found["last_time"]))
        reason = f"{_records(number, 'is', 'are')} later than this ingest ({span}): kept as logged"
        yield (_place(found, "late"), reason, 0), False
    if number := found.get("assumed"):
        hosts = _hosts(found["assumed_hosts"])
        reason = (
            f"{_records(number, f'({hosts}) has', f'({hosts}) have')} a local time and nothing that tells its zone:"
            " taken as UTC. To name it: wmiwh ingest --again --assume-tz ZONE FILE"
        )
        yield ("", reason, 0), True


def _place(found: dict[str, Any], kind: str) -> str:
    return f"record {found[f'first_{kind}']}{' ff.' if found[kind] > 1 else ''}"


def _records(number: int, one: str, many: str) -> str:
    return f"{number:,} record {one}" if number == 1 else f"{number:,} records {many}"


def _span(times: Iterable[datetime]) -> str:
    return " to ".join(dict.fromkeys(f"{time:%Y-%m-%d}".rjust(10, "0") for time in times))


def _hosts(names: Sequence[str]) -> str:
    more = len(names) - _HOSTS_NAMED
    return ", ".join(names[:_HOSTS_NAMED]) + (f" and {more:,} more host{'s' if more > 1 else ''}" if more > 0 else "")
