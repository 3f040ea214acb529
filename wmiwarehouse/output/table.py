"""Draws rows for a person: a table that fits the terminal, or one block a record, and a note of all it did not show."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from wmiwarehouse.output import cells, escape, layout, measure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wmiwarehouse.output.cells import Rows

Line: TypeAlias = "list[tuple[str, str]]"  # pieces of text, each with the name of its style or ""

ROW_LIMIT = 10_000
_VALUE_LINES = 6  # a longer value is cut in the middle where records stand one below the other
_SAME_LINES = 3  # the same for a value in the footer
_LEAST_VALUE = 20
_WAY_OUT = "everything: -f json or -o FILE.csv"
_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow"}


@dataclass(slots=True)
class Drawing:
    """The lines to print, the number of rows read, and one line per thing that the drawing does not show."""

    lines: Iterator[Line]
    rows: int
    notes: list[str] = field(default_factory=list)


def draw(rows: Rows, room: int, *, may_cut: bool = True, limit: int | None = ROW_LIMIT) -> Drawing:
    """Return *rows* drawn into *room* cells; without *may_cut* every text is whole, over as many lines as it takes."""
    kinds = cells.kinds(rows.schema)
    source = cells.records(rows)
    records = list(islice(source, limit))
    total = len(records) + sum(1 for _ in source)
    if not records:
        return Drawing(iter(()), total, ["no rows"])
    columns = [
        layout.Column(
            name=escape.visible(name),
            texts=[escape.visible(cells.readable(value, kind)) for value in values],
            is_text=kind is cells.Kind.TEXT,
            to_right=kind is cells.Kind.NUMBER,
        )
        for name, kind, values in zip(cells.names(rows.schema), kinds, zip(*records, strict=True), strict=True)
    ]
    plan = layout.plan(columns, room, may_cut=may_cut)
    painter = _Painter(plan, room, len(records), may_cut)
    lines = list(painter.table() if plan.side_by_side else painter.blocks())
    lines += painter.footer()
    notes = painter.notes()
    if total > len(records):
        notes.append(f"first {len(records):,} of {total:,} rows; all: -o FILE.csv")
    return Drawing(iter(lines), total, notes)


class _Painter:
    """Paints one plan and counts the cells that it had to cut."""

    def __init__(self, plan: layout.Plan, room: int, rows: int, may_cut: bool) -> None:
        self.plan = plan
        self.room = room
        self.rows = rows
        self.may_cut = may_cut
        self.cuts: dict[str, int] = {}

    def table(self) -> Iterator[Line]:
        columns = self.plan.shown
        headings = [_heading(column) for column in columns]
        height = max(map(len, headings))
        for i in range(height):
            parts = [heading[i - height] if len(heading) >= height - i else "" for heading in headings]
            yield self._row(parts, ["bold"] * len(columns))
        yield self._row(["─" * column.width for column in columns], ["dim"] * len(columns))
        for texts in zip(*(column.texts for column in columns), strict=True):
            cut = [self._cut(column, text, column.width) for column, text in zip(columns, texts, strict=True)]
            styles = [_STYLES.get(t, "") if c.name == "severity" else "" for c, t in zip(columns, texts, strict=True)]
            yield self._row(cut, styles)

    def _row(self, texts: list[str], styles: list[str]) -> Line:
        line: Line = []
        for column, text, style in zip(self.plan.shown, texts, styles, strict=True):
            line.append((measure.pad(text, column.width, to_right=column.to_right), style))
            line.append((" " * layout.GAP, ""))
        while line and not line[-1][0].strip():
            line.pop()
        if line:
            line[-1] = (line[-1][0].rstrip(), line[-1][1])
        return line

    def blocks(self) -> Iterator[Line]:
        columns = self.plan.shown
        label = max(measure.width(column.name) for column in columns) + layout.GAP
        for number in range(self.rows):
            title = f"── {number + 1:,} of {self.rows:,} "
            yield [(title + "─" * (min(self.room, 80) - measure.width(title)), "dim")]
            for i, column in enumerate(columns):
                text = column.texts[number]
                if text or i < layout.LEADING:
                    yield from self._value(column, text, label)

    def _value(self, column: layout.Column, text: str, label: int) -> Iterator[Line]:
        room = max(self.room - label, _LEAST_VALUE)
        text = self._cut(column, text, room * _VALUE_LINES)
        for i, part in enumerate(measure.wrap(text, room)):
            name = measure.pad("" if i else column.name, label)
            yield [(name, "bold"), (part.rstrip(), "")] if part else [(column.name, "bold")]

    def footer(self) -> Iterator[Line]:
        same = [f"{c.name} = {self._cut(c, c.texts[0], self.room * _SAME_LINES, self.rows)}" for c in self.plan.same]
        yield from self._footer("same in every row: ", same, " · ")
        yield from self._footer("empty in every row: ", [column.name for column in self.plan.empty], ", ")
        if not self.plan.side_by_side and any("" in c.texts for c in self.plan.shown[layout.LEADING :]):
            yield [("columns that are empty in a record are left out of it", "dim")]

    def _footer(self, title: str, items: list[str], separator: str) -> Iterator[Line]:
        room = max(self.room, _LEAST_VALUE)
        line = title
        for i, item in enumerate(items):
            if i and measure.width(line + separator + item) > room:
                yield [(line + separator.rstrip(), "dim")]
                line = "  "
            elif i:
                line += separator
            *full, line = measure.wrap(line + item, room)
            yield from ([(part.rstrip(), "dim")] for part in full)
        if items:
            yield [(line, "dim")]

    def _cut(self, column: layout.Column, text: str, room: int, rows: int = 1) -> str:
        cut = measure.cut(text, room) if self.may_cut else text
        if cut is not text:
            self.cuts[column.name] = self.cuts.get(column.name, 0) + rows
        return cut

    def notes(self) -> list[str]:
        parts = []
        if self.cuts:
            counted = ", ".join(f"{name} in {count:,} of {self.rows:,}" for name, count in self.cuts.items())
            parts.append(f"cut to fit {self.room} columns: {counted}")
        if self.plan.left_out:
            parts.append(f"not shown: {', '.join(column.name for column in self.plan.left_out)}")
        return [f"{'; '.join(parts)}; {_WAY_OUT}"] if parts else []


def _heading(column: layout.Column) -> list[str]:
    if measure.width(column.name) <= column.width:
        return [column.name]
    lines = [""]
    for part in layout.heading_parts(column.name):
        if measure.width(lines[-1] + part) <= column.width or not lines[-1]:
            lines[-1] += part
        else:
            lines.append(part)
    return lines
