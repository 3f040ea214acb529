"""The one owner of stderr: notes, warnings, errors and progress. stdout belongs to data alone.

Every message is one plain line, whatever an attacker's file name or command line in it tries, so that logs of
schedulers stay readable and nothing on a terminal is rewritten.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.output import escape, streams

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAM = "wmiwh"


def note(message: str) -> None:
    """Print *message*: something worth knowing beside the data."""
    _print(message)


def warn(message: str) -> None:
    """Print *message* about something that went wrong without ending the command."""
    _print(f"{_PROGRAM}: warning: {message}")


def fail(error: WmiwhError | str) -> ExitCode:
    """Print *error* in one line and return the code to exit with."""
    _print(f"{_PROGRAM}: {error}")
    return error.code if isinstance(error, WmiwhError) else ExitCode.FAILED


def _print(message: str) -> None:
    try:
        streams.write_text(sys.stderr, [f"{escape.visible(message)}\n"])
    except (OSError, ValueError):  # nobody reads stderr any more: no reason to end the command
        return


class Progress(Protocol):
    """A running display of how far a command is."""

    def update(self, done: float, detail: str = "", *, total: float | None = None) -> None:
        """Show that *done* of the total is done, with *detail* behind the bar."""


class _Silent:
    def update(self, done: float, detail: str = "", *, total: float | None = None) -> None:
        """Show nothing: stderr is no terminal."""


@contextmanager
def progress(label: str, total: float | None = None) -> Iterator[Progress]:
    """Show a bar on stderr while the block runs, if stderr is a terminal, and take it away again.

    Without a *total* the bar only moves. Update it as often as you like: it is redrawn ten times a second.
    """
    if not streams.is_terminal(sys.stderr):
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress
    from rich.table import Column

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}", markup=False, table_column=Column(no_wrap=True)),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, no_color=not streams.is_colourful(sys.stderr), highlight=False)
    with RichProgress(*columns, console=console, transient=True, redirect_stdout=False) as bar:
        task = bar.add_task(escape.visible(label), total=total, detail="")

        class Bar:
            def update(self, done: float, detail: str = "", *, total: float | None = None) -> None:
                bar.update(task, completed=done, total=total, detail=escape.visible(detail))

        yield Bar()
