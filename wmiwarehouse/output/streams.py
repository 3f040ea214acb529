"""Where output goes: a stream that may be a terminal, a pipe or a test's buffer, or a file that appears as a whole."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from wmiwarehouse.errors import ExitCode, UsageError, WmiwhError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wmiwarehouse.output.table import Line

UNKNOWN_WIDTH = 200  # cells, where no terminal says how many: a pipe or a file


class OutputError(UsageError):
    """The rows cannot go where they were asked to go; nothing was written."""


def is_terminal(stream: IO[Any]) -> bool:
    """Return whether *stream* is a terminal that understands more than plain text."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def is_colourful(stream: IO[Any]) -> bool:
    """Return whether *stream* may get colours: a terminal, and NO_COLOR is not set."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def width(stream: IO[Any]) -> int:
    """Return the width for *stream* in cells: COLUMNS, else the terminal's, else :data:`UNKNOWN_WIDTH`."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or UNKNOWN_WIDTH
    except (OSError, ValueError):
        return UNKNOWN_WIDTH


def write_text(stream: IO[Any], parts: Iterable[str]) -> None:
    """Write *parts* to *stream*, to a pipe always as UTF-8 with LF line ends, whatever the locale says."""
    binary = None if stream.isatty() else getattr(stream, "buffer", None)
    if binary is None:
        _spare_no_character(stream)
        stream.writelines(parts)
    else:
        stream.flush()
        binary.writelines(part.encode("utf-8", "backslashreplace") for part in parts)
    stream.flush()


def write_lines(stream: IO[Any], lines: Iterable[Line]) -> None:
    """Write drawn *lines* to *stream*, with their styles where it is a terminal."""
    if not is_colourful(stream):
        write_text(stream, (f"{''.join(text for text, _ in line)}\n" for line in lines))
        return
    from rich.console import Console
    from rich.text import Text

    _spare_no_character(stream)
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    for line in lines:
        console.print(Text.assemble(*line), soft_wrap=True)


def _spare_no_character(stream: IO[Any]) -> None:
    # A terminal with an old encoding shows what it cannot as \\u2026; without this the whole command would fail.
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


@contextmanager
def whole_file(path: Path, *, force: bool) -> Iterator[Path]:
    """Give a path beside *path* to write to, and move it there when all went well; on any failure nothing is left."""
    target = path.resolve()
    if target.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it: -o {path / 'rows.csv'}")
    if target.exists() and not target.is_file():
        raise OutputError(f"{path} is no regular file; without -o the rows go to stdout")
    if target.exists() and not force:
        raise OutputError(f"{path} exists; --force overwrites it")
    if not target.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist")
    aside = target.with_name(f".{target.name[:100]}.{os.urandom(4).hex()}.part")
    try:
        yield aside
        aside.replace(target)
    except OSError as error:
        raise WmiwhError(f"{path}: {error.strerror or error}; nothing was written", ExitCode.FAILED) from error
    finally:
        aside.unlink(missing_ok=True)


def close_broken_pipe(stream: IO[Any]) -> None:
    """Send what is left for *stream* nowhere: its reader has gone (``wmiwh ... | head``), which is no failure."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        return
