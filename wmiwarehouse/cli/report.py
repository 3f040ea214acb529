"""``wmiwh report``: the hunt, written up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wmiwarehouse.cli import operator_log, options, scheduling, suppressed
from wmiwarehouse.errors import ExitCode, UsageError
from wmiwarehouse.output import console
from wmiwarehouse.report.files import Format

if TYPE_CHECKING:
    from wmiwarehouse.content.library import Library
    from wmiwarehouse.hunting.hunt import Hunt
    from wmiwarehouse.report.model import Report
    from wmiwarehouse.report.options import ReportOptions

_MOST_ROWS = 10_000


@options.logged
@scheduling.scheduled
def report(
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|DIR",
            help="Write to FILE (its suffix says how), or three forms to DIR.",
        ),
    ] = None,
    fmt: Annotated[
        Format | None, typer.Option("--format", "-f", help="How it is written.", show_default="markdown")
    ] = None,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    host: options.HostOption = None,
    user: options.UserOption = None,
    fail_on: options.FailOnOption = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Title of the report.")] = None,
    environment: Annotated[str, typer.Option(metavar="TEXT", help="Whose network it is.")] = "",
    hunter: Annotated[str, typer.Option(metavar="NAME", help="Who hunts.")] = "",
    created: Annotated[
        str | None, typer.Option(metavar="DATE", help="Day of the report; else that of the newest ingest.")
    ] = None,
    executed: Annotated[
        str | None, typer.Option(metavar="DATE", help="Day of the hunt; else that of the newest ingest.")
    ] = None,
    conclusion: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own words, as text; the report concludes nothing itself.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(metavar="OLD.json", help="Show what is new, gone and changed since this report.")
    ] = None,
    rows: Annotated[int, typer.Option(min=0, max=_MOST_ROWS, help="Rows of each query and stack.")] = 20,
    cases: Annotated[int, typer.Option(min=1, max=100_000, help="Cases, the surest movements first.")] = 1000,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Do not mask passwords in command lines.")
    ] = False,
    force: options.ForceOption = False,
    *,
    run: scheduling.NamedRun,
) -> ExitCode:
    """Write up the hunt: who moved from where to where, as whom, how sure, and what was not seen.

    \b
    Examples:
      wmiwh report -w case42 -o case42.html
      wmiwh report -w case42 -o out/ --hunter "A. Hunter" --environment "Branch office"
      wmiwh report --since 7d --compare last-week.json -o this-week.json
      wmiwh report -f navigator -o layer.json
      wmiwh report -f csv -o tables/
      wmiwh report | less

    A folder gets report.html, report.md and report.json, or with --format that one. Suffixes: .html .md .json .jsonl
    (Timesketch) .xlsx. The same warehouse gives the same bytes. Passwords that can be told as such are masked.

    --ingested-since last-run writes up what rests on a record that came in since the last run of this name.

    Exit: 0 done, 1 a run of this name is going on, 2 bad option, file or old report, 3 no warehouse or no data,
    4 hits at or above --fail-on.
    """
    from wmiwarehouse.hunting import unknown
    from wmiwarehouse.hunting.filters import Filters
    from wmiwarehouse.hunting.hunt import open_hunt
    from wmiwarehouse.report import files, handover
    from wmiwarehouse.report.compare import compare as compared
    from wmiwarehouse.report.options import TITLE, ReportOptions, day
    from wmiwarehouse.report.options import conclusion as read

    if output is not None and not output.strip():
        raise UsageError("-o: is empty")
    targets = files.targets(output, fmt, force=force) if output else []
    if not targets and fmt in (Format.CSV, Format.XLSX):
        raise UsageError(f"{fmt} is for files; name one: -o {files.NAMES[fmt]}")
    old = handover.load(compare) if compare else None
    wanted = ReportOptions(
        title=TITLE if title is None else title,
        created=day(created, "created"),
        executed=day(executed, "executed"),
        environment=environment,
        hunter=hunter,
        conclusion=read(conclusion),
        show_secrets=show_secrets,
        rows=rows,
        cases=cases,
        since=since,
        until=until,
        host=host,
        user=user,
        ingested_since=run.ingested_since,
        where=options.with_warehouse(warehouse),
    )
    library = options.load_library()
    filters = Filters(since, until, host, user, ingested_since=run.ingested_since)
    with open_hunt(warehouse, library, filters) as hunting:
        for doubt in unknown.doubts(hunting):
            console.warn(doubt)
        made = build(hunting, library, warehouse, wanted)
        run.saw(hunting, made.queries)
        operator_log.reported(made, hunting.totals()["records"])
        suppressed.tell_expired(hunting.tuning)
    if old is not None and compare is not None:
        made = compared(old, made, compare.name)
        if old.head.secrets_shown != made.head.secrets_shown:
            console.note(f"{compare}: passwords are masked in one of the two reports only")
    for target in targets:
        for path in files.write(made, target, force=force):
            console.note(f"written: {path}")
    if Format.TIMESKETCH in (fmt, *(target.format for target in targets)):
        from wmiwarehouse.report import timesketch

        for note in timesketch.left_out(made):
            console.note(note)
    if not targets:
        from wmiwarehouse.output import streams

        streams.write_text(sys.stdout, files.text(made, fmt or Format.MARKDOWN))
    for sentence in made.summary[:1]:
        console.note(sentence)
    if hits := sum(query.suppressed for query in made.queries):
        by = [one.id for one in made.suppressed if one.hits]
        console.note(
            suppressed.sentence(hits, "hit", by, f"wmiwh hunt --suppressed{options.with_warehouse(warehouse)}")
        )
    if targets and made.left_out:
        console.note(f"not all is shown; {len(made.left_out)} things with their commands: see Coverage in the report")
    return options.verdict(gravest(made), fail_on)


def gravest(made: Report) -> str | None:
    """Return the highest severity among the report's detections and chains that have hits."""
    found = [one.severity for one in made.queries if one.hits and one.kind in ("detection", "chain")]
    return max(found, key=[*options.Severity].index, default=None)


def build(hunting: Hunt, library: Library, warehouse: Path, wanted: ReportOptions) -> Report:
    """Return the report of what *hunting* finds in *warehouse*, with its progress on stderr."""
    from dataclasses import replace

    from wmiwarehouse.lake.manifest import Manifest
    from wmiwarehouse.lake.warehouse import Warehouse
    from wmiwarehouse.report import build as builder
    from wmiwarehouse.report.model import Batch

    manifests = [(batch.id, Manifest.read(batch.folder)) for batch in Warehouse.open(warehouse).batches()]
    batches = tuple(Batch(id=name, sha256=found.digest) for name, found in manifests if found)
    with console.progress("Writing up the hunt", builder.steps(library)) as progress:
        return builder.build(hunting, library, replace(wanted, batches=batches), progress.update)
