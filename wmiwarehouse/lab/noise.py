"""Ordinary life on the hosts: what fills the logs when nobody attacks. None of it hits an analytic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import MS, TICKS_PER_SECOND, guid_text, millisecond_text
from wmiwarehouse.lab.staging import Staged
from wmiwarehouse.lab.world import (
    ACCOUNTS,
    BACKUP,
    DNS_DOMAIN,
    DOMAIN,
    DOMAIN_SID,
    NULL_SID,
    SYSTEM32,
    Process,
    Sysmon,
    hashes,
    program,
)

_OFFICE = "C:\\Program Files\\Microsoft Office\\root\\Office16"
_CHROME = "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe"
_USER_PROGRAMS = (
    (_CHROME, f'"{_CHROME}" --type=renderer --lang=en-US --device-scale-factor=1 --renderer-client-id={{n}}'),
    (f"{_OFFICE}\\OUTLOOK.EXE", f'"{_OFFICE}\\OUTLOOK.EXE" /recycle'),
    (f"{_OFFICE}\\WINWORD.EXE", f'"{_OFFICE}\\WINWORD.EXE" /n "S:\\projects\\report-{{n}}.docx" /o ""'),
    (f"{SYSTEM32}\\cmd.exe", f'"{SYSTEM32}\\cmd.exe" /c dir S:\\projects\\{{n}}'),
    (f"{SYSTEM32}\\notepad.exe", f'"{SYSTEM32}\\notepad.exe" C:\\Temp\\notes-{{n}}.txt'),
    (f"{SYSTEM32}\\RuntimeBroker.exe", f"{SYSTEM32}\\RuntimeBroker.exe -Embedding"),
    (f"{SYSTEM32}\\rundll32.exe", f"{SYSTEM32}\\rundll32.exe shell32.dll,OpenAs_RunDLL C:\\Temp\\{{n}}.dat"),
)
_SYSTEM_PROGRAMS = (
    (f"{SYSTEM32}\\svchost.exe", f"{SYSTEM32}\\svchost.exe -k netsvcs -p -s wuauserv"),
    (f"{SYSTEM32}\\taskhostw.exe", "taskhostw.exe -RegisterDevice -SettingChange -Full"),
    (f"{SYSTEM32}\\backgroundTaskHost.exe", f'"{SYSTEM32}\\backgroundTaskHost.exe" -ServerName:App.{{n}}.mca'),
    (f"{SYSTEM32}\\SearchProtocolHost.exe", f'"{SYSTEM32}\\SearchProtocolHost.exe" Global\\UsGthrFltPipe{{n}}_'),
    (f"{SYSTEM32}\\dllhost.exe", f"{SYSTEM32}\\DllHost.exe /Processid:{{{{AB8902B4-09CA-4BB6-B78D-A8F59079A8D5}}}}"),
    (f"{SYSTEM32}\\conhost.exe", f"\\??\\{SYSTEM32}\\conhost.exe 0xffffffff -ForceV1"),
)
_MODULES = ("ntdll.dll", "kernel32.dll", "wbem\\wbemprox.dll", "amsi.dll", "user32.dll", "combase.dll", "crypt32.dll")
_KEYS = (
    "HKLM\\System\\CurrentControlSet\\Services\\W32Time\\Config\\Status{n}",
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WINEVT\\Channels\\{n}",
    "HKLM\\System\\CurrentControlSet\\Services\\bam\\State\\UserSettings\\{n}",
    "HKU\\.DEFAULT\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\Connections",
)
_SERVICES = ("Windows Update", "Background Intelligent Transfer Service", "Windows Modules Installer", "Print Spooler")
_SCRIPTS = (
    "Get-Service | Where-Object Status -eq 'Stopped' | Select-Object -First {n}",
    "Get-ChildItem S:\\projects -Recurse | Measure-Object -Property Length -Sum # {n}",
    "Get-WmiObject -Class Win32_OperatingSystem | Select-Object Caption, Version # {n}",
)


def _process(machine: Machine, at: int, _: Machine) -> None:
    rng = machine.rng
    by_user = machine.user is not machine.system and rng.random() < 0.6
    programs, parent = (_USER_PROGRAMS, machine.explorer) if by_user else (_SYSTEM_PROGRAMS, machine.services)
    image, command_line = programs[rng.randrange(len(programs))]
    session = machine.user if by_user else machine.system
    process = machine.start(at, image, command_line.format(n=rng.randrange(100000)), parent, session)
    for number in range(rng.randrange(1, 4)):
        module(machine, at + (3 + number) * MS, process, _MODULES[rng.randrange(len(_MODULES))])
    machine.end(process, at + rng.randrange(20 * MS, 900 * TICKS_PER_SECOND))


def module(machine: Machine, at: int, process: Process, name: str) -> None:
    """A library loaded by a process: Sysmon 7."""
    if machine.spec.sysmon is Sysmon.NONE:
        return
    path = f"{SYSTEM32}\\{name}"
    machine.sysmon(
        ev.SYSMON_7, at,
        ("-", millisecond_text(at), process.guid, process.pid, process.image, path, *program(SYSTEM32)[:4],
         name.rsplit("\\", 1)[-1], hashes(path), "true", "Microsoft Windows", "Valid"),
    )  # fmt: skip


def _network(machine: Machine, at: int, _: Machine) -> None:
    rng = machine.rng
    destination = f"203.0.113.{rng.randrange(1, 255)}"
    machine.connection(
        at, machine.explorer, (machine.spec.address, machine.ids.port()),
        (destination, 443 if rng.random() < 0.9 else 80),
    )  # fmt: skip


def _endpoint_mapper(machine: Machine, at: int, peer: Machine) -> None:
    """Group policy and the like ask the domain controller's endpoint mapper all day."""
    process = machine.schedule if machine.rng.random() < 0.5 else machine.lsass
    source, destination = (machine.spec.address, machine.ids.port()), ("10.20.0.5", 135)
    if peer is not machine and peer.spec.address == destination[0]:
        machine.connection(at, process, source, destination)
        peer.connection(at + MS, peer.rpcss, source, destination, initiated=False)


def _registry(machine: Machine, at: int, _: Machine) -> None:
    rng = machine.rng
    process = machine.services
    for number in range(rng.randrange(1, 5)):
        moment = at + number * 9 * MS
        key = _KEYS[rng.randrange(len(_KEYS))].format(n=rng.randrange(1000))
        head = (millisecond_text(moment), process.guid, process.pid, process.image)
        if rng.random() < 0.4:
            machine.sysmon(ev.SYSMON_12, moment, ("-", "CreateKey", *head, key))
        else:
            details = f"DWORD (0x{rng.randrange(1 << 31):08x})"
            machine.sysmon(ev.SYSMON_13, moment, ("-", "SetValue", *head, f"{key}\\Start", details))


def _file(machine: Machine, at: int, _: Machine) -> None:
    rng = machine.rng
    text = millisecond_text(at)
    process = machine.explorer
    name = f"C:\\Users\\{machine.spec.owner.name}\\AppData\\Local\\Temp\\~DF{rng.getrandbits(64):016X}.TMP"
    machine.sysmon(ev.SYSMON_11, at, ("-", text, process.guid, process.pid, process.image, name, text))
    trace = "|".join(f"{SYSTEM32}\\{name}+{rng.randrange(1 << 20):x}" for name in ("ntdll.dll", "KERNELBASE.dll"))
    machine.sysmon(
        ev.SYSMON_10, at + 2 * MS,
        ("-", text, machine.schedule.guid, machine.schedule.pid, 4 * rng.randrange(100, 2000), machine.schedule.image,
         process.guid, process.pid, process.image, 0x1000, trace),
    )  # fmt: skip


def _network_logon(machine: Machine, at: int, peer: Machine) -> None:
    """Somebody's machine, or somebody, opens a share or a pipe over there."""
    if peer is machine:
        return
    rng = machine.rng
    by_user = rng.random() < 0.3
    account = machine.spec.owner if by_user else machine.spec.account
    source, port = (machine.spec.address, machine.ids.port()), 445
    machine.connection(at, machine.explorer if by_user else machine.schedule, source, (peer.spec.address, port))
    session = peer.logon(at + 6 * MS, account, 3, source=source)
    subject = (account.sid, account.name, account.domain, session.logon_id)
    share = ("\\\\*\\projects", "\\??\\D:\\projects") if by_user else ("\\\\*\\IPC$", "")
    peer.emit(
        ev.SECURITY_5140, at + 9 * MS, (*subject, "File", source[0], str(source[1]), *share, 1, "%%4416\r\n\t\t\t\t")
    )
    if by_user:
        target = f"report-{rng.randrange(10000)}.docx"
        peer.emit(
            ev.SECURITY_5145, at + 11 * MS,
            (*subject, "File", source[0], str(source[1]), *share, target, 0x120089,
             "%%1538\r\n\t\t\t\t%%4416\r\n\t\t\t\t", "-"),
        )  # fmt: skip
    peer.logoff(at + rng.randrange(TICKS_PER_SECOND, 600 * TICKS_PER_SECOND), session, 3)


def _ticket(machine: Machine, at: int, peer: Machine) -> None:
    """Kerberos tickets, logged by the domain controller alone."""
    if peer.spec.name == "DC01":
        account = machine.spec.account
        ticket(peer, at, account.name, account.sid, machine.spec.address, machine.ids.port(), peer.spec.account.name)


def ticket(
    controller: Machine, at: int, name: str, sid: str, address: str, port: int, service: str, *, initial: bool = True
) -> None:
    """A service ticket (4769) on the domain controller, after its ticket-granting ticket (4768)."""
    client = (f"::ffff:{address}", str(port))
    if initial:
        controller.emit(
            ev.SECURITY_4768, at,
            (name, DOMAIN, sid, "krbtgt", f"{DOMAIN_SID}-502", 0x40810010, 0, 0x12, "2", *client, "", "", ""),
            pid=controller.lsass.pid,
        )  # fmt: skip
    controller.emit(
        ev.SECURITY_4769, at + 3 * MS,
        (f"{name}@{DNS_DOMAIN.upper()}", DNS_DOMAIN.upper(), service, f"{DOMAIN_SID}-2005", 0x40810000, 0x12, *client,
         0, controller.ids.guid(), "-"),
        pid=controller.lsass.pid,
    )  # fmt: skip


def _service_logon(machine: Machine, at: int, _: Machine) -> None:
    machine.logon(at, machine.system.account, 5, special=True)


def _failed_logon(machine: Machine, at: int, peer: Machine) -> None:
    account = ACCOUNTS[machine.rng.randrange(len(ACCOUNTS))]
    peer.emit(
        ev.SECURITY_4625, at,
        (NULL_SID, "-", "-", 0, NULL_SID, account.name, account.domain, 0xC000006D, "%%2313", 0xC000006A, 3, "NtLmSsp ",
         "NTLM", machine.spec.name, "-", "-", 0, 0, "-", machine.spec.address, str(machine.ids.port())),
        pid=peer.lsass.pid,
    )  # fmt: skip


def _batch_logon(machine: Machine, at: int, _: Machine) -> None:
    """A scheduled task: the scheduler logs its account on with stored credentials."""
    schedule = machine.schedule
    machine.emit(
        ev.SECURITY_4648, at,
        (*machine.subject(machine.system), bytes(16), BACKUP.name, BACKUP.domain, machine.ids.guid(), "localhost",
         "localhost", schedule.pid, schedule.image, "-", "-"),
        pid=machine.lsass.pid,
    )  # fmt: skip
    session = machine.logon(at + 2 * MS, BACKUP, 4)
    image = f"{SYSTEM32}\\cmd.exe"
    process = machine.start(at + 9 * MS, image, f"{image} /c D:\\jobs\\backup.cmd", schedule, session)
    done = at + machine.rng.randrange(5, 400) * TICKS_PER_SECOND
    machine.end(process, done)
    machine.logoff(done + 5 * MS, session, 4)


def _service_state(machine: Machine, at: int, _: Machine) -> None:
    name = _SERVICES[machine.rng.randrange(len(_SERVICES))]
    state = "running" if machine.rng.random() < 0.5 else "stopped"
    binary = f"{name}/4\0".encode("utf-16-le")
    machine.emit(ev.SCM_7036, at, (name, state, binary), pid=machine.services.pid)


def powershell(
    machine: Machine, at: int, process: Process, script: str, payload: str, act: tuple[int, str] | None = None
) -> None:
    """What PowerShell logs of one script: 400, 4104, 4103 and 800."""
    rng = machine.rng
    account = process.session.account
    host_id = guid_text(machine.ids.guid()).strip("{}")
    command = script.split()[0]
    context = {
        "Host Name": "ConsoleHost", "Host Version": "5.1.19041.4291", "Host ID": host_id,
        "Host Application": process.command_line, "Engine Version": "5.1.19041.4291", "Pipeline ID": rng.randrange(99),
        "Command Name": command, "Command Type": "Cmdlet", "Script Name": "", "Sequence Number": rng.randrange(16, 999),
        "User": account.user, "Connected User": "", "Shell ID": "Microsoft.PowerShell",
    }  # fmt: skip
    indented = "".join(f"        {name} = {value}\r\n" for name, value in context.items())
    details = "".join(f"\t{name.replace(' ', '')}={value}\r\n" for name, value in context.items())
    machine.emit(ev.CLASSIC_400, at, (("Available", "None", f"\tNewEngineState=Available\r\n{details}"), None), pid=0)
    script_block: tuple[Any, ...] = (1, 1, script, guid_text(machine.ids.guid()).strip("{}"), "")
    machine.emit(ev.POWERSHELL_4104, at + 20 * MS, script_block, pid=process.pid, user=account, act=act)
    machine.emit(ev.POWERSHELL_4103, at + 30 * MS, (indented, "", payload), pid=process.pid, user=account, act=act)
    pipeline = (script, f"\tDetailSequence=1\r\n{details}", payload)
    machine.emit(ev.CLASSIC_800, at + 31 * MS, (pipeline, None), pid=0, act=act)


def _powershell(machine: Machine, at: int, _: Machine) -> None:
    image = f"{SYSTEM32}\\WindowsPowerShell\\v1.0\\powershell.exe"
    script = _SCRIPTS[machine.rng.randrange(len(_SCRIPTS))].format(n=machine.rng.randrange(1000))
    process = machine.start(at, image, f'"{image}" -File S:\\scripts\\daily.ps1', machine.explorer, machine.user)
    command = script.split()[0]
    powershell(machine, at + 90 * MS, process, script, f'CommandInvocation({command}): "{command}"\r\n')
    machine.end(process, at + 4 * TICKS_PER_SECOND)


def _wmi(machine: Machine, at: int, _: Machine) -> None:
    """A provider host comes and goes for local inventory, and some query fails."""
    host = provider_host(machine, at)
    user = machine.user.account.user
    operation = "Start IWbemServices::ExecQuery - root\\cimv2 : SELECT * FROM Win32_Battery"
    machine.emit(
        ev.WMI_5858, at + 300 * MS,
        (guid_text(machine.ids.guid()).upper(), machine.spec.name, user, machine.explorer.pid, "Unknown", operation,
         0x80041032, "Unknown"),
        pid=machine.winmgmt.pid, user=machine.system.account,
    )  # fmt: skip
    machine.end(host, at + 90 * TICKS_PER_SECOND)


def provider_host(machine: Machine, at: int, *, staged: Staged | None = None) -> Process:
    """Start a WmiPrvSE.exe as DcomLaunch does, with the provider that it loads (5857)."""
    host = machine.start(
        at, f"{SYSTEM32}\\wbem\\WmiPrvSE.exe", "C:\\Windows\\system32\\wbem\\wmiprvse.exe -secured -Embedding",
        machine.dcom, machine.network_service, staged=staged,
    )  # fmt: skip
    module(machine, at + 8 * MS, host, "wbem\\cimwin32.dll")
    machine.emit(
        ev.WMI_5857, at + 30 * MS,
        ("CIMWin32", 0, "wmiprvse.exe", host.pid, "%systemroot%\\system32\\wbem\\cimwin32.dll"),
        pid=host.pid, user=host.session.account,
    )  # fmt: skip
    return host


Activity = Callable[[Machine, int, Machine], None]
# (activity, how often): the second machine is whom an activity that needs a peer talks to.
ACTIVITIES: tuple[tuple[Activity, int], ...] = (
    (_process, 30), (_network, 14), (_endpoint_mapper, 6), (_registry, 14), (_file, 10), (_network_logon, 14),
    (_ticket, 10), (_service_logon, 4), (_failed_logon, 1), (_batch_logon, 2), (_service_state, 3), (_powershell, 2),
    (_wmi, 2),
)  # fmt: skip
WEIGHTED: tuple[Activity, ...] = tuple(activity for activity, weight in ACTIVITIES for _ in range(weight))
