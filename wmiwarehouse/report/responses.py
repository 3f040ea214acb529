"""Fills the documents' response steps with the names of a case.

The steps are prose in an analytic's metadata and stay as they are; what they speak of in this case stands behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from wmiwarehouse.report.records import cut

_LONGEST = 160


def steps(
    prose: Iterable[str], source: str | None, target: str | None, user: str | None, command: str | None
) -> tuple[str, ...]:
    """Return the steps of *prose*, each with the names that it speaks of."""
    both = " and ".join(dict.fromkeys(filter(None, (source, target)))) or None
    shown = cut(" ".join(command.split()), _LONGEST) if command else None
    spoken = (
        (r"both (?:sides|hosts)|isolate", both),
        (r"\bthe command\b", shown),
        (r"\bthe source\b", source),
        (r"\bthe target\b|\bthe destination\b", target),
        (r"\bcredentials\b|\baccount\b", user),
    )
    return tuple(_filled(step, spoken) for step in prose)


def _filled(step: str, spoken: Iterable[tuple[str, str | None]]) -> str:
    name = next((name for word, name in spoken if name and re.search(word, step, re.IGNORECASE)), None)
    # Nothing behind the name: where it ends in a password, all of the last word is masked.
    return f"{step.rstrip('.')}: {name}" if name else step
