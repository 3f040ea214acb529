"""``wmiwh runs``: what was run when, how it ended, and from where the next run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from wmiwarehouse.cli import options
from wmiwarehouse.errors import ExitCode
from wmiwarehouse.output import console

if TYPE_CHECKING:
    from wmiwarehouse.lake.runs import Record


@options.command
def runs(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One name's runs; else the last of each.")
    ] = None,
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """List the recorded runs: of one name all, the newest first; else the last run of each name.

    \b
    Examples:
      wmiwh runs -w case42
      wmiwh runs nightly -w case42 -f json

    A run is recorded by hunt, risk and report with --run NAME or --ingested-since last-run, and by batch. The next
    one of its name with last-run goes on after "ingested until" of the newest that came to its end (exit 0, 4, 5).

    Exit: 0 done, 1 a record is damaged, 2 no such name, 3 no warehouse.
    """
    from wmiwarehouse.errors import UsageError
    from wmiwarehouse.lake import runs as recorded
    from wmiwarehouse.lake.warehouse import Warehouse
    from wmiwarehouse.output.formats import emit

    opened = Warehouse.open(warehouse)
    names = recorded.names(opened)
    if name is not None:
        found = list(reversed(recorded.Runs(opened, name).records()))
        if not found:
            there = f"; there are: {', '.join(names)}" if names else "; there are none yet"
            raise UsageError(f"no run {name} is recorded{there}")
    else:
        each = [recorded.Runs(opened, one).records() for one in names]
        found = sorted((records[-1] for records in each if records), key=lambda one: one.started, reverse=True)
    if found or fmt or output:
        emit(_table(found), fmt=fmt, output=output, force=force)
    if not found:
        console.note(
            "no run is recorded yet; one is by: wmiwh hunt --ingested-since last-run --run NAME, or wmiwh batch FILE"
        )
    return ExitCode.DONE


def _table(records: list[Record]) -> Any:
    import pyarrow as pa

    time = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "name": pa.array([one.name for one in records], pa.string()),
            "started": pa.array([one.started for one in records], time),
            "exit_code": pa.array([one.exit_code for one in records], pa.int64()),
            "hits": pa.array([one.hits for one in records], pa.int64()),
            "suppressed": pa.array([one.suppressed for one in records], pa.int64()),
            "analytics": pa.array([len(one.analytics) for one in records], pa.int64()),
            "ingested_since": pa.array([one.ingested_since for one in records], time),
            "ingested_until": pa.array([one.ingested_until for one in records], time),
            "finished": pa.array([one.finished for one in records], time),
            "asked": pa.array([one.asked for one in records], pa.string()),
            "number": pa.array([one.number for one in records], pa.int64()),
        }
    )
