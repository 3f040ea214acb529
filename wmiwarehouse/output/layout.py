"""Decides how rows fit a terminal: which columns stand side by side, how wide, and when one record a block is better.

In this order, each step only where the one before was not enough: everything as it is; columns that say the same in
every row go into the footer; headings wrap; long text is cut in the middle; columns that only prove where a row comes
from are left out. If even that is too wide, or the rows are few, records stand one below the other with every column.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wmiwarehouse.output import measure

if TYPE_CHECKING:
    from collections.abc import Iterable

GAP = 2
LEADING = 3  # the first columns say what a row is about: they stay, whatever they hold
FEW = 3  # so few rows are never cut: one below the other they are all on the screen
_NARROW = 20  # text is cut to no less than this
_COMMAND = 48  # and these to no less than that: a command line of 20 cells says nothing
_KEYS = ("id", "analytic", "event_uid", "host", "logon_id", "source_id")  # what the next command is typed with: whole
_LONGEST_KEY = 64
_COMMANDS = ("command_line", "parent_command_line", "remote_command", "process", "script_text", "wmi_query")

# Left out from the left to the right. ``event_uid`` stays: it leads to all of them (wmiwh event UID).
EVIDENCE = (
    "ingested_at",
    "batch_id",
    "source_id",
    "format",
    "source_record",
    "source_file",
    "record_id",
    "channel",
    "event_id",
)


@dataclass(slots=True)
class Column:
    """One column of texts, with everything in it already safe to print."""

    name: str
    texts: list[str]
    is_text: bool = True
    to_right: bool = False
    width: int = 0
    content: int = field(init=False)

    def __post_init__(self) -> None:
        self.content = max(map(measure.width, self.texts), default=0)

    @property
    def natural(self) -> int:
        """The width at which nothing wraps."""
        return max(self.content, measure.width(self.name))

    @property
    def wrapped(self) -> int:
        """The width at which only the heading wraps."""
        return max(self.content, self._heading)

    @property
    def least(self) -> int:
        """The width below which a reader gets nothing from the column."""
        if not self.is_text or (self.name in _KEYS and self.content <= _LONGEST_KEY):
            return self.wrapped
        return max(min(self.content, _COMMAND if self.name in _COMMANDS else _NARROW), self._heading)

    @property
    def _heading(self) -> int:
        return max(map(measure.width, heading_parts(self.name)))


@dataclass(slots=True)
class Plan:
    """What was decided: ``side_by_side`` or records, the columns shown, those folded away and those left out."""

    side_by_side: bool
    shown: list[Column]
    same: list[Column] = field(default_factory=list)
    empty: list[Column] = field(default_factory=list)
    left_out: list[Column] = field(default_factory=list)


def heading_parts(name: str) -> list[str]:
    """Return the pieces at which a heading may wrap."""
    parts = name.split("_")
    return [f"{part}_" for part in parts[:-1]] + parts[-1:]


def plan(columns: list[Column], room: int, *, may_cut: bool) -> Plan:
    """Return how *columns* go into *room* cells; without *may_cut* nothing is cut or left out."""
    rows = len(columns[0].texts) if columns else 0
    if _fits((column.natural for column in columns), room):
        return _as_table(Plan(True, columns), [column.natural for column in columns])
    result = _folded(columns) if rows > 1 else Plan(True, columns)
    if _fits((column.natural for column in result.shown), room):
        return _as_table(result, [column.natural for column in result.shown])
    if _fits((column.wrapped for column in result.shown), room):
        return _as_table(result, _level([(c.wrapped, c.natural) for c in result.shown], room))
    if not may_cut or rows <= FEW:
        result.side_by_side = False
        return result
    shown = list(result.shown)
    for name in EVIDENCE:
        if _fits((column.least for column in shown), room):
            break
        shown = [column for i, column in enumerate(shown) if i < LEADING or column.name != name]
    if not _fits((column.least for column in shown), room):
        result.side_by_side = False
        return result
    result.left_out = [column for column in result.shown if column not in shown]
    result.shown = shown
    return _as_table(result, _level([(c.least, c.wrapped) for c in shown], room))


def _fits(widths: Iterable[int], room: int) -> bool:
    total, count = 0, 0
    for width in widths:
        total, count = total + width, count + 1
    return total + GAP * (count - 1) <= room


def _folded(columns: list[Column]) -> Plan:
    result = Plan(True, columns[:LEADING])
    for column in columns[LEADING:]:
        first = column.texts[0]
        if any(text != first for text in column.texts):
            result.shown.append(column)
        else:
            (result.same if first else result.empty).append(column)
    return result


def _as_table(result: Plan, widths: list[int]) -> Plan:
    for column, width in zip(result.shown, widths, strict=True):
        column.width = width
    return result


def _level(bounds: list[tuple[int, int]], room: int) -> list[int]:
    """Return widths between the (least, most) *bounds* that fill *room*: none grows while a narrower one could."""
    room -= GAP * (len(bounds) - 1)

    def at(level: int) -> list[int]:
        return [min(most, max(least, level)) for least, most in bounds]

    level = max((most for _, most in bounds), default=0)
    low = 0
    while low < level:
        middle = (low + level + 1) // 2
        if sum(at(middle)) <= room:
            low = middle
        else:
            level = middle - 1
    widths = at(level)
    spare = room - sum(widths)
    for i, (_, most) in enumerate(bounds):
        if spare > 0 and widths[i] < most:
            widths[i], spare = widths[i] + 1, spare - 1
    return widths
