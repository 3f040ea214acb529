"""The formats that are written row by row: CSV, JSON, NDJSON and Markdown.

They stream, so that millions of rows need no more memory than one batch, and they never shorten anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wmiwarehouse.output import cells, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wmiwarehouse.output.cells import Rows


def csv(rows: Rows, *, raw: bool = False, for_terminal: bool = False) -> Iterator[str]:
    """Yield *rows* as CSV (RFC 4180, LF line ends, UTF-8), with text that a spreadsheet would run as a formula marked.

    *raw* leaves such text alone; *for_terminal* shows what a terminal would act on as escapes.
    """
    kinds = cells.kinds(rows.schema)

    def field(value: Any, kind: cells.Kind = cells.Kind.TEXT) -> str:
        text = cells.exact(value)
        if kind is cells.Kind.TEXT and not raw:
            text = escape.spreadsheet(text)
        return _csv_quoted(escape.visible(text) if for_terminal else text)

    yield _csv_line([field(name) for name in cells.names(rows.schema)])
    for record in cells.records(rows):
        yield _csv_line([field(value, kind) for value, kind in zip(record, kinds, strict=True)])


def _csv_quoted(text: str) -> str:
    # Not the csv module: with LF line ends it leaves a lone CR bare, which readers take for the end of a row.
    if "," in text or '"' in text or "\n" in text or "\r" in text or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def _csv_line(fields: list[str]) -> str:
    return (",".join(fields) or '""') + "\n"  # a single empty field would read as no row


def ndjson(rows: Rows) -> Iterator[str]:
    """Yield *rows* as one JSON object a line."""
    for document in _json_objects(rows):
        yield f"{document}\n"


def json(rows: Rows) -> Iterator[str]:
    """Yield *rows* as one JSON array of objects."""
    separator = "[\n"
    for document in _json_objects(rows):
        yield f"{separator}{document}"
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def _json_objects(rows: Rows) -> Iterator[str]:
    names = cells.names(rows.schema)
    for record in cells.records(rows):
        yield escape.json_text(cells.json_dumps(dict(zip(names, record, strict=True))))


def markdown(rows: Rows) -> Iterator[str]:
    """Yield *rows* as a Markdown table (the GitHub flavour), numbers to the right."""
    kinds = cells.kinds(rows.schema)
    cell: Callable[[str], str] = escape.markdown
    yield f"| {' | '.join(cell(name) for name in cells.names(rows.schema))} |\n"
    yield f"| {' | '.join('---:' if kind is cells.Kind.NUMBER else '---' for kind in kinds)} |\n"
    for record in cells.records(rows):
        texts = (cells.readable(value, kind) for value, kind in zip(record, kinds, strict=True))
        yield f"| {' | '.join(cell(text) for text in texts)} |\n"
