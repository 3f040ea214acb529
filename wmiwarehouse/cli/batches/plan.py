"""Says what a batch would do, without doing any of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wmiwarehouse.cli.batches.file import EVERYTHING, BatchFile, HuntTable, ReportTable
from wmiwarehouse.cli.scheduling import LAST_RUN
from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.lake import clock
from wmiwarehouse.lake.runs import Runs
from wmiwarehouse.lake.warehouse import Warehouse


def lines(batch: BatchFile, library: Library) -> Iterator[str]:
    """Yield the plan of *batch*, one line for each part and each output."""
    yield f"batch      {batch.name}"
    yield f"warehouse  {batch.warehouse}"
    yield f"last run   {_last(batch)}"
    if part := batch.ingest:
        for path in part.paths:
            found = batch.at(path)
            yield f"ingest     {found}{'' if found.exists() else ' (does not exist)'}"
    for number, hunt in enumerate(batch.hunts, 1):
        chosen = batch.analytics(library, hunt)
        named = ", ".join(one.id for one in chosen[:5]) + (f" and {len(chosen) - 5} more" if len(chosen) > 5 else "")
        yield f"hunt {number}     {named}; {_window(batch, hunt)}"
        yield from _outputs(batch, hunt.outputs)
    if report := batch.report:
        against = f"; compared with {report.compare}" if report.compare else ""
        yield f"report     {_window(batch, report)}{against}"
        yield from _outputs(batch, report.outputs)
    if batch.mail:
        yield "mail"
        yield from _outputs(batch, [batch.mail.output])
    if batch.fail_on:
        yield f"exit       {int(ExitCode.HITS)} with hits of {batch.fail_on} or above"
    if batch.batch.keep:
        yield f"keep       the outputs of the last {batch.batch.keep} runs that wrote any; older ones are removed"


def missing(batch: BatchFile) -> list[Path]:
    """Return what *batch* would read and is not there: the run would end with exit 2."""
    paths = [batch.at(path) for path in batch.ingest.paths] if batch.ingest else []
    return [path for path in paths if not path.exists()]


def _last(batch: BatchFile) -> str:
    try:
        last = Runs(Warehouse.open(batch.warehouse), batch.name).last()
    except WmiwhError as error:
        if error.code != ExitCode.NO_DATA:
            raise
        return "none; there is no warehouse yet" + (", and it will be made" if batch.ingest else "")
    if last is None or last.ingested_until is None:
        return "none that came to its end: everything is new"
    return f"{last.started:%Y-%m-%dT%H:%M:%SZ}; new is what was ingested after {last.ingested_until.isoformat()}"


def _window(batch: BatchFile, part: HuntTable | ReportTable) -> str:
    since = batch.since(part)
    window = {LAST_RUN: "what came in since the last run", EVERYTHING: "everything"}.get(
        since, f"ingested since {since}"
    )
    given = ((name, getattr(part, name)) for name in ("since", "until", "host", "user"))
    return ", ".join([window, *(f"{name} {value}" for name, value in given if value)])


def _outputs(batch: BatchFile, templates: list[str]) -> Iterator[str]:
    for template in templates:
        yield f"           -> {batch.filled(template, clock.now(), '{id}')}"
