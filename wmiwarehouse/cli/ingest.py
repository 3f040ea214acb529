"""``wmiwh ingest``: logs into the warehouse."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wmiwarehouse.cli import interrupts, operator_log, options
from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.output import console

if TYPE_CHECKING:
    from wmiwarehouse.lake.warehouse import Warehouse
    from wmiwarehouse.pipeline.ingest import Progress, Summary
    from wmiwarehouse.pipeline.pool import Waiting

_SHOWN = 5


@options.logged
def ingest(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files or folders (searched through) with event logs.")
    ],
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Fail (exit 1) if another ingest is writing.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Read known contents once more, in place of what was read before.")
    ] = False,
    ingest_dir: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Further formats/ and events/ in the shape of ingest/.")
    ] = None,
    assume_tz: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Zone of times that have none: Europe/Berlin, +02:00. Before all evidence."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first problem and leave the warehouse as it was.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 2,
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """Read event logs into the warehouse.

    Formats are recognised by content: EVTX, event XML, and the JSON or text that Winlogbeat, NXLog, Splunk, Wazuh,
    EvtxECmd, Get-WinEvent, Cortex XDR, CrowdStrike and others export; plain, or in gzip, zstd, tar or zip. What is
    damaged is named and the rest is read; contents that the warehouse has are left alone, or with --again read anew and
    replaced.

    \b
    Examples:
      wmiwh ingest ./triage -w case42
      wmiwh ingest Security.evtx logs.zip -w case42
      wmiwh ingest --again ./triage -w case42     after an update, or with an --ingest-dir of your own
      wmiwh sources --problems -w case42

    Exit: 0 done, 2 no such path, 3 no file there, 5 done, but some input was damaged.
    """
    from wmiwarehouse.lake.warehouse import Warehouse
    from wmiwarehouse.pipeline.pool import Waiting

    with Waiting() as waiting:
        with interrupts.noted() as look:
            with suppress(OSError, WmiwhError):  # told below
                if not Warehouse(warehouse).batches():  # there will be something to read
                    waiting.start(workers)
            from wmiwarehouse.pipeline import own_files
            from wmiwarehouse.pipeline.clock import Zone
            from wmiwarehouse.pipeline.ingest import check

            look()
        if assume_tz is not None:
            Zone.of(assume_tz)
        check(paths)  # before a warehouse is made for nothing
        own_files.check(ingest_dir or [])
        summary = run(
            paths,
            Warehouse.create(warehouse),
            workers=workers,
            wait=not no_wait,
            ingest_folders=ingest_dir or [],
            again=again,
            assume_tz=assume_tz,
            strict=strict,
            waiting=waiting,
        )
    from wmiwarehouse.output.formats import emit

    if summary.formats or fmt or output:
        emit(_table(summary), fmt=fmt, output=output, force=force)
    _tell(summary, warehouse)
    return summary.exit_code


def run(
    paths: list[Path],
    warehouse: Warehouse,
    *,
    workers: int = 2,
    wait: bool = True,
    ingest_folders: list[Path] | None = None,
    again: bool = False,
    assume_tz: str | None = None,
    strict: bool = False,
    waiting: Waiting | None = None,
) -> Summary:
    """Ingest *paths* with a progress bar, and build the views anew for other tools."""
    from contextlib import ExitStack

    with interrupts.noted() as look:
        library = options.load_library()
        from wmiwarehouse import assets
        from wmiwarehouse.lake import catalog
        from wmiwarehouse.lake.rest import purge
        from wmiwarehouse.lake.whole import check_whole
        from wmiwarehouse.pipeline.ingest import ingest as ingest_paths

        look()
    folders = [assets.folder("ingest"), *(ingest_folders or [])] if ingest_folders else []
    with ExitStack() as exits:

        def wait_idly() -> None:
            console.note("another ingest is writing; waiting for it")
            if waiting:
                waiting.end()

        exits.enter_context(warehouse.writing(wait=wait, on_wait=wait_idly))
        warehouse.clear_staging()
        try:
            check_whole(warehouse)
        except WmiwhError as error:  # hunts refuse it; what comes now is kept all the same
            console.warn(str(error))
        ahead = exits.enter_context(catalog.Ahead(warehouse, library))
        with console.progress("Reading") as bar, interrupts.noted() as look:

            def show(progress: Progress) -> None:
                look()
                _show(bar, progress)

            summary = ingest_paths(
                paths,
                warehouse,
                workers=workers,
                ingest_folders=folders,
                again=again,
                assume_tz=assume_tz,
                strict=strict,
                on_progress=show,
                waiting=waiting,
            )
        try:
            catalog.refresh_database(warehouse, library, ahead)
        except WmiwhError as error:  # the records are in the lake: the ingest is done
            console.warn(f"{error}. Other tools do not see the new records; the next hunt builds it again")
        else:
            purge(warehouse)
    operator_log.ingested(summary)
    return summary


def _show(bar: console.Progress, progress: Progress) -> None:
    rate = progress.records / progress.seconds if progress.seconds else 0
    detail = f"{progress.files_done:,}/{progress.files:,} files  {progress.records:,} records  {rate / 1000:,.0f} k/s"
    bar.update(progress.bytes_done, detail, total=progress.bytes)


def _table(summary: Summary) -> Any:
    import pyarrow as pa

    counts = sorted(summary.formats.items())
    return pa.table(
        {
            "format": pa.array([name for name, _ in counts], pa.string()),
            "files": pa.array([count.files for _, count in counts], pa.int64()),
            "records": pa.array([count.records for _, count in counts], pa.int64()),
            "duplicates": pa.array([count.duplicates for _, count in counts], pa.int64()),
            "problems": pa.array([count.problems for _, count in counts], pa.int64()),
        }
    )


def _tell(summary: Summary, warehouse: Path) -> None:
    """Say on stderr what happened, what was wrong, and what to do next."""
    _list("skipped, not event logs", summary.skipped)
    _list("not read", summary.failed)
    _list(
        "problem" if len(summary.problems) == 1 else "problems",
        [(file, f"{position}: {reason}" if position else reason) for file, position, reason, _ in summary.problems],
    )
    if summary.again:
        console.note(f"{_count(summary.again, 'source')} read again, in place of what was read before")
    if summary.known:
        console.note(
            f"{_count(len(summary.known), 'source')} already in the warehouse with the same content: nothing to do"
        )
    if summary.displaced:
        console.note(f"copies now, because these say more: {_count(summary.displaced, 'record')} of earlier ingests")
    span = f", {_time(summary.first_time)} to {_time(summary.last_time)}" if summary.first_time else ""
    hosts = f" of {_count(summary.hosts, 'host')}" if summary.records else ""
    copies = f" ({summary.duplicates:,} of them copies)" if summary.duplicates else ""
    lost = f", at least {_count(summary.lost, 'record')} lost" if summary.lost else ", 0 lost"
    if summary.failed:
        lost = f"{lost if summary.lost else ''}, {_count(len(summary.failed), 'event log')} not read"
    console.note(f"{_count(summary.records, 'record')}{hosts} added{copies}{lost}{span}, {_duration(summary.seconds)}")
    where = options.with_warehouse(warehouse)
    if summary.problems or summary.failed:
        console.note(f"problems: wmiwh sources --problems{where}")
    console.note(f"next: wmiwh hunt{where}")


def _list(title: str, items: list[tuple[str, str]]) -> None:
    if not items:
        return
    console.note(f"{len(items):,} {title}:")
    for file, reason in items[:_SHOWN]:
        console.note(f"  {file}: {reason}")
    if len(items) > _SHOWN:
        console.note(f"  ... and {len(items) - _SHOWN:,} more")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _time(moment: Any) -> str:
    return str(moment.strftime("%Y-%m-%dT%H:%M:%SZ")).rjust(20, "0")


def _duration(seconds: float) -> str:
    return f"{int(seconds // 60)} m {seconds % 60:02.0f} s" if seconds >= 60 else f"{seconds:.1f} s"
