"""Connections, as either end logs them."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any, NamedTuple

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab.ledger import Entry
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import MS
from wmiwarehouse.lab.staging import Part, label
from wmiwarehouse.lab.world import NETWORK_SERVICE, NULL_SID, Process, Sysmon

ENDPOINT_MAPPER = 135


class Ends(NamedTuple):
    """Both ends of a connection as one host sees them: (address, port) of who opened it, and of the other."""

    source: tuple[str, int]
    destination: tuple[str, int]


@lru_cache(maxsize=4096)
def _sysmon_address(address: str) -> str:
    """Sysmon abbreviates no IPv6 address, but it writes no leading zeros either."""
    if ":" not in address:
        return address
    return ":".join(f"{int(group, 16):x}" for group in ipaddress.IPv6Address(address).exploded.split(":"))


def connection(
    machine: Machine,
    at: int,
    process: Process,
    ends: Ends,
    *,
    initiated: bool = True,
    part: Part | None = None,
    links: tuple[tuple[Entry, str], ...] = (),
) -> None:
    """A TCP connection as this host sees it: Sysmon 3, or 5156 where there is no Sysmon.

    Both name as source who opened it, on either end.
    """
    source, destination = ends
    if machine.spec.sysmon is not Sysmon.NONE:
        values: tuple[Any, ...] = (
            "-", machine.text(at), process.guid, process.pid, process.image, process.session.account.user,
            "tcp", initiated, ":" in source[0], _sysmon_address(source[0]), "-", source[1], "-", ":" in destination[0],
            _sysmon_address(destination[0]), "-", destination[1], "-",
        )  # fmt: skip
        service = process.session.account == NETWORK_SERVICE and process is machine.rpcss
        tags = label("playbook_src_sysmon3_dcom_135", part, hit=destination[1] == ENDPOINT_MAPPER)
        tags += label("report_wmi_network_connection", part, hit=service)
        machine.sysmon(ev.SYSMON_3, at + 40 * MS, values, tags=tags, part=part, links=links)
        return
    device = "\\device\\harddiskvolume2" + process.image[2:].lower()
    direction, layer, run_time = ("%%14593", "%%14611", 48) if initiated else ("%%14592", "%%14610", 44)
    values = (
        process.pid, device, direction, source[0], str(source[1]), destination[0], str(destination[1]), 6, 69424, layer,
        run_time, NULL_SID, NULL_SID,
    )  # fmt: skip
    machine.emit(ev.SECURITY_5156, at, values, part=part, links=links)
