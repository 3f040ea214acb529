"""The report as tables: a folder of CSV files, or one workbook with a sheet each, for spreadsheets and scripts.

The columns are the fields of :mod:`model`, so that nothing is listed twice. Text is shown as
:func:`wmiwarehouse.output.escape.visible` shows it, one line a cell; the JSON form has it exactly. Times are ISO text
in UTC, because a spreadsheet's own times have no zone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel

from wmiwarehouse.errors import UsageError, WmiwhError
from wmiwarehouse.output import cells, escape, streams, text
from wmiwarehouse.report import model

if TYPE_CHECKING:
    import pyarrow as pa

    from wmiwarehouse.report.model import Report

Kind = type[str] | type[int] | type[float] | type[datetime]

#: A spreadsheet's limits: UTF-16 units in a cell, rows in a sheet, characters in a sheet's name.
CELL: Final = 32_767
ROWS: Final = 1_048_576
_NAME: Final = 31
_EXACT: Final = 2**53  # a cell's numbers are doubles

_WIDEST: Final = 60  # characters of a column as the workbook opens
_MEASURED: Final = 200  # rows that decide how wide a column is
# In half of the world a spreadsheet splits a line at semicolons as well, and runs what stands behind one.
_SPLIT: Final = re.compile("""[;\uff1b](?=[\\s"']*[=+\\-@\uff1d\uff0b\uff0d\uff20])""")
#: Fields of a case and a query that are tables of their own.
_OWN: Final = ("evidence", "session", "columns", "rows")
_BOM: Final = "\ufeff"  # without it Excel takes UTF-8 for the old code page of its country


@dataclass(frozen=True)
class Column:
    """A column and what it holds."""

    name: str
    kind: Kind = str


@dataclass(frozen=True)
class Table:
    """One table of a report: a CSV file or a sheet."""

    name: str
    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]


def tables(report: Report) -> list[Table]:
    """Return the tables of *report*; those without rows too, for an empty one says that nothing was found."""
    key = (Column("case_number", int), Column("case_id"))
    cases = [((case.number, case.id), case) for case in report.cases]
    result = [
        Table("report", (Column("field"), Column("value")), list(_particulars(report))),
        _table("cases", model.Case, (((), case) for case in report.cases)),
        _table("evidence", model.Evidence, ((k, one) for k, case in cases for one in case.evidence), key),
        _table("session", model.Process, ((k, one) for k, case in cases for one in case.session), key),
    ]
    for name, info in type(report).model_fields.items():
        part = _part(info.annotation)
        if part is None or name in ("cases", "stacks") or (name == "changes" and report.compared_with is None):
            continue
        result.append(_table(name, part, (((), one) for one in getattr(report, name))))
        if name == "queries":
            result.append(_query_rows(report))
    for stack in report.stacks:
        columns = tuple(Column(escape.visible(name)) for name in stack.columns)
        blank = ("",) * len(columns)
        rows = [(*map(escape.visible, row), *blank)[: len(columns)] for row in stack.rows]
        result.append(Table(_file_name(stack.id, {table.name for table in result}), columns, rows))
    return result


def _query_rows(report: Report) -> Table:
    # Each query has its own columns: one line a value is what a filter can still take apart.
    columns = (Column("id"), Column("title"), Column("row", int), Column("column"), Column("value"))
    rows = [
        (_value(query.id), _value(query.title), number, _value(name), _value(value))
        for query in report.queries
        for number, row in enumerate(query.rows, 1)
        for name, value in zip(query.columns, row, strict=False)
        if value
    ]
    return Table("query_rows", columns, rows)


def write_csv(report: Report, folder: Path, *, force: bool = False) -> list[Path]:
    """Write each table to ``folder/NAME.csv`` and return the paths; *folder* is made if its parent is there."""
    found = tables(report)
    paths = [folder / f"{table.name}.csv" for table in found]
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; CSV needs a folder, one file a table")
    there = [path.name for path in paths if path.exists()]
    if there and not force:
        raise UsageError(
            f"{folder}: {', '.join(there[:3])}{' ...' if there[3:] else ''} exist; --force overwrites them"
        )
    if not folder.resolve().parent.is_dir():
        raise UsageError(f"{folder}: the folder {folder.parent} does not exist")
    folder.mkdir(exist_ok=True)
    for table, path in zip(found, paths, strict=True):
        with (
            streams.whole_file(path, force=force) as aside,
            aside.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file,
        ):
            file.write(_BOM)
            file.writelines(text.csv(_arrow(table)))
    return paths


def write_xlsx(report: Report, path: Path) -> None:
    """Write a workbook with a sheet a table to *path*; the same report gives the same bytes."""
    try:
        import xlsxwriter
        from xlsxwriter.exceptions import XlsxWriterException
    except ImportError:
        raise UsageError("xlsx needs one more package: pip install 'wmiwarehouse[xlsx]'") from None
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    try:
        with xlsxwriter.Workbook(str(path), options) as book:
            _compose(book, report)
    except XlsxWriterException as error:  # a folder that cannot be written, a full disk
        raise WmiwhError(f"{path}: {error}; nothing was written") from error


def _compose(book: Any, report: Report) -> None:
    head = report.head
    book.set_properties(
        {
            "title": _cell(escape.visible(head.title))[:255],
            "author": _cell(escape.visible(head.hunter))[:255],
            "comments": f"wmiwarehouse {escape.visible(head.tool_version)[:100]}",
            "created": head.created.astimezone(UTC) if head.created.tzinfo else head.created,
        }
    )
    bold = book.add_format({"bold": True, "bottom": 1})
    # Strings are never run; the mark keeps what looks like a formula a string when somebody edits the cell.
    quoted = book.add_format({"quote_prefix": True})
    names: set[str] = set()
    for table in tables(report):
        _fill(book.add_worksheet(_sheet_name(table.name, names)), table, bold, quoted)


def _fill(sheet: Any, table: Table, bold: Any, quoted: Any) -> None:
    last = len(table.columns) - 1
    cut = len(table.rows) > ROWS - 1
    rows = table.rows[: ROWS - 2] if cut else table.rows
    for number, column in enumerate(table.columns):
        longest = max((len(_plain(row[number])) for row in rows[:_MEASURED]), default=0)
        sheet.set_column(number, number, min(max(longest, len(column.name) + 2) + 1, _WIDEST))
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    if table.columns:
        sheet.autofilter(0, 0, len(rows), last)
    for number, column in enumerate(table.columns):
        sheet.write_string(0, number, _cell(column.name), bold)
    for line, row in enumerate(rows, 1):
        for number, value in enumerate(row):
            if isinstance(value, int | float) and math.isfinite(value) and abs(value) <= _EXACT:
                sheet.write_number(line, number, value)
            elif value is not None:
                shown = _cell(_plain(value))
                sheet.write_string(line, number, shown, quoted if escape.spreadsheet(shown) != shown else None)
    if cut:
        sheet.write_string(
            ROWS - 1, 0, f"{len(table.rows) - len(rows):,} more rows do not fit a sheet: see the CSV files"
        )


def _cell(value: str) -> str:
    """Return *value* as a cell can hold it; what is cut says so itself."""
    units = value.encode("utf-16-le", "surrogatepass")
    if len(units) > 2 * CELL:
        end = f" [cut: {len(value):,} characters, all in the CSV and JSON forms]"
        value = units[: 2 * (CELL - len(end))].decode("utf-16-le", "ignore") + end
    # xlsxwriter writes a text between these two tags as markup of its own, unescaped.
    return f"{value} " if value.startswith("<r>") and value.endswith("</r>") else value


def _table(
    name: str,
    part: type[BaseModel],
    items: Iterable[tuple[tuple[Any, ...], BaseModel]],
    key: tuple[Column, ...] = (),
) -> Table:
    """Return *items* with the fields of *part*, each behind the values of its *key*."""
    fields = {name: _kind(info.annotation) for name, info in part.model_fields.items() if name not in _OWN}
    columns = (*key, *(Column(name, kind) for name, kind in fields.items()))
    rows = [(*map(_value, k), *(_value(getattr(item, name)) for name in fields)) for k, item in items]
    return Table(name, columns, rows)


def _part(annotation: Any) -> type[BaseModel] | None:
    """Return what a field that is a list of parts is a list of."""
    return next((one for one in get_args(annotation) if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _kind(annotation: Any) -> Kind:
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in (datetime, int, float) if kind in kinds), str)


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return escape.visible(value)
    if isinstance(value, tuple):
        return "; ".join(str(_value(item)) for item in value)
    if isinstance(value, BaseModel):  # a reason and its points, a technique and its tactics
        return " ".join(str(_value(getattr(value, name))) for name in type(value).model_fields)
    return value


def _particulars(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the head and every text of the report that is not in a table of its own."""
    for name in type(report.head).model_fields:
        yield name, _plain(_value(getattr(report.head, name)))
    for name, info in type(report).model_fields.items():
        value = getattr(report, name)
        if name == "head" or _part(info.annotation) is not None or value is None:
            continue
        lines = value if isinstance(value, tuple) else str(value).splitlines()
        yield from ((name, _plain(_value(line))) for line in lines)


def _plain(value: Any) -> str:
    return cells.exact(cells.plain(value))


def _arrow(table: Table) -> pa.Table:
    import pyarrow as pa

    types = {int: pa.int64(), float: pa.float64(), datetime: pa.timestamp("us", tz="UTC"), str: pa.string()}

    def cell(value: Any) -> Any:
        return _SPLIT.sub(lambda match: f"\\x{ord(match[0]):02x}", value) if isinstance(value, str) else value

    arrays = [
        pa.array([cell(row[number]) for row in table.rows], types[column.kind])
        for number, column in enumerate(table.columns)
    ]
    return pa.table(arrays, names=[column.name for column in table.columns])


def _file_name(name: str, taken: set[str]) -> str:
    """Return *name* as the name of a file and a sheet: a report that was loaded may say anything."""
    plain = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")[:60] or "stack"
    plain = plain if plain.startswith("stack") else f"stack_{plain}"
    unique, count = plain, 1
    while unique in taken:
        count += 1
        unique = f"{plain}_{count}"
    return unique


def _sheet_name(name: str, taken: set[str]) -> str:
    unique, count = name[:_NAME], 1
    while unique.lower() in taken:
        count += 1
        unique = f"{name[: _NAME - len(str(count)) - 1]}_{count}"
    taken.add(unique.lower())
    return unique
