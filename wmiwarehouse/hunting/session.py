"""One logon id of one host: the sessions that had it, what ran in them, and every event that names it.

An id is given out again after a boot, so one id may stand for several sessions; each is told apart by its own 4624.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting.hunt import Hunt
from wmiwarehouse.lake.query import fetch

if TYPE_CHECKING:
    import pyarrow as pa

_EVENTS = "report_logon_id_events"
_LARGEST = (1 << 64) - 1
#: Ids of the system's own accounts: the same on every host, from boot to boot.
_SYSTEM = {0: "nobody", 0x3E3: "IUSR", 0x3E4: "NETWORK SERVICE", 0x3E5: "LOCAL SERVICE", 0x3E7: "SYSTEM"}
_SYSTEM_FIRST, _SYSTEM_LAST = 0x3E2, 0x3E7

_SESSIONS = """
    select
        start_time, end_time, host, logon_id, event_uid, end_source, logon_type, user_name, user_domain, user_sid,
        user_class, source_ip, source_scope, source_port, workstation, is_self
    from logon_session
    where host in $hosts and logon_id = $logon_id
    order by start_time, host, event_uid"""
_PROCESSES = """
    select
        event_time, host, event_uid, session_uid, process_name, process_id, process_path, command_line,
        parent_process_name, parent_process_id, parent_command_line, join_key, channel, event_id, record_id
    from session_process
    where host in $hosts and logon_id = $logon_id
    order by event_time, host, event_uid"""


@dataclass(frozen=True)
class Session:
    """Everything that is known of one logon id on one host."""

    hosts: tuple[str, ...]
    """More than one where computers share the short name that was asked for."""
    logon_id: str
    sessions: pa.Table
    processes: pa.Table
    events: pa.Table

    @property
    def system(self) -> str | None:
        """Whose id it is if it belongs to the system itself and is never a session."""
        number = int(self.logon_id, 16)
        return _SYSTEM.get(number, "the system" if _SYSTEM_FIRST <= number <= _SYSTEM_LAST else None)


def logon_id_of(text: str) -> str:
    """Return *text* (``0x1A2B``, zero-padded or not, or decimal) as the column ``logon_id`` has it."""
    plain = text.strip().lower()
    if re.fullmatch(r"0x0*[0-9a-f]{1,16}", plain):
        return f"{int(plain, 16):#x}"
    if re.fullmatch(r"[0-9]{1,20}", plain) and int(plain) <= _LARGEST:
        return f"{int(plain):#x}"
    raise UsageError(f"{text}: no logon id; it is a number of at most 64 bits, as 0x1a2b or in decimal")


def find(hunting: Hunt, library: Library, host: str, logon_id: str) -> Session:
    """Look *logon_id* up on *host*, short or whole; raises :class:`UsageError` if no record is of that host."""
    wanted = logon_id_of(logon_id)
    hosts = hunting.hosts.named(host)
    if not hosts:
        near = difflib.get_close_matches(host.lower(), sorted(hunting.hosts.known), n=3)
        hint = f"; nearest: {', '.join(near)}" if near else f"; there are records of {len(hunting.hosts.known):,} hosts"
        raise UsageError(f"no record in this warehouse is of host {host}{hint}")
    analytic = library.get(_EVENTS)
    connection = hunting.connection(analytic, models=("logon_session", "session_process"))
    values = {"hosts": list(hosts), "logon_id": wanted}

    def read(query: str) -> Any:
        return fetch(connection, query, values)

    order = ", ".join(analytic.metadata.order_by)
    events = read(f"select * from hunt.{analytic.view} where host in $hosts and logon_id = $logon_id order by {order}")
    return Session(hosts, wanted, read(_SESSIONS), read(_PROCESSES), events)
