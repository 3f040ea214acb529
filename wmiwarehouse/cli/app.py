"""Puts the commands together; of their modules only those are imported that the command line asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from wmiwarehouse import __version__
from wmiwarehouse.cli.values import Command, spared
from wmiwarehouse.output import escape

#: Command -> where its function is, in the order of the help. To import them all and to build the options of each took
#: 0.05 s of every run.
COMMANDS = {
    "ingest": "ingest:ingest",
    "sources": "sources:sources",
    "hunt": "hunt:hunt",
    "stack": "stack:stack",
    "session": "session:session",
    "event": "event:event",
    "coverage": "coverage:coverage",
    "risk": "risk:risk",
    "tune": "tune:tune",
    "report": "report:report",
    "batch": "batch:batch",
    "runs": "runs:runs",
    "list": "library:list_analytics",
    "show": "library:show",
    "sql": "sql:sql",
    "shell": "shell:shell",
    "verify": "verify:verify",
    "compact": "compact:compact",
    "forget": "forget:forget",
    "demo": "demo:demo",
}


def function(name: str) -> Any:
    """Return the function of the command *name*."""
    module, _, attribute = COMMANDS[name].partition(":")
    return getattr(import_module(f"wmiwarehouse.cli.{module}"), attribute)


class _Commands(Mapping[str, Any]):
    """The commands by name, each made when it is looked at first."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
            alone.command(name, cls=Command)(function(name))
            self._made[name] = get_command(alone)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(TyperGroup):
    """Repeats in its errors what was typed as text only: it may be the name of a file that a shell put there."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands()  # type: ignore[assignment]  # none is ever added to it

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def get_params(self, ctx: Any) -> list[Any]:
        return spared(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _harmless_errors():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with _harmless_errors():
            return super().invoke(ctx)


@contextmanager
def _harmless_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(message := getattr(error, "message", None), str):
            error.message = escape.visible(message)  # type: ignore[attr-defined]
        raise


app = typer.Typer(
    name="wmiwh",
    cls=_Group,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start: wmiwh demo DIR, or: wmiwh ingest PATH... -w DIR; then: wmiwh hunt -w DIR",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wmiwh {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hunt lateral movement with WMI (ATT&CK T1047) in Windows event logs, offline."""
