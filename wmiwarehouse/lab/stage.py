"""The stage manager: plays acts on the hosts, and leaves the evidence of both ends."""

from __future__ import annotations

from typing import NamedTuple

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab import subscriptions
from wmiwarehouse.lab.act import Act, Route
from wmiwarehouse.lab.ledger import Entry, Ledger
from wmiwarehouse.lab.logons import Source, explicit_credentials, logoff, logon, ticket
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import MS, TICKS_PER_SECOND
from wmiwarehouse.lab.providers import provider_host
from wmiwarehouse.lab.relations import Relations, shows_session
from wmiwarehouse.lab.route import Way, way
from wmiwarehouse.lab.staging import Origin, Part, Staged, Trait
from wmiwarehouse.lab.tools import start_tool
from wmiwarehouse.lab.traffic import ENDPOINT_MAPPER, Ends, connection
from wmiwarehouse.lab.world import SYSTEM32, UNSEEN_HOSTS, Account, Process, Session, Sysmon

_WINRM, _RPC = 5985, 49664


class Visit(NamedTuple):
    """One target of one act: its number, whom it is done as, and what of it belongs together."""

    number: int
    act: Act
    target: Machine
    user: Account
    relations: Relations

    def part(self, role: str) -> Part:
        """An event's part in this act."""
        return Part(self.number, role, self.act.verdict)


class Stage:
    """Performs acts on the machines."""

    def __init__(self, machines: dict[str, Machine], ledger: Ledger) -> None:
        self._machines = machines
        self._ledger = ledger

    def perform(self, number: int, act: Act, at: int) -> None:
        """Play one act, from the tool's start to the end of its sessions."""
        if act.source is None:
            for name in act.targets:
                self._unseen_source(number, act, self._machines[name], at)
            return
        source = self._machines[act.source]
        user = act.as_user or source.spec.owner
        relations = [Relations.of(self._ledger, number, act, source, name, user, at) for name in act.targets]
        commands = [relation.command for relation in relations if relation.command]
        tool = start_tool(number, act, source, at, commands)
        for order, (name, relation) in enumerate(zip(act.targets, relations, strict=True)):
            moment = at + (400 + 2500 * order) * MS
            if name in UNSEEN_HOSTS:
                for port in (ENDPOINT_MAPPER, _RPC):
                    ends = Ends((source.spec.address, source.ids.port()), (UNSEEN_HOSTS[name], port))
                    connection(source, moment + 20 * MS, tool, ends, part=Part(number, "connection", act.verdict))
                continue
            visit = Visit(number, act, self._machines[name], user, relation)
            if visit.target is source and not act.command_seen:
                self._child(visit, moment, source.user, Origin.LOCAL)
            else:
                self._remote(visit, source, tool, moment)
        source.end(tool, at + (4 + 3 * len(act.targets)) * TICKS_PER_SECOND)

    def _remote(self, visit: Visit, source: Machine, tool: Process, at: int) -> None:
        """One target: both hosts' connections, credentials, the session there and what runs in it."""
        act, target, user, relations = visit.act, visit.target, visit.user, visit.relations
        path = way(act.route, source, target.spec)
        if user is not tool.session.account:
            links = ((relations.credentials, "credentials"),) if relations.credentials else ()
            service = "HTTP" if act.by_winrm else "RPCSS"
            explicit_credentials(
                source, at, tool, tool.session, user, (target.spec.fqdn, f"{service}/{target.spec.fqdn}"),
                over_rpc=not act.by_winrm, part=visit.part("explicit_credentials"), links=links,
            )  # fmt: skip
        port = self._connect(visit, source, tool, path, at)
        seen = Source(path.seen, source.ids.port())
        ticket(self._machines["DC01"], at + 10 * MS, user, seen, target.spec.account.name, initial=False)
        of_logon = tuple((entry, "logon") for entry in (relations.tie, relations.credentials) if entry)
        sessions = [
            self._logon(visit, at + shift * MS, path.logged(port), of_logon, act.logon_id if shift == 85 else None)
            for shift in (60, 85)
        ]
        moment = at + 140 * MS
        if act.by_winrm:
            self._child_of_winrm(visit, moment, sessions[1])
        elif act.child:
            inbound = Trait.NONE if act.route is Route.NO_ADDRESS else Trait.INBOUND_SESSION
            if target.spec.sysmon is not Sysmon.NONE and target is not source:
                inbound |= Trait.INBOUND
            self._child(visit, moment, sessions[1], Origin.REMOTE, Trait.NONE if target is source else inbound)
        else:
            self._provider(visit, moment)
        if act.subscribes:
            self._subscription(visit, moment)
        logoff(target, at + 9 * TICKS_PER_SECOND, sessions[0], 3)
        if not act.lingers:
            logoff(target, at + 30 * TICKS_PER_SECOND, sessions[1], 3)

    def _connect(self, visit: Visit, source: Machine, tool: Process, path: Way, at: int) -> int:
        """The connections that an act needs, on both hosts; the port that the target knows the source by."""
        target, tie = visit.target, visit.relations.tie
        if visit.act.by_winrm:
            services = [(_WINRM, "connection", target.kernel)]
        else:
            dynamic = _RPC + 3 * (target.spec.name == "DC01")
            services = [(ENDPOINT_MAPPER, "mapper", target.rpcss), (dynamic, "connection", target.winmgmt)]
        there = 0
        for remote_port, role, listener in services:
            here = source.ids.port()
            there = source.ids.port() if path.translated else here
            links = ((tie, "connection"),) if tie and role == "connection" else ()
            connection(source, at + 20 * MS, tool, path.ends(here, remote_port), part=visit.part(role), links=links)
            connection(
                target, at + 21 * MS, listener, path.ends_there(there, remote_port), initiated=False,
                part=visit.part(f"{role}_accepted"),
            )  # fmt: skip
        return there

    def _logon(
        self,
        visit: Visit,
        at: int,
        source: Source | None,
        links: tuple[tuple[Entry, str], ...],
        logon_id: int | None,
    ) -> Session:
        target = visit.target
        logon_id = logon_id or target.ids.logon_id()
        address = source.address.partition("%")[0].removeprefix("::ffff:") if source else None
        return logon(
            target, at, visit.user, 3, source=source, special=True, part=visit.part("logon"), logon_id=logon_id,
            entry=visit.relations.session(logon_id, target, visit.user, address), links=links,
        )  # fmt: skip

    def _unseen_source(self, number: int, act: Act, target: Machine, at: int) -> None:
        """A child whose caller left no logs: an attacker's own machine, or the management client on the spot."""
        user = act.as_user or target.system.account
        visit = Visit(
            number, act, target, user, Relations.of(self._ledger, number, act, None, target.spec.key, user, at)
        )
        if act.late and act.logon_id:  # the namesake's own session, whose logon is long past
            session = Session(target.spec.owner, act.logon_id, target.logon_guid(at, act.logon_id))
            staged = Staged(number, act.verdict, role="process")
            target.end(target.start(at, *act.late, target.explorer, session, staged=staged), at + TICKS_PER_SECOND)
            return
        if act.local or act.unlogged:
            session, origin = target.system, Origin.SUBSCRIPTION
            if act.unlogged:
                origin = Origin.UNKNOWN
                logon_id = target.ids.logon_id()
                session = Session(user, logon_id, target.logon_guid(at, logon_id))
            self._child(visit, at, session, origin)
            return
        port = 40000 + number
        for remote_port, local_port, listener in (
            (ENDPOINT_MAPPER, port - 2000, target.rpcss), (_RPC, port, target.winmgmt)
        ):  # fmt: skip
            connection(
                target, at - 20 * MS, listener,
                Ends((act.address, local_port), (target.spec.address, remote_port)), initiated=False,
                part=visit.part("connection_accepted"),
            )  # fmt: skip
        session = self._logon(visit, at, Source(act.address, port), (), None)
        inbound = Trait.INBOUND_SESSION if shows_session(target.spec) else Trait.NONE
        self._child(visit, at + 90 * MS, session, Origin.REMOTE, inbound)
        target.emit(
            ev.SECURITY_5145, at + TICKS_PER_SECOND,
            (user.sid, user.name, user.domain, session.logon_id, "File", act.address, str(port + 1), *act.output,
             0x120089, "%%1538\r\n\t\t\t\t", "-"),
            part=visit.part("output"),
        )  # fmt: skip
        logoff(target, at + 20 * TICKS_PER_SECOND, session, 3)

    @staticmethod
    def _provider(visit: Visit, at: int) -> Process:
        staged = Staged(visit.number, visit.act.verdict, Trait.PROVIDER, "provider_host")
        host = provider_host(visit.target, at, staged=staged)
        visit.target.end(host, at + 95 * TICKS_PER_SECOND)
        return host

    def _child(self, visit: Visit, at: int, session: Session, origin: Origin, inbound: Trait = Trait.NONE) -> None:
        """WmiPrvSE starts, starts the command in the caller's session, and ends when it has been idle."""
        act = visit.act
        host = self._provider(visit, at)
        traits = Trait.WMI_CHILD | Trait.SECURED | Trait.ENDS_SECURED | act.child_traits | inbound
        self._run(visit, at + 160 * MS, host, session, traits, origin)

    def _child_of_winrm(self, visit: Visit, at: int, session: Session) -> None:
        """WinRM's host runs in the caller's session itself, and so does what it starts."""
        target, verdict = visit.target, visit.act.verdict
        host = target.start(
            at, f"{SYSTEM32}\\wsmprovhost.exe", "C:\\Windows\\system32\\wsmprovhost.exe -Embedding", target.dcom,
            session, staged=Staged(visit.number, verdict, role="winrm_host"),
        )  # fmt: skip
        self._run(visit, at + 160 * MS, host, session, Trait.NONE, None)
        target.end(host, at + 12 * TICKS_PER_SECOND)

    @staticmethod
    def _run(visit: Visit, at: int, host: Process, session: Session, traits: Trait, origin: Origin | None) -> None:
        number, act, target = visit.number, visit.act, visit.target
        if act.child is None:
            return
        command = visit.relations.command
        child = target.start(
            at, *act.child, host, session, staged=Staged(number, act.verdict, traits, "child", origin),
            links=((command, "child"),) if command else (),
        )  # fmt: skip
        for image, command_line in act.grandchildren:
            staged = Staged(number, act.verdict, role="grandchild")
            target.end(target.start(at + 100 * MS, image, command_line, child, session, staged=staged), at + 240 * MS)
        if act.late:
            staged = Staged(number, act.verdict, role="after_logoff")
            late = target.start(at + 90 * TICKS_PER_SECOND, *act.late, child, session, staged=staged)
            target.end(late, at + 91 * TICKS_PER_SECOND)
        target.end(child, at + (150 if act.late else 5) * TICKS_PER_SECOND)

    def _subscription(self, visit: Visit, at: int) -> None:
        """A permanent subscription is made, and starts its program twenty minutes later, as SYSTEM."""
        act, target = visit.act, visit.target
        if act.subscribes is None:
            return
        name, command = act.subscribes
        subscriptions.create(target, at + 60 * MS, visit.user, name, command, visit.part("subscription"))
        fires = at + 1200 * TICKS_PER_SECOND
        staged = Staged(visit.number, act.verdict, role="provider_host")
        host = provider_host(target, fires, staged=staged, by_system=True)
        staged = Staged(visit.number, act.verdict, Trait.WMI_CHILD, "subscribed_child", Origin.SUBSCRIPTION)
        child = target.start(fires + 160 * MS, command.partition(" ")[0], command, host, target.system, staged=staged)
        target.end(child, fires + 5 * TICKS_PER_SECOND)
        target.end(host, fires + 95 * TICKS_PER_SECOND)
