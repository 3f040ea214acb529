"""One host of the lab while it runs: it logs what happens there as Windows would.

Events collect in ``pending`` and are taken in time order by whoever drives the clock. All times are ticks, UTC.
"""

from __future__ import annotations

import random
import struct
from typing import Any

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab import subscriptions
from wmiwarehouse.lab.identifiers import Identifiers
from wmiwarehouse.lab.ledger import Entry
from wmiwarehouse.lab.model import MS, TICKS_PER_SECOND, EventKind, LabEvent, millisecond_text, to_unix
from wmiwarehouse.lab.programs import hashes, program
from wmiwarehouse.lab.staging import (
    COMMAND_LINE_TRAITS,
    Labels,
    Origin,
    Part,
    Staged,
    Trait,
    label,
    process_labels,
)
from wmiwarehouse.lab.world import (
    NULL_SID,
    SERVICE_LOGON_IDS,
    SYSTEM,
    SYSTEM32,
    Account,
    HostSpec,
    Kind,
    Process,
    Session,
    Sysmon,
)

_NAMES = Trait.WMIC | Trait.RENAMED


class Machine:
    """A running host."""

    def __init__(self, spec: HostSpec, seed: int, boot: int) -> None:
        self.spec = spec
        self.rng = random.Random(f"{seed}/{spec.key}")  # noqa: S311 - made to be repeatable
        self.pending: list[LabEvent] = []
        self.host = spec.fqdn
        self.skew = spec.skew * MS
        self._machine_id = self.rng.getrandbits(32)
        self._boot = boot
        self._started = 0
        self.ids = Identifiers(self.rng)
        self.system = self._service_session("S-1-5-18")
        self.network_service = self._service_session("S-1-5-20")
        self.user = self.system
        self._sysmon_pid = self.ids.pid(boot)
        self._boot_up(boot)

    def _service_session(self, sid: str) -> Session:
        logon_id = SERVICE_LOGON_IDS[sid]
        return Session(self.spec.names.service(sid), logon_id, self.logon_guid(self._boot, logon_id))

    def logon_guid(self, at: int, logon_id: int) -> bytes:
        """Sysmon's own name of a session."""
        return struct.pack("<IIQ", self._machine_id, to_unix(at), logon_id)

    def text(self, at: int) -> str:
        """A moment in Sysmon's words, by this host's clock."""
        return millisecond_text(at + self.skew)

    def _boot_up(self, boot: int) -> None:
        """The events of a start of Windows, and the processes that live on."""
        second = TICKS_PER_SECOND
        self.emit(ev.KERNEL_12, boot, (10, 0, 19045, 4291, 0, 0, boot - 7 * second), user=SYSTEM)
        self.emit(ev.SECURITY_4608, boot + second, ())
        self.emit(ev.EVENTLOG_6005, boot + second, ((), bytes(8)), pid=0)
        self.kernel = Process(4, self._guid(boot), "System", "System", self.system)
        wininit = self.start(boot + 2 * second, f"{SYSTEM32}\\wininit.exe", "wininit.exe", self.kernel, self.system)
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
        subscriptions.default(self, at + 3 * second)
        self.ready = at + 4 * second

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
        tags: Labels = (),
        part: Part | None = None,
        links: tuple[tuple[Entry, str], ...] = (),
        origin: Origin | None = None,
    ) -> None:
        """Log an event, at the time that this host believes it is."""
        thread = 4 * self.rng.randrange(30, 2500) if pid else 0
        sid = user.sid if user else None
        act = part[:2] if part else None
        at += self.skew
        self.pending.append(
            LabEvent(self.host, kind, at, values, pid, thread, sid, labels=tags, act=act, links=links, origin=origin)
        )

    def sysmon(
        self,
        kind: EventKind,
        at: int,
        values: tuple[Any, ...],
        *,
        tags: Labels = (),
        part: Part | None = None,
        links: tuple[tuple[Entry, str], ...] = (),
        origin: Origin | None = None,
    ) -> None:
        """Log a Sysmon event, where there is a Sysmon."""
        if self.spec.sysmon is not Sysmon.NONE:
            self.emit(
                kind, at, values, pid=self._sysmon_pid, user=SYSTEM, tags=tags, part=part, links=links, origin=origin
            )

    def subject(self, session: Session) -> tuple[str, str, str, int]:
        """A session as the Security log's Subject: service accounts bear the computer's name there."""
        account = session.account
        if account.kind is not Kind.SERVICE:
            return account.sid, account.name, account.domain, session.logon_id
        return account.sid, f"{self.spec.name}$", self.spec.domain, session.logon_id

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
        links: tuple[tuple[Entry, str], ...] = (),
    ) -> Process:
        """Start a process: Sysmon 1 and 4688, as far as the host logs them.

        ``original`` is the OriginalFileName of a copy that bears another name. In the ledger, a record that shows no
        command line, or not that this is wmic, is no source of a remote command.
        """
        process = Process(self.ids.pid(at), self._guid(at), image, command_line, session)
        part = Part(staged.act, staged.role, staged.verdict) if staged and staged.act is not None else None
        if self.spec.sysmon is not Sysmon.NONE:
            self._log_sysmon_1(at, process, parent, staged, part, original, folder, links)
        self._log_4688(at + 2 * MS, process, parent, staged, part, links)
        return process

    def _log_4688(
        self,
        at: int,
        process: Process,
        parent: Process,
        staged: Staged | None,
        part: Part | None,
        links: tuple[tuple[Entry, str], ...],
    ) -> None:
        spec, session = self.spec, process.session
        service = session.account.kind is Kind.SERVICE
        values: tuple[Any, ...] = (
            *self.subject(parent.session), process.pid, process.image, "%%1936" if service else "%%1937", parent.pid,
        )  # fmt: skip
        command = process.command_line if spec.command_line else None
        tags: Labels = ()
        named = parent.session  # whose logon id the record bears
        if spec.process_version == 0:
            kind = ev.SECURITY_4688_V0
        elif spec.process_version == 1:
            kind = ev.SECURITY_4688_V1
            values = (*values, command)
        else:
            kind = ev.SECURITY_4688_V2
            named = session
            target: tuple[str, str, str, int] = (NULL_SID, "-", "-", 0)
            if session is not parent.session:
                target = (NULL_SID, *self.subject(session)[1:])
            values = (*values, command, *target, parent.image, "S-1-16-16384" if service else "S-1-16-12288")
            tags = label("playbook_process_not_local_user", part, hit=session.account.kind is Kind.DOMAIN)
        if staged is not None:
            hidden = Trait.RENAMED if spec.command_line else Trait.RENAMED | COMMAND_LINE_TRAITS
            shown = staged.traits & ~hidden
            tags += process_labels(staged, shown, sysmon=False)
            if not (spec.command_line and shown & _NAMES):
                links = tuple(link for link in links if link[1] != "source")
        if named.entry is not None:
            links = (*links, (named.entry, "process"))
        origin = staged.origin if staged else None
        if origin and named is not session:  # the record has the provider host's own logon id
            origin = Origin.UNKNOWN
        self.emit(kind, at, values, tags=tags, part=part, links=links, origin=origin)

    def _log_sysmon_1(
        self,
        at: int,
        process: Process,
        parent: Process,
        staged: Staged | None,
        part: Part | None,
        original: str | None,
        folder: str,
        links: tuple[tuple[Entry, str], ...],
    ) -> None:
        about = program(original or process.image)
        old = self.spec.sysmon is Sysmon.OLD
        session = process.session
        names = about[:4] if old else (*about[:4], about.original if original is None else original)
        service = session.account.kind is Kind.SERVICE
        values = (
            "-", self.text(at), process.guid, process.pid, process.image, *names, process.command_line, folder,
            session.account.user, session.logon_guid, session.logon_id, 0 if service else 1,
            "System" if service else "High", hashes(process.image), parent.guid, parent.pid, parent.image,
            parent.command_line,
        )  # fmt: skip
        of_domain = session.account.kind is Kind.DOMAIN
        tags = label("playbook_dst_sysmon1_user", part, hit=of_domain)
        tags += label("playbook_process_not_local_user", part, hit=of_domain)
        if staged is not None:
            shown = staged.traits & ~Trait.RENAMED if old else staged.traits
            tags += process_labels(staged, shown, sysmon=True)
            if not shown & _NAMES:
                links = tuple(link for link in links if link[1] != "source")
        if session.entry is not None:
            links = (*links, (session.entry, "process"))
        kind = ev.SYSMON_1_OLD if old else ev.SYSMON_1
        origin = staged.origin if staged else None
        self.sysmon(kind, at, values, tags=tags, part=part, links=links, origin=origin)

    def end(self, process: Process, at: int) -> None:
        """End a process: Sysmon 5 and 4689; its pid is free a minute later."""
        self.ids.release(process.pid, at + 60 * TICKS_PER_SECOND)
        self.sysmon(ev.SYSMON_5, at, ("-", self.text(at), process.guid, process.pid, process.image))
        self.emit(ev.SECURITY_4689, at + MS, (*self.subject(process.session), 0, process.pid, process.image))

    def reboot(self, at: int) -> None:
        """Shut down and start again; what was to happen later on this host does not happen."""
        self.pending = [event for event in self.pending if event.ticks < at + self.skew]
        self.emit(ev.SECURITY_1100, at, (), pid=1100, tags=label("evidence_tampering", None))
        self.emit(ev.EVENTLOG_6006, at, ((), bytes(8)), pid=0)
        self.ids.release_all()
        self.user = self.system
        self._boot_up(at + 90 * TICKS_PER_SECOND)
