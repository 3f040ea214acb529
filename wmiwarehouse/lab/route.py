"""The addresses of an act: the same connection in the words of its source, its target, and the target's 4624."""

from __future__ import annotations

from typing import NamedTuple

from wmiwarehouse.lab.act import Route
from wmiwarehouse.lab.logons import Source
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.traffic import Ends
from wmiwarehouse.lab.world import HostSpec


class Way(NamedTuple):
    """How one target is reached: the addresses on both hosts, and what a logon from there shows."""

    route: Route
    source: HostSpec
    here: str
    there: str

    @property
    def translated(self) -> bool:
        """Whether a router on the way puts its own address and port in the source's place."""
        return bool(self.source.seen_from) and self.route is Route.IPV4

    @property
    def seen(self) -> str:
        """The source's address on the target's wire."""
        return self.source.outside if self.translated else self.here

    @property
    def ties(self) -> bool:
        """Whether the target's 4624 names the very address and port that the source logged."""
        return self.route is not Route.NO_ADDRESS and not self.translated

    def ends(self, port: int, remote_port: int) -> Ends:
        """The connection as the source sees it."""
        return Ends((self.here, port), (self.there, remote_port))

    def ends_there(self, port: int, remote_port: int) -> Ends:
        """The connection as the target sees it."""
        return Ends((self.seen, port), (self.there, remote_port))

    def logged(self, port: int) -> Source | None:
        """What the 4624 has."""
        match self.route:
            case Route.NO_ADDRESS:
                return None
            case Route.LINK_LOCAL:
                return Source(f"{self.seen}%12", port)
            case Route.MAPPED:
                return Source(f"::ffff:{self.seen}", port)
            case _:
                return Source(self.seen, port)


def way(route: Route, source: Machine, target: HostSpec) -> Way:
    """The way from a host to another."""
    spec = source.spec
    if route is Route.UNIQUE_LOCAL:
        return Way(route, spec, spec.unique_local, target.unique_local)
    if route is Route.LINK_LOCAL:
        return Way(route, spec, spec.link_local, target.link_local)
    return Way(route, spec, spec.address, target.address)
