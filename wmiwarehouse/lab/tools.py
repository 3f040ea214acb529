"""The source's side of an act: the tool that somebody starts there, and what it leaves before it reaches out."""

from __future__ import annotations

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab.act import POWERSHELL, Act
from wmiwarehouse.lab.ledger import Entry
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import MS, TICKS_PER_SECOND
from wmiwarehouse.lab.providers import module
from wmiwarehouse.lab.scripting import powershell
from wmiwarehouse.lab.staging import Part, Staged, Trait, label
from wmiwarehouse.lab.world import Process


def start_tool(number: int, act: Act, source: Machine, at: int, commands: list[Entry]) -> Process:
    """Start the tool, in its wrapper if it has one; ``commands`` are the remote commands that it bears."""
    parent = source.explorer
    if act.wrapper is not None:
        staged = Staged(number, act.verdict, act.wrapper_traits, "wrapper")
        parent = source.start(at - 60 * MS, *act.wrapper, parent, source.user, staged=staged)
        source.end(parent, at + 20 * TICKS_PER_SECOND)
    command_line = f'"{POWERSHELL}" -nop' if act.script else act.command_line
    tool = source.start(
        at, act.image, command_line, parent, source.user, original=act.original,
        staged=Staged(number, act.verdict, act.traits, "tool"), folder=f"C:\\Users\\{source.spec.owner.name}\\",
        links=tuple((entry, "source") for entry in commands),
    )  # fmt: skip
    module(source, at + 15 * MS, tool, "wbem\\wbemprox.dll")
    if act.script:
        part = Part(number, "script", act.verdict)
        powershell(
            source, at + 90 * MS, tool, act.command_line, act.script.payload, part=part, remote=act.script.remote
        )
    else:
        _start_up_traces(number, act, source, tool, at)
    return tool


def _start_up_traces(number: int, act: Act, source: Machine, tool: Process, at: int) -> None:
    """The keys that wmic opens when it loads the sockets library: 4674 and Sysmon 12."""
    session = tool.session
    who = (session.account.sid, session.account.name, session.account.domain, session.logon_id)
    wmic = Trait.WMIC in act.traits
    part = Part(number, "winsock2_key", act.verdict)
    source.emit(
        ev.SECURITY_4674, at + 40 * MS,
        (*who, "Security", "Key", "\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\services\\WinSock2\\Parameters",
         0x1B8, "%%1538\r\n\t\t\t\t%%4432\r\n\t\t\t\t", "SeTakeOwnershipPrivilege", tool.pid, tool.image),
        tags=label("playbook_src_4674_winsock2", part, hit=wmic), part=part,
    )  # fmt: skip
    part = Part(number, "tcpip_key", act.verdict)
    source.sysmon(
        ev.SYSMON_12, at + 41 * MS,
        ("-", "CreateKey", source.text(at), tool.guid, tool.pid, tool.image,
         "HKLM\\System\\CurrentControlSet\\Services\\Tcpip\\Parameters"),
        tags=label("playbook_src_sysmon12_tcpip", part, hit=wmic), part=part,
    )  # fmt: skip
