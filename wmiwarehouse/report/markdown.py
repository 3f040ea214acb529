"""The report as Markdown, in the shape and the order of the hunt-report document.

Every text of a log goes through one escape: nothing in it becomes markup, a link, HTML or a code fence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from wmiwarehouse.output.escape import markdown as text
from wmiwarehouse.report.model import Case, Head, Link, Query, Report
from wmiwarehouse.report.seen import moment

_NUMBERS = frozenset({"Hits", "Hosts", "Records", "Risk", "Acts", "Analytics", "Times", "Version", "Size", "Lost"})


def render(report: Report) -> str:
    """Return *report* as one Markdown text."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {text(report.head.title)}"
    yield ""
    yield from (f"**{text(sentence)}**" if not number else text(sentence)
                for number, sentence in _spaced(report.summary))  # fmt: skip
    yield from _particulars(report.head)
    if report.compared_with is not None:
        yield from _section(f"Changes since {text(report.compared_with)}")
        rows = [(one.what, one.kind, one.name, one.before, one.after) for one in report.changes]
        yield from _table(("What", "Kind", "Name", "Before", "After"), rows, "Nothing is new, gone or changed.")
    yield from _section("Hypothesis")
    yield from _list(report.head.hypothesis)
    yield from _section("Data That is Needed")
    needs = [(one.name, one.log, f"{one.records:,}", one.verdict, one.text) for one in report.needs]
    yield from _table(("Data", "Log", "Records", "Verdict", "What was found"), needs)
    yield from (text(report.caution), "")
    yield from _queries(report)
    yield from _suppressed(report)
    yield from _section("Findings")
    if not report.cases:
        yield from ("No case.", "")
    for case in report.cases:
        yield from _case(case)
    yield from _section("Stack Counts")
    for stack in report.stacks:
        yield from _heading(f"{stack.title} ({stack.id}, {len(stack.rows):,} of {stack.total_rows:,} rows)")
        yield from _table(stack.columns, stack.rows, "Nothing to count.")
    yield from _risk(report)
    yield from _coverage(report)
    yield from _section("Conclusion")
    yield from (text(line) for line in (report.conclusion or _NO_CONCLUSION).split("\n"))
    yield from _section("Outputs and Follow-up Tasks", before=True)
    yield from _list(report.follow_up)
    yield from _section("Notes")
    for note in report.notes:
        yield f"- {text(note.question)}"
        yield f"  {text(note.answer)}"
    yield ""
    yield from _custody(report)
    yield from _section("References")
    yield from (f"- {_link(one)}" for one in report.references)


_NO_CONCLUSION = "Left to the hunter: write it into a file and give it with --conclusion FILE."


def _particulars(head: Head) -> Iterator[str]:
    given = (("since", head.since), ("until", head.until), ("host", head.host), ("user", head.user))
    filters = [f"{name} {value}" for name, value in (*given, ("ingested since", head.ingested_since)) if value]
    yield from _table(
        ("Field", "Description"),
        [
            ("Created", f"{head.created:%Y-%m-%d}"),
            ("Executed", f"{head.executed:%Y-%m-%d}"),
            ("Time Frame", f"{moment(head.first_time)} - {moment(head.last_time)}"),
            ("Filters", ", ".join(filters) or "none"),
            ("Environment", head.environment or "not given"),
            ("Threat Hunter", head.hunter or "not given"),
            ("Looked at", f"{head.records:,} records of {head.hosts:,} hosts"),
            ("Tool", f"wmiwh {head.tool_version}"),
            ("Passwords", "shown" if head.secrets_shown else "masked where they can be told as such"),
        ],
    )
    techniques = [(one.name, one.id, ", ".join(one.tactics)) for one in head.techniques]
    yield from _table(("MITRE ATT&CK Technique", "IDs", "Tactics"), techniques)


def _queries(report: Report) -> Iterator[str]:
    yield from _section("Queries and Results")
    rows = [
        (one.title, one.id, str(one.version), one.kind, one.severity, _hits(one), one.sentence or one.seen)
        for one in report.queries
    ]
    yield from _table(("Search", "Query", "Version", "Kind", "Severity", "Hits", "Data seen"), rows)
    for query in report.queries:
        if query.rows:
            yield from _heading(f"{query.title} ({query.id}, {len(query.rows):,} of {query.hits:,} rows)")
            yield from _table(query.columns, query.rows)
    yield from ("Where each query comes from:", "")
    yield from _list(f"{one.id}: {document}" for one in report.queries for document in one.documents)


def _hits(query: Query) -> str:
    return f"{query.hits:,}{f' ({query.suppressed:,} suppressed)' if query.suppressed else ''}"


def _suppressed(report: Report) -> Iterator[str]:
    """Tell what the settings hide; nothing where they hide nothing at all."""
    if not report.suppressed:
        return
    yield from _section("Suppressed")
    rows = [
        (
            *(one.id, one.status, f"{one.hits:,}", ", ".join(one.analytics), one.where, one.reason, one.author),
            *(one.expires, moment(one.first_time), moment(one.last_time)),
        )
        for one in report.suppressed
    ]
    columns = ("Suppression", "Status", "Hits", "Hidden of", "Where", "Reason", "Author", "Expires", "First", "Last")
    yield from _table(columns, rows)


def _case(case: Case) -> Iterator[str]:
    yield from _heading(f"Case {case.number}: {case.title}")
    facts = [
        ("Id", case.id),
        ("Kind", case.kind),
        ("Severity, risk", f"{case.severity}, {case.risk_score}"),
        ("Time", f"{moment(case.first)} - {moment(case.last)}"),
        ("From", " ".join(filter(None, (case.source, f"({case.source_ip})" if case.source_ip else "")))),
        ("To", case.target),
        ("User", case.user),
        ("Confidence", f"{case.confidence} of 100, {case.certainty}" if case.confidence is not None else None),
        ("Why", ", ".join(f"{one.reason} {one.points}" for one in case.why)),
        ("Seen from one side only", f"no logs of the {case.side_without_logs}" if case.side_without_logs else None),
        ("Suspicion", ", ".join(case.suspicion)),
        ("Process on the source", case.source_process),
        ("Command line on the source", case.source_command_line),
        ("Remote command", case.remote_command),
        ("Process on the target", case.target_process),
        ("Command line on the target", case.target_command_line),
        ("Sessions", ", ".join(case.logon_ids)),
        ("Clocks apart", f"{case.clock_skew_seconds:.3f} s" if case.clock_skew_seconds is not None else None),
        ("Seen by", ", ".join(case.analytics)),
        ("Techniques", ", ".join(case.techniques)),
    ]
    yield from _table(("Fact", "Value"), [(name, value) for name, value in facts if value])
    yield from _titled("Messages", _list(case.messages))
    evidence = [
        (
            one.side,
            _instant(one.time),
            one.host,
            one.log,
            one.what,
            one.event_uid,
            f"{one.source_file} {one.source_record}",
        )
        for one in case.evidence
    ]
    if evidence:
        yield from _table(("Side", "Time", "Host", "Log", "What it tells", "Event", "File and record"), evidence)
    if case.session:
        yield from ("Processes of the session:", "")
        yield from _table(
            ("Time", "Host", "Pid", "Parent", "Process", "Command line"),
            [
                (
                    *(_instant(one.time), one.host, "" if one.process_id is None else str(one.process_id)),
                    *(one.parent_process_name, one.process_name, one.command_line),
                )
                for one in case.session
            ],
        )
    yield from _titled("Response", _list(case.response))
    yield from _titled("Look closer", _list(case.commands))


def _risk(report: Report) -> Iterator[str]:
    yield from _section("Risk")
    rows = [
        (
            *(one.object, one.type, f"{one.risk_score:,}", f"{one.acts:,}", f"{one.analytics:,}"),
            *(", ".join(one.techniques), moment(one.first_time), moment(one.last_time), one.message),
        )
        for one in report.risk
    ]
    columns = ("Object", "Type", "Risk", "Acts", "Analytics", "Techniques", "First", "Last", "Message")
    yield from _table(columns, rows, "No host and no user is at risk by what was found.")
    yield from _section("Who Talks to Whom")
    pairs = [
        (
            one.source,
            one.target,
            ", ".join(one.users),
            one.how,
            f"{one.times:,}",
            moment(one.first_time),
            moment(one.last_time),
        )
        for one in report.talks
    ]
    yield from _table(("From", "To", "Users", "How", "Times", "First", "Last"), pairs, "Nobody that is named.")


def _coverage(report: Report) -> Iterator[str]:
    yield from _section("Coverage")
    yield from (text(report.caution), "")
    rows = [
        (
            *(one.host, f"{one.records:,}", moment(one.first_time) if one.first_time else ""),
            *(moment(one.last_time) if one.last_time else "", ", ".join(one.logs) or "no logs", "; ".join(one.doubts)),
        )
        for one in report.coverage
    ]
    yield from _table(("Host", "Records", "First", "Last", "Logs", "Doubts"), rows)
    if report.left_out:
        yield from ("Not shown here:", "")
        yield from _list(report.left_out)


def _custody(report: Report) -> Iterator[str]:
    yield from _section("Custody")
    rows = [
        (
            *(one.file, one.sha256 or "", "" if one.size is None else f"{one.size:,}", one.format or ""),
            *(f"{one.records:,}", " ".join(filter(None, (one.status, one.reason))), moment(one.ingested_at)),
        )
        for one in report.sources
    ]
    yield from _table(("Source", "SHA-256", "Size", "Format", "Records", "Status", "Ingested"), rows)
    if report.batches:
        yield from _table(("Batch", "SHA-256"), [(one.id, one.sha256) for one in report.batches])
    if report.problems:
        problems = [(one.file, one.position, one.reason, f"{one.lost:,}") for one in report.problems]
        yield from _table(("File", "Where", "Problem", "Lost"), problems)


def _section(title: str, *, before: bool = False) -> Iterator[str]:
    if before:
        yield ""
    yield f"## {title}"
    yield ""


def _heading(title: str) -> Iterator[str]:
    yield f"### {text(title)}"
    yield ""


def _titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    if any(listed):
        yield f"{title}:"
        yield ""
        yield from listed


def _list(items: Iterable[str]) -> Iterator[str]:
    yield from (f"- {text(item)}" for item in items)
    yield ""


def _table(columns: Sequence[str], rows: Iterable[Sequence[str | None]], nothing: str = "Nothing.") -> Iterator[str]:
    listed = list(rows)
    if not listed:
        yield from (nothing, "")
        return
    yield f"| {' | '.join(map(text, columns))} |"
    yield f"| {' | '.join('---:' if name in _NUMBERS else '---' for name in columns)} |"
    for row in listed:
        yield f"| {' | '.join(text(cell or '') for cell in row)} |"
    yield ""


def _spaced(sentences: Iterable[str]) -> Iterator[tuple[int, str]]:
    for number, sentence in enumerate(sentences):
        yield number, sentence
        yield 1, ""


def _instant(time: datetime | None) -> str:
    return f"{moment(time)[:-1]}.{time.microsecond // 1000:03}Z" if time else ""


def _link(link: Link) -> str:
    if link.url and link.url.startswith(("https://", "http://")) and not set(link.url) & set("<> \n"):
        return f"{text(link.title)}: <{link.url}>"
    return text(link.title)
