"""``wmiwh coverage``: on which hosts the data that analytics need was seen, and on which it was not."""

from __future__ import annotations

import difflib
import shlex
import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from wmiwarehouse.cli import options
from wmiwarehouse.errors import ExitCode, UsageError
from wmiwarehouse.output import console

_STATUSES = ("seen", "partly", "not seen", "no logs")
#: So many cells have room for days; so many for what was missing and what siblings say.
_WITH_DAYS = 100
_ROOMY = 150


@options.command
def coverage(
    analytic: Annotated[
        list[str] | None, typer.Option("--analytic", metavar="ID", help="Only of this analytic; may be repeated.")
    ] = None,
    host: options.HostOption = None,
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """Show on which hosts the data that an analytic needs was seen: what a count of zero is worth.

    \b
    Examples:
      wmiwh coverage -w case42                          # a line for each host
      wmiwh coverage --analytic xql_wmic_remote_exec    # a line for each host, of one analytic
      wmiwh coverage --host ws05                        # a line for each analytic
      wmiwh coverage --since 7d -o coverage.csv         # every host and analytic

    \b
    seen      every record type it can use, each with the columns it asks for
    partly    some of them, or not in every record
    not seen  the host has logs, and none of these
    no logs   only the logs of others name this host

    Exit: 0 done, 2 unknown analytic or host or bad time, 3 no warehouse or no data.
    """
    library = options.load_library()
    from wmiwarehouse.hunting.filters import Filters
    from wmiwarehouse.hunting.hunt import open_hunt
    from wmiwarehouse.hunting.selection import listed, select
    from wmiwarehouse.lake.query import fetch
    from wmiwarehouse.output.formats import Format, emit
    from wmiwarehouse.output.streams import width

    wanted = [item.id for item in select(library, listed(analytic))] if analytic else []
    view = library.get("data_coverage")
    filters = Filters(since, until)
    with open_hunt(warehouse, library, filters) as hunting:
        connection = hunting.connection(view, beneath=bool(filters))
        where = "where analytic in $wanted" if wanted else ""
        order = ", ".join(view.metadata.order_by)
        query = f"select * from hunt.{view.view} {where} order by {order}"
        table = fetch(connection, query, {"wanted": wanted} if wanted else {})
        if host:
            # Chosen among the answers: narrowed beneath them, the hosts that it names would seem to have no logs.
            table = _of_host(table, host, hunting.hosts.named(host))
        with_logs = len(hunting.hosts.known)
    found = table.to_pylist()
    if output is not None or fmt not in (None, Format.TABLE):
        emit(table, fmt=fmt, output=output, force=force)
    elif found:
        of_host = bool(host) and len({row["host"] for row in found}) == 1  # several may share a short name
        emit(_screen(found, width(sys.stdout), of_one=len(wanted) == 1, of_host=of_host))
    _tell(found, with_logs, options.with_warehouse(warehouse), filtered=bool(filters))
    return ExitCode.DONE


def _of_host(table: Any, name: str, hosts: tuple[str, ...]) -> Any:
    """Return the rows of *hosts*, or of a host without logs that is called *name*."""
    import pyarrow as pa

    column = table.column("host").to_pylist()
    plain = name.strip().lower()
    wanted = {*hosts, plain, plain.partition(".")[0]} & set(column)
    if not wanted:
        near = difflib.get_close_matches(plain, sorted(set(column)), n=3)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise UsageError(f"no record in this warehouse is of host {name}, nor names it{hint}")
    return table.filter(pa.array([one in wanted for one in column], pa.bool_()))


def _screen(found: list[dict[str, Any]], width: int, *, of_one: bool, of_host: bool) -> Any:
    import pyarrow as pa

    if of_one or of_host:
        return pa.Table.from_pylist([_line(row, width, of_one=of_one, of_host=of_host) for row in _by_status(found)])
    by_host: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        by_host.setdefault(row["host"], []).append(row)
    return pa.Table.from_pylist([_summary(host, by_host[host], width) for host in sorted(by_host)])


def _by_status(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda row: (_STATUSES.index(row["status"]), row["host"], row["analytic"]))


def _line(row: dict[str, Any], width: int, *, of_one: bool, of_host: bool) -> dict[str, Any]:
    line: dict[str, Any] = {} if of_host and not of_one else {"host": row["host"]}
    line |= {} if of_one else {"analytic": row["analytic"]}
    line["status"] = row["status"]
    if of_one or width >= _WITH_DAYS:
        line["records"] = row["records"]
    if width >= _WITH_DAYS:
        line |= {"first": _day(row["first_time"]), "last": _day(row["last_time"])}
    line["lacks"] = _lacks(row)
    if width >= _ROOMY:
        line |= {"holes": row["record_id_holes"], "cleared": _day(row["last_clear"]), "inferred": row["inferred"]}
    return line


def _lacks(row: dict[str, Any]) -> str:
    """What is missing: types of records, or a column in some of those that are there."""
    if row["status"] in ("not seen", "no logs"):
        return ""
    share = row["share"]
    rare = f"{row['column_name']} in {_percent(share)}" if share is not None and share < 1 else ""
    return ", ".join(filter(None, (rare, row["requirements_missing"])))


def _summary(host: str, lines: list[dict[str, Any]], width: int) -> dict[str, Any]:
    counts = {status: sum(line["status"] == status for line in lines) for status in _STATUSES[:3]}
    times = [line[name] for line in lines for name in ("first_time", "last_time") if line[name]]
    cleared = [line["last_clear"] for line in lines if line["last_clear"]]
    summary: dict[str, Any] = {"host": host, **{status.replace(" ", "_"): count for status, count in counts.items()}}
    if lines[0]["status"] == "no logs":
        summary = {"host": host, **dict.fromkeys(list(summary)[1:]), "logs": "none; only named by others"}
    else:
        summary["logs"] = f"{_day(min(times))} to {_day(max(times))}" if times else "none of these records"
    if width >= _WITH_DAYS:
        summary["last_cleared"] = _day(max(cleared)) if cleared else ""
    return summary


def _percent(share: float) -> str:
    """Round towards the doubt: 99.6 % is not all, 0.4 % is not nothing."""
    return f"{'under 1' if 0 < share < 0.01 else int(100 * share)} %"


def _day(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d}" if time else ""


def _tell(found: list[dict[str, Any]], all_hosts: int, where: str, *, filtered: bool) -> None:
    from wmiwarehouse.hunting.coverage import CAUTION

    nameless = {row["host"] for row in found if row["status"] == "no logs"}
    with_logs = {row["host"] for row in found} - nameless
    named = f"; {len(nameless):,} more only named by others" if nameless else ""
    console.note(
        f"{len(with_logs):,} of {all_hosts:,} hosts with logs{named}"
        f"{', in the range that was asked for' if filtered else ''}. {CAUTION} Seen does not prove that all was logged."
    )
    analytics = {row["analytic"] for row in found}
    if len(analytics) > 1 and len(with_logs | nameless) > 1:
        some = shlex.quote(min(with_logs or nameless))
        console.note(f"next: wmiwh coverage --analytic {min(analytics)}{where} · wmiwh coverage --host {some}{where}")
    else:
        console.note("what siblings say of the missing, and the rest: -f json or -o FILE.csv")
