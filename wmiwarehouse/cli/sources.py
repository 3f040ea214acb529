"""``wmiwh sources``: what the warehouse was made from, and what was wrong with it."""

from __future__ import annotations

from typing import Annotated

import typer

from wmiwarehouse.cli import options
from wmiwarehouse.errors import ExitCode, NoDataError
from wmiwarehouse.output import console

_SOURCES = """
select
    status, format, records, duplicates, problems, lost, hosts, size, first_time, last_time,
    reason, source_file, source_id as sha256, file_sha256, batch_id, ingested_at
from lake_sources
order by source_file, ingested_at"""
# What a person looks for first, in a line that fits a terminal; everything else is in the other formats.
_ON_SCREEN = """
select
    coalesce(format, status) as format, records, duplicates, problems,
    left(source_id, 12) as sha256, source_file as file, coalesce(reason, '') as reason
from lake_sources
order by source_file, ingested_at"""
_PROBLEMS = """
select source_file, position, reason, lost, source_id as sha256, batch_id
from lake_problems
union all
select source_file, '' as position, reason, null as lost, source_id as sha256, batch_id
from lake_sources
where status = 'failed'
order by source_file, position, reason"""


@options.command
def sources(
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    problems: Annotated[
        bool, typer.Option("--problems", help="What was damaged, unreadable or doubtful, with its position.")
    ] = False,
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """List every source with its SHA-256, or with --problems what was wrong with them.

    \b
    Examples:
      wmiwh sources -w case42
      wmiwh sources --problems -w case42 -o problems.csv

    Exit: 0 done, 3 no warehouse or nothing in it.
    """
    from wmiwarehouse.lake import catalog, relations
    from wmiwarehouse.lake.warehouse import Warehouse
    from wmiwarehouse.output.formats import Format, emit

    batches = Warehouse.open(warehouse).batches()
    if not batches:
        raise NoDataError(f"{warehouse} has no sources yet; next: wmiwh ingest PATH... -w {warehouse}")
    connection = catalog.connect()
    try:
        relations.lay_lake(connection, batches)
        on_screen = output is None and fmt in (None, Format.TABLE)
        query = _PROBLEMS if problems else _ON_SCREEN if on_screen else _SOURCES
        table = connection.sql(query).to_arrow_table()
    finally:
        connection.close()
    if problems and not table.num_rows:
        console.note("no problems: every event log was read to its end")
    if table.num_rows or fmt or output:
        emit(table, fmt=fmt, output=output, force=force)
    if on_screen and not problems:
        console.note("whole SHA-256, sizes, hosts, times and batches: -f json or -o FILE.csv")
    return ExitCode.DONE
