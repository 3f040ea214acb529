"""What belongs together in the lab's logs: sessions, ties, commands, credentials and edges, noted as they are played.

An entry is opened by whoever plays it, and events name the entries that they stand in; which records those are is
known only when the events are written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One record: host (see ``world.host_label``), channel, event id, record id."""

    host: str
    channel: str
    event_id: int
    record_id: int


class Evidence(NamedTuple):
    """A record and its part in something, such as ``tool``, ``logon`` or ``child``."""

    role: str
    row: Row


# Section -> roles of which each must have been written; what a reboot kept from being written is no entry.
SECTIONS: dict[str, tuple[str, ...]] = {
    "sessions": ("logon", "process"),
    "edges": (),
    "ties": ("connection", "logon"),
    "commands": ("source", "child"),
    "credentials": ("credentials", "logon"),
}


@dataclass(eq=False, slots=True)
class Entry:
    """One fact and its records. ``until`` (ticks) is the last moment at which a process can belong to a session."""

    section: str
    about: dict[str, Any]
    records: list[Evidence] = field(default_factory=list)
    until: int | None = None

    def add(self, role: str, row: Row, ticks: int) -> None:
        """Note a record, unless it is a process of a session that was over."""
        if role != "process" or self.until is None or ticks <= self.until:
            self.records.append(Evidence(role, row))


class Ledger:
    """All entries of one run, in the order in which they were opened."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = {section: [] for section in SECTIONS}

    def open(self, section: str, **about: Any) -> Entry:
        """Begin an entry."""
        entry = Entry(section, about)
        self._entries[section].append(entry)
        return entry

    def complete(self, section: str) -> list[Entry]:
        """The entries of a section that have all the records that make one."""
        return [
            entry
            for entry in self._entries[section]
            if set(SECTIONS[section]) <= {evidence.role for evidence in entry.records}
        ]
