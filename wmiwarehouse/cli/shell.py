"""``wmiwh shell``: the DuckDB shell over a warehouse, for whoever wants more than one SELECT."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sysconfig
from contextlib import suppress
from types import FrameType
from typing import Annotated

import typer

from wmiwarehouse.cli import options
from wmiwarehouse.errors import NoDataError, UsageError, WmiwhError


@options.command
def shell(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- ARGS...]", help="More for duckdb, as in: -- -c 'from events'")
    ] = None,
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
) -> None:
    """Open the DuckDB shell on the warehouse's views, read-only, in UTC.

    \b
    Examples:
      wmiwh shell -w case42
      wmiwh shell -w case42 -- -box -c "from hunt.wmiprvse_children"
      wmiwh shell -w case42 < examples/hunter-questions.sql

    It can do what you can: read-only is the warehouse's file, not your disk. For SQL that you did not write: wmiwh sql.
    Needs the program duckdb: pip install 'wmiwarehouse[shell]'.

    Exit: that of the shell; 2 no program duckdb, 3 no warehouse, or one whose views cannot be made.
    """
    library = options.load_library()
    from wmiwarehouse.lake import catalog
    from wmiwarehouse.lake.warehouse import Warehouse

    opened = Warehouse.open(warehouse)
    program = _program()
    if not catalog.is_current(opened, library):
        with suppress(WmiwhError), opened.writing(wait=False):  # a running ingest will do it itself
            catalog.refresh_database(opened, library)
    if not opened.database.is_file():
        raise NoDataError(f"{opened.database} is not there and cannot be written; next: wmiwh ingest PATH...")
    if (place := opened.read_mark().get("root")) != str(opened.root):  # a copy that cannot be written, as evidence is
        raise NoDataError(
            f"the views in {opened.database} are those of {place}, and it cannot be written; next: "
            "wmiwh sql, or a copy where it can"
        )
    command = [program, "-readonly", "-cmd", "set timezone = 'UTC'", str(opened.database), *(arguments or ())]
    raise typer.Exit(_run(command))


def _program() -> str:
    # The one installed with us knows the format of the file; another one on the PATH may be too old.
    found = shutil.which("duckdb", path=sysconfig.get_path("scripts")) or shutil.which("duckdb")
    if found is None:
        raise UsageError("shell: needs the program duckdb: pip install 'wmiwarehouse[shell]', or https://duckdb.org")
    return found


def _run(command: list[str]) -> int:
    """Run *command* in the foreground and return its exit code; Ctrl-C is the shell's, which ends its query with it."""

    def leave_it(_number: int, _frame: FrameType | None) -> None:
        return

    before = signal.signal(signal.SIGINT, leave_it)  # a handler, not SIG_IGN, which the shell would inherit
    try:
        code = subprocess.run(command, check=False).returncode  # noqa: S603 - duckdb itself, and no shell between
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code
