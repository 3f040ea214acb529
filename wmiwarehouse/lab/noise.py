"""Ordinary life on the hosts: what fills the logs when nobody attacks.

What an analytic cannot tell from an attack, and what is the context of a hunt, is labelled where it is emitted.
"""

from __future__ import annotations

from collections.abc import Callable

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab.ledger import Entry, Ledger
from wmiwarehouse.lab.logons import Source, explicit_credentials, logoff, logon, ticket
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import MS, TICKS_PER_SECOND
from wmiwarehouse.lab.providers import module, provider_host, query_failed
from wmiwarehouse.lab.scripting import powershell
from wmiwarehouse.lab.staging import Verdict
from wmiwarehouse.lab.traffic import ENDPOINT_MAPPER, Ends, connection
from wmiwarehouse.lab.world import ACCOUNTS, BACKUP, NULL_SID, SYSTEM32, host_label

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


def _process(machine: Machine, at: int, _: Machine, __: Ledger) -> None:
    rng = machine.rng
    by_user = machine.user is not machine.system and rng.random() < 0.6
    programs, parent = (_USER_PROGRAMS, machine.explorer) if by_user else (_SYSTEM_PROGRAMS, machine.services)
    image, command_line = programs[rng.randrange(len(programs))]
    session = machine.user if by_user else machine.system
    process = machine.start(at, image, command_line.format(n=rng.randrange(100000)), parent, session)
    for number in range(rng.randrange(1, 4)):
        module(machine, at + (3 + number) * MS, process, _MODULES[rng.randrange(len(_MODULES))])
    machine.end(process, at + rng.randrange(20 * MS, 900 * TICKS_PER_SECOND))


def _network(machine: Machine, at: int, _: Machine, __: Ledger) -> None:
    rng = machine.rng
    port = 443 if rng.random() < 0.9 else 80
    last = rng.randrange(1, 255)
    source, destination = machine.spec.address, f"203.0.113.{last}"
    if port == 80 and not machine.spec.seen_from:
        source, destination = machine.spec.unique_local, f"2001:db8::{last:x}"
    connection(machine, at, machine.explorer, Ends((source, machine.ids.port()), (destination, port)))


def _endpoint_mapper(machine: Machine, at: int, peer: Machine, ledger: Ledger) -> None:
    """Group policy and the like ask the domain controller's endpoint mapper all day, and then log on over RPC."""
    process = machine.schedule if machine.rng.random() < 0.5 else machine.lsass
    if peer is machine or peer.spec.name != "DC01":
        return
    port, seen, there = machine.ids.port(), machine.spec.outside, peer.spec.address
    mapper = (there, ENDPOINT_MAPPER)
    connection(machine, at, process, Ends((machine.spec.address, port), mapper))
    connection(peer, at + MS, peer.rpcss, Ends((seen, port), mapper), initiated=False)
    if machine.rng.random() < 0.5:
        port = machine.ids.port()
        tie = _tie(ledger, machine, peer, machine.spec.account.user, 49667)
        connection(
            machine, at + 6 * MS, process, Ends((machine.spec.address, port), (there, 49667)),
            links=((tie, "connection"),),
        )  # fmt: skip
        connection(peer, at + 7 * MS, peer.lsass, Ends((seen, port), (there, 49667)), initiated=False)
        links = () if machine.spec.seen_from else ((tie, "logon"),)
        session = logon(peer, at + 12 * MS, machine.spec.account, 3, source=Source(seen, port), links=links)
        logoff(peer, at + 10 * TICKS_PER_SECOND, session, 3)


def _tie(ledger: Ledger, source: Machine, target: Machine, user: str, port: int) -> Entry:
    """A connection and the logon that it became; behind a router that translates addresses nobody sees that."""
    return ledger.open(
        "ties", source=host_label(source.host), target=host_label(target.host), user=user, port=port,
        label=Verdict.CONTEXT.value,
    )  # fmt: skip


def _registry(machine: Machine, at: int, _: Machine, __: Ledger) -> None:
    rng = machine.rng
    process = machine.services
    for number in range(rng.randrange(1, 5)):
        moment = at + number * 9 * MS
        key = _KEYS[rng.randrange(len(_KEYS))].format(n=rng.randrange(1000))
        head = (machine.text(moment), process.guid, process.pid, process.image)
        if rng.random() < 0.4:
            machine.sysmon(ev.SYSMON_12, moment, ("-", "CreateKey", *head, key))
        else:
            details = f"DWORD (0x{rng.randrange(1 << 31):08x})"
            machine.sysmon(ev.SYSMON_13, moment, ("-", "SetValue", *head, f"{key}\\Start", details))


def _file(machine: Machine, at: int, _: Machine, __: Ledger) -> None:
    rng = machine.rng
    text = machine.text(at)
    process = machine.explorer
    name = f"C:\\Users\\{machine.spec.owner.name}\\AppData\\Local\\Temp\\~DF{rng.getrandbits(64):016X}.TMP"
    machine.sysmon(ev.SYSMON_11, at, ("-", text, process.guid, process.pid, process.image, name, text))
    trace = "|".join(f"{SYSTEM32}\\{name}+{rng.randrange(1 << 20):x}" for name in ("ntdll.dll", "KERNELBASE.dll"))
    machine.sysmon(
        ev.SYSMON_10, at + 2 * MS,
        ("-", text, machine.schedule.guid, machine.schedule.pid, 4 * rng.randrange(100, 2000), machine.schedule.image,
         process.guid, process.pid, process.image, 0x1000, trace),
    )  # fmt: skip


def _network_logon(machine: Machine, at: int, peer: Machine, ledger: Ledger) -> None:
    """Somebody's machine, or somebody, opens a share or a pipe over there."""
    if peer is machine or peer.spec.seen_from:
        return
    rng = machine.rng
    by_user = rng.random() < 0.3
    account = machine.spec.owner if by_user else machine.spec.account
    port, seen = machine.ids.port(), Source(machine.spec.outside, machine.ids.port())
    if not machine.spec.seen_from:
        seen = Source(seen.address, port)
    tie = _tie(ledger, machine, peer, account.user, 445)
    connection(
        machine, at, machine.explorer if by_user else machine.schedule,
        Ends((machine.spec.address, port), (peer.spec.address, 445)), links=((tie, "connection"),),
    )  # fmt: skip
    links = () if machine.spec.seen_from else ((tie, "logon"),)
    session = logon(peer, at + 6 * MS, account, 3, source=seen, links=links)
    subject = (account.sid, account.name, account.domain, session.logon_id)
    share = ("\\\\*\\projects", "\\??\\D:\\projects") if by_user else ("\\\\*\\IPC$", "")
    client = (seen.address, str(seen.port))
    peer.emit(ev.SECURITY_5140, at + 9 * MS, (*subject, "File", *client, *share, 1, "%%4416\r\n\t\t\t\t"))
    if by_user:
        target = f"report-{rng.randrange(10000)}.docx"
        peer.emit(
            ev.SECURITY_5145, at + 11 * MS,
            (*subject, "File", *client, *share, target, 0x120089,
             "%%1538\r\n\t\t\t\t%%4416\r\n\t\t\t\t", "-"),
        )  # fmt: skip
    logoff(peer, at + rng.randrange(TICKS_PER_SECOND, 600 * TICKS_PER_SECOND), session, 3)


def _ticket(machine: Machine, at: int, peer: Machine, _: Ledger) -> None:
    """Kerberos tickets, logged by the domain controller alone."""
    if peer.spec.name == "DC01":
        client = Source(machine.spec.outside, machine.ids.port())
        ticket(peer, at, machine.spec.account, client, peer.spec.account.name, initial=True)


def _service_logon(machine: Machine, at: int, _: Machine, __: Ledger) -> None:
    logon(machine, at, machine.system.account, 5, special=True)


def _failed_logon(machine: Machine, at: int, peer: Machine, _: Ledger) -> None:
    account = ACCOUNTS[machine.rng.randrange(len(ACCOUNTS))]
    peer.emit(
        ev.SECURITY_4625, at,
        (NULL_SID, "-", "-", 0, NULL_SID, account.name, account.domain, 0xC000006D, "%%2313", 0xC000006A, 3, "NtLmSsp ",
         "NTLM", machine.spec.name, "-", "-", 0, 0, "-", machine.spec.outside, str(machine.ids.port())),
        pid=peer.lsass.pid,
    )  # fmt: skip


def _batch_logon(machine: Machine, at: int, _: Machine, __: Ledger) -> None:
    """A scheduled task: the scheduler logs its account on with stored credentials."""
    schedule = machine.schedule
    explicit_credentials(machine, at, schedule, machine.system, BACKUP, ("localhost", "localhost"))
    session = logon(machine, at + 2 * MS, BACKUP, 4)
    image = f"{SYSTEM32}\\cmd.exe"
    process = machine.start(at + 9 * MS, image, f"{image} /c D:\\jobs\\backup.cmd", schedule, session)
    done = at + machine.rng.randrange(5, 400) * TICKS_PER_SECOND
    machine.end(process, done)
    logoff(machine, done + 5 * MS, session, 4)


def _service_state(machine: Machine, at: int, _: Machine, __: Ledger) -> None:
    name = _SERVICES[machine.rng.randrange(len(_SERVICES))]
    state = "running" if machine.rng.random() < 0.5 else "stopped"
    binary = f"{name}/4\0".encode("utf-16-le")
    machine.emit(ev.SCM_7036, at, (name, state, binary), pid=machine.services.pid)


def _powershell(machine: Machine, at: int, _: Machine, __: Ledger) -> None:
    image = f"{SYSTEM32}\\WindowsPowerShell\\v1.0\\powershell.exe"
    script = _SCRIPTS[machine.rng.randrange(len(_SCRIPTS))].format(n=machine.rng.randrange(1000))
    process = machine.start(at, image, f'"{image}" -File S:\\scripts\\daily.ps1', machine.explorer, machine.user)
    command = script.split()[0]
    powershell(machine, at + 90 * MS, process, script, f'CommandInvocation({command}): "{command}"\r\n')
    machine.end(process, at + 4 * TICKS_PER_SECOND)


def _wmi(machine: Machine, at: int, _: Machine, __: Ledger) -> None:
    """A provider host comes and goes for local inventory, and some query fails."""
    host = provider_host(machine, at)
    query_failed(machine, at + 300 * MS)
    machine.end(host, at + 90 * TICKS_PER_SECOND)


Activity = Callable[[Machine, int, Machine, Ledger], None]
# (activity, how often): the second machine is whom an activity that needs a peer talks to.
ACTIVITIES: tuple[tuple[Activity, int], ...] = (
    (_process, 30), (_network, 14), (_endpoint_mapper, 6), (_registry, 14), (_file, 10), (_network_logon, 14),
    (_ticket, 10), (_service_logon, 4), (_failed_logon, 1), (_batch_logon, 2), (_service_state, 3), (_powershell, 2),
    (_wmi, 2),
)  # fmt: skip
WEIGHTED: tuple[Activity, ...] = tuple(activity for activity, weight in ACTIVITIES for _ in range(weight))
