"""What is suppressed, listed and counted: nothing that the settings hide is gone without a trace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wmiwarehouse.content.library import Analytic
from wmiwarehouse.hunting.tuning import Rule, Tuning
from wmiwarehouse.lake.hosts import literal
from wmiwarehouse.lake.query import fetch, rows

if TYPE_CHECKING:
    import pyarrow as pa

    from wmiwarehouse.hunting.hunt import Hunt

#: Columns with the time at which a row begins and ends.
FIRSTS = ("event_time", "first_time", "first_seen", "first", "start", "start_time")
LASTS = ("event_time", "last_time", "last_seen", "last", "end", "end_time", "start")


@dataclass(frozen=True)
class Hidden:
    """The hits of an analytic that one rule hides; another may hide the same ones."""

    analytic: Analytic
    rule: Rule
    hits: int
    first_time: datetime | None
    last_time: datetime | None
    movements: int = 0
    """Lateral movements that they are part of, if that was asked for."""


def rows_of(hunting: Hunt, analytic: Analytic) -> pa.Table:
    """Return the suppressed rows of *analytic*, with the ids of what hides them and the reasons before them."""
    tests = hunting.tests(analytic)
    connection, sql, values = hunting.query(analytic)
    reasons = {name: hunting.tuning.rule(name).reason for name in tests}
    return fetch(
        connection,
        f"""
        select {named(tests)} as suppressed_by, {named(tests, reasons)} as reason, *
        from ({sql}) as found
        where {any_of(tests)}
        order by {", ".join(analytic.metadata.order_by)}""",
        values,
    )


def by_rule(
    hunting: Hunt, analytic: Analytic, tuning: Tuning | None = None, acts: tuple[str, str] | None = None
) -> list[Hidden]:
    """Return what each rule (of the settings, or of *tuning*) hides of *analytic*, if it hides anything.

    *acts* are the SQL of a row's finding and the relation that has the lateral movements of findings.
    """
    tests = hunting.tests(analytic, tuning)
    if not tests:
        return []
    connection, sql, values = hunting.query(analytic)
    columns = connection.sql(f"select * from hunt.{analytic.view} limit 0").columns
    first, last = first_of(FIRSTS, columns) or "null", first_of(LASTS, columns) or "null"
    ids = ", ".join(f"case when {test} then {literal(name)} end" for name, test in tests.items())
    finding, relation = acts or ("null", "(select null as finding_id, null as act where false)")
    # One pass over the rows, however many rules there are.
    query = f"""
        with hits as (
            select unnest([{ids}]) as rule, {first} as begins, {last} as ends, {finding} as finding_id
            from ({sql}) as found
        )
        select
            rule, count(*) as hits, min(begins) as first_time, max(ends) as last_time,
            count(distinct moved.act) as movements
        from hits
        left join {relation} as moved on hits.finding_id = moved.finding_id
        where rule is not null
        group by rule"""
    counted = {row.pop("rule"): row for row in rows(connection, query, values)}
    rule = (tuning or hunting.tuning).rule
    return [Hidden(analytic, rule(name), **counted[name]) for name in tests if name in counted]


def count(hunting: Hunt, analytic: Analytic, tests: Mapping[str, str]) -> dict[str, Any]:
    """Return how many rows of *analytic* are ``suppressed``, and the rules that they are ``suppressed_by``."""
    connection, sql, values = hunting.query(analytic)
    return rows(connection, f"select {summed(tests)} from ({marked(sql, tests)})", values)[0]


def marked(sql: str, tests: Mapping[str, str]) -> str:
    """Return the query *sql* with a column for each of *tests* and ``is_hidden`` if any of them is true."""
    columns = [f"{test} as is_hidden_{number}" for number, test in enumerate(tests.values())]
    return f"select *, {any_of(tests)} as is_hidden, {', '.join(columns)} from ({sql}) as found"


def counts(columns: Sequence[str], left: str = "") -> str:
    """Return the aggregates over rows with *columns* that sum them up; *left* filters those that count."""
    host = first_of(("host", "dest", "target_host", "source_host"), columns)
    first, last = first_of(FIRSTS, columns), first_of(LASTS, columns)
    return (
        f"count(*){left} as hits, {f'count(distinct {host}){left}' if host else 'null'} as hosts, "
        f"{f'min({first}){left}' if first else 'null'} as first_time, "
        f"{f'max({last}){left}' if last else 'null'} as last_time"
    )


def summed(tests: Mapping[str, str]) -> str:
    """Return the aggregates over what :func:`marked` gives that say how much is hidden, and by which rules."""
    listed = ", ".join(
        f"case when bool_or(is_hidden_{number}) then {literal(name)} end" for number, name in enumerate(tests)
    )
    by = f"list_filter([{listed}], lambda one: one is not null)"
    return f"count(*) filter (where is_hidden) as suppressed, {by} as suppressed_by"


def any_of(tests: Mapping[str, str]) -> str:
    """Return SQL that is true where any of *tests* is."""
    return f"({' or '.join(tests.values())})" if tests else "false"


def named(tests: Mapping[str, str], told: Mapping[str, str] | None = None) -> str:
    """Return the SQL of the ids of those *tests* that are true of a row, or of what is *told* of them, as one text."""
    cases = [f"case when {test} then {literal((told or {}).get(name, name))} end" for name, test in tests.items()]
    listed = f"list_filter([{', '.join(cases)}], lambda one: one is not null)"
    return f"array_to_string({listed}, '; ')" if cases else "''"


def first_of(names: Iterable[str], columns: Sequence[str]) -> Any:
    """Return the first of *names* that is a column, quoted: ``end`` is also a keyword."""
    return next((f'"{name}"' for name in names if name in columns), None)
