"""``wmiwh stack``: count any values, the rarest first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wmiwarehouse.cli import options
from wmiwarehouse.errors import ExitCode
from wmiwarehouse.output import console

if TYPE_CHECKING:
    from wmiwarehouse.hunting.stack import Stack

#: So many cells have room for minutes; below, first and last are days.
_WITH_MINUTES = 110
#: A long value is cut to no less than this.
_CUT = 20
#: Left out from the left to the right where there is no room.
_SPARED = ("users", "first", "last")


@options.command
def stack(
    columns: Annotated[list[str], typer.Argument(metavar="COLUMN...", help="What to count by, one or several.")],
    of: Annotated[
        str, typer.Option("--of", metavar="VIEW", help="Whose rows: a model view or an analytic.")
    ] = "process_creation",
    rare: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only what is seen on at most N hosts.")] = None,
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    host: options.HostOption = None,
    user: options.UserOption = None,
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """Count values, the rarest first: how many events, on how many hosts, by how many users, from when to when.

    \b
    Examples:
      wmiwh stack parent_process_name process_name -w case42
      wmiwh stack process_name command_line --of wmiprvse_children --rare 1
      wmiwh stack user_name source_ip --of logon --since 7d
      wmiwh stack targets --of xql_wmic_remote_exec

    Values are counted without regard to case. host_share is the part of all hosts that have rows in VIEW.
    Filters stand beneath the counts: they choose the rows that are counted.

    Exit: 0 done, 2 unknown view or column (the nearest are named) or bad filter, 3 no warehouse or no data.
    """
    library = options.load_library()
    from wmiwarehouse.hunting import unknown
    from wmiwarehouse.hunting.filters import Filters
    from wmiwarehouse.hunting.hunt import open_hunt
    from wmiwarehouse.hunting.selection import listed
    from wmiwarehouse.hunting.stack import stack as count
    from wmiwarehouse.output.formats import Format, emit
    from wmiwarehouse.output.streams import width

    filters = Filters(since, until, host, user)
    with open_hunt(warehouse, library, filters) as hunting:
        for doubt in unknown.doubts(hunting):
            console.warn(doubt)
        found = count(hunting, library, listed(columns), of=of, rare=rare)
    if found.table.num_rows or fmt or output:
        on_screen = output is None and fmt in (None, Format.TABLE)
        table = _screen(found, width(sys.stdout)) if on_screen else found.table
        emit(table, fmt=fmt, output=output, force=force)
        spared = [name for name in _SPARED if on_screen and name not in table.column_names]
        if spared:
            console.note(f"not shown: {', '.join(spared)}; everything: -f json or -o FILE.csv")
    narrowed = " under the filters" if filters else ""
    limit = f", each on at most {_counted(rare, 'host')}," if rare else ""
    console.note(
        f"{_counted(found.table.num_rows, 'value')}{limit} in {_counted(found.rows, 'row')} of {of} "
        f"on {_counted(found.hosts, 'host')}{narrowed}"
    )
    return ExitCode.DONE


def _screen(found: Stack, width: int) -> Any:
    """Return the counts for a person: a line for each value, hosts as a part of all, times as fine as there is room."""
    import pyarrow as pa

    shape = "%Y-%m-%dT%H:%MZ" if width >= _WITH_MINUTES else "%Y-%m-%d"
    columns: dict[str, Any] = {}
    for name in found.table.column_names:
        values = found.table.column(name)
        if name == "hosts":
            columns[name] = [f"{value:,} of {found.hosts:,}" for value in values.to_pylist()]
        elif name in ("first_seen", "last_seen"):
            columns[name.removesuffix("_seen")] = [time.strftime(shape) if time else "" for time in values.to_pylist()]
        elif name != "host_share":
            columns[name] = values
    # One value below the other would be a long way to scroll: rather fewer counts, which other formats have.
    for name in _SPARED:
        if _least(columns, found.table.column_names) <= width:
            break
        del columns[name]
    return pa.table(columns)


def _least(columns: dict[str, Any], known: list[str]) -> int:
    """Return the width that *columns* need; values are cut where they are long, counts are not."""
    total = 2 * (len(columns) - 1)
    for name, values in columns.items():
        longest = max((len(str(value)) for value in values), default=0)
        is_key = name in known and name not in ("events", "hosts", "users")
        total += min(max(longest, len(name)), _CUT) if is_key else max(longest, len(name))
    return total


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
