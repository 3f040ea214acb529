"""WMI's provider host on a machine: how it starts, what it loads, and what fails in it."""

from __future__ import annotations

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import MS, guid_text
from wmiwarehouse.lab.programs import hashes, program
from wmiwarehouse.lab.staging import Part, Staged, Trait, Verdict, label
from wmiwarehouse.lab.world import SYSTEM32, Process, Sysmon

IMAGE = f"{SYSTEM32}\\wbem\\WmiPrvSE.exe"
SECURED = "C:\\Windows\\system32\\wbem\\wmiprvse.exe -secured -Embedding"
PLAIN = "C:\\Windows\\system32\\wbem\\wmiprvse.exe -Embedding"
_ORDINARY = Staged(None, Verdict.BENIGN, Trait.PROVIDER)


def module(machine: Machine, at: int, process: Process, name: str) -> None:
    """A library loaded by a process: Sysmon 7."""
    if machine.spec.sysmon is Sysmon.NONE:
        return
    path = f"{SYSTEM32}\\{name}"
    machine.sysmon(
        ev.SYSMON_7, at,
        ("-", machine.text(at), process.guid, process.pid, process.image, path, *program(SYSTEM32)[:4],
         name.rsplit("\\", 1)[-1], hashes(path), "true", "Microsoft Windows", "Valid"),
    )  # fmt: skip


def provider_host(machine: Machine, at: int, *, staged: Staged = _ORDINARY, by_system: bool = False) -> Process:
    """Start a WmiPrvSE.exe as DcomLaunch does, with the provider that it loads (5857).

    For the consumers of subscriptions it runs as SYSTEM and without ``-secured``.
    """
    session, command_line = (machine.system, PLAIN) if by_system else (machine.network_service, SECURED)
    host = machine.start(at, IMAGE, command_line, machine.dcom, session, staged=staged)
    module(machine, at + 8 * MS, host, "wbem\\cimwin32.dll")
    part = Part(staged.act, "provider", staged.verdict) if staged.act is not None else None
    machine.emit(
        ev.WMI_5857, at + 30 * MS,
        ("CIMWin32", 0, "wmiprvse.exe", host.pid, "%systemroot%\\system32\\wbem\\cimwin32.dll"),
        pid=host.pid, user=host.session.account, tags=label("wmi_activity", part), part=part,
    )  # fmt: skip
    return host


def query_failed(machine: Machine, at: int) -> None:
    """A local inventory asks for what this machine does not have."""
    operation = "Start IWbemServices::ExecQuery - root\\cimv2 : SELECT * FROM Win32_Battery"
    machine.emit(
        ev.WMI_5858, at,
        (guid_text(machine.ids.guid()).upper(), machine.spec.name, machine.user.account.user, machine.explorer.pid,
         "Unknown", operation, 0x80041032, "Unknown"),
        pid=machine.winmgmt.pid, user=machine.system.account, tags=label("wmi_activity", None),
    )  # fmt: skip
