"""``wmiwh risk``: which hosts and users the findings add up against."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wmiwarehouse.cli import operator_log, options, scheduling, suppressed
from wmiwarehouse.errors import ExitCode
from wmiwarehouse.output import console

if TYPE_CHECKING:
    import pyarrow as pa

#: So many cells have room for minutes; below, first and last are days.
_WITH_MINUTES = 130


@options.logged
@scheduling.scheduled
def risk(
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    host: options.HostOption = None,
    user: options.UserOption = None,
    fail_on: options.FailOnOption = None,
    threshold: Annotated[
        int, typer.Option(min=0, metavar="N", help="Only hosts and users with a risk of N or more.")
    ] = 0,
    events: Annotated[bool, typer.Option("--events", help="The findings behind the sums instead.")] = False,
    hidden: suppressed.SuppressedOption = False,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Do not mask passwords in messages.")] = False,
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
    *,
    run: scheduling.NamedRun,
) -> ExitCode:
    """Add up the risk of each host and user: the highest score of each act, the highest sum first.

    \b
    Examples:
      wmiwh risk -w case42
      wmiwh risk --since 7d --threshold 100
      wmiwh risk --user jdoe --events -o findings.csv

    Every hit of a detection or a chain scores what its document says, else impact x confidence / 100. An act (one
    lateral movement, or what one process or one user did on a host with pauses of at most 120 seconds) counts once
    for each object, with its highest score: many analytics that see one wmic are no more risk than one. Findings that
    are true of every working day score 0.

    The filters choose findings, whole if any of them lies between --since and --until; --host and --user those that
    put this host or user at risk, with everything else that they put at risk. Then the scores are added up.
    What wmiwh.toml suppresses adds nothing; --suppressed lists these findings, each with the reason.

    Exit: 0 done (also if nothing is at or above --threshold), 1 a run of this name is going on, 2 bad filter,
    3 no warehouse or no data, 4 findings at or above --fail-on against a host or user that is listed.
    """
    library = options.load_library()
    from wmiwarehouse.hunting import risk as found
    from wmiwarehouse.hunting import unknown
    from wmiwarehouse.hunting.filters import Filters
    from wmiwarehouse.hunting.hunt import open_hunt
    from wmiwarehouse.output.formats import Format, emit
    from wmiwarehouse.output.streams import width

    filters = Filters(since, until, host, user, ingested_since=run.ingested_since)
    with open_hunt(warehouse, library, filters) as hunting:
        for doubt in unknown.doubts(hunting):
            console.warn(doubt)
        scored = found.scored(hunting, library)
        findings = scored.events
        objects = found.risk_by_object(hunting, library, findings)
        totals = hunting.totals()
        tuning = hunting.tuning
        if not hidden:
            run.saw(hunting, _by_analytic(findings))
    at_risk = _from(objects, threshold)
    operator_log.count("scored", records=totals["records"], findings=findings.num_rows, at_risk=at_risk.num_rows)
    where = options.with_warehouse(warehouse)
    against = _of(findings, at_risk)
    table = against if events else at_risk
    if hidden:
        table, events = scored.suppressed, True
    if not show_secrets:
        table = _masked(table)
    if table.num_rows or fmt or output:
        on_screen = output is None and fmt in (None, Format.TABLE)
        shown = (_events if events else _screen)(table, width(sys.stdout)) if on_screen else table
        emit(shown, fmt=fmt, output=output, force=force)
        if shown.num_rows < table.num_rows:
            left = table.num_rows - shown.num_rows
            console.note(
                f"not shown: {left:,} with a score of 0, true of every working day; all: -f json or -o FILE.csv"
            )
    if scored.suppressed.num_rows:
        by = {name for one in scored.suppressed.column("suppressed_by").to_pylist() for name in one.split("; ")}
        command = f"wmiwh risk --suppressed{where}"
        console.note(suppressed.sentence(scored.findings_suppressed, "finding", by, command))
    suppressed.tell_expired(tuning)
    elsewhere = " beside what is suppressed" if scored.suppressed.num_rows else ""
    _tell(objects.num_rows, at_risk.num_rows, threshold, totals, filtered=bool(filters), beside=elsewhere)
    if at_risk.num_rows:
        more = "" if events else f"wmiwh risk --events{where} · "
        console.note(f"next: {more}wmiwh hunt lateral_movement{where} · wmiwh report{where}")
    else:
        console.note(f"next: wmiwh coverage{where} · wmiwh hunt{where}")
    severities = [options.Severity(name) for name in against.column("severity").to_pylist()]
    return options.verdict(max(severities, key=list(options.Severity).index, default=None), fail_on)


def _by_analytic(findings: pa.Table) -> list[tuple[str, int, int]]:
    """Return (id, version, findings) of each analytic that found something."""
    names = ("analytic", "version", "finding_id")
    each = set(zip(*(findings.column(name).to_pylist() for name in names), strict=True))
    return [(*one, count) for one, count in sorted(Counter((name, version) for name, version, _ in each).items())]


def _from(objects: pa.Table, threshold: int) -> pa.Table:
    import pyarrow as pa

    scores = objects.column("risk_score").to_pylist()
    return objects.filter(pa.array([score >= threshold for score in scores], pa.bool_()))


def _of(findings: pa.Table, objects: pa.Table) -> pa.Table:
    """Return the findings that put one of *objects* at risk."""
    import pyarrow as pa

    names = ("risk_object_type", "risk_object")
    wanted = set(zip(*(objects.column(name).to_pylist() for name in names), strict=True))
    pairs = zip(*(findings.column(name).to_pylist() for name in names), strict=True)
    return findings.filter(pa.array([pair in wanted for pair in pairs], pa.bool_()))


def _masked(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    from wmiwarehouse.report.secrets import mask

    texts = [text and mask(text) for text in table.column("message").to_pylist()]
    return table.set_column(table.column_names.index("message"), "message", pa.array(texts, pa.string()))


def _screen(table: pa.Table, width: int) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, Any] = {"risk": table.column("risk_score"), "object": table.column("risk_object")}
    columns["type"] = table.column("risk_object_type")
    columns |= {name: table.column(name) for name in ("acts", "analytics", "techniques")}
    columns |= {name: _times(table.column(f"{name}_time"), width) for name in ("first", "last")}
    return pa.table(columns | {"message": table.column("message")})


def _events(table: pa.Table, width: int) -> pa.Table:
    import pyarrow as pa

    table = table.filter(pa.array([score > 0 for score in table.column("risk_score").to_pylist()], pa.bool_()))
    columns: dict[str, Any] = {
        name: table.column(name) for name in ("suppressed_by", "reason") if name in table.column_names
    }
    columns["time"] = _times(table.column("event_time"), _WITH_MINUTES)
    columns |= {"object": table.column("risk_object"), "type": table.column("risk_object_type")}
    scores = zip(table.column("risk_score").to_pylist(), table.column("counts").to_pylist(), strict=True)
    columns["risk"] = [score if counts else None for score, counts in scores]
    columns |= {"score": table.column("risk_score"), "analytic": table.column("analytic")}
    columns["act"] = [act[:12] if width < _WITH_MINUTES else act for act in table.column("act").to_pylist()]
    return pa.table(columns | {"message": table.column("message")})


def _times(column: Any, width: int) -> list[str]:
    shape = "%Y-%m-%dT%H:%MZ" if width >= _WITH_MINUTES else "%Y-%m-%d"
    return [time.strftime(shape) if time else "" for time in column.to_pylist()]


def _tell(found: int, shown: int, threshold: int, totals: dict[str, Any], *, filtered: bool, beside: str) -> None:
    from wmiwarehouse.hunting.coverage import CAUTION

    hosts_and_users = "host or user" if found == 1 else "hosts and users"
    if threshold:
        console.note(f"{shown:,} of {found:,} {hosts_and_users} with findings at or above {threshold:,}")
    elif not found:
        console.note(f"no finding of a detection or a chain puts a host or a user at risk{beside}")
    if shown:
        console.note("risk: of each act (a movement, a process) the highest score counts once, then they add up")
    period = (
        f", {totals['first_time']:%Y-%m-%dT%H:%M:%SZ} to {totals['last_time']:%Y-%m-%dT%H:%M:%SZ}"
        if totals["first_time"]
        else ""
    )
    console.note(
        f"looked at {totals['records']:,} records of {totals['hosts']:,} hosts{period}"
        f"{'; the filters narrow this' if filtered else ''}. No risk here means none that these logs show. {CAUTION}"
    )
