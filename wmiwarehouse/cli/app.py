"""Puts the commands together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from wmiwarehouse import __version__
from wmiwarehouse.cli import (
    batch,
    compact,
    coverage,
    demo,
    event,
    forget,
    hunt,
    ingest,
    library,
    report,
    risk,
    runs,
    session,
    shell,
    sources,
    sql,
    stack,
    tune,
    verify,
)
from wmiwarehouse.output import escape


class _Group(TyperGroup):
    """Repeats in its errors what was typed as text only: it may be the name of a file that a shell put there."""

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


app.command("ingest")(ingest.ingest)
app.command("sources")(sources.sources)
app.command("hunt")(hunt.hunt)
app.command("stack")(stack.stack)
app.command("session")(session.session)
app.command("event")(event.event)
app.command("coverage")(coverage.coverage)
app.command("risk")(risk.risk)
app.command("tune")(tune.tune)
app.command("report")(report.report)
app.command("batch")(batch.batch)
app.command("runs")(runs.runs)
app.command("list")(library.list_analytics)
app.command("show")(library.show)
app.command("sql")(sql.sql)
app.command("shell")(shell.shell)
app.command("verify")(verify.verify)
app.command("compact")(compact.compact)
app.command("forget")(forget.forget)
app.command("demo")(demo.demo)
