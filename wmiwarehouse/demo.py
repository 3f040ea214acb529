"""Holds what a hunt finds in the lab's logs against what was staged in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wmiwarehouse.content.library import Library
from wmiwarehouse.hunting.hunt import open_hunt, select
from wmiwarehouse.lab.truth import GroundTruth, Row

_IDENTITY = ("host", "channel", "event_id", "record_id")


@dataclass(frozen=True)
class Score:
    """One analytic against the truth; benign hits are what an administrator did and the analytic cannot tell apart."""

    analytic: str
    found: int
    attacks: int
    benign: int
    missed: int
    unexpected: int


def score(warehouse: Path, truth: GroundTruth) -> list[Score]:
    """Return the score of every analytic whose rows are single records and that the truth speaks of."""
    library = Library.load()
    scores = []
    with open_hunt(warehouse, library) as hunting:
        for analytic in select(library, sorted(set(truth.hits) & set(library.newest))):
            table = hunting.run(analytic)
            if not set(_IDENTITY) <= set(table.column_names):
                continue
            found = {Row(*row.values()) for row in table.select(_IDENTITY).to_pylist()}
            staged = truth.rows(analytic.id)
            scores.append(
                Score(
                    analytic.id,
                    len(found),
                    len(found & truth.rows(analytic.id, "attack")),
                    len(found & truth.rows(analytic.id, "benign")),
                    len(staged - found),
                    len(found - staged),
                )
            )
    return scores
