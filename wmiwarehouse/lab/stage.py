"""The stage manager: plays acts on the hosts, and leaves the evidence of both ends."""

from __future__ import annotations

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab.acts import POWERSHELL, Act
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import MS, TICKS_PER_SECOND, millisecond_text
from wmiwarehouse.lab.noise import module, powershell, provider_host, ticket
from wmiwarehouse.lab.staging import Staged, Trait
from wmiwarehouse.lab.world import DOMAIN, Account, Process, Session


class Stage:
    """Performs acts on the machines."""

    def __init__(self, machines: dict[str, Machine]) -> None:
        self._machines = machines

    def perform(self, number: int, act: Act, at: int) -> None:
        """Play one act, from the tool's start to the end of its sessions."""
        if act.source is None:
            for name in act.targets:
                self._unseen_source(number, act, self._machines[name], at)
            return
        source = self._machines[act.source]
        tool = self._tool(number, act, source, at)
        user = act.as_user or source.spec.owner
        for order, name in enumerate(act.targets):
            moment = at + (400 + 2500 * order) * MS
            target = self._machines[name]
            if target is source:
                self._child(number, act, target, moment, source.user)
            else:
                self._remote(number, act, source, tool, target, moment, user)
        source.end(tool, at + (4 + 3 * len(act.targets)) * TICKS_PER_SECOND)

    def _tool(self, number: int, act: Act, source: Machine, at: int) -> Process:
        parent = source.explorer
        if act.wrapper is not None:
            staged = Staged(number, act.verdict, act.wrapper_traits, "wrapper")
            parent = source.start(at - 60 * MS, *act.wrapper, parent, source.user, staged=staged)
            source.end(parent, at + 20 * TICKS_PER_SECOND)
        by_script = act.vehicle == "powershell"
        command_line = f'"{POWERSHELL}" -nop' if by_script else act.command_line
        tool = source.start(
            at, act.image, command_line, parent, source.user, original=act.original,
            staged=Staged(number, act.verdict, act.traits, "tool"), folder=f"C:\\Users\\{source.spec.owner.name}\\",
        )  # fmt: skip
        module(source, at + 15 * MS, tool, "wbem\\wbemprox.dll")
        if by_script:
            bindings = "".join(
                f'ParameterBinding(Invoke-WmiMethod): name="{name}"; value="{value}"\r\n'
                for name, value in (("ComputerName", act.targets[0]), ("Class", "Win32_Process"), ("Name", "Create"))
            )
            payload = f'CommandInvocation(Invoke-WmiMethod): "Invoke-WmiMethod"\r\n{bindings}'
            powershell(source, at + 90 * MS, tool, act.command_line, payload, act=(number, "script"))
        else:
            self._start_up_traces(number, source, tool, at)
        return tool

    @staticmethod
    def _start_up_traces(number: int, source: Machine, tool: Process, at: int) -> None:
        """The keys that wmic opens when it loads the sockets library: 4674 and Sysmon 12."""
        session = tool.session
        who = (session.account.sid, session.account.name, session.account.domain, session.logon_id)
        source.emit(
            ev.SECURITY_4674, at + 40 * MS,
            (*who, "Security", "Key", "\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\services\\WinSock2\\Parameters",
             0x1B8, "%%1538\r\n\t\t\t\t%%4432\r\n\t\t\t\t", "SeTakeOwnershipPrivilege", tool.pid, tool.image),
            act=(number, "winsock2_key"),
        )  # fmt: skip
        source.sysmon(
            ev.SYSMON_12, at + 41 * MS,
            ("-", "CreateKey", millisecond_text(at), tool.guid, tool.pid, tool.image,
             "HKLM\\System\\CurrentControlSet\\Services\\Tcpip\\Parameters"),
            act=(number, "tcpip_key"),
        )  # fmt: skip

    def _remote(
        self, number: int, act: Act, source: Machine, tool: Process, target: Machine, at: int, user: Account
    ) -> None:
        """One target: both hosts' connections, credentials, the session there and what runs in it."""
        here, there = source.spec.address, target.spec.address
        mapper_port, port = source.ids.port(), source.ids.port()
        service_port = 49664 + 3 * (target.spec.name == "DC01")
        if user is not tool.session.account:
            who = (*source.subject(tool.session), tool.session.logon_guid)
            source.emit(
                ev.SECURITY_4648, at,
                (*who, user.name, DOMAIN, source.ids.guid(), target.spec.fqdn, f"RPCSS/{target.spec.fqdn}", tool.pid,
                 tool.image, "-", "-"),
                pid=source.lsass.pid, act=(number, "explicit_credentials"),
            )  # fmt: skip
        for remote_port, local_port, listener in (
            (135, mapper_port, target.rpcss), (service_port, port, target.winmgmt)
        ):  # fmt: skip
            ends = ((here, local_port), (there, remote_port))
            role = "mapper" if remote_port == 135 else "connection"
            source.connection(at + 20 * MS, tool, *ends, act=(number, role))
            target.connection(at + 21 * MS, listener, *ends, initiated=False, act=(number, f"{role}_accepted"))
        ticket(
            self._machines["DC01"], at + 10 * MS, user.name, user.sid, here, source.ids.port(),
            target.spec.account.name, initial=False,
        )  # fmt: skip
        sessions = [
            target.logon(at + shift * MS, user, 3, source=(here, port), special=True, act=(number, "logon"))
            for shift in (60, 85)
        ]
        if act.child is None:
            host = provider_host(target, at + 140 * MS)
            target.end(host, at + 95 * TICKS_PER_SECOND)
        else:
            self._child(number, act, target, at + 140 * MS, sessions[1])
        for shift, session in zip((9, 30), sessions, strict=True):
            target.logoff(at + shift * TICKS_PER_SECOND, session, 3)

    def _unseen_source(self, number: int, act: Act, target: Machine, at: int) -> None:
        """A child whose caller left no logs: an attacker's own machine, or the management client on the spot."""
        if act.as_user is None:
            self._child(number, act, target, at, target.system)
            return
        port = 40000 + number
        session = target.logon(at, act.as_user, 3, source=(act.address, port), special=True, act=(number, "logon"))
        self._child(number, act, target, at + 90 * MS, session)
        user = act.as_user
        target.emit(
            ev.SECURITY_5145, at + TICKS_PER_SECOND,
            (user.sid, user.name, user.domain, session.logon_id, "File", act.address, str(port + 1), "\\\\*\\ADMIN$",
             "\\??\\C:\\Windows", act.child[1].split("ADMIN$\\")[1].split()[0] if act.child else "", 0x120089,
             "%%1538\r\n\t\t\t\t", "-"),
            act=(number, "output"),
        )  # fmt: skip
        target.logoff(at + 20 * TICKS_PER_SECOND, session, 3)

    def _child(self, number: int, act: Act, target: Machine, at: int, session: Session) -> None:
        """WmiPrvSE starts, starts the command in the caller's session, and ends when it has been idle."""
        if act.child is None:
            return
        image, command_line = act.child
        staged = Staged(number, act.verdict, role="provider_host")
        host = provider_host(target, at, staged=staged)
        staged = Staged(number, act.verdict, Trait.WMI_CHILD, "child")
        child = target.start(at + 160 * MS, image, command_line, host, session, staged=staged)
        for grandchild_image, grandchild_line in act.grandchildren:
            staged = Staged(number, act.verdict, role="grandchild")
            grandchild = target.start(at + 260 * MS, grandchild_image, grandchild_line, child, session, staged=staged)
            target.end(grandchild, at + 400 * MS)
        target.end(child, at + 5 * TICKS_PER_SECOND)
        target.end(host, at + 95 * TICKS_PER_SECOND)
