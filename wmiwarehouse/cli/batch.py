"""``wmiwh batch``: ingest, hunts, report and mail of one file, for schedulers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from wmiwarehouse.cli import options, scheduling
from wmiwarehouse.errors import ExitCode, UsageError


@options.logged
def batch(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The description of the batch: hunts.toml.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check FILE and print what would be done.")] = False,
    wait: scheduling.WaitOption = False,
) -> ExitCode:
    """Ingest, hunt and report as FILE says, and tell what is new since the last run.

    \b
    Examples:
      wmiwh batch hunts.toml --dry-run
      wmiwh batch hunts.toml
      wmiwh runs nightly

    Paths in FILE are relative to it; its keys are in docs/batch.md. A part that fails does not keep the others from
    being done. The run is recorded; only one that came to its end (0, 4, 5) is what the next one goes on from.

    Exit: the worst of its parts, in this order: 130 interrupted, 1 failed or a run of this name is going on, 2 FILE
    or a path in it is wrong, 3 no data, 4 hits at or above fail_on, 5 some input was damaged, 0 done.
    """
    library = options.load_library()
    from wmiwarehouse.cli.batches import plan, runner
    from wmiwarehouse.cli.batches.file import BatchFile
    from wmiwarehouse.output import escape, streams

    described = BatchFile.load(file, library)
    if dry_run:
        streams.write_text(sys.stdout, (f"{escape.visible(line)}\n" for line in plan.lines(described, library)))
        for path in plan.missing(described):
            raise UsageError(f"{path}: no such file or folder")
        return ExitCode.DONE
    return runner.run(described, library, wait=wait)
