"""The clock of the lab: two or more days in which the hosts run, people work, and the acts are staged.

Everything follows from the seed; no clock and no hash order is asked. Time advances in slices, and only the events of
about one slice are in memory, so that a gigabyte of noise costs no more of it than a megabyte.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab.acts import ACTS, Act
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import MS, TICKS_PER_SECOND, LabEvent, millisecond_text, to_datetime, to_ticks
from wmiwarehouse.lab.noise import WEIGHTED
from wmiwarehouse.lab.stage import Stage
from wmiwarehouse.lab.truth import StagedAct
from wmiwarehouse.lab.world import ALICE, CAROL, DOMAIN, HOSTS, START, SYSTEM32

_HOUR = 3600 * TICKS_PER_SECOND
_MINUTE = 60 * TICKS_PER_SECOND
_SLICES_PER_DAY = 144
_ACTIVITIES_PER_SLICE = 12
_BYTES_PER_SLICE = 2_000_000
_BYTES_PER_ACTIVITY = 4000  # a first guess, corrected as soon as there is something to measure

Action = tuple[int, Callable[[int], None]]


class Scenario:
    """One run, from the first boot to the last event."""

    def __init__(self, seed: int, days: int) -> None:
        if days < 2:
            raise ValueError("the acts of the scenario take two days")
        self._rng = random.Random(f"{seed}/scenario")  # noqa: S311 - made to be repeatable
        self._start = to_ticks(START)
        self._end = self._start + days * 24 * _HOUR
        self._machines = {
            spec.name: Machine(spec, seed, self._start + number * _MINUTE + self._rng.randrange(_MINUTE))
            for number, spec in enumerate(HOSTS)
        }
        self._everyone = list(self._machines.values())
        self._record_ids: dict[tuple[str, str], int] = {}
        self._stage = Stage(self._machines)
        self.acts: list[StagedAct] = []
        actions = [*self._staged(), *self._everyday(days), *self._incidents()]
        self._script = sorted(actions, key=lambda action: action[0])

    def _staged(self) -> Iterator[Action]:
        for number, act in enumerate(ACTS, start=1):
            at = self._start + round(act.hour * _HOUR) + self._rng.randrange(60 * TICKS_PER_SECOND)
            self.acts.append(self._described(number, act, at))
            yield at, partial(self._stage.perform, number, act)

    def _described(self, number: int, act: Act, at: int) -> StagedAct:
        user = act.as_user
        if user is None:
            user = self._machines[act.source].spec.owner if act.source else None
        return StagedAct(
            number=number,
            label=act.verdict.value,
            vehicle=act.vehicle,
            source=act.source.lower() if act.source else None,
            targets=[name.lower() for name in act.targets],
            user=user.user if user else "NT AUTHORITY\\SYSTEM",
            time=to_datetime(at).isoformat().replace("+00:00", "Z"),
            command_line=act.wrapper[1] if act.wrapper else act.command_line,
            remote_command=act.child[1] if act.child else None,
        )

    def _everyday(self, days: int) -> Iterator[Action]:
        """People come in the morning and leave in the evening."""
        for machine in self._everyone:
            for day in range(days):
                morning = self._start + day * 24 * _HOUR + 8 * _HOUR + self._rng.randrange(30 * _MINUTE)
                evening = morning + 9 * _HOUR + self._rng.randrange(60 * _MINUTE)
                yield morning, machine.sign_in
                yield evening, machine.sign_out

    def _incidents(self) -> Iterator[Action]:
        """Rare events: a reboot, a new service, a WMI subscription, cleared logs."""
        yield self._start + 26 * _HOUR, self._machines["APP01"].reboot
        yield self._start + 16 * _HOUR, self._new_service
        yield self._start + 16 * _HOUR + 20 * _MINUTE, self._subscription
        yield self._start + 16 * _HOUR + 40 * _MINUTE, self._cleared

    def _new_service(self, at: int) -> None:
        machine = self._machines["FS01"]
        machine.emit(
            ev.SCM_7045, at,
            ("Backup Agent", f"{SYSTEM32}\\bkagent.exe", "user mode service", "demand start", "LocalSystem"),
            pid=machine.services.pid, user=machine.spec.owner,
        )  # fmt: skip

    def _subscription(self, at: int) -> None:
        """A permanent subscription: its three Sysmon events, and what WMI says of it."""
        machine = self._machines["WS01"]
        text, user = millisecond_text(at), ALICE.user
        query = "SELECT * FROM __InstanceModificationEvent WITHIN 60 WHERE TargetInstance ISA 'Win32_LocalTime'"
        machine.sysmon(
            ev.SYSMON_19, at,
            ("-", "WmiFilterEvent", text, "Created", user, ' "root\\\\cimv2"', ' "Upd"', f' "{query}"'),
        )  # fmt: skip
        machine.sysmon(
            ev.SYSMON_20, at + 9 * MS,
            ("-", "WmiConsumerEvent", text, "Created", user, ' "Upd"', "Command Line",
             ' "C:\\\\Windows\\\\Temp\\\\upd.exe"'),
        )  # fmt: skip
        machine.sysmon(
            ev.SYSMON_21, at + 18 * MS,
            ("-", "WmiBindingEvent", text, "Created", user, ' "CommandLineEventConsumer.Name=\\"Upd\\""',
             ' "__EventFilter.Name=\\"Upd\\""'),
        )  # fmt: skip
        pid = machine.winmgmt.pid
        cause = 'Binding EventFilter: \ninstance of __EventFilter\n{\n\tName = "Upd";\n};\n'
        for number, (kind, values) in enumerate((
            (ev.WMI_5859, ("//./root/subscription", query, user, pid, "Unknown", 0, "Permanent")),
            (ev.WMI_5860, ("root\\cimv2", query, user, pid, machine.spec.name, "Temporary")),
            (ev.WMI_5861, ("//./root/subscription", "Upd", 'CommandLineEventConsumer="Upd"', cause)),
        )):  # fmt: skip
            machine.emit(kind, at + (25 + number) * MS, values, pid=pid, user=machine.system.account)

    def _cleared(self, at: int) -> None:
        machine = self._machines["WS03"]
        session = machine.user
        machine.emit(ev.SECURITY_1102, at, (CAROL.sid, CAROL.name, DOMAIN, session.logon_id), pid=machine.lsass.pid)
        machine.emit(ev.EVENTLOG_104, at + 300 * MS, (CAROL.name, DOMAIN, "System", ""), pid=1100, user=CAROL)

    def events(self, target_bytes: int | None, written: Callable[[], int]) -> Iterator[LabEvent]:
        """All events, those of one host in order of time, with their record ids.

        ``written`` tells how many bytes there are so far, by which the noise is brought to ``target_bytes``.
        """
        span = self._end - self._start
        slices = _SLICES_PER_DAY * (span // (24 * _HOUR))
        if target_bytes is not None:
            slices = max(slices, target_bytes // _BYTES_PER_SLICE)
        script = iter([*self._script, (1 << 62, lambda _: None)])
        upcoming = next(script)
        activities = 0
        for number in range(slices):
            begin, until = (self._start + span * (number + step) // slices for step in (0, 1))
            count = _ACTIVITIES_PER_SLICE
            if target_bytes is not None:
                average = written() / activities if activities > 500 else _BYTES_PER_ACTIVITY
                count = max(0, round((target_bytes * (number + 1) / slices - written()) / average))
            activities += count
            for at in sorted(begin + self._rng.randrange(until - begin) for _ in range(count)):
                while upcoming[0] <= at:
                    upcoming[1](upcoming[0])
                    upcoming = next(script)
                self._live(at)
            while upcoming[0] < until:
                upcoming[1](upcoming[0])
                upcoming = next(script)
            yield from self._due(until - _MINUTE)
        yield from self._due(1 << 62)

    def _live(self, at: int) -> None:
        """Something ordinary happens somewhere."""
        rng = self._rng
        machine, peer = rng.choice(self._everyone), rng.choice(self._everyone)
        if at > machine.ready and at > peer.ready:
            rng.choice(WEIGHTED)(machine, at, peer)

    def _due(self, until: int) -> Iterator[LabEvent]:
        """The pending events before a moment, with their record ids.

        Acts write a little before their own time (a wrapper's start), hence the minute that the caller leaves.
        """
        for machine in self._everyone:
            machine.pending.sort(key=attrgetter("ticks"))
            ready = [event for event in machine.pending if event.ticks < until]
            machine.pending = machine.pending[len(ready) :]
            for event in ready:
                log = (event.host, event.kind.channel)
                last = self._record_ids.get(log)
                if last is None:
                    last = machine.rng.randrange(1000, 400_000)
                event.record_id = self._record_ids[log] = last + 1
                yield event
