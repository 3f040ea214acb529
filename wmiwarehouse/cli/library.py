"""``wmiwh list`` and ``wmiwh show``: the analytics themselves; both work without a warehouse."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from wmiwarehouse.cli import options
from wmiwarehouse.errors import ExitCode
from wmiwarehouse.output.formats import Format


@options.command
def list_analytics(
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """List every analytic.

    \b
    Examples:
      wmiwh list
      wmiwh list -f json
    """
    library = options.load_library()
    import pyarrow as pa

    from wmiwarehouse.hunting.selection import select
    from wmiwarehouse.output.formats import emit

    found = select(library, [])
    table = pa.table(
        {
            "severity": [item.metadata.severity for item in found],
            "id": [item.id for item in found],
            "version": pa.array([item.version for item in found], pa.int64()),
            "kind": [item.metadata.kind for item in found],
            "side": [item.metadata.side for item in found],
            "title": [item.metadata.title for item in found],
            "implements": [", ".join(dict.fromkeys(i.document for i in item.metadata.implements)) for item in found],
        }
    )
    emit(table, fmt=fmt, output=output, force=force)
    return ExitCode.DONE


@options.command
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="An analytic, or one version of it: ID_v1.")],
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
    sql: Annotated[bool, typer.Option("--sql", help="Only the SQL.")] = False,
) -> ExitCode:
    """Show all that is known of an analytic: what it finds and why, its documents, what to do about a hit, its SQL.

    \b
    Examples:
      wmiwh show xql_wmic_remote_exec
      wmiwh show car_2016_03_002 --sql > view.sql       to read, or to change and run in a database of your own
    """
    library = options.load_library()
    import pyarrow as pa

    from wmiwarehouse.content.metadata import plain
    from wmiwarehouse.hunting.selection import select
    from wmiwarehouse.output.formats import emit

    (analytic,) = select(library, [name])
    if sql:
        typer.echo(analytic.sql.rstrip())
        return ExitCode.DONE
    facts = plain(analytic.metadata, sparse=True) | {"sql": analytic.sql}
    facts = {key: value for key, value in facts.items() if value not in ([], "")}
    if output is None and fmt in (None, Format.TABLE):
        typer.echo("\n".join(_text(facts)))
    elif fmt is Format.JSON or (fmt is None and output is not None and output.suffix.lower() == ".json"):
        emit(pa.Table.from_pylist([facts]), fmt=fmt, output=output, force=force)
    else:
        import json

        values = [
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in facts.values()
        ]
        emit(pa.table({"field": list(facts), "value": values}), fmt=fmt, output=output, force=force)
    return ExitCode.DONE


def _text(facts: dict[str, Any]) -> list[str]:
    """Lay the facts out for reading: name and value, lists as items, the SQL last."""
    import shutil
    import textwrap

    width = max(60, min(shutil.get_terminal_size((100, 24)).columns, 110))
    lines = [f"{facts['id']}  version {facts['version']}", facts["title"], ""]
    for name, value in facts.items():
        if name in ("id", "version", "title", "sql"):
            continue
        items = [_item(item) for item in value] if isinstance(value, list) else [_item(value)]
        joined = ", ".join(items)
        label = f"{name.replace('_', ' '):22}"
        if len(items) > 1 and max(map(len, items)) > 40:
            lines.append(label.rstrip())
            lines += [
                line
                for item in items
                for line in textwrap.wrap(
                    item, width, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
                )
            ]
        else:
            lines += textwrap.wrap(
                joined, width, initial_indent=label, subsequent_indent=" " * 22, break_on_hyphens=False
            )
    return [*lines, "", facts["sql"].rstrip()]


def _item(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_item(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_item, value))
    return str(value)
