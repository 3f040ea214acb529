"""Holds what a hunt finds in the lab's logs against what was staged in them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting.hunt import Hunt, open_hunt
from wmiwarehouse.hunting.selection import select
from wmiwarehouse.lab.ledger import Row
from wmiwarehouse.lab.truth import Fact, GroundTruth

if TYPE_CHECKING:
    import pyarrow as pa

_IDENTITY = ("host", "channel", "event_id", "record_id")
# Analytic -> the truth's section that it answers to.
_SECTIONS = {
    "report_remote_execution": "sessions",
    "lateral_movement": "edges",
    "chain_connection_to_logon": "ties",
    "chain_wmic_to_child": "commands",
    "chain_explicit_credentials_to_logon": "credentials",
}
# Section -> the part of those records that no other entry of the section shares.
_ANCHORS = {"ties": "connection", "commands": "child", "credentials": "credentials"}
_SAME_ACT = dt.timedelta(seconds=60)


@dataclass(frozen=True)
class Score:
    """One analytic against the truth; benign hits are what an administrator did and the analytic cannot tell apart."""

    analytic: str
    is_context: bool
    found: int
    attacks: int
    benign: int
    context: int
    missed: int
    missed_attacks: int
    unexpected: int

    @property
    def precision(self) -> float | None:
        """Share of attacks in what alarms; what is only context never alarms."""
        alarms = self.attacks + self.benign + self.unexpected
        return None if self.is_context or not alarms else self.attacks / alarms

    @property
    def recall(self) -> float | None:
        """Share of the staged attacks that were found."""
        staged = self.attacks + self.missed_attacks
        return self.attacks / staged if staged else None


def score(warehouse: Path | Hunt, truth: GroundTruth) -> list[Score]:
    """Return the score of every analytic whose rows are single records and that the truth speaks of."""
    library = Library.load()
    scores = []
    with _opened(warehouse, library) as hunting:
        for analytic in select(library, sorted(set(truth.hits) & set(library.newest))):
            table = hunting.run(analytic)
            if set(_IDENTITY) <= set(table.column_names):
                is_context = analytic.metadata.kind == "context"
                scores.append(_against_hits(analytic.id, table, truth, is_context=is_context))
    return scores


def score_facts(warehouse: Path | Hunt, truth: GroundTruth) -> list[Score]:
    """Return the score of every analytic whose rows put several records together: sessions, chains and edges."""
    library = Library.load()
    with _opened(warehouse, library) as hunting:
        return [
            _against_facts(analytic.id, hunting.run(analytic), truth)
            for analytic in select(library, sorted(set(_SECTIONS) & set(library.newest)))
        ]


@contextmanager
def _opened(warehouse: Path | Hunt, library: Library) -> Iterator[Hunt]:
    """Open *warehouse* unless somebody has: what a hunt has worked out for one question serves the next."""
    if isinstance(warehouse, Hunt):
        yield warehouse
        return
    with open_hunt(warehouse, library) as hunting:
        yield hunting


def _against_hits(analytic: str, table: pa.Table, truth: GroundTruth, *, is_context: bool) -> Score:
    """Rows that are single records; a record that stands in two rows is unexpected the second time."""
    rows = [Row(*row.values()) for row in table.select(_IDENTITY).to_pylist()]
    found = set(rows)
    staged = truth.rows(analytic)
    labels = Counter(hit.label for hit in truth.hits[analytic] if hit.row in found)
    missed = staged - found
    return Score(
        analytic,
        is_context,
        found=len(rows),
        attacks=labels["attack"],
        benign=labels["benign"],
        context=labels["context"],
        missed=len(missed),
        missed_attacks=len(missed & truth.rows(analytic, "attack")),
        unexpected=len(found - staged) + len(rows) - len(found),
    )


def _against_facts(analytic: str, table: pa.Table, truth: GroundTruth) -> Score:
    """Rows that are made of several records; a second row for one fact is unexpected."""
    section = _SECTIONS[analytic]
    facts: list[Fact] = getattr(truth, section)
    rows = table.to_pylist()
    is_of = _matcher(section)
    found: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for fact in facts:
        (found if any(is_of(row, fact) for row in rows) else missed)[fact.about["label"]] += 1
    return Score(
        analytic,
        is_context=False,
        found=len(rows),
        attacks=found["attack"],
        benign=found["benign"],
        context=found["context"],
        missed=missed.total(),
        missed_attacks=missed["attack"],
        unexpected=len(rows) - found.total(),
    )


def _matcher(section: str) -> Callable[[dict[str, Any], Fact], bool]:
    match section:
        case "sessions":
            return _is_session
        case "edges":
            return _is_edge
        case _:
            return lambda row, fact: _is_chain(row, fact, _ANCHORS[section])


def _is_session(row: dict[str, Any], fact: Fact) -> bool:
    """The session's own logon, its id and account, and just the processes that ran in it."""
    about = fact.about
    return (
        Row(*(row[name] for name in _IDENTITY)) in fact.rows("logon")
        and (row["logon_id"], row["user"]) == (about["logon_id"], about["user"])
        and _records(row["processes"]) == fact.rows("process")
    )


def _is_chain(row: dict[str, Any], fact: Fact, anchor: str) -> bool:
    records = _records(row["source_evidence"]) | _records(row["target_evidence"])
    return bool(records & fact.rows(anchor)) and records <= {evidence.row for evidence in fact.records}


def _is_edge(row: dict[str, Any], fact: Fact) -> bool:
    """From where to where, as whom, at about that time; which side is not seen is part of it."""
    about = fact.about
    return (
        (row["source"], row["target"], row["user"]) == (about["source"], about["target"], about["user"])
        and (row["side_without_logs"] is not None) == about["is_half"]
        and abs(row["first"] - dt.datetime.fromisoformat(about["time"])) < _SAME_ACT
    )


def _records(evidence: Iterable[dict[str, Any]] | None) -> set[Row]:
    return {Row(*(record[name] for name in _IDENTITY)) for record in evidence or ()}
