"""What textbooks leave out: acts over other addresses, to other domains and languages, by other tools, and look-alikes.

All are staged on the second day; see ``acts`` for the first ones.
"""

from __future__ import annotations

from dataclasses import replace

from wmiwarehouse.lab.act import CMD, POWERSHELL, WHOAMI, WHOAMI_CHILD, WMIC, Act, Route, Script, query
from wmiwarehouse.lab.staging import REMOTE_CREATE, Trait, Verdict
from wmiwarehouse.lab.world import BY_KEY, DORA, LAB_ALICE, SYSTEM32, Account

REUSED = 0x5A17C3  # a logon id that is given out three times: on one host before and after a boot, and on its namesake
REBOOT_HOUR = 36.5
_IMAGE = Trait.WMIC | Trait.WINDOWS
_BROAD = _IMAGE | Trait.METHOD
_CALC = (f"{SYSTEM32}\\calc.exe", "calc.exe")
_IPCONFIG = (f"{SYSTEM32}\\ipconfig.exe", "ipconfig /all")
_BEACON = ("C:\\Windows\\Temp\\bc.exe", "C:\\Windows\\Temp\\bc.exe -i 60")
_CLEAN_UP = ("C:\\Windows\\System32\\cleanmgr.exe", "cleanmgr.exe /sagerun:1")
_OUTPUT = "cmd.exe /Q /c {0} 1> \\\\127.0.0.1\\{1}\\__1715155200.{2} 2>&1"


def _to(
    hour: float,
    source: str,
    target: str,
    child: tuple[str, str] = WHOAMI_CHILD,
    *,
    node: str = "",
    credentials: str = "",
    as_user: Account | None = None,
    route: Route = Route.IPV4,
    verdict: Verdict = Verdict.ATTACK,
    logon_id: int | None = None,
    lingers: bool = False,
    late: tuple[str, str] | None = None,
) -> Act:
    """The plain remote creation; what is special about it is where it goes, and how."""
    line = f'wmic /node:{node or target.partition(".")[0]} {credentials}process call create "{child[1]}"'
    return Act(
        hour, source, (target,), line, child, as_user=as_user, route=route, verdict=verdict, logon_id=logon_id,
        lingers=lingers, late=late,
    )  # fmt: skip


def _spelt(hour: float, source: str, target: str, line: str, wrapped: str = "") -> Act:
    """A remote creation that the documents' patterns miss; ``wrapped`` is the command line of a cmd.exe around it."""
    return Act(
        hour, source, (target,), line, _CALC, traits=_BROAD, wrapper=(CMD, wrapped) if wrapped else None,
        wrapper_traits=Trait.METHOD | Trait.WRAPS, vehicle="cmd" if wrapped else "wmic", disguised=bool(wrapped),
    )  # fmt: skip


def _script(hour: float, source: str, target: str, line: str, script: Script, child: tuple[str, str]) -> Act:
    return Act(
        hour, source, (target,), line, child, "powershell", POWERSHELL, Trait.NONE, script=script
    )  # fmt: skip


def _question(hour: float, source: str, line: str, script: Script, *targets: str) -> Act:
    """PowerShell that runs no method on another host."""
    return Act(hour, source, targets, line, None, "powershell", POWERSHELL, Trait.NONE, Verdict.BENIGN, script=script)


def _wmiexec(hour: float, target: str, command: str, share: str, number: int) -> Act:
    line = _OUTPUT.format(command, share, number)
    return Act(
        hour, None, (target,), command, (CMD, line), "wmiexec", as_user=DORA, address="10.20.0.99",
        child_traits=Trait.REDIRECTED,
    )  # fmt: skip


_SESSION = (
    "$s = New-CimSession -ComputerName FS01 -SessionOption (New-CimSessionOption -Protocol Dcom); Invoke-CimMethod "
    "-CimSession $s -ClassName Win32_Process -MethodName Create -Arguments @{{CommandLine='{0}'}}"
)
_SUBSCRIBE = (
    'wmic /node:FS01 /namespace:\\\\root\\subscription path CommandLineEventConsumer create Name="Telemetry",'
    f'CommandLineTemplate="{_BEACON[1]}"'
)
_INVOKE_LOCAL = "Invoke-WmiMethod -Class Win32_Process -Name Create -ArgumentList 'notepad.exe'"
_WS05 = BY_KEY["WS05"]

MORE_ACTS: tuple[Act, ...] = (
    # Addresses: a site's IPv6, the wire's, IPv4 written as IPv6, none at all, and many hosts behind one.
    _to(36.0, "WS01", "FS01", node='"[fd00:20::15]"', route=Route.UNIQUE_LOCAL),
    _to(36.1, "WS02", "FS01", _CALC, route=Route.LINK_LOCAL),
    _to(36.2, "WS02", "DC01", route=Route.MAPPED),
    _to(36.3, "WS01", "DC01", _CALC, route=Route.NO_ADDRESS),
    _to(37.0, "BR01", "FS01"),
    _to(37.1, "BR02", "DC01", _CALC),
    # One logon id on one host before and after a boot, and on the host of the same short name in the other domain.
    _to(36.4, "CM01", "APP02", logon_id=REUSED, lingers=True),
    _to(36.9, "CM01", "APP02", _CALC, logon_id=REUSED),
    Act(36.95, None, ("APP02.lab",), "", local=True, logon_id=REUSED, verdict=Verdict.BENIGN, vehicle="namesake",
        late=_IPCONFIG),
    _to(37.2, "FS01", "APP02.lab", node="app02.lab.acme.example"),
    # A process that bears its session's logon id after the logoff.
    _to(37.3, "WS01", "WS02", late=_IPCONFIG),
    # The clock of one host is nine seconds ahead.
    _to(37.4, "WS01", "PRT01"),
    _to(37.5, "PRT01", "FS01", _CALC),
    # Windows in German and French, and a local account.
    _to(37.6, "WS01", "WS04"),
    _to(37.7, "WS05", "FS01"),
    _to(37.8, "WS04", "WS05", credentials="/user:WS05\\Administrateur ", as_user=_WS05.administrator),
    # The same user name in another domain.
    _to(37.9, "WS01", "APP02.lab", _CALC, node="app02.lab.acme.example", credentials="/user:LAB\\alice ",
        as_user=LAB_ALICE),
    # Other spellings, other tools.
    _spelt(38.0, "WS01", "WS04", 'wmic -node:WS04 class win32_process call create "calc.exe"'),
    _spelt(38.1, "WS05", "WS01", "wmic  /no\"d\"e:WS01 process call create calc.exe",
           "cmd /c wm^ic  /no\"d\"e:WS01 pro^cess ca^ll cre^ate calc.exe"),
    _script(38.2, "WS01", "FS01", _SESSION.format(WHOAMI),
            Script("Invoke-CimMethod", {"CimSession": "CimSession: FS01", "ClassName": "Win32_Process",
                                        "MethodName": "Create"}), WHOAMI_CHILD),
    _script(38.3, "WS04", "FS01", '([wmiclass]"\\\\FS01\\root\\cimv2:Win32_Process").Create("calc.exe")', Script(),
            _CALC),
    Act(38.4, "WS01", ("FS01",), f"Invoke-Command -ComputerName FS01 -ScriptBlock {{ {_IPCONFIG[1]} }}", _IPCONFIG,
        "winrm", POWERSHELL, Trait.NONE, as_user=DORA,
        script=Script("Invoke-Command", {"ComputerName": "FS01"}, remote=False)),
    _wmiexec(38.5, "APP02", "whoami", "ADMIN$", 31),
    _wmiexec(38.55, "WS04", "net user", "C$", 47),
    Act(38.6, "WS01", ("FS01",), _SUBSCRIBE, traits=_IMAGE, subscribes=("Telemetry", _BEACON[1]), child=None),
    # A host that nobody collects logs from.
    Act(38.8, "WS01", ("NAS07",), f'wmic /node:NAS07 process call create "{WHOAMI}"', WHOAMI_CHILD),
    # What administrators do, and what only looks like coming from elsewhere.
    _to(39.0, "FS01", "CM01", _CLEAN_UP, verdict=Verdict.BENIGN),
    replace(query(39.05, "WS04", "wmic /node:CM01 /user:ACME\\adm-dora os get caption", "CM01"), as_user=DORA),
    replace(_script(39.08, "CM01", "WS01", "Invoke-CimMethod -ComputerName WS01 -ClassName Win32_Process -MethodName "
                    "Create -Arguments @{CommandLine='cleanmgr.exe /sagerun:1'}",
                    Script("Invoke-CimMethod", {"ComputerName": "WS01", "ClassName": "Win32_Process",
                                                "MethodName": "Create"}), _CLEAN_UP), verdict=Verdict.BENIGN),
    query(39.1, "DC01", "wmic /node:CM01 service list brief", "CM01"),
    Act(39.2, "FS01", ("FS01",), f'wmic /node:FS01 process call create "{_CLEAN_UP[1]}"', _CLEAN_UP,
        traits=REMOTE_CREATE & ~Trait.METHOD, verdict=Verdict.BENIGN),
    Act(39.3, None, ("WS04",), "", _CLEAN_UP, "unknown", as_user=DORA, unlogged=True, verdict=Verdict.BENIGN),
    Act(39.4, "WS05", ("WS05",), "wmic process call create calc.exe", _CALC, image=WMIC, traits=_IMAGE,
        verdict=Verdict.BENIGN),
    _question(39.5, "WS01", "Get-WmiObject -ComputerName FS01 -Class Win32_BIOS",
              Script("Get-WmiObject", {"ComputerName": "FS01", "Class": "Win32_BIOS"}, remote=False), "FS01"),
    _question(39.6, "FS01", _INVOKE_LOCAL,
              Script("Invoke-WmiMethod", {"Class": "Win32_Process", "Name": "Create"}, remote=False)),
)  # fmt: skip
