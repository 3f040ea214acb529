"""``wmiwh session``: one logon session from its logon to its end, and everything that names its id."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wmiwarehouse.cli import options
from wmiwarehouse.errors import ExitCode
from wmiwarehouse.output import console, ends
from wmiwarehouse.output.cells import log_name

if TYPE_CHECKING:
    from wmiwarehouse.hunting.session import Session

_ENDS = {
    "4634": "logoff (4634)",
    "4647": "user logged off (4647); no 4634 follows",
    "boot": "the host was started anew",
    "reuse": "the next logon that got this id",
}
#: So much of an event's id leads to it: wmiwh event takes a beginning.
_UID = 10
#: The first of these that an event has says most about it.
_DETAILS = (
    *("command_line", "relative_target_name", "share_name", "object_name", "target_server", "process_name"),
    "source_ip",
)
#: So many cells have room for process ids and the log beside a command line.
_ROOMY = 110


@options.command
def session(
    host: Annotated[str, typer.Argument(metavar="HOST", help="The host, short or with its domain.")],
    logon_id: Annotated[str, typer.Argument(metavar="LOGON_ID", help="As logged (0x3a91f, any case) or in decimal.")],
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """Show a logon session: who, from where, until when, what ran in it, and every event that names its id.

    \b
    Examples:
      wmiwh session ws02 0x33946d -w case42
      wmiwh session WS02.corp.example 3380333 -w case42
      wmiwh session ws02 0x33946d -f json      # only the events

    An id that was given out again stands for several sessions; each is shown. Other formats than a table hold the
    events alone, oldest first.

    Exit: 0 done, 2 unknown host or no logon id, 3 no warehouse or no data.
    """
    library = options.load_library()
    from wmiwarehouse.hunting.hunt import open_hunt
    from wmiwarehouse.hunting.session import find
    from wmiwarehouse.output.formats import Format, emit

    with open_hunt(warehouse, library) as hunting:
        found = find(hunting, library, host, logon_id)
    if len(found.hosts) > 1:
        console.note(f"{host} is several computers: {', '.join(found.hosts)}; give the whole name for one of them")
    if output is None and fmt in (None, Format.TABLE):
        _show(found)
    else:
        emit(found.events, fmt=fmt, output=output, force=force)
    _tell(found, options.with_warehouse(warehouse))
    return ExitCode.DONE


def _show(found: Session) -> None:
    """Print what was found one below the other: sessions, processes, events."""
    import pyarrow as pa

    from wmiwarehouse.output.formats import emit
    from wmiwarehouse.output.streams import width

    sessions = found.sessions.to_pylist()
    processes = found.processes.to_pylist()
    several = len(found.hosts) > 1
    roomy = width(sys.stdout) >= _ROOMY
    parts: list[tuple[str, list[dict[str, Any]]]] = [
        ("session", [_session(one, processes) for one in sessions]),
        ("record of a new process in it", [_process(one, several=several, roomy=roomy) for one in processes]),
        (f"event that names {found.logon_id}", [_event(one, several=several) for one in found.events.to_pylist()]),
    ]
    for number, (title, rows) in enumerate(part for part in parts if part[1]):
        noun, _, rest = title.partition(" ")
        rest = rest.replace("names", "name").replace("a new process", "new processes") if len(rows) > 1 else rest
        typer.echo(("\n" if number else "") + f"{len(rows):,} {noun}{'s' if len(rows) > 1 else ''} {rest}".rstrip())
        emit(pa.Table.from_pylist(rows))


def _session(one: dict[str, Any], processes: list[dict[str, Any]]) -> dict[str, Any]:
    start, end = one["start_time"], one["end_time"]
    kind, name = one["logon_type"], one["workstation"]
    address = ends.end(one["source_ip"], one["source_port"])
    return {
        "host": one["host"],
        "start": _time(start),
        "end": _time(end),
        "end known by": _ENDS.get(one["end_source"] or "", one["end_source"]) or "not in the logs",
        "duration": _duration(end - start) if start and end else "",
        "user": ends.account(one["user_name"], one["user_domain"]),
        "logon type": f"{kind} {ends.LOGON_TYPES.get(kind, '')}".rstrip() if kind is not None else "",
        "source": " ".join(filter(None, (address, f"({name})" if name not in (None, "", "-") else ""))),
        "process records": sum(process["session_uid"] == one["event_uid"] for process in processes),
        "4624": one["event_uid"][:_UID],
    }


def _process(one: dict[str, Any], *, several: bool, roomy: bool) -> dict[str, Any]:
    return {
        "event_time": one["event_time"],
        **({"host": one["host"]} if several else {}),
        **({"pid": one["process_id"]} if roomy else {}),
        "parent": one["parent_process_name"],
        "ran": one["command_line"] or one["process_path"],
        **({"log": log_name(one["channel"], one["event_id"])} if roomy else {}),
        "event": one["event_uid"][:_UID],
    }


def _event(one: dict[str, Any], *, several: bool) -> dict[str, Any]:
    return {
        "event_time": one["event_time"],
        **({"host": one["host"]} if several else {}),
        "log": log_name(one["channel"], one["event_id"]),
        "detail": next((one[name] for name in _DETAILS if one.get(name) not in (None, "", "-")), ""),
        "event": one["event_uid"][:_UID],
    }


def _time(time: datetime | None) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z" if time else ""


def _duration(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 60:
        return f"{seconds:.3f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")]
    first = next(i for i, (value, _) in enumerate(parts) if value)
    return " ".join(f"{value} {unit}" for value, unit in parts[first : first + 2])


def _tell(found: Session, where: str) -> None:
    from wmiwarehouse.hunting.coverage import CAUTION

    hosts = " and ".join(found.hosts)
    if found.system:
        console.note(f"{found.logon_id} is the same on every host ({found.system}) and never a session")
    elif not found.events.num_rows:
        console.note(
            f"no event of {hosts} names {found.logon_id}: looked at LogonId, SubjectLogonId and TargetLogonId of all "
            f"its records. {CAUTION}"
        )
    elif not found.sessions.num_rows:
        console.note(f"no 4624 of {hosts} has {found.logon_id}: how this session began is not in the logs")
    if found.events.num_rows:
        telling = found.processes if found.processes.num_rows else found.events
        uid = telling.column("event_uid")[0].as_py()[:_UID]
        again = f"wmiwh session {shlex.quote(found.hosts[0])} {found.logon_id}{where}"
        console.note(f"next: wmiwh event {uid}{where} · {again} -o events.csv")
