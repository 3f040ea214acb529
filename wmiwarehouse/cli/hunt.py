"""``wmiwh hunt``: the answer."""

from __future__ import annotations

import sys
import textwrap
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wmiwarehouse.cli import options
from wmiwarehouse.errors import ExitCode
from wmiwarehouse.output import console

if TYPE_CHECKING:
    from wmiwarehouse.hunting.hunt import Line


#: Kinds that stand below the table of a summary.
_BESIDE = ("context", "stack")
_ROOMY = 150
_WITH_TIMES = 118


class Severity(StrEnum):
    """The values of ``--fail-on``."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@options.command
def hunt(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="Analytics; without any, all of them.")
    ] = None,
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    host: options.HostOption = None,
    user: options.UserOption = None,
    fail_on: Annotated[
        Severity | None, typer.Option(help="Exit with 4 if a detection of this severity or above has hits.")
    ] = None,
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """Run analytics: one ID prints its rows, none or several print one line each.

    \b
    Examples:
      wmiwh hunt -w case42
      wmiwh hunt xql_wmic_remote_exec -w case42
      wmiwh hunt car_2016_03_002 --since 7d --host ws05 -o hits.csv
      wmiwh hunt --fail-on high

    Exit: 0 done, 2 unknown id or bad filter, 3 no warehouse or no data, 4 hits at or above --fail-on.
    """
    from wmiwarehouse.hunting.filters import Filters
    from wmiwarehouse.hunting.hunt import SEVERITIES, gravest, open_hunt, select
    from wmiwarehouse.output.formats import Format, emit
    from wmiwarehouse.output.streams import width

    library = options.load_library()
    chosen = select(library, ids or [])
    filters = Filters(since, until, host, user)
    where = options.with_warehouse(warehouse)
    with open_hunt(warehouse, library, filters) as hunting:
        if host and not hunting.knows_host(host):
            console.warn(f"no record in this warehouse is of host {host}: what follows says nothing about it")
        lines = [hunting.line(analytic) for analytic in chosen]
        if len(chosen) == 1:
            rows = hunting.run(chosen[0])
            if rows.num_rows or fmt or output:
                emit(rows, fmt=fmt, output=output, force=force)
            if not rows.num_rows:
                console.note(lines[0].seen.sentence + (" The filters may hide hits." if filters else ""))
            console.note(f"about this analytic: wmiwh show {chosen[0].id}")
        else:
            on_screen = output is None and fmt in (None, Format.TABLE)
            beside = [line for line in lines if on_screen and line.analytic.metadata.kind in _BESIDE]
            lines = [line for line in lines if line not in beside]
            if lines:
                table = _screen(lines, width(sys.stdout)) if on_screen else _summary(lines)
                emit(table, fmt=fmt, output=output, force=force)
            _tell_beside(beside, width(sys.stdout))
            _tell(lines + beside, hunting.totals(), filtered=bool(filters), where=where)
    found = gravest(lines)
    if fail_on and found and SEVERITIES.index(found) >= SEVERITIES.index(fail_on.value):
        return ExitCode.HITS
    return ExitCode.DONE


def _summary(lines: list[Line]) -> Any:
    import pyarrow as pa

    time = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "severity": [line.analytic.metadata.severity for line in lines],
            "analytic": [line.analytic.id for line in lines],
            "hits": pa.array([line.hits for line in lines], pa.int64()),
            "hosts": pa.array([line.hosts for line in lines], pa.int64()),
            "first": pa.array([line.first_time for line in lines], time),
            "last": pa.array([line.last_time for line in lines], time),
            "data_seen_on": [line.seen.text for line in lines],
            "side": [line.analytic.metadata.side for line in lines],
            "kind": [line.analytic.metadata.kind for line in lines],
            "version": pa.array([line.analytic.version for line in lines], pa.int64()),
        }
    )


def _screen(lines: list[Line], width: int) -> Any:
    """Return the columns of the summary that fit *width*: one line for each analytic, whatever the terminal."""
    import pyarrow as pa

    roomy = width >= _ROOMY
    columns: dict[str, Any] = {
        "severity": [line.analytic.metadata.severity for line in lines],
        "analytic": [line.analytic.id for line in lines],
        "hits": pa.array([line.hits for line in lines], pa.int64()),
        "hosts": pa.array([line.hosts for line in lines], pa.int64()),
    }
    if width >= _WITH_TIMES:
        columns |= {
            "first": [_minute(line.first_time) for line in lines],
            "last": [_minute(line.last_time) for line in lines],
        }
    columns["data seen on"] = [line.seen.text if roomy else line.seen.short for line in lines]
    return pa.table(columns)


def _tell_beside(lines: list[Line], width: int) -> None:
    """Print what is true of every working day below the table, several to a line: it never alarms."""
    for kind in _BESIDE:
        items = [f"{line.analytic.id}\u00a0{line.hits:,}" for line in lines if line.analytic.metadata.kind == kind]
        if items:
            text = textwrap.fill(
                " · ".join(items),
                max(width, 40),
                initial_indent=f"{kind:9}",
                subsequent_indent=" " * 9,
                break_on_hyphens=False,
            )
            typer.echo(text.replace("\u00a0", " "))


def _minute(time: datetime | None) -> str:
    return f"{time:%Y-%m-%dT%H:%MZ}" if time else ""


def _tell(lines: list[Line], totals: dict[str, Any], *, filtered: bool, where: str) -> None:
    from wmiwarehouse.hunting.coverage import CAUTION

    period = (
        f", {totals['first_time']:%Y-%m-%dT%H:%M:%SZ} to {totals['last_time']:%Y-%m-%dT%H:%M:%SZ}"
        if totals["first_time"]
        else ""
    )
    looked = f"looked at {totals['records']:,} records of {totals['hosts']:,} hosts{period}"
    console.note(
        "data seen on: hosts that have the records it needs, and how many of these carry the field it asks for"
    )
    console.note(f"{looked}{'; the filters narrow this' if filtered else ''}. {CAUTION}")
    hit = next((line.analytic.id for line in lines if line.hits), lines[0].analytic.id)
    console.note(f"next: wmiwh hunt {hit}{where} · wmiwh show {hit} · wmiwh sources --problems{where}")
