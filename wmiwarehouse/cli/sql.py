"""``wmiwh sql``: a question of one's own, in SQL that can only ask."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from wmiwarehouse.cli import options
from wmiwarehouse.errors import ExitCode, UsageError, WmiwhError


@options.command
def sql(
    statement: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT, or - to read it from stdin.")],
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="What $NAME stands for.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="Stop after so long.")] = 300,
    memory: Annotated[str, typer.Option(metavar="SIZE", help="Stop where it needs more than this.")] = "4GB",
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """Ask in SQL (DuckDB's): one SELECT over the views. Nothing is written, nothing else is read.

    \b
    Examples:
      wmiwh sql "select host, count(*) from process_creation group by host" -w case42
      wmiwh sql "from hunt.wmiprvse_children where process_name = 'cmd.exe'"
      wmiwh sql 'select * from logon where user_name ilike $who' -p who=adm% -o logons.csv
      wmiwh sql - < question.sql

    hunt.ID is the newest version of an analytic (wmiwh list), hunt.ID_vN one version; events, process_creation, logon
    and the other models are in docs/columns.md. Values of -p are text; $day::timestamptz makes them something else.
    Times are UTC. Rows have no order unless the SQL says one. For more than a SELECT: wmiwh shell.

    Exit: 0 done, 1 stopped by --timeout or --memory, 2 SQL that is wrong or not allowed, 3 no warehouse or no data.
    """
    library = options.load_library()
    from wmiwarehouse.hunting import adhoc
    from wmiwarehouse.output.formats import emit

    try:
        text = _stdin() if statement == "-" else statement
        values = _values(parameter or [])
        if output is not None and output.resolve().is_relative_to(warehouse.resolve()):
            raise UsageError(f"-o {output}: lies in the warehouse, where nothing is written")
        with adhoc.answer(warehouse, library, text, values, timeout=timeout, memory=memory) as rows:
            emit(rows, fmt=fmt, output=output, force=force)
    except WmiwhError as error:
        raise error if error.code is ExitCode.NO_DATA else WmiwhError(f"sql: {error}", error.code) from None
    return ExitCode.DONE


def _stdin() -> str:
    from wmiwarehouse.hunting.guard import MAX_SIZE

    if sys.stdin is None:  # closed by who started this
        raise UsageError("there is no stdin to read a question from")
    content = sys.stdin.buffer.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise UsageError(f"stdin has more than {MAX_SIZE:,} bytes: hardly a question")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"stdin is no UTF-8: {error.reason} at byte {error.start}") from None


def _values(given: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for item in given:
        name, equals, value = item.partition("=")
        name = name.strip().removeprefix("$")
        if not equals or not name:
            raise UsageError(f"-p {item}: is not NAME=VALUE")
        if name in values:
            raise UsageError(f"-p {name}: has two values")
        values[name] = value
    return values
