"""One host of the lab while it runs: it logs what happens there as Windows would.

Events collect in ``pending`` and are taken in time order by whoever drives the clock. All times are ticks, UTC.
"""

from __future__ import annotations

import random
import struct
from typing import Any

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab.identifiers import Identifiers
from wmiwarehouse.lab.model import MS, TICKS_PER_SECOND, EventKind, LabEvent, millisecond_text, to_unix
from wmiwarehouse.lab.staging import COMMAND_LINE_TRAITS, Staged, Trait, labels
from wmiwarehouse.lab.world import (
    DOMAIN,
    NETWORK_SERVICE,
    NULL_SID,
    SERVICE_LOGON_IDS,
    SYSTEM,
    SYSTEM32,
    Account,
    HostSpec,
    Process,
    Session,
    Sysmon,
    hashes,
    program,
)

PRIVILEGES = "\r\n\t\t\t".join(
    ("SeSecurityPrivilege", "SeBackupPrivilege", "SeRestorePrivilege", "SeTakeOwnershipPrivilege", "SeDebugPrivilege",
     "SeSystemEnvironmentPrivilege", "SeLoadDriverPrivilege", "SeImpersonatePrivilege")
)  # fmt: skip
_LOGON = {0: ev.SECURITY_4624_V0, 1: ev.SECURITY_4624_V1, 2: ev.SECURITY_4624_V2}


class Machine:
    """A running host."""

    def __init__(self, spec: HostSpec, seed: int, boot: int) -> None:
        self.spec = spec
        self.rng = random.Random(f"{seed}/{spec.name}")  # noqa: S311 - made to be repeatable
        self.pending: list[LabEvent] = []
        self.host = spec.fqdn
        self._machine_id = self.rng.getrandbits(32)
        self._boot = boot
        self._started = 0
        self.ids = Identifiers(self.rng)
        self.system = self._service_session(SYSTEM)
        self.network_service = self._service_session(NETWORK_SERVICE)
        self.user = self.system
        self._sysmon_pid = self.ids.pid(boot)
        self._boot_up(boot)

    def _service_session(self, account: Account) -> Session:
        logon_id = SERVICE_LOGON_IDS[account]
        return Session(account, logon_id, struct.pack("<IIQ", self._machine_id, to_unix(self._boot), logon_id))

    def _boot_up(self, boot: int) -> None:
        """The events of a start of Windows, and the processes that live on."""
        second = TICKS_PER_SECOND
        self.emit(ev.KERNEL_12, boot, (10, 0, 19045, 4291, 0, 0, boot - 7 * second), user=SYSTEM)
        self.emit(ev.SECURITY_4608, boot + second, ())
        self.emit(ev.EVENTLOG_6005, boot + second, ((), bytes(8)), pid=0)
        kernel = Process(4, self._guid(boot), "System", "System", self.system)
        wininit = self.start(boot + 2 * second, f"{SYSTEM32}\\wininit.exe", "wininit.exe", kernel, self.system)
        self.services = self._service_process(boot + 3 * second, "services.exe", "", wininit, self.system)
        self.lsass = self._service_process(boot + 3 * second, "lsass.exe", "", wininit, self.system)
        at = boot + 5 * second
        self.dcom = self._service_process(at, "svchost.exe", " -k DcomLaunch -p", self.services, self.system)
        self.rpcss = self._service_process(at + 5, "svchost.exe", " -k RPCSS -p", self.services, self.network_service)
        self.winmgmt = self._service_process(
            at + second, "svchost.exe", " -k netsvcs -p -s Winmgmt", self.services, self.system
        )
        self.schedule = self._service_process(
            at + 2 * second, "svchost.exe", " -k netsvcs -p -s Schedule", self.services, self.system
        )
        self.explorer = self.schedule
        self.ready = at + 3 * second

    def _service_process(self, at: int, name: str, arguments: str, parent: Process, session: Session) -> Process:
        image = f"{SYSTEM32}\\{name}"
        return self.start(at, image, f"{image.lower()}{arguments}", parent, session)

    def _guid(self, at: int) -> bytes:
        self._started += 1
        return struct.pack("<IIQ", self._machine_id, to_unix(at), self._started << 8)

    def emit(
        self,
        kind: EventKind,
        at: int,
        values: tuple[Any, ...],
        *,
        pid: int = 4,
        user: Account | None = None,
        tags: tuple[tuple[str, str], ...] = (),
        act: tuple[int, str] | None = None,
    ) -> None:
        """Log an event."""
        thread = 4 * self.rng.randrange(30, 2500) if pid else 0
        sid = user.sid if user else None
        self.pending.append(LabEvent(self.host, kind, at, values, pid, thread, sid, labels=tags, act=act))

    def sysmon(
        self,
        kind: EventKind,
        at: int,
        values: tuple[Any, ...],
        *,
        tags: tuple[tuple[str, str], ...] = (),
        act: tuple[int, str] | None = None,
    ) -> None:
        """Log a Sysmon event, where there is a Sysmon."""
        if self.spec.sysmon is not Sysmon.NONE:
            self.emit(kind, at, values, pid=self._sysmon_pid, user=SYSTEM, tags=tags, act=act)

    def subject(self, session: Session) -> tuple[str, str, str, int]:
        """A session as the Security log's Subject: service accounts bear the computer's name there."""
        account = session.account
        if account.sid.startswith("S-1-5-21-"):
            return account.sid, account.name, account.domain, session.logon_id
        return account.sid, f"{self.spec.name}$", DOMAIN, session.logon_id

    def start(
        self,
        at: int,
        image: str,
        command_line: str,
        parent: Process,
        session: Session,
        *,
        staged: Staged | None = None,
        original: str | None = None,
        folder: str = f"{SYSTEM32}\\",
    ) -> Process:
        """Start a process: Sysmon 1 and 4688, as far as the host logs them.

        ``original`` is the OriginalFileName of a copy that bears another name.
        """
        process = Process(self.ids.pid(at), self._guid(at), image, command_line, session)
        spec = self.spec
        if spec.sysmon is not Sysmon.NONE:
            self._log_sysmon_1(at, process, parent, staged, original, folder)
        values: tuple[Any, ...] = (
            *self.subject(parent.session), process.pid, image,
            "%%1936" if session.account.domain != DOMAIN else "%%1937", parent.pid,
        )  # fmt: skip
        command = command_line if spec.command_line else None
        if spec.process_version == 0:
            kind = ev.SECURITY_4688_V0
        elif spec.process_version == 1:
            kind = ev.SECURITY_4688_V1
            values = (*values, command)
        else:
            kind = ev.SECURITY_4688_V2
            if session is parent.session:
                target: tuple[str, str, str, int] = (NULL_SID, "-", "-", 0)
            else:
                target = (NULL_SID, *self.subject(session)[1:])
            label = "S-1-16-16384" if session.account.domain != DOMAIN else "S-1-16-12288"
            values = (*values, command, *target, parent.image, label)
        tags: tuple[tuple[str, str], ...] = ()
        if staged is not None:
            hidden = Trait.RENAMED if spec.command_line else Trait.RENAMED | COMMAND_LINE_TRAITS
            tags = labels(staged, staged.traits & ~hidden, sysmon=False)
        self.emit(kind, at + 2 * MS, values, tags=tags, act=(staged.act, staged.role) if staged else None)
        return process

    def _log_sysmon_1(
        self, at: int, process: Process, parent: Process, staged: Staged | None, original: str | None, folder: str
    ) -> None:
        about = program(original or process.image)
        old = self.spec.sysmon is Sysmon.OLD
        session = process.session
        names = about[:4] if old else (*about[:4], about.original if original is None else original)
        values = (
            "-", millisecond_text(at), process.guid, process.pid, process.image, *names, process.command_line, folder,
            session.account.user, session.logon_guid, session.logon_id, 0 if session.account.domain != DOMAIN else 1,
            "System" if session.account.domain != DOMAIN else "High", hashes(process.image), parent.guid, parent.pid,
            parent.image, parent.command_line,
        )  # fmt: skip
        tags: tuple[tuple[str, str], ...] = ()
        if staged is not None:
            tags = labels(staged, staged.traits & ~Trait.RENAMED if old else staged.traits, sysmon=True)
        kind = ev.SYSMON_1_OLD if old else ev.SYSMON_1
        self.sysmon(kind, at, values, tags=tags, act=(staged.act, staged.role) if staged else None)

    def end(self, process: Process, at: int) -> None:
        """End a process: Sysmon 5 and 4689; its pid is free a minute later."""
        self.ids.release(process.pid, at + 60 * TICKS_PER_SECOND)
        self.sysmon(ev.SYSMON_5, at, ("-", millisecond_text(at), process.guid, process.pid, process.image))
        self.emit(ev.SECURITY_4689, at + MS, (*self.subject(process.session), 0, process.pid, process.image))

    def connection(
        self,
        at: int,
        process: Process,
        source: tuple[str, int],
        destination: tuple[str, int],
        *,
        initiated: bool = True,
        protocol: str = "tcp",
        act: tuple[int, str] | None = None,
    ) -> None:
        """A connection as this host sees it: Sysmon 3, or 5156 where there is no Sysmon."""
        if self.spec.sysmon is not Sysmon.NONE:
            values: tuple[Any, ...] = (
                "-", millisecond_text(at), process.guid, process.pid, process.image, process.session.account.user,
                protocol, initiated, ":" in source[0], source[0], "-", source[1], "-", ":" in destination[0],
                destination[0], "-", destination[1], "-",
            )  # fmt: skip
            self.sysmon(ev.SYSMON_3, at + 40 * MS, values, act=act)
            return
        device = "\\device\\harddiskvolume2" + process.image[2:].lower()
        direction, layer, run_time = ("%%14593", "%%14611", 48) if initiated else ("%%14592", "%%14610", 44)
        ends = (source, destination) if initiated else (destination, source)
        values = (
            process.pid, device, direction, ends[0][0], str(ends[0][1]), ends[1][0], str(ends[1][1]),
            6 if protocol == "tcp" else 17, 69424, layer, run_time, NULL_SID, NULL_SID,
        )  # fmt: skip
        self.emit(ev.SECURITY_5156, at, values, act=act)

    def logon(
        self,
        at: int,
        account: Account,
        logon_type: int,
        *,
        source: tuple[str, int] | None = None,
        workstation: str = "-",
        special: bool = False,
        act: tuple[int, str] | None = None,
    ) -> Session:
        """Log an account on: 4624, with a 4672 where the session has special privileges."""
        logon_id = SERVICE_LOGON_IDS[account] if account in SERVICE_LOGON_IDS else self.ids.logon_id()
        session = Session(account, logon_id, struct.pack("<IIQ", self._machine_id, to_unix(at), logon_id))
        network = logon_type == 3
        kerberos = network or logon_type == 4
        package = "Kerberos" if kerberos else "Negotiate"
        process = (0, "-") if network else (self.services.pid, self.services.image)
        values: tuple[Any, ...] = (
            *((NULL_SID, "-", "-", 0) if network else self.subject(self.system)),
            account.sid, account.name, account.domain, logon_id, logon_type,
            package if kerberos else "User32 " if logon_type != 5 else "Advapi  ", package, workstation,
            self.ids.guid() if kerberos else bytes(16), "-", "-", 0, *process,
            source[0] if source else "-", str(source[1]) if source else "-",
        )  # fmt: skip
        version = self.spec.logon_version
        if version >= 1:
            values = (*values, "%%1833")
        if version == 2:
            values = (*values, "-", "-", "-", "%%1843", 0, "%%1842" if special else "%%1843")
        self.emit(_LOGON[version], at, values, pid=self.lsass.pid, act=act)
        if special:
            self.emit(
                ev.SECURITY_4672, at + MS, (account.sid, account.name, account.domain, logon_id, PRIVILEGES),
                pid=self.lsass.pid, act=(act[0], "privileges") if act else None,
            )  # fmt: skip
        return session

    def logoff(self, at: int, session: Session, logon_type: int) -> None:
        """End a session: 4634, after a 4647 where a user did it at the keyboard."""
        who = (session.account.sid, session.account.name, session.account.domain, session.logon_id)
        if logon_type in (2, 10, 11):
            self.emit(ev.SECURITY_4647, at, who, pid=self.lsass.pid)
        self.emit(ev.SECURITY_4634, at + MS, (*who, logon_type), pid=self.lsass.pid)

    def sign_in(self, at: int) -> None:
        """The owner logs on at the keyboard and gets a desktop."""
        session = self.logon(at, self.spec.owner, 2, source=("127.0.0.1", 0), workstation=self.spec.name)
        image = "C:\\Windows\\explorer.exe"
        self.explorer = self.start(at + TICKS_PER_SECOND, image, f"{image} /NOUACCHECK", self.services, session)
        self.user = session

    def sign_out(self, at: int) -> None:
        """The owner leaves."""
        self.end(self.explorer, at)
        self.logoff(at + TICKS_PER_SECOND, self.user, 2)
        self.explorer, self.user = self.schedule, self.system

    def reboot(self, at: int) -> None:
        """Shut down and start again; what was to happen later on this host does not happen."""
        self.pending = [event for event in self.pending if event.ticks < at]
        self.emit(ev.EVENTLOG_6006, at, ((), bytes(8)), pid=0)
        self.ids.release_all()
        self.user = self.system
        self._boot_up(at + 90 * TICKS_PER_SECOND)
