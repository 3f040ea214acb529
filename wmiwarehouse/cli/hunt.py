"""``wmiwh hunt``: the answer."""

from __future__ import annotations

import sys
import textwrap
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wmiwarehouse.cli import operator_log, options, scheduling, suppressed
from wmiwarehouse.cli.evidence import with_short_evidence
from wmiwarehouse.errors import ExitCode
from wmiwarehouse.output import console

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wmiwarehouse.content.library import Analytic
    from wmiwarehouse.hunting.hunt import Hunt
    from wmiwarehouse.hunting.line import Line
    from wmiwarehouse.output.formats import Format

#: Kinds that stand below the table of a summary.
_BESIDE = ("context", "stack")


class Side(StrEnum):
    """The values of ``--side``."""

    SOURCE = "source"
    DESTINATION = "destination"
    BOTH = "both"


@options.logged
@scheduling.scheduled
def hunt(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="Analytics; without any, all of them.")
    ] = None,
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    technique: Annotated[
        list[str] | None, typer.Option(metavar="T1047", help="Only analytics of this technique or its sub-techniques.")
    ] = None,
    side: Annotated[
        Side | None, typer.Option(help="Only analytics that look at this side of a movement, or at both sides.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only detection, context, stack, session, chain.")
    ] = None,
    min_severity: Annotated[
        options.Severity | None, typer.Option(help="Only analytics of this severity or above.")
    ] = None,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    host: options.HostOption = None,
    user: options.UserOption = None,
    fail_on: options.FailOnOption = None,
    hidden: suppressed.SuppressedOption = False,
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
    *,
    run: scheduling.NamedRun,
) -> ExitCode:
    """Run analytics: one ID prints its rows, none or several print one line each.

    \b
    Examples:
      wmiwh hunt -w case42
      wmiwh hunt xql_wmic_remote_exec -w case42
      wmiwh hunt car_2016_03_002 --since 7d --host ws05 -o hits.csv
      wmiwh hunt --side source --min-severity high --fail-on high
      wmiwh hunt --kind chain,session --since 2026-03-04 --until 2026-03-05
      wmiwh hunt --since -70m@m --until -10m@m     every hour, as the ESCU document schedules it
      wmiwh hunt --ingested-since last-run --run nightly --fail-on high

    Flags that choose analytics narrow the IDs (or all of them); a list is written with commas or by repeating the flag.
    Sessions and chains are kept whole if any of them lies between --since and --until.
    What wmiwh.toml suppresses is counted apart, and decides neither severity nor exit code; --suppressed lists it.

    --ingested-since last-run shows what rests on a record that came in since the last run of this name came to its
    end, however old the record is; wmiwh runs lists them.

    Exit: 0 done, 1 a run of this name is going on, 2 unknown id, bad filter or nothing left to run,
    3 no warehouse or no data, 4 hits at or above --fail-on.
    """
    library = options.load_library()
    import pyarrow as pa

    from wmiwarehouse.hunting import unknown
    from wmiwarehouse.hunting.coverage import gaps
    from wmiwarehouse.hunting.filters import Filters
    from wmiwarehouse.hunting.hunt import open_hunt
    from wmiwarehouse.hunting.line import gravest
    from wmiwarehouse.hunting.selection import Selection, listed, select
    from wmiwarehouse.lake import query
    from wmiwarehouse.output.formats import Format, emit
    from wmiwarehouse.output.streams import width

    wanted = Selection(
        listed(technique), side.value if side else None, listed(kind), min_severity.value if min_severity else None
    )
    chosen = wanted.narrow(select(library, ids or []))
    filters = Filters(since, until, host, user, ingested_since=run.ingested_since)
    where = options.with_warehouse(warehouse)
    with open_hunt(warehouse, library, filters) as hunting:
        for doubt in unknown.doubts(hunting):
            console.warn(doubt)
        if hunting.hosts.ambiguous:
            console.note(_sharing(hunting.hosts.ambiguous))
        if hidden:
            _tell_hidden(hunting, chosen, fmt=fmt, output=output, force=force, alone=len(ids or ()) == 1, where=where)
            return ExitCode.DONE
        if len(chosen) == 1 and ids and len(ids) == 1:
            rows = hunting.read(chosen[0])
            lines = [hunting.line(chosen[0], rows if isinstance(rows, pa.Table) else None)]
            run.saw(hunting, lines)
            operator_log.hunted(lines, hunting.totals()["records"])
            hits = lines[0].hits
            if hits or fmt or output:
                on_screen = output is None and fmt in (None, Format.TABLE)
                emit(with_short_evidence(rows) if on_screen else rows, fmt=fmt, output=output, force=force)
            if lines[0].suppressed and not hits:
                console.note(f"0 hits are left of {chosen[0].id}:")
            elif not hits:
                console.note(lines[0].seen.sentence + (" The filters may hide hits." if filters else ""))
            suppressed.tell(lines, hunting.tuning, f"wmiwh hunt {chosen[0].id} --suppressed{where}")
            has_gaps = not hits and gaps(partial(query.rows, hunting.connection()))
            problems = f" · wmiwh sources --problems{where}" if has_gaps else ""
            console.note(f"about this analytic: wmiwh show {chosen[0].id}{problems}")
        else:
            lines = hunting.lines(chosen)
            run.saw(hunting, lines)
            operator_log.hunted(lines, hunting.totals()["records"])
            on_screen = output is None and fmt in (None, Format.TABLE)
            beside = [line for line in lines if on_screen and line.analytic.metadata.kind in _BESIDE]
            lines = [line for line in lines if line not in beside]
            if lines:
                table = _screen(lines, width(sys.stdout)) if on_screen else summary(lines)
                emit(table, fmt=fmt, output=output, force=force)
                cut = [name for name in ("hosts", "first", "last") if name not in table.column_names]
                if cut:
                    room = width(sys.stdout)
                    console.note(f"not shown in {room} columns: {', '.join(cut)}; all: -f json, -o FILE.csv")
            _tell_beside(beside, width(sys.stdout))
            suppressed.tell(lines + beside, hunting.tuning, f"wmiwh hunt --suppressed{where}")
            missing = gaps(partial(query.rows, hunting.connection()))
            _tell(lines + beside, hunting.totals(), missing, filtered=bool(filters), where=where)
    return options.verdict(gravest(lines), fail_on)


def _tell_hidden(
    hunting: Hunt,
    chosen: list[Analytic],
    *,
    fmt: Format | None,
    output: Path | None,
    force: bool,
    alone: bool,
    where: str,
) -> None:
    """Print what is suppressed: the rows of one analytic, or a line for each analytic and suppression."""
    from wmiwarehouse.hunting import hidden
    from wmiwarehouse.output.formats import Format, emit

    on_screen = output is None and fmt in (None, Format.TABLE)
    if alone:
        rows = hunting.suppressed(chosen[0])
        found = with_short_evidence(rows) if on_screen else rows
    else:
        hunting.prepare(chosen)
        hits = [one for analytic in chosen for one in hidden.by_rule(hunting, analytic)]
        found = suppressed.table(hits, movements=False)
        found = suppressed.screen(found) if on_screen else found
    if found.num_rows or fmt or output:
        emit(found, fmt=fmt, output=output, force=force)
    if not found.num_rows:
        console.note(
            "no hit is suppressed" if hunting.tuning.rules else "no suppression is in force: see wmiwh tune ID"
        )
    elif not alone:
        console.note(
            f"a hit that several suppressions hide is in each of their lines; rows: wmiwh hunt ID --suppressed{where}"
        )
    suppressed.tell_expired(hunting.tuning)


def _sharing(ambiguous: Mapping[str, tuple[str, ...]]) -> str:
    """Say which computers share a short name, in one line however many they are."""
    shown = [f"{short} ({', '.join(names[:3])}{', ...' if names[3:] else ''})" for short, names in ambiguous.items()]
    more = f" and {len(shown) - 3} more" if shown[3:] else ""
    return (
        f"several computers share a short name: {', '.join(sorted(shown)[:3])}{more}. "
        "They are kept apart by their whole names; if they are one: [hosts.aliases] in wmiwh.toml"
    )


def summary(lines: list[Line]) -> Any:
    """Return a row for each of *lines*, as the files and the formats for programs have it."""
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
            "suppressed": pa.array([line.suppressed for line in lines], pa.int64()),
        }
    )


def _screen(lines: list[Line], width: int) -> Any:
    """Return the columns of the summary that fit *width*: one line for each analytic, whatever the terminal."""
    import pyarrow as pa

    severity = [line.analytic.metadata.severity for line in lines]
    counts: dict[str, list[Any]] = {
        "analytic": [line.analytic.id for line in lines],
        "hits": [line.hits for line in lines],
    }
    if any(line.suppressed for line in lines):
        counts["suppressed"] = [line.suppressed for line in lines]
    counts["hosts"] = [line.hosts for line in lines]
    times: dict[str, list[Any]] = {
        "first": [_minute(line.first_time) for line in lines],
        "last": [_minute(line.last_time) for line in lines],
    }
    seen = "data seen on"
    text, short = [line.seen.text for line in lines], [line.seen.short for line in lines]
    brief = {"severity": [name.replace("informational", "info") for name in severity]} | counts
    whole = {"severity": severity} | counts | times
    for columns in (whole | {seen: text}, whole | {seen: short}, brief | times | {seen: short}, brief | {seen: short}):
        if sum(max(len(str(cell)) for cell in [name, *cells]) + 2 for name, cells in columns.items()) - 2 <= width:
            return pa.table(columns)
    # One record below the other would be a long way to scroll; the rows of each analytic name their hosts anyway.
    del brief["hosts"]
    return pa.table(brief | {seen: short})


def _tell_beside(lines: list[Line], width: int) -> None:
    """Print what is true of every working day below the table, several to a line: it never alarms."""
    for kind in _BESIDE:
        items = [
            f"{line.analytic.id}\u00a0{line.hits:,}" + (f"\u00a0(+{line.suppressed:,})" if line.suppressed else "")
            for line in lines
            if line.analytic.metadata.kind == kind
        ]
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


def _tell(lines: list[Line], totals: dict[str, Any], missing: str, *, filtered: bool, where: str) -> None:
    from wmiwarehouse.hunting.coverage import CAUTION

    period = (
        f", {totals['first_time']:%Y-%m-%dT%H:%M:%SZ} to {totals['last_time']:%Y-%m-%dT%H:%M:%SZ}"
        if totals["first_time"]
        else ""
    )
    hosts = f"{totals['hosts']:,} host{'' if totals['hosts'] == 1 else 's'}"
    looked = f"looked at {totals['records']:,} records of {hosts}{period}"
    console.note(
        "data seen on: hosts that have the records it needs, and how many of these carry the field it asks for"
    )
    console.note(f"{looked}{'; the filters narrow this' if filtered else ''}. {CAUTION}")
    if missing:
        console.note(f"{missing[0].upper()}{missing[1:]}.")
    hit = next((line.analytic.id for line in lines if line.hits), lines[0].analytic.id)
    console.note(f"next: wmiwh hunt {hit}{where} · wmiwh show {hit} · wmiwh sources --problems{where}")
