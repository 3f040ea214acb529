"""The results table: every analytic with its version, its hits, and beside a zero what that zero is worth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wmiwarehouse.content.library import Analytic
from wmiwarehouse.hunting.hunt import Hunt
from wmiwarehouse.hunting.line import Line
from wmiwarehouse.lake.query import rows
from wmiwarehouse.output import cells
from wmiwarehouse.report import records
from wmiwarehouse.report.model import Query, StackTable
from wmiwarehouse.report.needs import on_hosts
from wmiwarehouse.report.options import ReportOptions

#: Told in cases, not in rows.
_IN_CASES = ("detection", "chain")
#: Told elsewhere in the report, or every event there is.
_ELSEWHERE = ("data_coverage", "report_logon_id_events")
#: What a reader of a table looks at; ids, keys and the evidence's file stay in the data.
_FIRST = (
    *("event_time", "start", "first", "end", "host", "source_host", "target_host", "channel", "event_id", "events"),
    *("user", "user_name", "subject_name", "target_name", "logon_id", "source_ip", "workstation", "process_name"),
    *("command_line", "first_parent", "process_count", "event_count", "last", "wmi_operation", "wmi_consumer"),
)
_MOST_COLUMNS = 10
_LONGEST = 240


def build(hunting: Hunt, lines: Iterable[Line], options: ReportOptions) -> tuple[Query, ...]:
    """Return the results table, the gravest first; sessions and context with some of their rows."""
    return tuple(_query(hunting, line, options) for line in lines if line.analytic.metadata.kind != "stack")


def stacks(hunting: Hunt, lines: Iterable[Line], options: ReportOptions) -> tuple[StackTable, ...]:
    """Return the stack counts, the rarest values first."""
    tables = []
    for line in sorted(lines, key=lambda item: item.analytic.id):
        if line.analytic.metadata.kind == "stack":
            columns, found = _rows(hunting, line.analytic, options.rows, every_column=True) if line.hits else ((), ())
            head = line.analytic.metadata
            tables.append(StackTable(id=head.id, title=head.title, columns=columns, rows=found, total_rows=line.hits))
    return tuple(tables)


def left_out(tables: Iterable[Query | StackTable], options: ReportOptions) -> list[str]:
    """Say of which tables there are more rows than are shown, and how to see them."""
    told = []
    for one in tables:
        total = one.hits if isinstance(one, Query) else one.total_rows
        if one.columns and total > len(one.rows):
            command = f"wmiwh hunt {one.id}{options.filters}{options.where}"
            told.append(f"{total - len(one.rows):,} of {total:,} rows of {one.id}: {command}")
    return told


def _query(hunting: Hunt, line: Line, options: ReportOptions) -> Query:
    head = line.analytic.metadata
    told = head.kind not in _IN_CASES and head.id not in _ELSEWHERE and line.hits and options.rows
    columns, found = _rows(hunting, line.analytic, options.rows) if told else ((), ())
    return Query(
        id=head.id,
        version=head.version,
        title=head.title,
        kind=head.kind,
        severity=head.severity,
        hits=line.hits,
        hosts=line.hosts,
        first_time=line.first_time,
        last_time=line.last_time,
        seen=on_hosts(line.seen),
        sentence=_sentence(line, filtered=bool(hunting.filters)),
        documents=tuple(f"{one.document}: {one.item}" for one in head.implements),
        columns=columns,
        rows=found,
        suppressed=line.suppressed,
    )


def _sentence(line: Line, *, filtered: bool) -> str:
    """What a zero means: all may be suppressed, which is not as if nothing had happened."""
    if line.hits:
        return ""
    hidden = ""
    if line.suppressed:
        hidden = f"No hit is left: {line.suppressed:,} suppressed, wmiwh hunt {line.analytic.id} --suppressed. "
    return f"{hidden}{line.seen.sentence}{' The filters may hide hits.' if filtered else ''}"


def _rows(
    hunting: Hunt, analytic: Analytic, most: int, *, every_column: bool = False
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    found = hunting.run(analytic, most)
    columns = [name for name in found.column_names if every_column or name in _FIRST][:_MOST_COLUMNS]
    columns = columns or found.column_names[:_MOST_COLUMNS]
    picked = found.select(columns)
    kinds = cells.kinds(picked.schema)
    texts = tuple(
        tuple(records.cut(cells.readable(value, kind), _LONGEST) for value, kind in zip(row, kinds, strict=True))
        for row in cells.records(picked)
    )
    return tuple(columns), texts


def census(connection: Any) -> list[dict[str, Any]]:
    """Return what was read, by host and kind of record."""
    return rows(
        connection,
        "select host, channel, event_id, records, first_time, last_time from event_census "
        "where host is not null and is_own_provider order by host, channel, event_id",
    )
