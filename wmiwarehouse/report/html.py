"""Renders a report as one HTML file that is safe to open and needs nothing else.

Every text of it may be the attacker's. Three things stand between that and a script: Jinja escapes each value, this
module's finalize first makes visible what hides (so no template can forget it), and the page's own policy allows only
the one style and the one script whose hashes it names, and no network at all. Everything can be read without scripts.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from wmiwarehouse.output.escape import visible
from wmiwarehouse.output.measure import cut

if TYPE_CHECKING:
    from jinja2 import Environment

    from wmiwarehouse.report.model import Case, Report

_SEVERITIES: Final = {"informational": "○", "low": "▽", "medium": "◐", "high": "▲", "critical": "◆"}
_VERDICTS: Final = {"seen": "●", "partly": "◐", "not seen": "○"}
_CHANGES: Final = {"new": "+", "gone": "\u2212", "changed": "±"}
_SLUG: Final = re.compile(r"[^a-z0-9_.-]+")
_WEB: Final = re.compile(r"https?://[^\s\"'<>]+\Z", re.IGNORECASE)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]{8,15}Z\Z")
_ATTACK: Final = re.compile(r"T(\d{4})(?:\.(\d{3}))?\Z")
_SHORT: Final = 160
"""Cells of a command where it only says which one it is."""


def render(report: Report) -> str:
    """Return *report* as a whole HTML page."""
    from wmiwarehouse.report.page import View, longest_text

    style, script = _asset("style.css"), _asset("script.js")
    page = _environment(longest_text(report)).get_template("report.html.j2")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    text = page.render(
        report=report,
        view=View.of(report),
        policy=Markup(policy),  # noqa: S704 - built above
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
    )
    return text if text.endswith("\n") else f"{text}\n"


def _environment(longest: int) -> Environment:
    """Return templates that show every text without anything hidden in it and at most *longest* characters of it."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    def finalize(value: Any) -> Any:
        if isinstance(value, Markup):
            return value
        return shown(value, longest) if isinstance(value, str) else value

    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(_FILTERS)
    return environment


def shown(text: str, longest: int) -> str:
    """Return *text* without anything hidden in it; of a longer one the middle is left out, and how much is said."""
    if len(text) > longest:
        half = longest // 2
        text = f"{text[:half]} [… {len(text) - 2 * half:,} characters: see the JSON form …] {text[-half:]}"
    return visible(text)


def _asset(name: str) -> str:
    """Return one of the package's templates; lines end alike whatever the checkout did to them."""
    raw = (resources.files("wmiwarehouse.report") / "templates" / name).read_bytes()
    return raw.decode().replace("\r\n", "\n")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _when(time: datetime) -> str:
    """``2020-09-14 12:06:02.316Z``: as exact as it was logged."""
    text = f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}".rjust(19, "0")
    if time.microsecond:
        part = f"{time.microsecond:06d}"
        text += f".{part[:3] if part.endswith('000') else part}"
    return f"{text}Z"


def _seconds(time: datetime | None) -> datetime | None:
    return time.replace(microsecond=0) if time else None


def _ran(case: Case) -> str:
    """What the act was for, in as few words as its logs allow."""
    return case.remote_command or case.target_command_line or case.target_process or case.source_process or ""


def _what(case: Case) -> str:
    """What a finding on one host is about; its title where nothing was run."""
    name = f"{case.source or case.target}: "
    return case.title[len(name) :] if case.title.lower().startswith(name.lower()) else case.title or _ran(case)


def _attack(technique: str) -> str | None:
    found = _ATTACK.match(technique)
    if not found:
        return None
    return f"https://attack.mitre.org/techniques/T{found[1]}{f'/{found[2]}' if found[2] else ''}"


_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "attack": _attack,
    "clock": lambda time: _when(time)[11:],
    "cell": lambda text: "t" if _TIME.match(text) else "log",
    "change_shape": lambda what: _CHANGES.get(what, ""),
    "count": lambda number: f"{number:,}",
    "day": lambda time: f"{time.astimezone(UTC):%Y-%m-%d}".rjust(10, "0"),
    "differs": lambda one, other: other not in one and one not in other,
    "px": lambda number: f"{min(max(number, 0), 120):.0f}",
    "ran": _ran,
    "same_day": lambda one, other: bool(one and other and one.astimezone(UTC).date() == other.astimezone(UTC).date()),
    "seconds": _seconds,
    "severity_class": lambda name: name if name in _SEVERITIES else "informational",
    "severity_rank": lambda name: list(_SEVERITIES).index(name) if name in _SEVERITIES else -1,
    "severity_shape": lambda name: _SEVERITIES.get(name, "○"),
    "short": lambda text: cut(visible(text), _SHORT),
    "slug": lambda text: _SLUG.sub("-", text.lower()),
    "verdict_shape": lambda name: _VERDICTS.get(name, "○"),
    "web": lambda url: url if url and _WEB.match(url) else None,
    "what": _what,
    "when": _when,
}
