"""Which analytics to run, by what they are about: technique, side, kind, severity.

Apart from the filters on rows, because these need no warehouse and an empty choice is the caller's mistake: it is
refused with the values that exist, so that a misspelt one is never taken for "nothing found".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from wmiwarehouse.content.library import Analytic, Library, UnknownAnalyticError
from wmiwarehouse.content.metadata import Kind, Severity, Side
from wmiwarehouse.errors import UsageError

SEVERITIES: tuple[str, ...] = get_args(Severity)
KINDS: tuple[str, ...] = get_args(Kind)
SIDES: tuple[str, ...] = get_args(Side)


def select(library: Library, names: Sequence[str]) -> list[Analytic]:
    """Return the analytics *names* (all of them without any), the gravest first; raises :class:`UsageError`."""
    try:
        chosen = (
            list({item.view: item for item in map(library.get, names)}.values())
            if names
            else list(library.newest.values())
        )
    except UnknownAnalyticError as error:
        raise UsageError(str(error)) from None
    return chosen if names else sorted(chosen, key=lambda a: (-SEVERITIES.index(a.metadata.severity), a.id))


@dataclass(frozen=True)
class Selection:
    """What the analytics to run have in common; all empty means every analytic."""

    techniques: tuple[str, ...] = ()
    side: str | None = None
    kinds: tuple[str, ...] = ()
    min_severity: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that no analytic could have."""
        for option, values, known in (
            ("--side", (self.side,), SIDES),
            ("--kind", self.kinds, KINDS),
            ("--min-severity", (self.min_severity,), SEVERITIES),
        ):
            for value in values:
                if value is not None and value not in known:
                    raise UsageError(f"{option} {value}: is none of {', '.join(known)}")

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return any((self.techniques, self.side, self.kinds, self.min_severity))

    def narrow(self, analytics: Sequence[Analytic]) -> list[Analytic]:
        """Return those of *analytics* that are meant; raises :class:`UsageError` if none is."""
        chosen = [analytic for analytic in analytics if self._means(analytic)]
        if not chosen:
            raise UsageError(f"no analytic fits {self}; there are: {_existing(analytics)}. All: wmiwh list")
        return chosen

    def _means(self, analytic: Analytic) -> bool:
        head = analytic.metadata
        least = SEVERITIES.index(self.min_severity) if self.min_severity else 0
        return (
            (not self.techniques or any(_is_of(analytic, technique) for technique in self.techniques))
            and (self.side is None or head.side in (self.side, "both"))
            and (not self.kinds or head.kind in self.kinds)
            and SEVERITIES.index(head.severity) >= least
        )

    def __str__(self) -> str:
        """Repeat what was asked for, as it is typed."""
        parts = [f"--technique {technique}" for technique in self.techniques]
        parts += [f"--side {self.side}"] if self.side else []
        parts += [f"--kind {kind}" for kind in self.kinds]
        parts += [f"--min-severity {self.min_severity}"] if self.min_severity else []
        return " ".join(parts)


def listed(values: Iterable[str] | None) -> tuple[str, ...]:
    """Return what an option was given, repeated or with commas, each once."""
    items = [item.strip() for value in values or () for item in value.split(",")]
    if not all(items):
        raise UsageError("a list has an empty place: an unset variable?")
    return tuple(dict.fromkeys(items))


def _is_of(analytic: Analytic, technique: str) -> bool:
    """T1021 means its sub-techniques too, T1021.006 only itself."""
    wanted = technique.upper()
    return any(f"{tag.technique}.".startswith(f"{wanted}.") for tag in analytic.metadata.attack)


def _existing(analytics: Sequence[Analytic]) -> str:
    techniques = sorted({tag.technique for analytic in analytics for tag in analytic.metadata.attack})
    parts = {
        "technique": techniques,
        "side": [side for side in SIDES if any(a.metadata.side == side for a in analytics)],
        "kind": [kind for kind in KINDS if any(a.metadata.kind == kind for a in analytics)],
        "severity": [level for level in SEVERITIES if any(a.metadata.severity == level for a in analytics)],
    }
    return "; ".join(f"{name} {', '.join(values) or 'none'}" for name, values in parts.items())
