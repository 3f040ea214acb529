"""What the generated logs hold and what must be found in them, gathered while the events are written.

The truth comes from the labels that the scenario put on its events and from its ledger, never from matching text.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple, Self

from wmiwarehouse.lab.ledger import SECTIONS, Evidence, Ledger, Row
from wmiwarehouse.lab.model import LabEvent
from wmiwarehouse.lab.staging import ANALYTICS, Origin, Verdict
from wmiwarehouse.lab.world import host_label


class Hit(NamedTuple):
    """A record that is of interest to an analytic, as ``attack``, ``benign``, ``context`` or ``near_miss``."""

    row: Row
    label: str


class Fact(NamedTuple):
    """What belongs together, such as a session or a tie: what is known of it, and its records with their parts."""

    about: dict[str, Any]
    records: list[Evidence]

    def rows(self, role: str) -> set[Row]:
        """Its records that have one part in it."""
        return {row for name, row in self.records if name == role}


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
    however many formats it was written in. ``hits`` must be found, ``near_misses`` must not. ``origins`` are the rows
    of wmi_child_origin by where the child's session came from. The sections are for the analytics whose rows are made
    of several records: ``sessions`` for report_remote_execution, ``edges`` for lateral_movement, ``ties``,
    ``commands`` and ``credentials`` for the three chains. ``copies`` are files that hold nothing new.
    """

    seed: int
    hosts: list[str]
    records: int
    files: dict[str, int]
    events: dict[str, int]
    hits: dict[str, list[Hit]]
    near_misses: dict[str, list[Hit]]
    acts: list[StagedAct]
    origins: dict[str, list[Row]]
    sessions: list[Fact]
    edges: list[Fact]
    ties: list[Fact]
    commands: list[Fact]
    credentials: list[Fact]
    copies: dict[str, int]

    def rows(self, analytic: str, label: str | None = None) -> set[Row]:
        """The rows that an analytic must return, all or those with one label."""
        return {hit.row for hit in self.hits[analytic] if label is None or hit.label == label}

    def to_json(self) -> str:
        """The truth as JSON text, a line for each thing."""
        parts = {item.name: _lines(getattr(self, item.name)) for item in fields(self)}
        return "{\n" + ",\n".join(f"{json.dumps(name)}: {text}" for name, text in parts.items()) + "\n}\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The truth from its JSON text."""
        data: dict[str, Any] = json.loads(text)
        for name in ("hits", "near_misses"):
            data[name] = {
                analytic: [Hit(Row(*row), label) for row, label in hits] for analytic, hits in data[name].items()
            }
        data["origins"] = {origin: [Row(*row) for row in rows] for origin, rows in data["origins"].items()}
        data["acts"] = [StagedAct(**act | {"evidence": _evidence(act["evidence"])}) for act in data["acts"]]
        for section in SECTIONS:
            data[section] = [Fact(about, _evidence(records)) for about, records in data[section]]
        return cls(**data)


def _evidence(records: list[Any]) -> list[Evidence]:
    return [Evidence(role, Row(*row)) for role, row in records]


def _lines(value: Any) -> str:
    """JSON with a line for every item of a list or a table, two levels deep."""
    if isinstance(value, dict) and value:
        inner = ",\n".join(f"{json.dumps(name)}: {_lines(item)}" for name, item in value.items())
        return f"{{\n{inner}\n}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(json.dumps(item, default=asdict) for item in value) + "\n]"
    return json.dumps(value)


class TruthCollector:
    """Sees every event as it is written and keeps what matters."""

    def __init__(self, acts: list[StagedAct], ledger: Ledger) -> None:
        self._acts = {act.number: act for act in acts}
        self._ledger = ledger
        self._hits: dict[str, list[Hit]] = {analytic: [] for analytic in ANALYTICS}
        self._near_misses: dict[str, list[Hit]] = {analytic: [] for analytic in ANALYTICS}
        self._origins: dict[str, list[Row]] = {origin.value: [] for origin in Origin}
        self._events: Counter[tuple[str, int]] = Counter()

    def see(self, event: LabEvent) -> None:
        """Take note of one written event."""
        kind = event.kind
        self._events[kind.channel, kind.event_id] += 1
        if not (event.labels or event.act or event.links):
            return
        row = Row(host_label(event.host), kind.channel, kind.event_id, event.record_id)
        if event.act is not None:
            number, role = event.act
            self._acts[number].evidence.append(Evidence(role, row))
        for entry, role in event.links:
            entry.add(role, row, event.ticks)
        for analytic, label in event.labels:
            hits = self._near_misses if label == Verdict.NEAR_MISS.value else self._hits
            hits[analytic].append(Hit(row, label))
        if event.origin is not None:
            self._origins[event.origin.value].append(row)

    def truth(self, *, seed: int, hosts: list[str], files: dict[str, int], copies: dict[str, int]) -> GroundTruth:
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
            origins=self._origins,
            copies=copies,
            **{
                section: [Fact(entry.about, entry.records) for entry in self._ledger.complete(section)]
                for section in SECTIONS
            },
        )
