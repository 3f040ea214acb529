"""The clock of the lab: two or more days in which the hosts run, people work, and the acts are staged.

Everything follows from the seed; no clock and no hash order is asked. Time advances in slices, and only the events of
about one slice are in memory, so that a gigabyte of noise costs no more of it than a megabyte.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter

from wmiwarehouse.lab import incidents
from wmiwarehouse.lab.act import Act
from wmiwarehouse.lab.acts import ACTS
from wmiwarehouse.lab.acts_elsewhere import MORE_ACTS, REBOOT_HOUR
from wmiwarehouse.lab.ledger import Ledger
from wmiwarehouse.lab.logons import sign_in, sign_out
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import TICKS_PER_SECOND, LabEvent, to_datetime, to_ticks
from wmiwarehouse.lab.noise import WEIGHTED
from wmiwarehouse.lab.stage import Stage
from wmiwarehouse.lab.staging import Part
from wmiwarehouse.lab.truth import StagedAct
from wmiwarehouse.lab.world import BY_KEY, HOSTS, START, host_label

_HOUR = 3600 * TICKS_PER_SECOND
_MINUTE = 60 * TICKS_PER_SECOND
_SLICES_PER_DAY = 144
_ACTIVITIES_PER_SLICE = 12
_BYTES_PER_SLICE = 2_000_000
_BYTES_PER_ACTIVITY = 4000  # a first guess, corrected as soon as there is something to measure

Action = tuple[int, Callable[[int], None]]


def _iso(at: int) -> str:
    return to_datetime(at).isoformat().replace("+00:00", "Z")


def _label(key: str) -> str:
    """A host of an act as the truth names it."""
    return host_label(BY_KEY[key].fqdn) if key in BY_KEY else key.lower()


class Scenario:
    """One run, from the first boot to the last event."""

    def __init__(self, seed: int, days: int) -> None:
        if days < 2:
            raise ValueError("the acts of the scenario take two days")
        self._rng = random.Random(f"{seed}/scenario")  # noqa: S311 - made to be repeatable
        self._start = to_ticks(START)
        self._end = self._start + days * 24 * _HOUR
        self._machines = {
            spec.key: Machine(spec, seed, self._start + number * _MINUTE + self._rng.randrange(_MINUTE))
            for number, spec in enumerate(HOSTS)
        }
        self._everyone = list(self._machines.values())
        self._record_ids: dict[tuple[str, str], int] = {}
        self.ledger = Ledger()
        self._stage = Stage(self._machines, self.ledger)
        self.acts: list[StagedAct] = []
        actions = [*self._staged(), *self._everyday(days), *self._rare(), *self._reboots()]
        self._script = sorted(actions, key=lambda action: action[0])

    def _staged(self) -> Iterator[Action]:
        for number, act in enumerate((*ACTS, *MORE_ACTS), start=1):
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
            source=_label(act.source) if act.source else None,
            targets=[_label(name) for name in act.targets],
            user=user.user if user else "NT AUTHORITY\\SYSTEM",
            time=_iso(at),
            command_line=act.wrapper[1] if act.wrapper else act.command_line,
            remote_command=act.child[1] if act.child else None,
        )

    def _everyday(self, days: int) -> Iterator[Action]:
        """People come in the morning and leave in the evening."""
        for machine in self._everyone:
            for day in range(days):
                morning = self._start + day * 24 * _HOUR + 8 * _HOUR + self._rng.randrange(30 * _MINUTE)
                evening = morning + 9 * _HOUR + self._rng.randrange(60 * _MINUTE)
                yield morning, partial(sign_in, machine)
                yield evening, partial(sign_out, machine)

    def _rare(self) -> Iterator[Action]:
        """What happens once in a while: a new service, a subscription made on the spot, logs and auditing changed."""
        for incident in incidents.INCIDENTS:
            at = self._start + round(incident.hour * _HOUR)
            machine = self._machines[incident.host]
            number = len(self.acts) + 1
            part = Part(number, incident.role, incident.verdict)
            self.acts.append(
                StagedAct(
                    number=number, label=incident.verdict.value, vehicle=incident.role, source=None,
                    targets=[_label(incident.host)], user=machine.spec.owner.user, time=_iso(at), command_line="",
                    remote_command=None,
                )
            )  # fmt: skip
            yield at, partial(incident.play, machine, part=part)

    def _reboots(self) -> Iterator[Action]:
        """A night's reboot, and one in working hours after which the owner logs on again."""
        yield self._start + 26 * _HOUR, self._machines["APP01"].reboot
        at = self._start + round(REBOOT_HOUR * _HOUR)
        yield at, self._machines["APP02"].reboot
        yield at + 4 * _MINUTE, partial(sign_in, self._machines["APP02"])

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
            rng.choice(WEIGHTED)(machine, at, peer, self.ledger)

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
                    last = machine.rng.randrange(1000, 400_000) + self._first_record(machine)
                event.record_id = self._record_ids[log] = last + 1
                yield event

    @staticmethod
    def _first_record(machine: Machine) -> int:
        """A log of a namesake starts where the other's never comes, so that a record is known by host's short name."""
        return 10_000_000 if machine.spec.key != machine.spec.name else 0
