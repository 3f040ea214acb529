"""Finds the records of a new batch that are copies of others.

Two records are the same event if host, channel, event id and record id agree, their computer names don't contradict
each other, and their times are at most 10 s apart (an export may cut or shift the time). Record ids alone repeat:
logs are cleared, and one file may hold several hosts. Two command lines are two events, whatever their ids say: an id
that somebody wrote must not hide what ran. Records without an id (or with 0) are the same if all their content is, and
the n-th of such a group in one file is the same as the n-th in another: real repeats inside one file are kept.

Of the copies the fullest stays: what an exporter has left out must not hide what another source of the same event has.
So a new record may make copies of older ones. Of equally full ones the one that was committed first stays, then the
first by file name and position, whatever the order in which the workers came to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wmiwarehouse.lake.query import rows
from wmiwarehouse.schema import TYPED_COLUMNS

#: How much a record says, in SQL: what ran weighs most, then each value counts, and the host's whole name.
FULLNESS = " + ".join(
    [
        "200 * (command_line is not null)::integer",
        "100 * (script_text is not null)::integer",
        "(contains(computer, '.'))::integer",
        *(f"({name} is not null)::integer" for name in TYPED_COLUMNS),
    ]
)

_QUERY = """
with both_sides as (
    {branches}
),
keyed as (
    select *, hash(host, channel, event_id, record_id, content) as key
    from both_sides
),
repeated as (
    select key
    from keyed
    group by key
    having count(*) > 1
),
candidates as (
    select
        * exclude (event_time),
        coalesce(event_time, timestamptz '1970-01-01') as event_time,
        nullif(lower(substr(computer, length(host) + 1)), '') as own_suffix,
        case
            when record_id is null
                then row_number() over (partition by key, content, source_id, source_file order by source_record)
        end as nth
    from keyed
    where key in (from repeated)
),
-- A short name may be any of the full names that it begins; two different full names are two hosts.
named as (
    select
        *,
        coalesce(
            own_suffix, max(own_suffix) over (partition by host, channel, event_id, record_id, content, nth)
        ) as suffix,
        coalesce(
            command_line, max(command_line) over (partition by host, channel, event_id, record_id, content, nth), ''
        ) as told
    from candidates
),
-- A log that grew has its old records again under the same file and number: the order needs more to be one.
spaced as (
    select
        *,
        case
            when event_time - lag(event_time) over same_record <= interval 10 seconds then 0
            else 1
        end as is_start
    from named
    window same_record as (
        partition by host, channel, event_id, record_id, content, nth, suffix, told
        order by event_time, is_new, source_file, source_record, source_id
    )
),
clustered as (
    select
        *,
        sum(is_start) over (
            partition by host, channel, event_id, record_id, content, nth, suffix, told
            order by event_time, is_new, source_file, source_record, source_id
            rows between unbounded preceding and current row
        ) as cluster
    from spaced
),
weighed as (
    {weighed}
),
ranked as (
    select
        *,
        row_number() over one_event as place,
        first_value({'is_new': is_new, 'event_time': event_time}) over one_event as fullest
    from clustered
    inner join weighed using (source_id, source_file, source_record, is_new)
    window one_event as (
        partition by host, channel, event_id, record_id, content, nth, suffix, told, cluster
        order by fullness desc, is_new, source_file, source_record, source_id
    )
)
select source_id, source_file, source_record
from ranked
where
    place > 1
    and (is_new = 1 or (fullest.is_new = 1 and event_time between fullest.event_time - interval 10 seconds
    and fullest.event_time + interval 10 seconds))
order by source_file, source_record
"""

# The data itself, the widest column by far, is only read for records that have no id.
_BRANCHES = """
    select
        source_id, source_file, source_record,
        host, computer, lower(channel) as channel, event_id, record_id, event_time, command_line,
        cast(null as varchar) as content, {is_new} as is_new
    from read_parquet(${files}) as e
    where record_id <> 0{visible}
    union all
    select
        source_id, source_file, source_record,
        host, computer, lower(channel) as channel, event_id, cast(null as bigint) as record_id, event_time,
        cast(null as varchar) as command_line,
        md5(concat_ws('|', event_time, provider, event_data)) as content, {is_new} as is_new
    from read_parquet(${files}) as e
    where coalesce(record_id, 0) = 0{visible}
"""

# Read only for the few records of which there are several: it takes all the columns.
_WEIGHED = """
    select source_id, source_file, source_record, {is_new} as is_new, {fullness} as fullness
    from read_parquet(${files})
    where (source_id, source_file, source_record) in (
        select (source_id, source_file, source_record) from candidates where is_new = {is_new}
    )
"""

_IS_VISIBLE = """
    and not exists (
        select 1 from read_parquet($listed) as l
        where l.source_id = e.source_id and l.source_file = e.source_file and l.source_record = e.source_record
    )"""


def find(
    connection: Any, new: Sequence[Path], old: Sequence[Path], listed: Sequence[Path] = ()
) -> list[dict[str, Any]]:
    """Return the records in the Parquet files *new* and *old* that are copies now, as a batch's table.

    Only those files of *old* are read whose hosts, channels and record ids meet those of *new*; those of their records
    that the tables *listed* name are copies already, and neither found again nor a reason for another to be one.
    """
    meeting = _meeting(connection, new, old)
    sides = {"new": list(map(str, new))} | ({"old": meeting} if meeting else {})
    branches, weighed = [], []
    for side, files in sides.items():
        names = {"files": side, "is_new": int(side == "new")}
        branches.append(_BRANCHES.format(**names, visible=_IS_VISIBLE if side == "old" and listed else ""))
        weighed.append(_WEIGHED.format(**names, fullness=_fullness(connection, files[0])))
    query = _QUERY.replace("{branches}", "union all".join(branches)).replace("{weighed}", "union all".join(weighed))
    return rows(connection, query, sides | ({"listed": list(map(str, listed))} if meeting and listed else {}))


def _fullness(connection: Any, file: str) -> str:
    """Return the SQL of how full a record is: a file of what is compared alone has it worked out."""
    names = rows(connection, "select name from parquet_schema($file)", {"file": file})
    return "fullness" if {"name": "fullness"} in names else FULLNESS


def _meeting(connection: Any, new: Sequence[Path], old: Sequence[Path]) -> list[str]:
    """Return the files of *old* that hold a host and channel of *new* whose record ids meet, or that has none."""
    if not old:
        return []
    query = """
        with ranges as (
            select
                filename,
                host,
                lower(channel) as channel,
                min(record_id) as first_id,
                max(record_id) as last_id,
                count(*) > count(record_id) as has_none
            from read_parquet($files, filename = true)
            group by all
        )
        select distinct older.filename
        from ranges as older
        inner join ranges as newer
            on older.host is not distinct from newer.host and older.channel is not distinct from newer.channel
        where
            list_contains($new, newer.filename)
            and not list_contains($new, older.filename)
            and (
                (older.has_none and newer.has_none)
                or (older.first_id <= newer.last_id and newer.first_id <= older.last_id)
            )
        """
    files = [*map(str, new), *map(str, old)]
    found = rows(connection, query, {"files": files, "new": list(map(str, new))})
    return sorted(row["filename"] for row in found)
