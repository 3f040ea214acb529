"""What the settings hide of the findings: a report that left something out has to say what, why and on whose word."""

from __future__ import annotations

from collections.abc import Sequence

from wmiwarehouse.hunting import hidden
from wmiwarehouse.hunting.hunt import Hunt
from wmiwarehouse.hunting.line import Line
from wmiwarehouse.hunting.tuning import Rule
from wmiwarehouse.report.model import Suppression


def build(hunting: Hunt, lines: Sequence[Line]) -> tuple[Suppression, ...]:
    """Return every rule of the settings with what it hides, those that hide nothing and that are over too."""
    found: dict[str, list[hidden.Hidden]] = {rule.id: [] for rule in hunting.tuning.rules}
    for line in lines:
        if line.suppressed:
            for one in hidden.by_rule(hunting, line.analytic):
                found[one.rule.id].append(one)
    applied = [_of(rule, found[rule.id]) for rule in hunting.tuning.rules]
    return (*applied, *(_of(rule, [], is_over=True) for rule in hunting.tuning.expired))


def sentence(lines: Sequence[Line]) -> str:
    """Return in one sentence how much is hidden; nothing if nothing is."""
    hits = sum(line.suppressed for line in lines)
    if not hits:
        return ""
    number = len({name for line in lines for name in line.suppressed_by})
    by = "1 suppression" if number == 1 else f"{number:,} suppressions"
    moves = sum(line.suppressed for line in lines if line.analytic.id == "lateral_movement")
    of_them = f", {moves:,} of them movements from host to host," if moves else ""
    are = "1 hit is" if hits == 1 else f"{hits:,} hits{of_them} are"
    return f"{are} suppressed by {by} in the settings and not told here: see Suppressed."


def _of(rule: Rule, found: Sequence[hidden.Hidden], *, is_over: bool = False) -> Suppression:
    return Suppression(
        id=rule.id,
        status="expired" if is_over else "applied" if found else "unused",
        hits=sum(one.hits for one in found),
        first_time=min((one.first_time for one in found if one.first_time), default=None),
        last_time=max((one.last_time for one in found if one.last_time), default=None),
        analytics=tuple(f"{one.analytic.id} {one.hits:,}" for one in found) or rule.analytics,
        where=rule.said,
        reason=rule.reason,
        author=rule.author,
        expires=rule.expires.isoformat() if rule.expires else "",
    )
