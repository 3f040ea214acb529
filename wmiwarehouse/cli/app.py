"""Puts the commands together."""

from __future__ import annotations

from typing import Annotated

import typer

from wmiwarehouse import __version__
from wmiwarehouse.cli import coverage, demo, event, hunt, ingest, library, session, sources, stack

app = typer.Typer(
    name="wmiwh",
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


app.command("ingest")(ingest.ingest)
app.command("sources")(sources.sources)
app.command("hunt")(hunt.hunt)
app.command("stack")(stack.stack)
app.command("session")(session.session)
app.command("event")(event.event)
app.command("coverage")(coverage.coverage)
app.command("list")(library.list_analytics)
app.command("show")(library.show)
app.command("demo")(demo.demo)
