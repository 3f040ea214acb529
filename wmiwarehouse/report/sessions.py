"""The processes that ran in the sessions of a lateral movement: what was done after the first command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wmiwarehouse.lake.query import rows
from wmiwarehouse.report import records
from wmiwarehouse.report.model import Process

#: A session of a management server starts thousands.
MOST = 50
_LONGEST = 1000
#: Sysmon 1 and Security 4688 write one start within this time.
_TWINS = 2.0

_QUERY = f"""
    with mine as (
        select distinct
            session_number.number, process.event_time, process.host, process.event_uid, process.logon_id,
            process.process_name, process.process_id, process.command_line, process.parent_process_name
        from session_process as process
        inner join session_number on process.session_uid = session_number.session_uid
    ),
    placed as (
        select
            *,
            row_number() over (partition by number order by event_time, event_uid) as place,
            count(*) over (partition by number) as records
        from mine
    )
    select * from placed where place <= {2 * MOST} order by number, place"""


@dataclass
class Ran:
    """What ran in the sessions of one movement."""

    processes: list[Process] = field(default_factory=list)
    logon_ids: set[str] = field(default_factory=set)
    more: int = 0
    """Records of processes that are not listed."""


def look_up(
    connection: Any, moves: Sequence[Mapping[str, Any]], uids: Callable[[Mapping[str, Any]], list[str]]
) -> list[Ran]:
    """Return for each of *moves* what ran in the sessions whose logons are among its evidence."""
    import pyarrow as pa

    found = [Ran() for _ in moves]
    pairs = sorted({(number, uid) for number, row in enumerate(moves) for uid in uids(row)})
    if not pairs:
        return found
    numbers, ids = zip(*pairs, strict=True)
    connection.register(
        "session_number", pa.table({"number": pa.array(numbers, pa.int64()), "session_uid": pa.array(ids, pa.string())})
    )
    try:
        for row in rows(connection, _QUERY):
            _add(found[row["number"]], row)
    finally:
        connection.unregister("session_number")
    return found


def _add(ran: Ran, row: Mapping[str, Any]) -> None:
    ran.logon_ids.add(row["logon_id"])
    process = Process(
        time=row["event_time"],
        host=records.host_name(row["host"]) or "",
        process_name=row["process_name"] or "",
        process_id=row["process_id"],
        command_line=records.cut(row["command_line"] or "", _LONGEST),
        parent_process_name=row["parent_process_name"] or "",
    )
    for number, other in enumerate(ran.processes):
        if _are_twins(process, other):
            ran.processes[number] = _merged(other, process)
            break
    else:
        ran.processes.append(process)
    if row["place"] == row["records"] or row["place"] == 2 * MOST:
        # Of one second the finer clock of the two logs says what came first.
        ran.processes.sort(key=lambda one: (one.time is not None, one.time))
        ran.more = row["records"] - row["place"] + max(len(ran.processes) - MOST, 0)
        del ran.processes[MOST:]


def _merged(one: Process, other: Process) -> Process:
    """Return the start that two logs wrote, at the finer time and with the command line that one of them may lack."""
    finer = other if other.time and other.time.microsecond and not (one.time and one.time.microsecond) else one
    return finer.model_copy(update={"command_line": one.command_line or other.command_line})


def _are_twins(one: Process, other: Process) -> bool:
    return (
        one.process_id is not None
        and (one.process_id, one.host, one.process_name) == (other.process_id, other.host, other.process_name)
        and one.time is not None
        and other.time is not None
        and abs((one.time - other.time).total_seconds()) <= _TWINS
    )
