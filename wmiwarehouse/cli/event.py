"""``wmiwh event``: one event whole, where it came from, and what it stands in."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wmiwarehouse.cli import options
from wmiwarehouse.errors import ExitCode
from wmiwarehouse.output import console

if TYPE_CHECKING:
    from wmiwarehouse.hunting.event import Event

#: Told with the source and not among the event's own columns.
_PROVENANCE = ("source_id", "source_file", "source_record", "format", "batch_id", "ingested_at")
#: Helpers of queries, not facts about the event.
_KEYS = ("source_ip_key", "destination_ip_key")


@options.command
def event(
    uid: Annotated[str, typer.Argument(metavar="UID", help="An event_uid, or its first 6 or more digits.")],
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """Show an event whole: every value, the file and record it came from, and the analytics it stands in.

    \b
    Examples:
      wmiwh event 61bb3bffd5f3085665b1 -w case42
      wmiwh event 61bb3bff
      wmiwh event 61bb3bff -f json

    Exit: 0 done, 2 no event or more than one begins like that, 3 no warehouse or no data.
    """
    library = options.load_library()
    from wmiwarehouse.hunting.event import AmbiguousError, find
    from wmiwarehouse.hunting.hunt import open_hunt
    from wmiwarehouse.output.formats import Format

    with open_hunt(warehouse, library) as hunting:
        try:
            with console.progress("Searching the analytics", len(library.ids)) as progress:
                found = find(hunting, library, uid, progress.update)
        except AmbiguousError as error:
            for one in error.candidates:
                time = f"{one['event_time']:%Y-%m-%dT%H:%M:%SZ}" if one["event_time"] else "no time"
                console.note(f"{one['event_uid']}  {time}  {one['host']}  {one['channel']} {one['event_id']}")
            raise
    if output is None and fmt in (None, Format.TABLE):
        _show(found)
    else:
        _emit(found, fmt, output, force)
    _tell(found, options.with_warehouse(warehouse))
    return ExitCode.DONE


def _show(found: Event) -> None:
    """Print everything one below the other, nothing cut: this is where the whole text is looked for."""
    from wmiwarehouse.output import measure, streams

    room = streams.width(sys.stdout)
    sections = {
        "event": _facts(found),
        "event data": _data(found.columns["event_data"]),
        "source": _provenance(found),
        "problems of this source": [(one["position"] or "", one["reason"]) for one in found.problems],
        "stands in": [(one.id, one.metadata.title) for one in found.analytics],
    }
    lines = []
    for title, facts in sections.items():
        if not facts:
            continue
        label = min(max(measure.width(name) for name, _ in facts), 42) + 2
        lines.append(f"── {title} " + "─" * max(min(room, 80) - len(title) - 4, 0))
        for name, value in facts:
            parts = [part for line in _text(value) for part in measure.wrap(line, max(room - label, 20))]
            lines.append(measure.pad(name, label - 2) + "  " + parts[0])
            lines += [" " * label + part for part in parts[1:]]
    streams.write_text(sys.stdout, (f"{line.rstrip()}\n" for line in lines))


def _text(value: Any) -> list[str]:
    """Return *value* in lines that a terminal may have; those that were logged stay lines."""
    from wmiwarehouse.output import cells, escape

    text = cells.exact(cells.plain(value))
    return [escape.visible(line) for line in text.replace("\r\n", "\n").split("\n")]


def _facts(found: Event) -> list[tuple[str, Any]]:
    apart = [*_PROVENANCE, *_KEYS, "event_data"]
    # Without an address there is nothing that a scope could be said of.
    apart += [f"{side}_scope" for side in ("source", "destination") if not found.columns[f"{side}_ip"]]
    return [(name, value) for name, value in found.columns.items() if name not in apart and value not in (None, "", [])]


def _data(text: str | None) -> list[tuple[str, Any]]:
    """Return the event's own fields as logged, empty ones too; what is no JSON object stays one text."""
    from wmiwarehouse.output import cells, escape

    try:
        data = json.loads(text or "")
        if isinstance(data, dict):
            return [(escape.visible(name), cells.exact(cells.plain(value))) for name, value in _flat(data)]
    except (ValueError, RecursionError):  # nested so deep only to break whoever reads it
        pass
    return [("", text)] if text else []


def _flat(data: dict[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in data.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", "" if value is None else value


def _provenance(found: Event) -> list[tuple[str, Any]]:
    columns, source = found.columns, found.source
    facts = [
        ("file", columns["source_file"]),
        ("record", f"{columns['source_record']:,} of {source['records']:,}" if source else columns["source_record"]),
        ("format", columns["format"]),
        ("sha-256 of the file", source.get("file_sha256")),
        ("sha-256 of the log", columns["source_id"] if columns["source_id"] != source.get("file_sha256") else None),
        ("status", " ".join(filter(None, (source.get("status"), source.get("reason")))) or None),
        ("batch", columns["batch_id"]),
        ("ingested at", columns["ingested_at"]),
        ("copy of", found.original),
        *(("the same in", file) for file in found.twins),
    ]
    return [(name, value) for name, value in facts if value is not None]


def _emit(found: Event, fmt: Any, output: Any, force: bool) -> None:
    """Write one row: the event's columns as stored, its source's SHA-256 and problems, and the analytics' ids."""
    import pyarrow as pa

    from wmiwarehouse.output.formats import emit

    row = {name: value for name, value in found.columns.items() if value not in (None, "", [])}
    row["file_sha256"] = found.source.get("file_sha256")
    row["copy_of"] = found.original
    row = {name: value for name, value in row.items() if value is not None}
    problems = pa.array(
        [found.problems],
        pa.list_(pa.struct([("position", pa.string()), ("reason", pa.string()), ("lost", pa.int64())])),
    )
    table = pa.Table.from_pylist([row]).append_column("source_problems", problems)
    analytics = pa.array([[one.id for one in found.analytics]], pa.list_(pa.string()))
    emit(table.append_column("analytics", analytics), fmt=fmt, output=output, force=force)


def _tell(found: Event, where: str) -> None:
    columns = found.columns
    if columns["is_duplicate"]:
        console.note("this record is a copy of another; analytics count the other one")
    elif not found.analytics:
        console.note("stands in no analytic that names its events; stacks and counts name none")
    steps = [f"wmiwh show {found.analytics[0].id}"] if found.analytics else []
    if columns["logon_id"] and columns["host"]:
        steps.insert(0, f"wmiwh session {shlex.quote(columns['host'])} {columns['logon_id']}{where}")
    if steps:
        console.note(f"next: {' · '.join(steps)}")
