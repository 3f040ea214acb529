"""``wmiwh verify``: whether the warehouse still is what was committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wmiwarehouse.cli import operator_log, options
from wmiwarehouse.cli.compact import GraceOption, finish, grace_of, waiting
from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.output import console

if TYPE_CHECKING:
    from datetime import timedelta

    from wmiwarehouse.lake.verify import Finding, Verified
    from wmiwarehouse.lake.warehouse import Warehouse


@options.logged
def verify(
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    sources: Annotated[
        bool, typer.Option("--sources", help="Also the original files: there, and with the same SHA-256?")
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Remove what interrupted commands left, replaced files, and what hunts remembered."
        ),
    ] = False,
    grace: GraceOption = "1h",
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """Check every file of the warehouse against what was committed: hash, size and number of records.

    A line for each finding; none if all is well. The digest at the end stands for everything that was committed: keep
    it elsewhere, and a later verify that prints the same tells that nobody rewrote the warehouse and its lists.

    \b
    Examples:
      wmiwh verify -w case42
      wmiwh verify --sources -w case42 -o findings.csv
      wmiwh verify --repair -w case42

    Exit: 0 all well, 3 no warehouse, 5 something is damaged, missing or was added.
    """
    import pyarrow as pa

    from wmiwarehouse.lake.remembered import FOLDER
    from wmiwarehouse.lake.verify import HARMLESS
    from wmiwarehouse.lake.verify import verify as check
    from wmiwarehouse.lake.warehouse import Warehouse
    from wmiwarehouse.output.formats import emit

    span = grace_of(grace)
    opened = Warehouse.open(warehouse)
    with console.progress("Checking") as bar:
        found = check(opened, originals=sources, on_progress=lambda done, total: bar.update(done, total=total))
    found.findings += _left_over(opened, repair, span)
    columns = ("finding", "batch", "file", "detail")
    if found.findings or fmt or output:
        rows = {name: pa.array([getattr(one, name) for one in found.findings], pa.string()) for name in columns}
        emit(pa.table(rows), fmt=fmt, output=output, force=force)
    damaged = sum(one.finding not in HARMLESS for one in found.findings)
    operator_log.count("verified", batches=found.batches, files=found.files, records=found.records, damaged=damaged)
    _tell(found, sources)
    if not repair and any(one.finding == "left over" for one in found.findings):
        console.note(f"left over files are harmless; remove: wmiwh verify --repair{options.with_warehouse(warehouse)}")
    if remembered := len(list((opened.root / FOLDER).glob("*"))):
        console.note(
            f"{remembered} file{'s'[: remembered != 1]} in {FOLDER}/, covered by no hash; hunts work out anew "
            f"what is removed: wmiwh verify --repair{options.with_warehouse(warehouse)}"
        )
    if found.is_damaged:
        console.note(
            f"damaged: {damaged:,} finding{'' if damaged == 1 else 's'}. Restore the files, or read the logs anew"
        )
    return ExitCode.DAMAGED if found.is_damaged else ExitCode.DONE


def _left_over(warehouse: Warehouse, repair: bool, grace: timedelta) -> list[Finding]:
    """Return what is left over, without what *repair* removed."""
    from wmiwarehouse.lake.remembered import forget_all
    from wmiwarehouse.lake.verify import left_over, remove_left_over

    try:
        with warehouse.writing(wait=repair, on_wait=waiting):
            found = left_over(warehouse)
            if repair:
                remove_left_over(warehouse)
                forget_all(warehouse.root)
                try:
                    finish(warehouse, grace)
                except WmiwhError as error:
                    console.note(str(error))
                left = left_over(warehouse)
                console.note(f"{len(found) - len(left):,} of {len(found):,} left over removed")
                found = left
            return found
    except WmiwhError as error:
        if repair:
            raise
        console.note(f"what commands left over was not looked for: {error}")
        return []


def _tell(found: Verified, originals: bool) -> None:
    looked = (
        f"{found.batches:,} batch{'' if found.batches == 1 else 'es'}, {found.files:,} files, {found.records:,} records"
    )
    same = f", {found.originals:,} original files unchanged" if originals else ""
    console.note(f"{looked}{same}; digest {found.digest}")
