"""Which records are of one host: by the computer's short name, until that name or the settings say otherwise.

Two computers may share a short name and differ in their domain; taken for one host, their sessions, processes and
parents would run into each other. And one computer may have had several names. Both are settled where the catalog
builds ``lake_events``, so that every view may rely on the column ``host``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wmiwarehouse.lake.query import SETTINGS, rows, unreadable
from wmiwarehouse.lake.settings import Settings, canonical_address
from wmiwarehouse.lake.warehouse import Batch


def plain_name(computer: str) -> str:
    """Return *computer* as names are compared: lower case, without the dot of the DNS root; an address canonical."""
    name = computer.lower().rstrip(".")
    return canonical_address(name) or name


def short_name(name: str) -> str:
    """Return what the column ``host`` has for *name* by default: up to the first dot, an address uncut."""
    return name if ":" in name or re.fullmatch(r"[0-9.]+", name) else name.partition(".")[0]


@dataclass(frozen=True)
class Hosts:
    """The names of the computers in a lake and the hosts that they are."""

    #: Computer as logged to the value of ``host``: only those for which it may differ from the stored one.
    changed: Mapping[str, str] = field(default_factory=dict)
    #: Short name to the whole names of the computers that share it and are kept apart.
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    known: frozenset[str] = frozenset()
    #: The computers' names as they are compared.
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, batches: Iterable[Batch], settings: Settings, connection: Any = None) -> Hosts:
        """Work out the hosts of *batches*, asking *connection* or one of its own.

        Raises :class:`WmiwhError` where a list of hosts is damaged.
        """
        return cls.among(_computers(list(batches), connection), settings)

    @classmethod
    def among(cls, computers: Iterable[str], settings: Settings) -> Hosts:
        """Work out the hosts of *computers*, given as logged."""
        names = {computer: plain_name(computer) for computer in computers}
        owners = {name: settings.owner(name, short_name(name)) for name in set(names.values())}
        sharing: dict[str, set[str]] = defaultdict(set)
        for name, owner in owners.items():
            whole = owner or name
            if short_name(whole) not in ("", whole):
                sharing[short_name(whole)].add(whole)
        ambiguous = {short: tuple(sorted(wholes)) for short, wholes in sharing.items() if len(wholes) > 1}
        hosts = {name: _column(owners[name] or name, ambiguous) for name in owners}
        changed = {
            computer: hosts[name] for computer, name in names.items() if owners[name] or short_name(name) in ambiguous
        }
        return cls(changed, ambiguous, settings, frozenset(filter(None, hosts.values())), frozenset(hosts))

    @property
    def aliases(self) -> dict[str, str]:
        """The settings' aliases, each with its host's name as it stands in the column ``host``."""
        return {alias: _column(host, self.ambiguous) for alias, host in self.settings.aliases.items()}

    def column(self) -> str:
        """Return the SQL of the column ``host``: the stored column itself where nothing is to change."""
        computers: dict[str, list[str]] = defaultdict(list)
        for computer, host in self.changed.items():
            computers[host].append(computer)
        if not computers:
            return "host"
        whens = [
            f"when computer in ({', '.join(map(literal, sorted(names)))}) then {literal(host)}"
            for host, names in sorted(computers.items())
        ]
        return f"case {' '.join(whens)} else host end"

    def host_of(self, name: str) -> str:
        """Return the value of ``host`` that *name* (short, whole, an alias or an address) stands for."""
        plain = plain_name(name)
        short = short_name(plain)
        owner = self.settings.owner(plain, short)
        return plain if owner is None and short in self.ambiguous else _column(owner or plain, self.ambiguous)

    def named(self, name: str) -> tuple[str, ...]:
        """Return the values of ``host`` that *name*, short or whole, stands for; none if no record is of it."""
        host = self.host_of(name)
        return tuple(sorted({host, *self.ambiguous.get(host, ())} & self.known))

    def doubt(self, name: str) -> str | None:
        """Return what to say beside an answer about host *name* that has no records here, or is of another domain."""
        if not self.knows(name):
            return f"no record in this warehouse is of host {name}: of it there is only what other hosts' records say"
        plain = plain_name(name)
        short = short_name(plain)
        if plain in self.names | {short} or short in self.names or self.settings.owner(plain, short) is not None:
            return None
        wholes = ", ".join(sorted(one for one in self.names if short_name(one) == short)[:3])
        return f"no computer in this warehouse is called {name}: what follows is about {wholes}" if wholes else None

    def knows(self, name: str) -> bool:
        """Whether any record is of host *name*: zero hits on a misspelt name say nothing."""
        return bool(self.named(name))


def _column(name: str, ambiguous: Mapping[str, Sequence[str]]) -> str:
    short = short_name(name)
    return name if name in ambiguous.get(short, ()) else short


def _computers(batches: Sequence[Batch], connection: Any) -> set[str]:
    listed, unlisted = lists(batches)
    parts = [f"select computer from {parquet(files)}" for files in (listed, unlisted) if files]
    if not parts:
        return set()
    import duckdb

    query = f"select distinct computer from ({' union all '.join(parts)}) as named where computer <> ''"
    with nullcontext(connection) if connection is not None else duckdb.connect() as asked:
        try:
            asked.execute(SETTINGS)
            return {row["computer"] for row in rows(asked, query)}
        except duckdb.Error as error:
            raise unreadable(error) from None


def lists(batches: Iterable[Batch]) -> tuple[list[Path], list[Path]]:
    """Return the lists of hosts of *batches*, and the event files of those that have none.

    A batch of an older version has no list of its hosts: its events tell the same, only slower.
    """
    listed: list[Path] = []
    unlisted: list[Path] = []
    for batch in batches:
        if batch.table("hosts").is_file():
            listed.append(batch.table("hosts"))
        else:
            unlisted += batch.event_files
    return listed, unlisted


def parquet(files: Iterable[Path]) -> str:
    """Return the SQL that reads the Parquet *files*."""
    return f"read_parquet([{', '.join(literal(str(file)) for file in files)}])"


def literal(text: str) -> str:
    """Return *text* as an SQL literal; what no query text can hold is put together from pieces."""
    pieces = ["'" + piece.replace("'", "''") + "'" for piece in text.split("\0")]
    return pieces[0] if len(pieces) == 1 else "(" + " || chr(0) || ".join(pieces) + ")"
