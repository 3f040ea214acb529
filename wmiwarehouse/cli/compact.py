"""``wmiwh compact``: many small batches into one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from wmiwarehouse.cli import operator_log, options
from wmiwarehouse.errors import ExitCode, UsageError
from wmiwarehouse.output import console

if TYPE_CHECKING:
    from wmiwarehouse.lake.warehouse import Warehouse

GraceOption = Annotated[
    str, typer.Option("--grace", metavar="SPAN", help="Keep replaced files so long for running hunts: 30m, 12h, 0.")
]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@options.logged
def compact(
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    grace: GraceOption = "1h",
) -> ExitCode:
    """Merge small batches into one: fewer, larger, better sorted files for hunts to open.

    Worth it after many small ingests. No record changes; hunts that are running go on with the old files, which stay
    for the time of --grace and go with the next compact, ingest, or verify --repair.

    \b
    Examples:
      wmiwh compact -w case42
      wmiwh compact -w case42 --grace 0     when nobody else is hunting: frees the space at once

    Exit: 0 done or nothing to do, 1 a batch is damaged or the disk is full, 3 no warehouse.
    """
    from wmiwarehouse.lake.compact import compact as merge
    from wmiwarehouse.lake.warehouse import Warehouse

    span = grace_of(grace)
    opened = Warehouse.open(warehouse)
    with opened.writing(on_wait=waiting):
        clean(opened)
        with console.progress("Merging") as bar:
            done = merge(opened, lambda records, total: bar.update(records, f"{records:,} records", total=total))
        finish(opened, span)
    if done is None:
        console.note("nothing to do: there are no two small batches to merge")
        return ExitCode.DONE
    operator_log.count("compacted", batches=done.batches, records=done.records, files=done.files)
    console.note(
        f"{done.batches:,} batches with {done.records:,} records are one now: {done.files:,} event files are "
        f"{done.parts:,}, {done.bytes_before:,} bytes are {done.bytes_after:,}"
    )
    tell_grace(opened, grace)
    return ExitCode.DONE


def grace_of(text: str) -> timedelta:
    """Return the span of ``--grace``."""
    found = re.fullmatch(r"(\d{1,6})([smhd]?)", text.strip().lower())
    if not found or (not found[2] and int(found[1])):
        raise UsageError(f"--grace {text}: a number with s, m, h or d is meant, or 0")
    return timedelta(seconds=int(found[1]) * _UNITS.get(found[2], 0))


def waiting() -> None:
    """Say why nothing happens."""
    console.note("another command is writing to this warehouse; waiting for it")


def clean(warehouse: Warehouse) -> None:
    """Remove what interrupted commands left, before another writes; only while holding the lock."""
    warehouse.staging.mkdir(exist_ok=True)
    warehouse.clear_staging()


def finish(warehouse: Warehouse, grace: timedelta) -> None:
    """Build the views anew for other tools, then remove what was replaced longer than *grace* ago."""
    from wmiwarehouse.lake import catalog
    from wmiwarehouse.lake.rest import purge

    catalog.refresh_database(warehouse, options.load_library())  # or it would name files that are gone
    purge(warehouse, grace)


def tell_grace(warehouse: Warehouse, grace: str) -> None:
    """Say that replaced files still take room."""
    from wmiwarehouse.lake.manifest import list_lake

    listing = list_lake(warehouse.lake)
    if any(entry.name in listing.replaced for entry in listing.entries):
        console.note(f"the replaced files stay {grace} for running hunts, then go with the next compact or ingest")
