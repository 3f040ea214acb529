"""Decides what the HTML page shows in full: a report has no limit, but a page that a browser opens at once has.

Whatever is left out is said on the page with its number; the JSON form of the same report has all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from wmiwarehouse.report.graph import Graph, graph
from wmiwarehouse.report.model import Case, Report
from wmiwarehouse.report.timeline import Timeline, timeline

#: Movements in large type on the first screen.
MOST_SUREST = 6
#: Movements with all their evidence, the surest of them: as many as fit, these at least and at most.
LEAST_WHOLE, MOST_WHOLE = 10, 100
MOST_FINDINGS = 2000
#: So many cases stand open when the page is opened.
_OPEN = 5
_EVIDENCE = 60
_TEXT_BUDGET = 700_000
#: What a page may take, and what its parts take about, in bytes: measured, with room to spare.
_PAGE, _BASE, _SOURCE, _ROW_OF_CASE, _WHOLE, _RECORD = 1_900_000, 320_000, 400, 1_200, 4_500, 350
_LENGTHS = (8000, 4000, 2000, 1000, 500, 300, 200, 120)


def longest_text(report: Report) -> int:
    """Return how much of one text is shown, so that all of them together stay within what a page should be."""
    lengths = [len(text) for case in report.cases for text in _texts(case)]
    lengths += [len(cell) for query in report.queries for row in query.rows for cell in row]
    lengths += [len(cell) for stack in report.stacks for row in stack.rows for cell in row]
    for longest in _LENGTHS:
        if sum(min(length, longest) for length in lengths) <= _TEXT_BUDGET:
            return longest
    return _LENGTHS[-1]


def _texts(case: Case) -> Iterator[str]:
    yield from (case.title, case.remote_command or "", case.source_command_line or "", case.target_command_line or "")
    yield from case.messages
    yield from (one.what for one in case.evidence[:_EVIDENCE])
    yield from (one.command_line for one in case.session[:_EVIDENCE])


def _whole(report: Report, moves: Sequence[Case]) -> tuple[Case, ...]:
    """Return the movements that are told with all their evidence."""
    longest = longest_text(report)
    left = _PAGE - _BASE - _SOURCE * len(report.sources) - _ROW_OF_CASE * min(len(report.cases), MOST_FINDINGS)
    fitting = 0
    for case in moves[:MOST_WHOLE]:
        records = min(len(case.evidence), _EVIDENCE) + min(len(case.session), _EVIDENCE)
        left -= _WHOLE + _RECORD * records + sum(min(len(text), longest) for text in _texts(case))
        if left < 0:
            break
        fitting += 1
    return tuple(moves[: max(fitting, LEAST_WHOLE)])


@dataclass(frozen=True)
class View:
    """What the templates ask beside the report itself."""

    report: Report
    moves: tuple[Case, ...]
    surest: tuple[Case, ...]
    whole: tuple[Case, ...]
    findings: tuple[Case, ...]
    graph: Graph | None
    timeline: Timeline | None
    source_numbers: dict[str, int]
    query_ids: frozenset[str]
    most_evidence: int = _EVIDENCE
    most_findings: int = MOST_FINDINGS
    filters: tuple[tuple[str, str], ...] = field(default=())

    @classmethod
    def of(cls, report: Report) -> View:
        """Return what the templates need for *report*."""
        moves = [case for case in report.cases if case.kind == "lateral movement"]
        moves.sort(key=lambda case: -(case.confidence or 0))  # those of one confidence stay in the report's order
        head = report.head
        given = [("Since", head.since), ("Until", head.until), ("Host", head.host), ("User", head.user)]
        given.append(("Ingested since", head.ingested_since))
        return cls(
            report=report,
            moves=tuple(moves),
            surest=tuple(moves[:MOST_SUREST]),
            whole=_whole(report, moves),
            findings=tuple(case for case in report.cases if case.kind == "finding"),
            graph=graph(moves),
            timeline=timeline(report.cases),
            source_numbers={one.file: number for number, one in enumerate(report.sources, 1)},
            query_ids=frozenset(query.id for query in report.queries),
            filters=tuple((name, value) for name, value in given if value),
        )

    @property
    def whole_open(self) -> bool:
        """Whether the cases stand open from the beginning."""
        return len(self.whole) <= _OPEN

    @cached_property
    def whole_numbers(self) -> frozenset[int]:
        """The numbers of the cases that are told with their evidence."""
        return frozenset(case.number for case in self.whole)

    @cached_property
    def most_points(self) -> int:
        """The longest bar of all cases, so that bars of different cases can be compared."""
        return max((one.points for case in self.whole for one in case.why), default=1) or 1

    @cached_property
    def conclusion(self) -> list[list[str]]:
        """The hunter's paragraphs, each a list of lines."""
        text = (self.report.conclusion or "").replace("\r\n", "\n").strip()
        return [part.split("\n") for part in text.split("\n\n") if part.strip()]

    @cached_property
    def contents(self) -> list[tuple[str, str, str]]:
        """Id, name and a number for each section that the page has."""
        report = self.report
        every = (
            ("summary", "Summary", "", True),
            ("changes", "Changes", f"{len(report.changes):,}", report.compared_with is not None),
            ("particulars", "Particulars", "", True),
            ("hypothesis", "Hypothesis", "", True),
            ("data", "Data needed and found", "", True),
            ("results", "Queries and results", f"{len(report.queries):,}", True),
            ("suppressed", "Suppressed", f"{len(report.suppressed):,}", report.suppressed),
            ("cases", "Cases", f"{len(self.moves):,}", True),
            ("findings", "Further findings", f"{len(self.findings):,}", self.findings),
            ("timeline", "Timeline", "", self.timeline),
            ("stacks", "Stack counts", "", report.stacks),
            ("risk", "Risk", "", report.risk),
            ("talks", "Who talks to whom", "", report.talks),
            ("coverage", "Coverage by host", "", report.coverage or report.left_out),
            ("notes", "Notes", "", report.notes),
            ("follow-up", "Follow-up tasks", "", report.follow_up),
            ("conclusion", "Conclusion", "", True),
            ("references", "References", "", report.references),
            ("custody", "Custody", f"{len(report.sources):,}", True),
            ("batches", "Custody: batches", f"{len(report.batches):,}", report.batches),
            ("problems", "Problems while reading", f"{len(report.problems):,}", report.problems),
        )
        return [(name, title, note) for name, title, note, is_there in every if is_there]
