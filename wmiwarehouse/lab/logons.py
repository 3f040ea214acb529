"""How accounts get onto a host and leave it, as its Security log and the domain controller's tell it."""

from __future__ import annotations

from typing import Any, NamedTuple

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab.ledger import Entry
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import MS, TICKS_PER_SECOND
from wmiwarehouse.lab.staging import Part, label
from wmiwarehouse.lab.world import (
    DNS_DOMAIN,
    DOMAIN,
    DOMAIN_SID,
    NULL_SID,
    SERVICE_LOGON_IDS,
    Account,
    Kind,
    Process,
    Session,
)

PRIVILEGES = "\r\n\t\t\t".join(
    ("SeSecurityPrivilege", "SeBackupPrivilege", "SeRestorePrivilege", "SeTakeOwnershipPrivilege", "SeDebugPrivilege",
     "SeSystemEnvironmentPrivilege", "SeLoadDriverPrivilege", "SeImpersonatePrivilege")
)  # fmt: skip
_LOGON = {0: ev.SECURITY_4624_V0, 1: ev.SECURITY_4624_V1, 2: ev.SECURITY_4624_V2}
LOOPBACK = "127.0.0.1"


class Source(NamedTuple):
    """Where a logon came from: an address as it is logged, and the port."""

    address: str
    port: int


def logon(
    machine: Machine,
    at: int,
    account: Account,
    logon_type: int,
    *,
    source: Source | None = None,
    workstation: str = "-",
    special: bool = False,
    part: Part | None = None,
    logon_id: int | None = None,
    entry: Entry | None = None,
    links: tuple[tuple[Entry, str], ...] = (),
) -> Session:
    """Log an account on: 4624, with a 4672 where the session has special privileges.

    ``entry`` is the session's in the ledger; ``logon_id`` makes Windows give out one that it gave out before.
    """
    if logon_id is None:
        logon_id = SERVICE_LOGON_IDS.get(account.sid) or machine.ids.logon_id()
    session = Session(account, logon_id, machine.logon_guid(at, logon_id), entry)
    network = logon_type == 3
    kerberos = network or logon_type == 4
    package = "Kerberos" if kerberos else "Negotiate"
    process = (0, "-") if network else (machine.services.pid, machine.services.image)
    values: tuple[Any, ...] = (
        *((NULL_SID, "-", "-", 0) if network else machine.subject(machine.system)),
        account.sid, account.name, account.domain, logon_id, logon_type,
        package if kerberos else "User32 " if logon_type != 5 else "Advapi  ", package, workstation,
        machine.ids.guid() if kerberos else bytes(16), "-", "-", 0, *process,
        source.address if source else "-", str(source.port) if source else "-",
    )  # fmt: skip
    version = machine.spec.logon_version
    if version >= 1:
        values = (*values, "%%1833")
    if version == 2:
        values = (*values, "-", "-", "-", "%%1843", 0, "%%1842" if special else "%%1843")
    of_domain = account.kind is Kind.DOMAIN
    tags = label("playbook_dst_4624_user", part, hit=of_domain)
    tags += label("playbook_dst_4624_address", part, hit=source is not None and source.address != LOOPBACK)
    if entry is not None:
        links = (*links, (entry, "logon"))
    machine.emit(_LOGON[version], at, values, pid=machine.lsass.pid, tags=tags, part=part, links=links)
    if special:
        machine.emit(
            ev.SECURITY_4672, at + MS, (account.sid, account.name, account.domain, logon_id, PRIVILEGES),
            pid=machine.lsass.pid, tags=label("playbook_dst_4672_user", part, hit=of_domain),
            part=Part(part.act, "privileges", part.verdict) if part else None,
        )  # fmt: skip
    return session


def logoff(machine: Machine, at: int, session: Session, logon_type: int) -> None:
    """End a session: 4634, after a 4647 where a user did it at the keyboard."""
    who = (session.account.sid, session.account.name, session.account.domain, session.logon_id)
    if logon_type in (2, 10, 11):
        machine.emit(ev.SECURITY_4647, at, who, pid=machine.lsass.pid)
    machine.emit(ev.SECURITY_4634, at + MS, (*who, logon_type), pid=machine.lsass.pid)
    if session.entry is not None:
        session.entry.until = at + MS + machine.skew


def sign_in(machine: Machine, at: int) -> None:
    """The owner logs on at the keyboard and gets a desktop."""
    name = machine.spec.name
    session = logon(machine, at, machine.spec.owner, 2, source=Source(LOOPBACK, 0), workstation=name)
    image = "C:\\Windows\\explorer.exe"
    machine.explorer = machine.start(at + TICKS_PER_SECOND, image, f"{image} /NOUACCHECK", machine.services, session)
    machine.user = session


def sign_out(machine: Machine, at: int) -> None:
    """The owner leaves."""
    machine.end(machine.explorer, at)
    logoff(machine, at + TICKS_PER_SECOND, machine.user, 2)
    machine.explorer, machine.user = machine.schedule, machine.system


def explicit_credentials(
    machine: Machine,
    at: int,
    process: Process,
    session: Session,
    account: Account,
    server: tuple[str, str],
    *,
    over_rpc: bool = False,
    part: Part | None = None,
    links: tuple[tuple[Entry, str], ...] = (),
) -> None:
    """A process uses another account's credentials: 4648, with the target server and its additional information."""
    subject = machine.subject(session)
    tags = label("playbook_src_4648_explicit_credentials", part, hit=subject[1].lower() != account.name.lower())
    tags += label("explicit_credentials_rpcss", part, hit=over_rpc)
    machine.emit(
        ev.SECURITY_4648, at,
        (*subject, session.logon_guid if part else bytes(16), account.name, account.domain, machine.ids.guid(),
         *server, process.pid, process.image, "-", "-"),
        pid=machine.lsass.pid, tags=tags, part=part, links=links,
    )  # fmt: skip


def ticket(controller: Machine, at: int, account: Account, client: Source, service: str, *, initial: bool) -> None:
    """A service ticket (4769) on the domain controller, after its ticket-granting ticket (4768) where there is none."""
    address = client.address if ":" in client.address else f"::ffff:{client.address}"
    seen = (address, str(client.port))
    if initial:
        controller.emit(
            ev.SECURITY_4768, at,
            (account.name, DOMAIN, account.sid, "krbtgt", f"{DOMAIN_SID}-502", 0x40810010, 0, 0x12, "2", *seen, "", "",
             ""),
            pid=controller.lsass.pid,
        )  # fmt: skip
    realm = DNS_DOMAIN.upper()
    controller.emit(
        ev.SECURITY_4769, at + 3 * MS,
        (f"{account.name}@{realm}", realm, service, f"{DOMAIN_SID}-2005", 0x40810000, 0x12, *seen, 0,
         controller.ids.guid(), "-"),
        pid=controller.lsass.pid,
    )  # fmt: skip
