"""What the warehouse has already, so that a second ingest of the same logs adds nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wmiwarehouse.lake import clock, tables
from wmiwarehouse.lake.warehouse import Batch, Warehouse


@dataclass(frozen=True)
class Known:
    """What the list of sources says, of all batches together."""

    contents: dict[str, int | None] = field(default_factory=dict)
    """SHA-256 and size of every source that was read."""
    others: dict[tuple[str, str | None], int | None] = field(default_factory=dict)
    """(file, reason) and size of every one that was not."""


def known(warehouse: Warehouse) -> Known:
    """Return what *warehouse* has."""
    found = Known()
    for batch in warehouse.batches():
        columns = ["source_id", "source_file", "size", "status", "reason"]
        for row in tables.rows(batch.table("sources"), columns):
            if row["status"] == "read":
                found.contents[row["source_id"]] = row["size"]
            else:
                found.others[row["source_file"], row["reason"]] = row["size"]
    return found


def newest_ingest(batches: Iterable[Batch]) -> datetime | None:
    """Return when the newest source in *batches* was ingested, those among them that were forgotten since."""
    found: list[datetime] = []
    for batch in batches:
        for path in (batch.table("sources"), batch.table("forgotten")):
            found += filter(None, (row["ingested_at"] for row in tables.read(path, ["ingested_at"])))
    return max(found, default=None)


def next_ingest(newest: datetime | None) -> datetime:
    """Return the time of an ingest that follows one at *newest*: later than that, even if the clock was put back.

    "Ingested since" must never pass over what came in later.
    """
    now = clock.now()
    return now if newest is None else max(now, newest + timedelta(microseconds=1))
