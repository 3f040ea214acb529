"""The one way out for rows: every command that prints rows calls :func:`emit` (or its halves) with Arrow data.

>>> written = emit(connection.execute(sql).to_arrow_reader(), fmt=None, output=Path("rows.csv"))  # doctest: +SKIP

pyarrow and rich are imported when rows are written, never when this module is: ``wmiwh --help`` must stay quick.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any

from wmiwarehouse.output import streams
from wmiwarehouse.output.cells import Counted
from wmiwarehouse.output.streams import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wmiwarehouse.output.cells import Rows

__all__ = ["Format", "OutputError", "Written", "emit", "format_of", "render", "save"]


class Format(StrEnum):
    """How rows are written; the values of ``--format``."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"
    MARKDOWN = "markdown"
    PARQUET = "parquet"


_ROW_GROUP = 65_536

SUFFIXES = {
    ".txt": Format.TABLE,
    ".csv": Format.CSV,
    ".json": Format.JSON,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".md": Format.MARKDOWN,
    ".parquet": Format.PARQUET,
}


@dataclass(frozen=True)
class Written:
    """What became of the rows: how many there were, and one line for stderr per thing that the output leaves out.

    ``is_complete`` is false where the reader of stdout left early (``| head``); ``rows`` is then as far as it came.
    """

    rows: int
    notes: list[str] = field(default_factory=list)
    is_complete: bool = True


def format_of(path: Path) -> Format:
    """Return the format that the suffix of *path* stands for."""
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise OutputError(f"{path}: the suffix names no format; use {', '.join(SUFFIXES)}, or say it with --format")
    return found


def emit(
    rows: Rows, *, fmt: Format | None = None, output: Path | None = None, force: bool = False, raw: bool = False
) -> Written:
    """Write *rows* where ``--format``, ``-o`` and ``--force`` say, and what was left out to stderr."""
    from wmiwarehouse.output import console

    written = render(rows, fmt=fmt, raw=raw) if output is None else save(rows, output, fmt=fmt, force=force, raw=raw)
    for note in written.notes:
        console.note(note)
    return written


def render(
    rows: Rows, *, fmt: Format | None = None, stream: IO[Any] | None = None, width: int | None = None, raw: bool = False
) -> Written:
    """Write *rows* to *stream* (stdout), a table to *width* cells (the terminal's); *raw* keeps formulas in CSV."""
    stream = stream or sys.stdout
    counted = Counted(rows)
    try:
        return _render(counted, fmt or Format.TABLE, stream, width, raw=raw)
    except BrokenPipeError:
        streams.close_broken_pipe(stream)
        return Written(counted.count, is_complete=False)


def _render(rows: Counted, fmt: Format, stream: IO[Any], width: int | None, *, raw: bool) -> Written:
    if fmt is Format.PARQUET:
        if stream.isatty():
            raise OutputError("parquet is not for a terminal's eyes; save it: -o rows.parquet")
        _parquet(rows, getattr(stream, "buffer", stream))
        return Written(rows.count)
    if fmt is Format.TABLE:
        from wmiwarehouse.output import table

        drawing = table.draw(rows, width or streams.width(stream))
        streams.write_lines(stream, drawing.lines)
        return Written(drawing.rows, drawing.notes)
    streams.write_text(stream, _text(rows, fmt, raw=raw, for_terminal=stream.isatty()))
    return Written(rows.count)


def save(rows: Rows, path: Path, *, fmt: Format | None = None, force: bool = False, raw: bool = False) -> Written:
    """Write *rows* to *path*, which appears as a whole or not at all; its suffix decides where *fmt* does not.

    A table in a file has no screen to fit: nothing in it is cut, and all rows are there.
    """
    fmt = fmt or format_of(path)
    counted = Counted(rows)
    with streams.whole_file(path, force=force) as aside:
        if fmt is Format.PARQUET:
            _parquet(counted, aside)
            return Written(counted.count)
        with aside.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
            if fmt is Format.TABLE:
                from wmiwarehouse.output import table

                drawing = table.draw(counted, streams.UNKNOWN_WIDTH, may_cut=False, limit=None)
                streams.write_lines(file, drawing.lines)
                return Written(drawing.rows, drawing.notes)
            file.writelines(_text(counted, fmt, raw=raw))
            return Written(counted.count)


def _text(rows: Counted, fmt: Format, *, raw: bool, for_terminal: bool = False) -> Iterator[str]:
    from wmiwarehouse.output import text

    match fmt:
        case Format.CSV:
            return text.csv(rows, raw=raw, for_terminal=for_terminal)
        case Format.JSON:
            return text.json(rows)
        case Format.NDJSON:
            return text.ndjson(rows)
        case _:
            return text.markdown(rows)


def _parquet(rows: Counted, target: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    waiting, size = [], 0
    with pq.ParquetWriter(target, rows.schema, compression="zstd") as writer:
        for batch in rows:  # small batches would each become a row group, which readers pay for
            waiting.append(batch)
            size += batch.num_rows
            if size >= _ROW_GROUP:
                writer.write_table(pa.Table.from_batches(waiting, rows.schema))
                waiting, size = [], 0
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, rows.schema))
