"""The lab's domain: its hosts, accounts and programs. Facts only; what happens there is told elsewhere.

``ACME`` is one Active Directory domain with three workstations, a file server, a domain controller, a management
server and an old application server, each with the logging that such machines are found with.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

DOMAIN = "ACME"
DNS_DOMAIN = "acme.example"
DOMAIN_SID = "S-1-5-21-3067221914-1749805623-2241006877"
START = dt.datetime(2024, 5, 6, tzinfo=dt.UTC)  # a Monday
SYSTEM32 = "C:\\Windows\\System32"
NULL_SID = "S-1-0-0"


@dataclass(frozen=True, slots=True)
class Account:
    """A security principal, named the way Sysmon and the SAM name it."""

    name: str
    domain: str
    sid: str

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


@dataclass(slots=True)
class Process:
    """A process of one host; its GUID is Sysmon's."""

    pid: int
    guid: bytes
    image: str
    command_line: str
    session: Session


SYSTEM = Account("SYSTEM", "NT AUTHORITY", "S-1-5-18")
LOCAL_SERVICE = Account("LOCAL SERVICE", "NT AUTHORITY", "S-1-5-19")
NETWORK_SERVICE = Account("NETWORK SERVICE", "NT AUTHORITY", "S-1-5-20")
SERVICE_LOGON_IDS = {SYSTEM: 0x3E7, LOCAL_SERVICE: 0x3E5, NETWORK_SERVICE: 0x3E4}


def _user(name: str, rid: int) -> Account:
    return Account(name, DOMAIN, f"{DOMAIN_SID}-{rid}")


ALICE = _user("alice", 1104)
BOB = _user("bob", 1105)
CAROL = _user("carol", 1106)
DORA = _user("adm-dora", 1110)
BACKUP = _user("svc-backup", 1120)
ACCOUNTS = (ALICE, BOB, CAROL, DORA, BACKUP)


class Sysmon(Enum):
    """What a host's Sysmon logs, if it has one."""

    NONE = "none"
    OLD = "without OriginalFileName"
    CURRENT = "current"


class HostSpec(NamedTuple):
    """One host and its logging: the versions are those of its 4688 and 4624."""

    name: str
    address: str
    owner: Account
    sysmon: Sysmon = Sysmon.CURRENT
    process_version: int = 2
    command_line: bool = True
    logon_version: int = 2

    @property
    def fqdn(self) -> str:
        """The name in ``Computer``."""
        return f"{self.name}.{DNS_DOMAIN}"

    @property
    def account(self) -> Account:
        """The machine account."""
        return Account(f"{self.name}$", DOMAIN, f"{DOMAIN_SID}-{2000 + int(self.address.rsplit('.', 1)[1])}")


HOSTS = (
    HostSpec("WS01", "10.20.0.11", ALICE),
    HostSpec("WS02", "10.20.0.12", BOB, Sysmon.OLD, command_line=False),
    HostSpec("WS03", "10.20.0.13", CAROL, Sysmon.NONE, process_version=1, logon_version=1),
    HostSpec("FS01", "10.20.0.21", DORA),
    HostSpec("DC01", "10.20.0.5", DORA),
    HostSpec("CM01", "10.20.0.30", DORA, Sysmon.NONE),
    HostSpec("APP01", "10.20.0.40", BACKUP, Sysmon.NONE, process_version=0, command_line=False, logon_version=0),
)
BY_NAME = {host.name: host for host in HOSTS}


class Program(NamedTuple):
    """What Sysmon reads from an executable's version resource."""

    version: str
    description: str
    product: str
    company: str
    original: str


_WINDOWS = "Microsoft® Windows® Operating System"
_MICROSOFT = "Microsoft Corporation"
_BUILD = "10.0.19041.1 (WinBuild.160101.0800)"


def _windows(description: str, original: str) -> Program:
    return Program(_BUILD, description, _WINDOWS, _MICROSOFT, original)


_UNKNOWN = Program("-", "-", "-", "-", "-")
_PROGRAMS = {
    "wmic.exe": _windows("WMI Commandline Utility", "wmic.exe"),
    "wmiprvse.exe": _windows("WMI Provider Host", "Wmiprvse.exe"),
    "cmd.exe": _windows("Windows Command Processor", "Cmd.Exe"),
    "powershell.exe": _windows("Windows PowerShell", "PowerShell.EXE"),
    "svchost.exe": _windows("Host Process for Windows Services", "svchost.exe"),
    "services.exe": _windows("Services and Controller app", "services.exe"),
    "lsass.exe": _windows("Local Security Authority Process", "lsass.exe"),
    "explorer.exe": _windows("Windows Explorer", "EXPLORER.EXE"),
    "whoami.exe": _windows("whoami - displays logged on user information", "whoami.exe"),
    "calc.exe": _windows("Windows Calculator", "CALC.EXE"),
    "notepad.exe": _windows("Notepad", "NOTEPAD.EXE"),
    "ipconfig.exe": _windows("IP Configuration Utility", "ipconfig.exe"),
    "gpupdate.exe": _windows("Microsoft® Group Policy Update Utility", "GPUpdate.exe"),
    "taskhostw.exe": _windows("Host Process for Windows Tasks", "taskhostw.exe"),
    "rundll32.exe": _windows("Windows host process (Rundll32)", "RUNDLL32.EXE"),
    "conhost.exe": _windows("Console Window Host", "CONHOST.EXE"),
    "backgroundtaskhost.exe": _windows("Background Task Host", "backgroundTaskHost.exe"),
    "runtimebroker.exe": _windows("Runtime Broker", "RuntimeBroker.exe"),
    "dllhost.exe": _windows("COM Surrogate", "dllhost.exe"),
    "searchprotocolhost.exe": _windows("Microsoft Windows Search Protocol Host", "SearchProtocolHost.exe"),
    "ccmexec.exe": Program(
        "5.00.9106.1000", "Host Process for Microsoft Configuration Manager", "Configuration Manager", _MICROSOFT,
        "CcmExec.exe",
    ),
    "chrome.exe": Program("124.0.6367.119", "Google Chrome", "Google Chrome", "Google LLC", "chrome.exe"),
    "outlook.exe": Program("16.0.17531.20140", "Microsoft Outlook", "Microsoft Outlook", _MICROSOFT, "Outlook.exe"),
    "winword.exe": Program("16.0.17531.20140", "Microsoft Word", "Microsoft Office", _MICROSOFT, "WinWord.exe"),
}  # fmt: skip


@lru_cache(maxsize=1024)
def program(image: str) -> Program:
    """Version information of the program at a path."""
    return _PROGRAMS.get(image.rsplit("\\", 1)[-1].lower(), _UNKNOWN)


@lru_cache(maxsize=1024)
def hashes(image: str) -> str:
    """The hashes that Sysmon logs for a path: made up, but always the same."""
    digest = hashlib.sha512(image.lower().encode()).hexdigest().upper()
    return f"SHA1={digest[:40]},MD5={digest[40:72]},SHA256={digest[64:]},IMPHASH={digest[8:40]}"
