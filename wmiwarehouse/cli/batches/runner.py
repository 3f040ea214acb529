"""Carries a batch out: ingest, hunts, report, mail, by the same functions as the commands.

All hunts and the report look at one state of the warehouse, the one that the next run goes on from. A part that fails
does not keep the others from being done; the batch then ends as the worst of its parts did.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wmiwarehouse.cli import operator_log, options
from wmiwarehouse.cli import report as report_command
from wmiwarehouse.cli.batches import mail
from wmiwarehouse.cli.batches.file import EVERYTHING, BatchFile, HuntTable, IngestTable, ReportTable, format_of
from wmiwarehouse.cli.batches.outputs import Outputs, prune
from wmiwarehouse.cli.scheduling import LAST_RUN, NamedRun, named_run
from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import ExitCode, NoDataError, WmiwhError
from wmiwarehouse.hunting.hunt import Hunt, open_hunt
from wmiwarehouse.hunting.line import Line, gravest
from wmiwarehouse.lake import clock
from wmiwarehouse.lake.runs import Runs
from wmiwarehouse.lake.warehouse import Batch, Warehouse
from wmiwarehouse.output import console, formats
from wmiwarehouse.output.streams import whole_file
from wmiwarehouse.report import files, handover
from wmiwarehouse.report.compare import compare as compared
from wmiwarehouse.report.options import TITLE, ReportOptions, conclusion

if TYPE_CHECKING:
    from wmiwarehouse.hunting.filters import Filters
    from wmiwarehouse.output.cells import Rows
    from wmiwarehouse.report.model import Report

#: The worst first: a batch ends as the worst of its parts did. Hits go before damage: damage is told in the mail too.
WORST = (
    *(ExitCode.INTERRUPTED, ExitCode.FAILED, ExitCode.USAGE, ExitCode.NO_DATA, ExitCode.HITS, ExitCode.DAMAGED),
    ExitCode.DONE,
)
LAST = "last"
_KEPT_REPORTS = 2


def worst(codes: list[ExitCode]) -> ExitCode:
    """Return how a batch with parts that ended with *codes* ends."""
    return min(codes, key=WORST.index, default=ExitCode.DONE)


def run(batch: BatchFile, library: Library, *, wait: bool = False) -> ExitCode:
    """Carry *batch* out, and return how it ended."""
    warehouse = Warehouse.create(batch.warehouse) if batch.ingest else Warehouse.open(batch.warehouse)
    with named_run(batch.warehouse, "batch", batch.name, ingested_since=LAST_RUN, wait=wait, asked="batch") as (
        current,
        ended,
    ):
        current.afterwards = partial(_tidy, batch, warehouse, current)
        code = _Execution(batch, library, warehouse, current).run()
        ended(code)
    return code


class _Execution:
    """One run of a batch."""

    def __init__(self, batch: BatchFile, library: Library, warehouse: Warehouse, current: NamedRun) -> None:
        self._batch, self._library, self._warehouse, self._run = batch, library, warehouse, current
        self._started = clock.now()
        self._runs = Runs(warehouse, batch.name)
        records = self._runs.records()
        self._number = records[-1].number + 1 if records else 1
        self._outputs = Outputs(records)
        self._codes: list[ExitCode] = []
        self._lines: list[Line] = []
        self._gravest: list[str | None] = []
        self._hunts: dict[Filters, Hunt] = {}
        self._held = ExitStack()
        self._batches: list[Batch] = []
        self._news = mail.News(batch.name, self._started, self._window())

    def run(self) -> ExitCode:
        """Do all parts and return how the batch ends."""
        with self._held:
            if self._batch.ingest:
                with self._part("ingest"):
                    self._ingest(self._batch.ingest)
            self._batches = self._warehouse.batches()  # one state for all that follows
            for number, hunt in enumerate(self._batch.hunts, 1):
                with self._part(f"hunt {number}"):
                    self._hunt(hunt)
            if self._batch.report:
                with self._part("report"):
                    self._report(self._batch.report)
        severities = [options.Severity(one) for one in self._gravest if one]
        worst_hit = max(severities, key=list(options.Severity).index, default=None)
        self._codes.append(options.verdict(worst_hit, self._batch.fail_on))
        self._news.gravest = worst_hit
        if self._batch.mail:
            with self._part("mail"):
                self._mail()
        self._run.outputs = list(self._outputs.recorded())
        self._run.has_looked = True  # or, with nothing to hunt, it would be no run and its outputs nobody's
        return worst(self._codes)

    def _window(self) -> str:
        last = self._run.last
        if self._batch.batch.ingested_since != LAST_RUN:
            return f"ingested since {self._batch.batch.ingested_since}"
        if last is None or last.ingested_until is None:
            return "everything: no earlier run came to its end"
        return f"ingested since the run of {last.started:%Y-%m-%d %H:%M} UTC"

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        """Note the failure of the part *name*, and let the next ones go on."""
        try:
            yield
        except WmiwhError as error:
            self._failed(name, str(error), error.code)
        except OSError as error:
            place = f": {error.filename}" if error.filename else ""
            self._failed(name, f"{error.strerror or error}{place}", ExitCode.FAILED)

    def _failed(self, name: str, why: str, code: ExitCode) -> None:
        console.warn(f"{name}: {why}")
        self._news.problems.append(f"{name}: {why}")
        self._codes.append(code)

    def _ingest(self, part: IngestTable) -> None:
        from wmiwarehouse.cli import ingest
        from wmiwarehouse.readers.recognise import files as found_in

        paths = [self._batch.at(path) for path in part.paths]
        if all(path.exists() for path in paths) and not any(True for _ in found_in(paths)):
            self._news.ingest.append("nothing: there are no files")  # an empty drop folder is a quiet night
            console.note("ingest: no files")
            return
        summary = ingest.run(
            paths,
            self._warehouse,
            workers=part.workers,
            ingest_folders=[self._batch.at(path) for path in part.ingest_dir],
            again=part.again,
            assume_tz=part.assume_tz,
        )
        told = f"{summary.records:,} records from {summary.files - len(summary.known):,} new of {summary.files:,} files"
        if summary.duplicates:
            told += f", {summary.duplicates:,} of them copies"
        self._news.ingest.append(told)
        console.note(f"ingest: {told}")
        damage = [f"{file}: {reason}" for file, reason in summary.failed]
        damage += [f"{file}: {f'{place}: ' if place else ''}{reason}" for file, place, reason, _ in summary.problems]
        self._news.problems += damage
        if damage:
            self._news.ingest.append(f"{len(damage):,} problems; all: wmiwh sources --problems")
        self._codes.append(summary.exit_code)

    def _opened(self, part: HuntTable | ReportTable) -> Hunt:
        if not any(batch.event_files for batch in self._batches):
            raise NoDataError(f"{self._batch.warehouse} has no events yet")
        filters = self._batch.filters(part, self._run.ingested_since)
        if filters not in self._hunts:
            opened = open_hunt(self._batch.warehouse, self._library, filters, self._batches)
            self._hunts[filters] = self._held.enter_context(opened)
        return self._hunts[filters]

    def _hunt(self, part: HuntTable) -> None:
        from wmiwarehouse.cli.hunt import summary

        hunting = self._opened(part)
        lines = hunting.lines(self._batch.analytics(self._library, part))
        self._run.saw(hunting, lines)
        operator_log.hunted(lines, hunting.totals()["records"])
        self._gravest.append(gravest(lines))
        told = {name for _, name, _, _ in self._news.hits}
        for line in lines:
            head = line.analytic.metadata
            if head.kind in ("detection", "chain", "session") and head.id not in told:
                self._news.hits.append((head.severity, head.id, line.hits, line.suppressed))
        console.note(f"hunt: {sum(line.hits for line in lines):,} hits of {len(lines):,} analytics")
        for template in part.outputs:
            if "{id}" in template:
                for line in lines:
                    if line.hits:
                        self._save(template, hunting.read(line.analytic), line.analytic.id)
            else:
                alone = len(lines) == 1
                self._save(template, hunting.read(lines[0].analytic) if alone else summary(lines))

    def _save(self, template: str, table: Rows, analytic: str = "") -> None:
        path = self._outputs.place(self._batch.filled(template, self._started, analytic), template)
        formats.save(table, path, force=True)
        self._wrote(path)

    def _wrote(self, path: Path) -> None:
        self._outputs.add(path)
        self._news.files.append(str(path))
        console.note(f"written: {path}")

    def _report(self, part: ReportTable) -> None:
        old = self._old(part)
        hunting = self._opened(part)
        made = report_command.build(hunting, self._library, self._batch.warehouse, self._options(part, hunting))
        self._run.saw(hunting, [] if self._batch.hunts else made.queries)
        operator_log.reported(made, hunting.totals()["records"])
        self._tell(part, old, made)
        if old is not None:
            made = compared(old[1], made, old[0])
        cases = [one for one in made.changes if one.kind == "case"]
        self._news.changed = [f"{one.name}: {one.after}" for one in cases if one.what == "changed"]
        self._news.gone = sum(one.what == "gone" for one in cases)
        for template in part.outputs:
            path = self._outputs.place(self._batch.filled(template, self._started), template)
            for written in files.write(made, files.Target(format_of(template), path), force=True):
                self._wrote(written)
        if part.compare == LAST:
            self._keep(made)

    def _options(self, part: ReportTable, hunting: Hunt) -> ReportOptions:
        return ReportOptions(
            title=TITLE if part.title is None else part.title,
            environment=part.environment,
            hunter=part.hunter,
            conclusion=conclusion(self._batch.at(part.conclusion) if part.conclusion else None),
            show_secrets=part.show_secrets,
            rows=part.rows,
            cases=part.cases,
            since=part.since,
            until=part.until,
            host=part.host,
            user=part.user,
            ingested_since=hunting.filters.ingested_since,
            where=options.with_warehouse(self._batch.warehouse),
        )

    def _old(self, part: ReportTable) -> tuple[str, Report] | None:
        """Return the report to compare with and its name; None without one."""
        if part.compare is None:
            return None
        if part.compare != LAST:
            path = self._batch.at(part.compare)
            return path.name, handover.load(path)
        last = self._run.last
        if last is None or last.report is None:
            return None
        path = self._runs.kept / Path(last.report).name
        if not path.exists():
            console.warn(f"{path} is gone: this report is compared with nothing")
            self._news.problems.append("the report of the last run is gone: nothing is compared")
            return None
        return f"run of {last.started:%Y-%m-%d %H:%M} UTC", handover.load(path)

    def _tell(self, part: ReportTable, old: tuple[str, Report] | None, made: Report) -> None:
        """Note which cases are new: those that the old report has not, or all under a window of what is new."""
        known = {case.id for case in old[1].cases} if old else set()
        new = [case for case in made.cases if case.id not in known]
        self._news.cases = [(case.severity, case.title) for case in new]
        if old:
            self._news.cases_in = f"new since the {old[0]}"
        else:
            everything = self._batch.since(part) == EVERYTHING
            self._news.cases_in = "all, for there is nothing to compare with" if everything else "in what is new"
        if not self._batch.hunts:
            of_queries = None if old else report_command.gravest(made)
            self._gravest += [*(case.severity for case in new), of_queries]

    def _keep(self, made: Report) -> None:
        folder = self._runs.kept
        folder.mkdir(exist_ok=True)
        name = f"report-{self._number}.json"
        with whole_file(folder / name, force=True) as aside:
            aside.write_bytes(handover.dump(made))
        self._run.report = name

    def _mail(self) -> None:
        part = self._batch.mail
        if part is None:
            return
        order = list(options.Severity)
        self._news.hits.sort(key=lambda one: (-order.index(options.Severity(one[0])), one[1]))
        path = self._outputs.place(self._batch.filled(part.output, self._started), part.output)
        text = mail.text(self._news, worst(self._codes), subject=part.subject, sender=part.sender, to=part.to)
        with whole_file(path, force=True) as aside:
            aside.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
        self._wrote(path)


def _tidy(batch: BatchFile, warehouse: Warehouse, current: NamedRun) -> None:
    """Remove outputs beyond those to keep, and the reports that no run is compared with any more."""
    found = Runs(warehouse, batch.name)
    records = found.records()
    if batch.batch.keep:
        removed = prune(records, batch.batch.keep)
        if removed:
            console.note(f"keep = {batch.batch.keep}: {len(removed):,} older outputs removed")
    wanted = [record.report for record in records if record.report and record.has_ended][-_KEPT_REPORTS:]
    if current.report:
        for path in found.kept.glob("report-*.json"):
            if path.name not in wanted:
                path.unlink(missing_ok=True)
