"""The flags that commands share, so that they are spelled and explained the same everywhere."""

from __future__ import annotations

import functools
import inspect
import os
import shlex
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from wmiwarehouse.cli import interrupts
from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.output import console
from wmiwarehouse.output.formats import Format

_P = ParamSpec("_P")


class Severity(StrEnum):
    """The values of ``--fail-on`` and ``--min-severity``, the gravest last."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


WarehouseOption = Annotated[
    Path,
    typer.Option(
        "--warehouse",
        "-w",
        envvar="WMIWH_WAREHOUSE",
        metavar="DIR",
        help="Folder of the warehouse.",
        readable=False,  # one that is closed is a failure with a cause, not a mistake on the command line
    ),
]
DEFAULT_WAREHOUSE = Path("warehouse")

FormatOption = Annotated[
    Format | None, typer.Option("--format", "-f", help="How rows are written.", show_default="table")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write rows to FILE; its suffix says how.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite FILE if it is there.")]
SinceOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="From this UTC time on; 7d is from the newest event, -70m@m or -1d@d from now."),
]
UntilOption = Annotated[str | None, typer.Option(metavar="TIME", help="Before this UTC time, which is not included.")]
HostOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only this host, short or with its domain; of a movement either end.")
]
UserOption = Annotated[
    str | None, typer.Option(metavar="NAME", help=r"Only this user, as NAME, DOMAIN\NAME or NAME@DOMAIN.")
]
FailOnOption = Annotated[
    Severity | None, typer.Option(help="Exit with 4 if a detection or chain of this severity or above has hits.")
]
LogFileOption = Annotated[
    Path | None, typer.Option("--log-file", metavar="FILE", help="Append what happens, in numbers, as JSON lines.")
]
StatsOption = Annotated[bool, typer.Option("--stats", help="End with one JSON line of numbers on stderr.")]


def command(function: Callable[_P, ExitCode | None]) -> Callable[_P, None]:
    """Turn what *function* returns or raises into the process's exit code and one line on stderr."""

    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            code = function(*args, **kwargs) or ExitCode.DONE
        except WmiwhError as error:
            code = console.fail(error)
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
            console.fail("interrupted")
        except RuntimeError as error:
            if str(error) != "Query interrupted":  # DuckDB's word for Ctrl-C while a query runs
                raise
            code = ExitCode.INTERRUPTED
            console.fail("interrupted")
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read stdout is gone; nothing more to say
            code = ExitCode.DONE
        except OSError as error:
            code = console.fail(
                WmiwhError(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
            )
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the flush at the end
        raise typer.Exit(code)

    return run


def logged(function: Callable[_P, ExitCode | None]) -> Callable[..., None]:
    """Make a :func:`command` of *function*, with ``--log-file`` and ``--stats`` added to its options."""
    inner = command(function)

    @functools.wraps(function)
    def run(*args: Any, log_file: Path | None = None, stats: bool = False, **kwargs: Any) -> None:
        from wmiwarehouse.cli import operator_log

        with operator_log.running(function.__name__, log_file, stats=stats):
            inner(*args, **kwargs)

    added = {"log_file": (LogFileOption, None), "stats": (StatsOption, False)}
    signature = inspect.signature(function, eval_str=True)
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=option)
        for name, (option, default) in added.items()
    ]
    signature = signature.replace(parameters=[*signature.parameters.values(), *named])
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return run


def verdict(gravest: str | None, fail_on: Severity | None) -> ExitCode:
    """Return how a command ends whose *gravest* hits are of this severity, None without any."""
    grave = list(Severity)
    if fail_on and gravest and grave.index(Severity(gravest)) >= grave.index(fail_on):
        return ExitCode.HITS
    return ExitCode.DONE


def with_warehouse(warehouse: Path) -> str:
    """Return `` -w DIR`` for the commands that messages suggest; nothing where DIR is the default."""
    return f" -w {shlex.quote(str(warehouse))}" if warehouse != DEFAULT_WAREHOUSE else ""


def load_library() -> Any:
    """Return the content library; a broken file of it is the user's own and named as such (exit 2).

    Best called before other imports, which load the same models unguarded: of a Ctrl-C that comes while pydantic builds
    or checks its models only a value is left that does not fit.
    """
    with interrupts.noted() as look:
        from wmiwarehouse.content.library import Library
        from wmiwarehouse.content.metadata import ContentError

        try:
            library = Library.load()
        except ContentError as error:
            raise WmiwhError(str(error), ExitCode.USAGE) from None
        look()
    return library
