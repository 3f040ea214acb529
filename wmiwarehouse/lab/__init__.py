"""A laboratory of Windows logs: a small domain at work, under attack, with the truth about every record.

``generate`` plays one seeded scenario and writes its logs; the same seed gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from wmiwarehouse.lab.copies import write_copies
from wmiwarehouse.lab.exports import WRITERS
from wmiwarehouse.lab.ledger import Evidence, Row
from wmiwarehouse.lab.nxlog import NxlogSettings
from wmiwarehouse.lab.scenario import Scenario
from wmiwarehouse.lab.sinks import open_sink
from wmiwarehouse.lab.staging import ANALYTICS
from wmiwarehouse.lab.truth import Fact, GroundTruth, Hit, StagedAct, TruthCollector
from wmiwarehouse.lab.world import HOSTS

__all__ = ["ANALYTICS", "Evidence", "Fact", "GroundTruth", "Hit", "Row", "StagedAct", "generate"]

FORMATS = ("evtx", "exported", "nxlog", *WRITERS)


def generate(
    folder: Path,
    *,
    seed: int = 1,
    days: int = 2,
    target_bytes: int | None = None,
    formats: Sequence[str] = ("evtx",),
    utc_offset_hours: float = -4,
    drop_process_id: bool = False,
    copies: bool = False,
) -> GroundTruth:
    """Write the scenario's logs into a folder, with ``truth.json`` beside them, and return the truth.

    ``formats`` are ``evtx`` (``evtx/<HOST>/<channel>.evtx``), ``exported`` (the same events as Event Viewer exports
    them), ``nxlog`` (``nxlog/<HOST>.json``) and those of :mod:`wmiwarehouse.lab.exports`, all with the same events as
    far as they can carry them. ``target_bytes`` scales the noise until the first of the formats has about that size;
    the staged acts stay as they are. ``utc_offset_hours`` and ``drop_process_id`` are the NXLog collector's zone and
    its worst habit. ``copies`` adds a folder of EVTX files that hold nothing new.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = NxlogSettings(dt.timedelta(hours=utc_offset_hours), drop_process_id)
    sinks = [open_sink(name, folder, settings) for name in formats]
    scenario = Scenario(seed, days)
    collector = TruthCollector(scenario.acts, scenario.ledger)
    for event in scenario.events(target_bytes, lambda: sinks[0].size):
        for sink in sinks:
            sink.write(event)
        collector.see(event)
    files = {path: records for sink in sinks for path, records in sink.close().items()}
    copied = write_copies(folder) if copies else {}
    truth = collector.truth(seed=seed, hosts=[spec.fqdn for spec in HOSTS], files=files, copies=copied)
    (folder / "truth.json").write_text(truth.to_json(), encoding="utf-8")
    return truth
