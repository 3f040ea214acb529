"""The lab's domain: its hosts and accounts. Facts only; what happens there is told elsewhere.

``ACME`` is one Active Directory domain with three workstations, a file server, a domain controller, a management
server and an old application server, each with the logging that such machines are found with. Around it stands what
real networks have and textbooks do not: a branch office behind one address, a second DNS domain with a host of the
same short name, Windows in other languages, and a clock that is wrong.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from wmiwarehouse.lab.ledger import Entry

DOMAIN = "ACME"
DNS_DOMAIN = "acme.example"
DOMAIN_SID = "S-1-5-21-3067221914-1749805623-2241006877"
LAB_SID = "S-1-5-21-1190257402-3391185040-702416558"
START = dt.datetime(2024, 5, 6, tzinfo=dt.UTC)  # a Monday
SYSTEM32 = "C:\\Windows\\System32"
NULL_SID = "S-1-0-0"


class Kind(Enum):
    """Whose an account is."""

    DOMAIN = "a person's or a service's in a domain"
    MACHINE = "a computer's"
    LOCAL = "of one computer"
    SERVICE = "Windows' own"


@dataclass(frozen=True, slots=True)
class Account:
    """A security principal, named the way Sysmon and the SAM name it."""

    name: str
    domain: str
    sid: str
    kind: Kind = Kind.DOMAIN

    @property
    def user(self) -> str:
        """``DOMAIN\\name``."""
        return f"{self.domain}\\{self.name}"


@dataclass(frozen=True, slots=True)
class Session:
    """A logon session of one host."""

    account: Account
    logon_id: int
    logon_guid: bytes
    entry: Entry | None = None


@dataclass(slots=True)
class Process:
    """A process of one host; its GUID is Sysmon's."""

    pid: int
    guid: bytes
    image: str
    command_line: str
    session: Session


class Names(NamedTuple):
    """What Windows calls its own accounts in one language."""

    authority: str = "NT AUTHORITY"
    system: str = "SYSTEM"
    local_service: str = "LOCAL SERVICE"
    network_service: str = "NETWORK SERVICE"
    administrator: str = "Administrator"

    def service(self, sid: str) -> Account:
        """One of the three service accounts by its SID."""
        names = {"S-1-5-18": self.system, "S-1-5-19": self.local_service, "S-1-5-20": self.network_service}
        return Account(names[sid], self.authority, sid, Kind.SERVICE)


ENGLISH = Names()
GERMAN = Names("NT-AUTORITÄT", "SYSTEM", "Lokaler Dienst", "Netzwerkdienst", "Administrator")
FRENCH = Names("AUTORITE NT", "Système", "SERVICE LOCAL", "SERVICE RÉSEAU", "Administrateur")
SYSTEM, LOCAL_SERVICE, NETWORK_SERVICE = (ENGLISH.service(f"S-1-5-{number}") for number in (18, 19, 20))
SERVICE_LOGON_IDS = {"S-1-5-18": 0x3E7, "S-1-5-19": 0x3E5, "S-1-5-20": 0x3E4}


def _user(name: str, rid: int, domain: str = DOMAIN, domain_sid: str = DOMAIN_SID) -> Account:
    return Account(name, domain, f"{domain_sid}-{rid}")


ALICE = _user("alice", 1104)
BOB = _user("bob", 1105)
CAROL = _user("carol", 1106)
ERIN = _user("erin", 1107)
FRED = _user("fred", 1108)
GRETA = _user("greta", 1109)
DORA = _user("adm-dora", 1110)
HUGO = _user("hugo", 1111)
BACKUP = _user("svc-backup", 1120)
LAB_ALICE = _user("alice", 1104, "LAB", LAB_SID)
IVAN = _user("ivan", 1105, "LAB", LAB_SID)
ACCOUNTS = (ALICE, BOB, CAROL, DORA, BACKUP, ERIN, FRED, GRETA, HUGO, LAB_ALICE, IVAN)


class Sysmon(Enum):
    """What a host's Sysmon logs, if it has one."""

    NONE = "none"
    OLD = "without OriginalFileName"
    CURRENT = "current"


class HostSpec(NamedTuple):
    """One host and its logging: the versions are those of its 4688 and 4624.

    ``seen_from`` is the address that the rest of the world sees of a host behind a router that translates addresses,
    and ``skew`` by how many milliseconds its clock is ahead.
    """

    name: str
    address: str
    owner: Account
    sysmon: Sysmon = Sysmon.CURRENT
    process_version: int = 2
    command_line: bool = True
    logon_version: int = 2
    dns_domain: str = DNS_DOMAIN
    domain: str = DOMAIN
    names: Names = ENGLISH
    seen_from: str = ""
    skew: int = 0

    @property
    def fqdn(self) -> str:
        """The name in ``Computer``."""
        return f"{self.name}.{self.dns_domain}"

    @property
    def key(self) -> str:
        """The name in the scenario: one of two hosts of one short name is called by its DNS domain too."""
        return self.name if self.dns_domain == DNS_DOMAIN else f"{self.name}.{self.dns_domain.partition('.')[0]}"

    @property
    def outside(self) -> str:
        """The address that others see."""
        return self.seen_from or self.address

    @property
    def unique_local(self) -> str:
        """The IPv6 address of the site, as short as it can be written."""
        _, site, _, number = self.address.split(".")
        return f"fd00:{site}::{int(number):x}"

    @property
    def link_local(self) -> str:
        """The IPv6 address of the wire, without its zone."""
        _, site, _, number = self.address.split(".")
        return f"fe80::{site}:{int(number):x}"

    @property
    def account(self) -> Account:
        """The machine account."""
        third, fourth = (int(part) for part in self.address.split(".")[2:])
        sid = DOMAIN_SID if self.domain == DOMAIN else LAB_SID
        return Account(f"{self.name}$", self.domain, f"{sid}-{2000 + 256 * third + fourth}", Kind.MACHINE)

    @property
    def administrator(self) -> Account:
        """The built-in local account."""
        sid = f"S-1-5-21-{1000000 + int(self.address.rsplit('.', 1)[1])}-2718281828-314159265-500"
        return Account(self.names.administrator, self.name, sid, Kind.LOCAL)


HOSTS = (
    HostSpec("WS01", "10.20.0.11", ALICE),
    HostSpec("WS02", "10.20.0.12", BOB, Sysmon.OLD, command_line=False),
    HostSpec("WS03", "10.20.0.13", CAROL, Sysmon.NONE, process_version=1, logon_version=1),
    HostSpec("FS01", "10.20.0.21", DORA),
    HostSpec("DC01", "10.20.0.5", DORA),
    HostSpec("CM01", "10.20.0.30", DORA, Sysmon.NONE),
    HostSpec("APP01", "10.20.0.40", BACKUP, Sysmon.NONE, process_version=0, command_line=False, logon_version=0),
    HostSpec("WS04", "10.20.0.14", GRETA, names=GERMAN),
    HostSpec("WS05", "10.20.0.15", HUGO, names=FRENCH),
    HostSpec("PRT01", "10.20.0.50", BACKUP, skew=9000),
    HostSpec("APP02", "10.20.0.42", DORA),
    HostSpec("APP02", "10.30.0.42", IVAN, dns_domain=f"lab.{DNS_DOMAIN}", domain="LAB"),
    HostSpec("BR01", "192.168.7.11", ERIN, seen_from="10.20.8.1"),
    HostSpec("BR02", "192.168.7.12", FRED, seen_from="10.20.8.1"),
)
UNSEEN_HOSTS = {"NAS07": "10.20.0.77"}  # nobody collects logs from them
BY_KEY = {host.key: host for host in HOSTS}
_SHARED = {name for name, count in Counter(host.name for host in HOSTS).items() if count > 1}


@lru_cache(maxsize=64)
def host_label(fqdn: str) -> str:
    """A host in the truth: its short name in lower case, the whole name where two hosts share the short one."""
    short = fqdn.partition(".")[0]
    return (fqdn if short in _SHARED else short).lower()


@lru_cache(maxsize=64)
def host_folder(fqdn: str) -> str:
    """The name of a host's folder or file."""
    short = fqdn.partition(".")[0]
    return fqdn if short in _SHARED else short
