"""Risk of hosts and users: what all detections and chains found, added up act by act.

The views ``hunt.risk_events`` and ``hunt.risk_by_object`` say it for the whole warehouse. Here the same is said of a
window: the filters choose findings (an act keeps its id, also where only some of it lies in the window), then the
highest score of each act counts among those that are left. So it is with suppressed hits: they are taken out of what
was found, and an act that loses its highest finding counts with the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from wmiwarehouse.content.findings import counted, identity
from wmiwarehouse.content.library import Library, RiskView
from wmiwarehouse.hunting import hidden
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.hunt import Hunt
from wmiwarehouse.lake.query import fetch, rows

if TYPE_CHECKING:
    import pyarrow as pa

EVENTS, BY_OBJECT = "risk_events", "risk_by_object"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Scored:
    """What was found, a row for each finding and object at risk, and apart from it what is suppressed."""

    events: pa.Table
    suppressed: pa.Table
    """With ``suppressed_by`` and ``reason`` before the columns of the others."""

    @property
    def findings_suppressed(self) -> int:
        """How many findings are suppressed; each may put several objects at risk."""
        return len(set(self.suppressed.column("finding_id").to_pylist()))


def risk_events(hunting: Hunt, library: Library) -> pa.Table:
    """Return a row for each finding and object at risk, without what is suppressed: see :func:`scored`."""
    return scored(hunting, library).events


def scored(hunting: Hunt, library: Library) -> Scored:
    """Return the findings under the filters of *hunting*, oldest first, and those that are suppressed.

    A finding is kept with all its objects if any of it lies in the window, and if it, or any of its objects, is of
    the host and the user that are asked for.
    """
    view = library.risk_view(EVENTS)
    hunting.prepare(counted(library.newest.values()))
    connection = hunting.connection(view)
    found = fetch(connection, f"select * from hunt.{view.view} order by {_order(view)}")
    found = narrowed(hunting, library, found) if hunting.filters else found
    return _split(hunting, view, found, _suppressed(hunting, library))


def _suppressed(hunting: Hunt, library: Library) -> pa.Table:
    """Return the findings all of whose rows are suppressed, with what hides them and why."""
    import pyarrow as pa

    found: list[dict[str, Any]] = []
    for analytic in counted(library.newest.values()):
        if tests := hunting.tests(analytic):
            reasons = {name: hunting.tuning.rule(name).reason for name in tests}
            query = f"""
                select finding_id, max(suppressed_by) as suppressed_by, max(reason) as reason
                from (
                    select
                        {identity(analytic)} as finding_id,
                        {hidden.any_of(tests)} as is_hidden,
                        {hidden.named(tests)} as suppressed_by,
                        {hidden.named(tests, reasons)} as reason
                    from hunt.{analytic.view} as found
                )
                group by finding_id
                having bool_and(is_hidden)"""
            found += rows(hunting.connection(analytic), query)
    columns = ("finding_id", "suppressed_by", "reason")
    return pa.table({name: pa.array([row[name] for row in found], pa.string()) for name in columns})


def _split(hunting: Hunt, view: RiskView, table: pa.Table, suppressed: pa.Table) -> Scored:
    connection = hunting.connection()
    connection.register("found", table)
    connection.register("suppressed", suppressed)
    try:
        kept = table
        if suppressed.num_rows:
            kept = connection.sql(
                f"""
                with kept as (
                    select * exclude (counts) from found
                    where finding_id not in (select finding_id from suppressed)
                )
                select {", ".join(_COUNTS if name == "counts" else name for name in table.column_names)}
                from kept
                order by {_order(view)}"""
            ).to_arrow_table()
        apart = connection.sql(
            f"""
            select suppressed.suppressed_by, suppressed.reason, found.*
            from found
            inner join suppressed on found.finding_id = suppressed.finding_id
            order by {_order(view)}"""
        ).to_arrow_table()
    finally:
        connection.unregister("found")
        connection.unregister("suppressed")
    return Scored(kept, apart)


def risk_by_object(hunting: Hunt, library: Library, events: pa.Table | None = None) -> pa.Table:
    """Return risk by host and user, the highest first, under the filters of *hunting*.

    *events* are the rows of :func:`risk_events`, for a caller that has them already.
    """
    view = library.risk_view(BY_OBJECT)
    found = risk_events(hunting, library) if events is None else events
    connection = hunting.connection()
    connection.register("found", found)
    try:
        # The view's own sum, over these rows instead of all.
        body = view.sql.split(" as\n", 1)[1].strip().rstrip(";")
        query = body.replace(f"from hunt.{library.risk_view(EVENTS).view} as", "from found as")
        return fetch(connection, f"select * from ({query}) order by {_order(view)}")
    finally:
        connection.unregister("found")


def move_act(source: str, target: str, user: str | None, first: datetime) -> str:
    """Return the act of a row of ``hunt.lateral_movement``, as the column ``act`` of its risk events has it."""
    micros = (first - _EPOCH) // timedelta(microseconds=1)
    text = "|".join((source.lower(), target.lower(), (user or "").lower(), str(micros)))
    return f"move:{sha256(text.encode()).hexdigest()[:20]}"


def narrowed(hunting: Hunt, library: Library, table: pa.Table) -> pa.Table:
    """Return those rows of *table*, the risk events of everything, that the filters of *hunting* choose."""
    wanted, view = hunting.filters, library.risk_view(EVENTS)
    connection = hunting.connection()
    terms: list[str] = []
    values: dict[str, Any] = {}
    if wanted.ingested_since:
        only = Filters(ingested_since=wanted.ingested_since)
        term, found = only.where(_RECORDS, None)
        # A count over many records does not name them: it is as new as what else was found of the same act.
        counted = f"len(event_uids) = 0 and act in (select act from found where {term})"
        terms.append(f"({term} or ({counted}))")
        values |= found
    span = replace(wanted, host=None, user=None, ingested_since=None)
    if span:
        term, found = span.where(("event_time", "last_time"), hunting.newest(), lasting=True)
        terms.append(term)
        values |= found
    only_host = replace(wanted, since=None, until=None, user=None, ingested_since=None)
    for name, only in (("host", only_host), ("user", _only_user(wanted))):
        if only:
            # A finding names several hosts and users: each of its objects is a row, and each row has its own.
            own = f'select finding_id, "{name}" from found'
            at_risk = f"select finding_id, risk_object from found where risk_object_type = '{name}'"
            term, found = only.where((name,), None)
            terms.append(f"finding_id in (select finding_id from ({own} union all {at_risk}) where {term})")
            values |= found
    connection.register("found", table)
    try:
        return connection.sql(
            f"""
            with kept as (select * exclude (counts) from found where {" and ".join(terms)})
            select {", ".join(_COUNTS if name == "counts" else name for name in table.column_names)}
            from kept
            order by {_order(view)}""",
            params=values,
        ).to_arrow_table()
    finally:
        connection.unregister("found")


#: What a finding rests on.
_RECORDS = ("event_uids",)
#: As the view has it; what counts is settled anew among the findings that are left.
_COUNTS = (
    "row_number() over (partition by act, risk_object_type, risk_object order by risk_score desc, finding_id) = 1 "
    "as counts"
)


def _only_user(wanted: Filters) -> Filters:
    return replace(wanted, since=None, until=None, host=None, host_as=None, ingested_since=None)


def _order(view: RiskView) -> Any:
    return ", ".join(view.metadata.order_by)
