"""What happens on a host once in a while and is no act against another: services, subscriptions, logs and auditing."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab import subscriptions
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import MS
from wmiwarehouse.lab.staging import Part, Verdict, label
from wmiwarehouse.lab.world import SYSTEM32


class Played(Protocol):
    """How an incident is played."""

    def __call__(self, machine: Machine, at: int, *, part: Part) -> None:
        """Leave its events."""


class Incident(NamedTuple):
    """One incident: when (hours from the scenario's start), where, and what it means."""

    hour: float
    host: str
    role: str
    verdict: Verdict
    play: Played


def new_service(machine: Machine, at: int, *, part: Part) -> None:
    """Somebody installs a service: 7045."""
    machine.emit(
        ev.SCM_7045, at,
        ("Backup Agent", f"{SYSTEM32}\\bkagent.exe", "user mode service", "demand start", "LocalSystem"),
        pid=machine.services.pid, user=machine.spec.owner, part=part,
    )  # fmt: skip


def subscription(machine: Machine, at: int, *, part: Part) -> None:
    """The host's own user makes a permanent subscription."""
    subscriptions.create(machine, at, machine.spec.owner, "Upd", "C:\\Windows\\Temp\\upd.exe", part)


def logs_cleared(machine: Machine, at: int, *, part: Part) -> None:
    """The Security and the System log are cleared: 1102 and 104."""
    account = machine.spec.owner
    tags = label("evidence_tampering", part)
    who = (account.sid, account.name, account.domain, machine.user.logon_id)
    machine.emit(ev.SECURITY_1102, at, who, pid=machine.lsass.pid, tags=tags, part=part)
    machine.emit(
        ev.EVENTLOG_104, at + 300 * MS, (account.name, account.domain, "System", ""), pid=1100, user=account,
        tags=tags, part=part,
    )  # fmt: skip


def auditing_changed(machine: Machine, at: int, *, part: Part) -> None:
    """Auditing of process creation is switched off: 4719."""
    machine.emit(
        ev.SECURITY_4719, at,
        (*machine.subject(machine.user), "%%8276", "%%13312", machine.ids.guid(), "%%8448, %%8450"),
        tags=label("evidence_tampering", part), part=part,
    )  # fmt: skip


def sysmon_stopped(machine: Machine, at: int, *, part: Part) -> None:
    """Sysmon is stopped and, a little later, started again: 4 twice."""
    for delay, state, hit in ((0, "Stopped", True), (30_000 * MS, "Started", False)):
        machine.sysmon(
            ev.SYSMON_4, at + delay, (machine.text(at + delay), state, "15.14", "4.90"),
            tags=label("evidence_tampering", part, hit=hit), part=part,
        )  # fmt: skip


def sysmon_configured(machine: Machine, at: int, *, part: Part) -> None:
    """Sysmon gets another configuration: 16."""
    values = (machine.text(at), f"{SYSTEM32}\\sysmon64.exe -c C:\\Windows\\sysmon.xml", "SHA256=" + "5D" * 32)
    machine.sysmon(ev.SYSMON_16, at, values, tags=label("evidence_tampering", part), part=part)


INCIDENTS = (
    Incident(16.0, "FS01", "new_service", Verdict.BENIGN, new_service),
    Incident(16 + 1 / 3, "WS01", "subscription", Verdict.ATTACK, subscription),
    Incident(16 + 2 / 3, "WS03", "logs_cleared", Verdict.ATTACK, logs_cleared),
    Incident(37.25, "APP02", "auditing_changed", Verdict.ATTACK, auditing_changed),
    Incident(33.2, "FS01", "sysmon_stopped", Verdict.BENIGN, sysmon_stopped),
    Incident(33.3, "DC01", "sysmon_configured", Verdict.BENIGN, sysmon_configured),
)
