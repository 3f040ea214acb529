"""What the generated logs hold and what must be found in them, gathered while the events are written.

The truth comes from the labels that the scenario put on its events, never from matching their text.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Self

from wmiwarehouse.lab.model import LabEvent
from wmiwarehouse.lab.staging import ANALYTICS, Verdict


class Row(NamedTuple):
    """One record: short host name in lower case, channel, event id, record id."""

    host: str
    channel: str
    event_id: int
    record_id: int


class Hit(NamedTuple):
    """A record that is of interest to an analytic, as ``attack``, ``benign`` or ``near_miss``."""

    row: Row
    label: str


class Evidence(NamedTuple):
    """A record that an act left, and its part in it, such as ``tool``, ``logon`` or ``child``."""

    role: str
    row: Row


@dataclass(slots=True)
class StagedAct:
    """One act as it was played: short host names in lower case, time in ISO-8601 UTC, the command as typed."""

    number: int
    label: str
    vehicle: str
    source: str | None
    targets: list[str]
    user: str
    time: str
    command_line: str
    remote_command: str | None
    evidence: list[Evidence] = field(default_factory=list)


@dataclass(slots=True)
class GroundTruth:
    """Everything that is known about one generated folder.

    ``files`` counts the records of every file (paths relative to the folder); ``records`` counts each event once,
    however many formats it was written in. ``hits`` must be found, ``near_misses`` must not.
    """

    seed: int
    hosts: list[str]
    records: int
    files: dict[str, int]
    events: dict[str, int]
    hits: dict[str, list[Hit]]
    near_misses: dict[str, list[Hit]]
    acts: list[StagedAct]

    def rows(self, analytic: str, label: str | None = None) -> set[Row]:
        """The rows that an analytic must return, all or those with one label."""
        return {hit.row for hit in self.hits[analytic] if label is None or hit.label == label}

    def to_json(self) -> str:
        """The truth as JSON text."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The truth from its JSON text."""
        data: dict[str, Any] = json.loads(text)
        for name in ("hits", "near_misses"):
            data[name] = {
                analytic: [Hit(Row(*row), label) for row, label in hits] for analytic, hits in data[name].items()
            }
        data["acts"] = [
            StagedAct(**act | {"evidence": [Evidence(role, Row(*row)) for role, row in act["evidence"]]})
            for act in data["acts"]
        ]
        return cls(**data)


class TruthCollector:
    """Sees every event as it is written and keeps what matters."""

    def __init__(self, acts: list[StagedAct]) -> None:
        self._acts = {act.number: act for act in acts}
        self._hits: dict[str, list[Hit]] = {analytic: [] for analytic in ANALYTICS}
        self._near_misses: dict[str, list[Hit]] = {analytic: [] for analytic in ANALYTICS}
        self._events: Counter[tuple[str, int]] = Counter()

    def see(self, event: LabEvent) -> None:
        """Take note of one written event."""
        kind = event.kind
        self._events[kind.channel, kind.event_id] += 1
        if event.act is None:
            return
        row = Row(event.host.partition(".")[0].lower(), kind.channel, kind.event_id, event.record_id)
        number, role = event.act
        self._acts[number].evidence.append(Evidence(role, row))
        for analytic, label in event.labels:
            hits = self._near_misses if label == Verdict.NEAR_MISS.value else self._hits
            hits[analytic].append(Hit(row, label))

    def truth(self, *, seed: int, hosts: list[str], files: dict[str, int]) -> GroundTruth:
        """All that was seen."""
        return GroundTruth(
            seed=seed,
            hosts=hosts,
            records=self._events.total(),
            files=files,
            events={f"{channel} {event_id}": count for (channel, event_id), count in sorted(self._events.items())},
            hits=self._hits,
            near_misses=self._near_misses,
            acts=list(self._acts.values()),
        )
