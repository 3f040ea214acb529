"""``wmiwh forget``: takes a source out of the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from wmiwarehouse.cli import options
from wmiwarehouse.cli.compact import GraceOption, clean, finish, grace_of, tell_grace, waiting
from wmiwarehouse.errors import ExitCode, UsageError
from wmiwarehouse.output import console

if TYPE_CHECKING:
    from wmiwarehouse.lake.warehouse import Warehouse
    from wmiwarehouse.output.formats import Format

_SHOWN = 10


@options.command
def forget(
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="A path as listed by sources, or 6 or more digits of a SHA-256."),
    ] = None,
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    yes: Annotated[bool, typer.Option("--yes", help="Do it: without this only what would go is listed.")] = False,
    log: Annotated[bool, typer.Option("--log", help="List what was forgotten so far, and when.")] = False,
    grace: GraceOption = "1h",
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """Remove a source and its records from the warehouse; that it was there is written down.

    Nothing sees its records from then on. Records of other sources that were left out as copies of them are seen again.
    Its bytes leave the disk after --grace, with the next compact, ingest or verify --repair. The file itself is not
    touched and can be ingested again.

    \b
    Examples:
      wmiwh forget /evidence/WS07/Security.evtx -w case42
      wmiwh forget 9f86d081 -w case42 --yes --grace 0
      wmiwh forget --log -w case42

    Exit: 0 done, 1 a batch is damaged, 2 no such source, several or --yes is missing, 3 no warehouse.
    """
    from wmiwarehouse.lake.forget import AmbiguousSourceError, find_source
    from wmiwarehouse.lake.forget import forget as take_away
    from wmiwarehouse.lake.warehouse import Warehouse

    span = grace_of(grace)
    opened = Warehouse.open(warehouse)
    if log:
        return _log(opened, fmt, output, force)
    if source is None:
        raise UsageError("name a source: a path or SHA-256 as listed by: wmiwh sources")
    with opened.writing(on_wait=waiting):
        clean(opened)
        try:
            rows = find_source(opened, source)
        except AmbiguousSourceError as error:
            _list(error.candidates)
            raise
        _list(rows)
        if not yes:
            records = sum(row["records"] for row in rows)
            raise UsageError(f"{records:,} records would be removed; say so with --yes")
        with console.progress("Forgetting"):
            done = take_away(opened, rows)
        finish(opened, span)
    console.note(f"{done.records:,} records of {done.sources:,} source{'' if done.sources == 1 else 's'} forgotten")
    if done.restored:
        console.note(f"{done.restored:,} records of other sources, copies of them until now, are seen again")
    tell_grace(opened, grace)
    console.note(f"it is written down: wmiwh forget --log{options.with_warehouse(warehouse)}")
    return ExitCode.DONE


def _list(rows: list[dict[str, Any]]) -> None:
    for row in rows[:_SHOWN]:
        console.note(
            f"{(row['source_id'] or row['status'])[:12]:12}  {row['records']:>9,} records  {row['source_file']}"
        )
    if len(rows) > _SHOWN:
        console.note(f"... and {len(rows) - _SHOWN:,} more")


def _log(warehouse: Warehouse, fmt: Format | None, output: Any, force: bool) -> ExitCode:
    import pyarrow as pa

    from wmiwarehouse.lake import tables
    from wmiwarehouse.lake.forget import forgotten
    from wmiwarehouse.output.formats import emit

    found = forgotten(warehouse)
    if not found:
        console.note("nothing was ever forgotten")
    if found or fmt or output:
        emit(
            pa.Table.from_pylist(found, schema=tables.arrow_schema(tables.FORGOTTEN)),
            fmt=fmt,
            output=output,
            force=force,
        )
    return ExitCode.DONE
