"""The mail of a batch: what is new, in plain text that is ready to be sent (``sendmail -t < FILE``).

Whoever gets it reads it in a mail program, and some of its words are an attacker's: no markup, nothing that acts on a
terminal, no link to click, no line that a mail system would take for one of its own.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from wmiwarehouse.errors import ExitCode
from wmiwarehouse.output import escape

_WIDTH = 76
_MOST = 50
_LONGEST = 400
#: What mail programs make links of: addresses of the web, shares (a click hands over a password's hash), mailboxes.
_LINK = re.compile(r":(?=//)|\\\\|(?<=www)\.|(?<=\w)@|(?<=mailto):", re.IGNORECASE)
#: How a batch ended, in words.
CODES = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed",
    ExitCode.USAGE: "failed: a setting or a path is wrong",
    ExitCode.NO_DATA: "there is no data yet",
    ExitCode.HITS: "hits at or above fail_on",
    ExitCode.DAMAGED: "done, some input was damaged",
    ExitCode.INTERRUPTED: "interrupted",
}


@dataclass
class News:
    """What a batch has to tell."""

    name: str
    started: datetime
    window: str
    """``everything``, or since when."""
    ingest: list[str] = field(default_factory=list)
    hits: list[tuple[str, str, int, int]] = field(default_factory=list)
    """(severity, analytic, hits, suppressed), the gravest first."""
    gravest: str | None = None
    cases: list[tuple[str, str]] = field(default_factory=list)
    """(severity, title) of cases that are new."""
    cases_in: str = ""
    """What the cases are new in, or why nothing is said of them."""
    changed: list[str] = field(default_factory=list)
    gone: int = 0
    files: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def text(news: News, code: ExitCode, *, subject: str | None, sender: str | None, to: Sequence[str]) -> str:
    """Return the whole mail."""
    head = [f"From: {sender}"] if sender else []
    head += [f"To: {', '.join(to)}"] if to else []
    head += [
        f"Subject: {_ascii(_subject(news, code, subject))}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "Auto-Submitted: auto-generated",
    ]
    return "\n".join([*head, "", *_body(news, code)]) + "\n"


def _subject(news: News, code: ExitCode, given: str | None) -> str:
    hits = sum(found for *_, found, _ in news.hits)
    what = f"{hits:,} new hit{'' if hits == 1 else 's'}" + (f", gravest {news.gravest}" if news.gravest else "")
    if news.cases or news.cases_in:
        what += f", {len(news.cases):,} new case{'' if len(news.cases) == 1 else 's'}"
    return f"{given or f'wmiwh {news.name}'}: {what}; exit code {int(code)}"


def _body(news: News, code: ExitCode) -> Iterator[str]:
    yield from _wrapped(f"wmiwh batch {news.name}, {_time(news.started)}: exit code {int(code)}, {CODES[code]}")
    yield from _wrapped(f"New is: {news.window}")
    yield from _part("Went wrong", news.problems)
    yield from _part("Ingested", news.ingest)
    hits = [
        f"{severity:13}  {name:42} {found:6,}" + (f"  and {hidden:,} suppressed" if hidden else "")
        for severity, name, found, hidden in news.hits
        if found or hidden
    ]
    if news.hits:
        none = f"no new hits of {len(news.hits):,} analytics"
        yield from _part("Hits", hits or [none], wrap=False)
    if news.cases_in:
        title = f"Cases, {news.cases_in}"
        yield from _part(title, [f"{severity}: {name}" for severity, name in news.cases] or ["none"])
    yield from _part("Cases that changed", news.changed)
    if news.gone:
        yield ""
        gone = "1 case is" if news.gone == 1 else f"{news.gone:,} cases are"
        yield from _wrapped(f"{gone} gone: late logs made other cases of them, or the settings hide them now.")
    yield from _part("Written", news.files, wrap=False)
    yield ""
    yield from _wrapped("Not seen can mean not audited, filtered, rolled over, not collected or did not happen.")


def _part(title: str, items: Sequence[str], *, wrap: bool = True) -> Iterator[str]:
    if not items:
        return
    yield ""
    yield title
    for item in items[:_MOST]:
        yield from _wrapped(item, "  ") if wrap else [f"  {_safe(item)}"]
    if len(items) > _MOST:
        yield f"  ... and {len(items) - _MOST:,} more"


def _wrapped(line: str, indent: str = "") -> Iterable[str]:
    # Wrapped text cannot begin a line with a dot or "From ": it goes on below its own indent.
    more = f"{indent}  "
    return textwrap.wrap(
        _safe(line), _WIDTH, initial_indent=indent, subsequent_indent=more, break_on_hyphens=False
    ) or [""]


def _safe(line: str) -> str:
    """Return *line* in one bounded line without anything that a mail program would make a link of."""
    shown = escape.visible(line)
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
    return _LINK.sub(lambda found: f"[{found[0]}]", shown)


def _ascii(line: str) -> str:
    return escape.visible(line).encode("ascii", "backslashreplace").decode()[:200]


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
