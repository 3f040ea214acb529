"""Decides anew what is a copy when sources go from the lake, or come again.

A record that was left out because it is a copy of a forgotten one is the only one of its kind now, and has to be seen
again. Only records that share host, channel, event id and record id with one that goes are looked at: no group of
copies reaches beyond these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wmiwarehouse.lake import duplicates
from wmiwarehouse.lake.query import rows

#: True for rows of a relation ``e`` whose source goes; the table is made by :func:`wmiwarehouse.lake.rest.take_out`.
GOES = """exists (
    select 1 from dropped as d
    where d.source_id is not distinct from e.source_id and d.source_file is not distinct from e.source_file
)"""
_KEY = "hash(e.host, lower(e.channel), e.event_id, nullif(e.record_id, 0))"
_IS_TOUCHED = f"{_KEY} in (select key from touched)"
_IS_LISTED = """exists (
    select 1 from listed as l
    where l.source_id = e.source_id and l.source_file = e.source_file and l.source_record = e.source_record
)"""
#: What the search for copies reads; the data, by far the widest, only of records without an id.
_COLUMNS = """
    e.source_id, e.source_file, e.source_record, e.host, e.computer, e.channel, e.event_id, e.record_id, e.event_time,
    e.command_line, e.provider, e.ingested_at,
    case when coalesce(e.record_id, 0) = 0 then e.event_data end as event_data
"""
_FULLNESS = f"({duplicates.FULLNESS}) as fullness"


@dataclass
class Copies:
    """What is a copy now that was none, and the other way round; rows of ``duplicates``."""

    fresh: list[dict[str, Any]] = field(default_factory=list)
    """Copies among the records that are about to be committed."""
    restored: list[dict[str, Any]] = field(default_factory=list)
    """Records that are copies no longer."""


class Recount:
    """Compares without the sources in the table ``dropped`` of *connection*; small files go into *spill*."""

    def __init__(self, connection: Any, spill: Path, old: Sequence[Path], gone: Sequence[Path]) -> None:
        """*old* are the event files of batches of which something stays, *gone* of those of which something goes."""
        self._connection, self._spill, self._old = connection, spill, list(map(str, old))
        self._gone = list(map(str, gone))
        self._files = 0

    def run(self, listed: Sequence[Path], fresh: Sequence[Path]) -> Copies:
        """Return what changes, *listed* being the tables of copies, *fresh* the event files about to be committed."""
        found = Copies()
        if not self._prepare(listed):
            if fresh:  # nothing stays that a new record could be a copy of
                found.fresh = duplicates.find(self._connection, fresh, [])
            return found
        visible = self._narrow(self._old, f"{_IS_TOUCHED} and not {GOES} and not {_IS_LISTED}")
        if fresh:
            names = list(map(str, fresh))
            touched, others = (
                self._narrow(names, _IS_TOUCHED),
                self._narrow(names, f"not coalesce({_IS_TOUCHED}, false)"),
            )
            old = [Path(name) for name in self._old]
            found.fresh = self._find(touched, visible) + self._find(others, old, listed)
            visible += touched
        # One ingest after the other, as if those sources had never been there; a fuller one hides what came first.
        restored: dict[tuple[Any, ...], dict[str, Any]] = {}
        for moment in self._moments():
            part = self._narrow(
                self._old, f"{_IS_TOUCHED} and not {GOES} and {_IS_LISTED} and e.ingested_at = $at", moment
            )
            still = {tuple(row.values()) for row in self._find(part, visible)}
            columns = "select source_id, source_file, source_record from read_parquet($files)"
            for row in rows(self._connection, columns, {"files": list(map(str, part))}) if part else ():
                restored[tuple(row.values())] = row
            for one in still:
                restored.pop(one, None)
            visible += part
        found.restored = list(restored.values())
        return found

    def _prepare(self, listed: Sequence[Path]) -> bool:
        """Make the tables ``listed`` and ``touched``; False if no other source stays in the lake."""
        if not self._old:
            return False
        execute = self._connection.execute
        execute(
            "create or replace temp table listed as select distinct source_id, source_file, source_record "
            f"from read_parquet($files) as e where not {GOES}",
            {"files": list(map(str, listed))},
        )
        execute(
            f"create or replace temp table touched as select distinct {_KEY} as key "
            f"from read_parquet($files) as e where {GOES}",
            {"files": self._gone},
        )
        return True

    def _moments(self) -> list[Any]:
        query = f"""
            select distinct e.ingested_at as moment
            from read_parquet($files) as e
            where {_IS_LISTED} and {_IS_TOUCHED}
            order by moment"""
        return [row["moment"] for row in rows(self._connection, query, {"files": self._old})]

    def _narrow(self, files: list[str], where: str, moment: Any = None) -> list[Path]:
        """Put what is compared of the records in *files* into a file of its own; none if there are no such records."""
        self._spill.mkdir(parents=True, exist_ok=True)
        path = self._spill / f"compared-{self._files}.parquet"
        self._files += 1
        target = str(path).replace("'", "''")
        values = {"files": files} | ({"at": moment} if moment else {})
        compared = f"select {_COLUMNS}, {_FULLNESS} from read_parquet($files) as e where {where}"
        query = f"copy ({compared}) to '{target}' (format parquet)"
        (count,) = self._connection.execute(query, values).fetchone()
        return [path] if count else []

    def _find(self, new: Sequence[Path], old: Sequence[Path], listed: Sequence[Path] = ()) -> list[dict[str, Any]]:
        return duplicates.find(self._connection, new, old, listed) if new else []
