"""What is staged: the attacks, the administrators' look-alikes, and the near misses.

Every act names its traits by hand (see ``staging``), so that the truth does not depend on any matching of text.
"""

from __future__ import annotations

from wmiwarehouse.lab.act import CMD, POWERSHELL, WHOAMI, WHOAMI_CHILD, Act, Script, query, renamed
from wmiwarehouse.lab.staging import Trait, Verdict
from wmiwarehouse.lab.world import DORA, SYSTEM32

_WORDS = Trait.WMIC | Trait.WINDOWS | Trait.WORDS | Trait.METHOD
_IMAGE = Trait.WMIC | Trait.WINDOWS
_WRAPPER = Trait.BLANKS | Trait.WORDS | Trait.METHOD | Trait.WRAPS


def _inventory(hour: float, target: str) -> Act:
    """The management client runs a script through WMI, as it does all over the network."""
    return Act(hour, None, (target,), "", (CMD, _CCM), "sccm", verdict=Verdict.BENIGN, local=True)


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


_ENCODED = "powershell.exe -nop -w hidden -enc SQBFAFgAKABOAGUAdwAtAE8AYgBqAGUAYwB0ACkA"
_UPDATE = "C:\\Windows\\Temp\\upd.exe -s 10.20.0.11 -p 8443"
_NTDS = 'cmd.exe /c vssadmin create shadow /for=C: && ntdsutil "ac i ntds" q q'
_EXPLICIT = 'wmic.exe /node:"FS01" /user:"ACME\\adm-dora" /password:"Spring2024!" '
_NOT_WMIPRVSE = ("C:\\Tools\\notwmiprvse.exe", "notwmiprvse.exe -secured -Embedding")
_GPUPDATE = "gpupdate.exe /force"
_CCM = f'"{CMD}" /c C:\\Windows\\CCM\\SystemTemp\\inventory.cmd'
_WMIEXEC = "cmd.exe /Q /c {0} 1> \\\\127.0.0.1\\ADMIN$\\__1715068800.{1} 2>&1"


def _invoke(hour: float, source: str, target: str, command: str, child: tuple[str, str]) -> Act:
    """PowerShell's older cmdlet."""
    line = (
        f"Invoke-WmiMethod -ComputerName {target} -Namespace root\\cimv2 -Class Win32_Process -Name Create "
        f"-ArgumentList '{command}'"
    )
    bindings = {"ComputerName": target, "Class": "Win32_Process", "Name": "Create", "ArgumentList": command}
    return Act(
        hour, source, (target,), line, child, image=POWERSHELL, vehicle="powershell", traits=Trait.NONE,
        script=Script("Invoke-WmiMethod", bindings),
    )  # fmt: skip


ACTS: tuple[Act, ...] = (
    Act(9.5, "WS01", ("FS01",), f'wmic /node:FS01 process call create "{WHOAMI}"', WHOAMI_CHILD,
        grandchildren=((f"{SYSTEM32}\\whoami.exe", "whoami"),)),
    Act(9.8, "WS01", ("WS02", "WS03", "APP01"), f'wmic /node:WS02,WS03,APP01 process call create "{_ENCODED}"',
        (POWERSHELL, _ENCODED)),
    Act(10.2, "WS02", ("FS01",), _EXPLICIT + f'process call create "{_UPDATE}"',
        ("C:\\Windows\\Temp\\upd.exe", _UPDATE), as_user=DORA),
    renamed(10.6, "WS01", "DC01", _NTDS),
    renamed(10.9, "FS01", "CM01", WHOAMI),
    Act(11.2, "WS03", ("WS01",), "wmic /node:WS01 process call create calc.exe",
        (f"{SYSTEM32}\\calc.exe", "calc.exe"), vehicle="cmd",
        wrapper=(CMD, "cmd /c wmic /node:WS01 process call create calc.exe"),
        wrapper_traits=_WRAPPER),
    Act(11.5, "FS01", ("WS02",), f"wmic /node:'WS02' process call create \"{WHOAMI}\"", WHOAMI_CHILD,
        vehicle="cmd", wrapper=(CMD, f"cmd.exe /c wmic /node:'WS02' process call create \"{WHOAMI}\""),
        wrapper_traits=_WRAPPER),
    Act(12.1, "FS01", ("DC01",), f'wmic /node:DC01 path win32_process call create "{WHOAMI}"', WHOAMI_CHILD,
        traits=_WORDS),
    Act(12.4, "WS01", ("FS01",), 'wmic /node:FS01 /user:ACME\\adm-dora process  call  create "notepad.exe"',
        (f"{SYSTEM32}\\notepad.exe", "notepad.exe"), traits=_WORDS, as_user=DORA),
    Act(13.0, "FS01", ("WS03",), "C:\\Users\\Public\\wmic.exe /node:WS03 process call create notepad.exe",
        (f"{SYSTEM32}\\notepad.exe", "notepad.exe"), image="C:\\Users\\Public\\wmic.exe",
        vehicle="wmic from another folder", traits=Trait.WMIC | Trait.BLANKS | Trait.WORDS | Trait.METHOD),
    Act(13.4, "DC01", ("APP01",), f'WMIC /NODE:"APP01" PROCESS CALL CREATE "{WHOAMI}"', WHOAMI_CHILD,
        image="C:\\Windows\\SysWOW64\\wbem\\WMIC.exe"),
    renamed(13.9, "WS01", "WS03", WHOAMI, original="?"),
    renamed(14.1, "FS01", "APP01", WHOAMI, original="-"),
    _invoke(14.5, "WS01", "WS02", WHOAMI, WHOAMI_CHILD),
    _invoke(15.0, "CM01", "FS01", _UPDATE, ("C:\\Windows\\Temp\\upd.exe", _UPDATE)),
    Act(15.5, None, ("FS01",), "cd \\", (CMD, _WMIEXEC.format("cd \\", "12")), "wmiexec", as_user=DORA,
        address="10.20.0.99", child_traits=Trait.REDIRECTED),
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
    _other_tool(35.15, "FS01", "cmd.exe /c ver", CMD, Trait.ENDS_SECURED, _NOT_WMIPRVSE),
    _other_tool(35.18, "APP01", "cmd.exe /c ver", CMD, Trait.ENDS_SECURED, _NOT_WMIPRVSE),
    query(35.2, "WS01", "wmic os get caption"),
    query(35.3, "WS01", "wmic /node:FS01 os get caption", "FS01"),
    query(35.4, "FS01", "wmic /node:APP01 process list brief", "APP01"),
    query(35.5, "CM01", "wmic /node:FS01 qfe list", "FS01"),
    query(35.6, "WS02", "wmic /node:FS01 os get caption", "FS01"),
    query(35.7, "APP01", "wmic process call create notepad.exe"),
)  # fmt: skip
