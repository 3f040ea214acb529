"""Builds the report from one hunt over everything: what analytics share is worked out once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from wmiwarehouse import __version__
from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting import risk, unknown
from wmiwarehouse.hunting.coverage import CAUTION
from wmiwarehouse.hunting.hunt import Hunt
from wmiwarehouse.hunting.selection import select
from wmiwarehouse.report import cases, needs, queries, secrets, seen, suppressed, talks, words
from wmiwarehouse.report.model import Head, Link, Report, RiskObject, Source, Technique
from wmiwarehouse.report.options import ReportOptions

#: The document in whose form this is; its queries say its hypothesis and references.
_DOCUMENT = "hunt-report-wmi-lateral-movement"
#: The models that the parts of a report read beside the analytics.
_READ = ("event_census", "events", "log_continuity", "named_host", "session_process")
_MOST_RISK = 500
_GIVEN = ("since", "until", "host", "user", "ingested_since", "environment", "hunter")
_MOST_SOURCES = 5000


def build(
    hunting: Hunt,
    library: Library,
    options: ReportOptions | None = None,
    on_step: Callable[[int, str], None] = lambda *_: None,
) -> Report:
    """Return the report of what *hunting* finds under its filters; *on_step* is told how far it is, of :data:`STEPS`.

    The same warehouse gives the same report: everything is in the order of its content, and no clock is read.
    """
    options = options or ReportOptions()
    analytics = select(library, [])
    on_step(0, "what the analytics share")
    hunting.prepare(analytics)
    lines = []
    for number, analytic in enumerate(analytics, 1):
        on_step(number, analytic.id)
        lines.append(hunting.line(analytic))
    on_step(len(analytics) + 1, "risk")
    connection = hunting.connection(models=_READ)
    scored = risk.scored(hunting, library).events
    by_object = risk.risk_by_object(hunting, library, scored).to_pylist()
    # A score of 0 is true of every working day: it lends an act its evidence and is no case of its own.
    events = scored.to_pylist()
    risky = {row["act"] for row in events if row["risk_score"] > 0}
    moves = hunting.run(library.get(cases.MOVEMENT)).to_pylist()
    on_step(len(analytics) + 2, "cases")
    found = cases.build(connection, library, moves, [row for row in events if row["act"] in risky], options)
    on_step(len(analytics) + 3, "coverage")
    census = queries.census(connection)
    needed = needs.build(hunting, library, census)
    spoken = talks.build(hunting, moves)
    covered = seen.coverage(connection, census)
    read = seen.sources(connection)
    problems = seen.problems(connection)
    results, stacks = queries.build(hunting, lines, options), queries.stacks(hunting, lines, options)
    totals = hunting.totals()
    report = Report(
        head=_head(totals, library, read, options),
        summary=words.summary(
            found,
            needed,
            totals["hosts"],
            filtered=bool(hunting.filters),
            unknown=unknown.doubts(hunting),
            suppressed=suppressed.sentence(lines),
        ),
        needs=needed,
        queries=results,
        cases=found.cases,
        stacks=stacks,
        risk=tuple(_risk_object(row) for row in by_object[:_MOST_RISK]),
        talks=tuple(spoken[: talks.MOST]),
        coverage=tuple(covered[: seen.MOST_HOSTS]),
        caution=f"{CAUTION} Seen does not prove that all was logged.",
        notes=words.notes(needed, spoken, found, covered),
        follow_up=words.follow_up(found, needs.missing(census), covered, problems, read),
        conclusion=options.conclusion,
        references=_references(library),
        sources=read[:_MOST_SOURCES],
        problems=tuple(problems[: seen.MOST_PROBLEMS]),
        batches=options.batches,
        suppressed=suppressed.build(hunting, lines),
        left_out=(
            *_left_out(found, by_object, spoken, covered, read, problems, options),
            *queries.left_out((*results, *stacks), options),
            *_without_risk(events, risky, options),
        ),
    )
    return report if options.show_secrets else secrets.masked(report)


def steps(library: Library) -> int:
    """Return how many steps :func:`build` has."""
    return len(library.newest) + 4


def _head(totals: Mapping[str, Any], library: Library, read: Sequence[Source], options: ReportOptions) -> Head:
    newest = max((source.ingested_at for source in read), default=None)
    day = newest and newest.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    fallback = day or totals["last_time"] or datetime(1970, 1, 1, tzinfo=UTC)
    return Head(
        title=options.title,
        created=options.created or fallback,
        executed=options.executed or fallback,
        **{name: totals[name] for name in ("first_time", "last_time", "records", "hosts")},
        **{name: getattr(options, name) for name in _GIVEN},
        techniques=_techniques(library),
        hypothesis=_hypothesis(library),
        tool_version=__version__,
        secrets_shown=options.show_secrets,
    )


def _techniques(library: Library) -> tuple[Technique, ...]:
    tactics: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    for analytic in library.newest.values():
        for tag in analytic.metadata.attack:
            tactics.setdefault(tag.technique, set()).update(tag.tactics)
            names.setdefault(tag.technique, tag.name)
    return tuple(
        Technique(id=name, name=names[name], tactics=tuple(sorted(listed))) for name, listed in sorted(tactics.items())
    )


def _of_document(library: Library) -> list[Any]:
    """Return the heads of the document's own queries first, then all others."""
    heads = [analytic.metadata for analytic in library.newest.values()]
    return sorted(
        heads, key=lambda head: (not any(one.document == _DOCUMENT and one.dialect for one in head.implements), head.id)
    )


def _hypothesis(library: Library) -> tuple[str, ...]:
    return tuple(dict.fromkeys(head.hypothesis for head in _of_document(library) if head.hypothesis))


def _references(library: Library) -> tuple[Link, ...]:
    links: dict[str, Link] = {}
    for head in _of_document(library):
        for one in head.references:
            links.setdefault((one.url or one.title).rstrip("/"), Link(title=one.title, url=one.url))
    return tuple(links.values())


def _risk_object(row: Mapping[str, Any]) -> RiskObject:
    return RiskObject(
        object=row["risk_object"],
        type=row["risk_object_type"],
        **{name: row[name] for name in ("risk_score", "acts", "analytics", "first_time", "last_time")},
        techniques=tuple(row["techniques"] or ()),
        message=row["message"] or "",
    )


def _left_out(
    found: cases.Found,
    by_object: Sequence[Any],
    spoken: Sequence[Any],
    covered: Sequence[Any],
    read: Sequence[Any],
    problems: Sequence[Any],
    options: ReportOptions,
) -> list[str]:
    """Say what is not in the report for its length, with the command that shows it."""
    where = options.where
    total = found.movements + found.findings
    parts = (
        ("cases", total, options.cases, f"wmiwh report --cases {total}{options.filters}{where}"),
        ("hosts and users at risk", len(by_object), _MOST_RISK, f"wmiwh risk{options.filters}{where}"),
        ("pairs that talk", len(spoken), talks.MOST, f"wmiwh stack source_ip host --of logon_session{where}"),
        ("hosts", len(covered), seen.MOST_HOSTS, f"wmiwh coverage{where}"),
        ("sources", len(read), _MOST_SOURCES, f"wmiwh sources -f json{where}"),
        ("problems", len(problems), seen.MOST_PROBLEMS, f"wmiwh sources --problems{where}"),
    )
    return [f"{count - most:,} of {count:,} {name}: {command}" for name, count, most, command in parts if count > most]


def _without_risk(events: Iterable[Mapping[str, Any]], risky: set[str], options: ReportOptions) -> list[str]:
    """Say which findings are no case because they put nobody at risk."""
    quiet = {row["act"] for row in events} - risky
    if not quiet:
        return []
    names = sorted({row["analytic"] for row in events if row["act"] in quiet})
    acts = "1 act" if len(quiet) == 1 else f"{len(quiet):,} acts"
    command = f"wmiwh hunt {' '.join(names)}{options.filters}{options.where}"
    return [f"{acts} without risk, true of every working day, are no cases: {command}"]
