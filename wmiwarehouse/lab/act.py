"""One act: what somebody does with WMI, from where to where, and by which way over the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from wmiwarehouse.lab.staging import REMOTE_CREATE, Trait, Verdict
from wmiwarehouse.lab.world import SYSTEM32, Account

WMIC = f"{SYSTEM32}\\wbem\\WMIC.exe"
POWERSHELL = f"{SYSTEM32}\\WindowsPowerShell\\v1.0\\powershell.exe"
CMD = f"{SYSTEM32}\\cmd.exe"
WHOAMI = "cmd.exe /c whoami > C:\\Windows\\Temp\\o.txt"
WHOAMI_CHILD = (CMD, WHOAMI)
_RENAMED = "C:\\Users\\Public\\svc.exe"


class Route(Enum):
    """By which addresses an act goes, and what the target's 4624 says of them."""

    IPV4 = "IPv4 on both ends"
    UNIQUE_LOCAL = "IPv6 addresses of the site"
    LINK_LOCAL = "IPv6 addresses of the wire; the 4624 has a zone"
    MAPPED = "IPv4, which the 4624 writes as IPv6"
    NO_ADDRESS = "IPv4, of which the 4624 has nothing"


@dataclass(frozen=True, slots=True)
class Script:
    """What PowerShell logs of a line: the cmdlet with its parameters; ``remote`` is a WMI method on another host."""

    cmdlet: str = ""
    bindings: Mapping[str, str] = field(default_factory=dict)
    remote: bool = True

    @property
    def payload(self) -> str:
        """The text of a 4103; nothing where no cmdlet is run."""
        if not self.cmdlet:
            return ""
        bound = "".join(
            f'ParameterBinding({self.cmdlet}): name="{name}"; value="{value}"\r\n'
            for name, value in self.bindings.items()
        )
        return f'CommandInvocation({self.cmdlet}): "{self.cmdlet}"\r\n{bound}'


@dataclass(frozen=True, slots=True)
class Act:
    """One thing somebody does with WMI.

    ``hour`` counts from the scenario's start. ``child`` is the (image, command line) that WmiPrvSE starts on each
    target. ``as_user`` are explicit credentials; ``wrapper`` is the (image, command line) of a process around the
    tool, and ``wrapper_traits`` are that process's own. ``original`` is the OriginalFileName of a renamed copy, and
    ``address`` the source's where it has no logs. A child that is ``local`` was started by the machine itself.

    ``logon_id`` is one that the target gave out before, ``lingers`` a session that is not logged off, ``late`` the
    (image, command line) of a process that bears the session's id after its logoff, and ``unlogged`` a session whose
    logon is no longer in the logs. ``subscribes`` is a permanent subscription (name, program) that is made and fires.
    A ``disguised`` command line has to be cleaned before target and command can be read from it.
    """

    hour: float
    source: str | None
    targets: tuple[str, ...]
    command_line: str
    child: tuple[str, str] | None = None
    vehicle: str = "wmic"
    image: str = WMIC
    traits: Trait = REMOTE_CREATE
    verdict: Verdict = Verdict.ATTACK
    as_user: Account | None = None
    wrapper: tuple[str, str] | None = None
    wrapper_traits: Trait = Trait.NONE
    original: str | None = None
    address: str = ""
    grandchildren: tuple[tuple[str, str], ...] = ()
    script: Script | None = None
    child_traits: Trait = Trait.NONE
    route: Route = Route.IPV4
    local: bool = False
    logon_id: int | None = None
    lingers: bool = False
    late: tuple[str, str] | None = None
    unlogged: bool = False
    subscribes: tuple[str, str] | None = None
    disguised: bool = False

    @property
    def output(self) -> tuple[str, str, str]:
        """Share, its folder, and the file in it into which a redirected child writes."""
        share, file = self.child[1].split("127.0.0.1\\")[1].split()[0].split("\\") if self.child else ("ADMIN$", "")
        return f"\\\\*\\{share}", "\\??\\C:\\Windows" if share == "ADMIN$" else "\\??\\C:\\", file

    @property
    def by_winrm(self) -> bool:
        """Whether it goes over WinRM and not over DCOM."""
        return self.vehicle == "winrm"

    @property
    def command_seen(self) -> bool:
        """Whether the source's logs can show a wmic with its target and the command that is to run there."""
        calls = bool((Trait.METHOD | Trait.WORDS) & self.traits) and bool((Trait.WMIC | Trait.RENAMED) & self.traits)
        return calls and self.child is not None and not self.disguised


def query(hour: float, source: str, command_line: str, *targets: str) -> Act:
    """An administrator's question: wmic's image, but nothing is created remotely."""
    return Act(hour, source, targets, command_line, traits=Trait.WMIC | Trait.WINDOWS, verdict=Verdict.BENIGN)


def renamed(hour: float, source: str, target: str, command: str, original: str = "wmic.exe") -> Act:
    """A copy of wmic under another name; a packer may have removed its version resource."""
    traits = Trait.BLANKS | Trait.WORDS | Trait.METHOD
    return Act(
        hour, source, (target,), f"{_RENAMED} /node:{target} process call create '{command}'", (CMD, command),
        vehicle="renamed wmic", image=_RENAMED, original=original,
        traits=traits | Trait.RENAMED if original == "wmic.exe" else traits,
    )  # fmt: skip
