"""Reads files as an ingest does, in this process, and says what became of each record.

``WMIWH_FUZZ`` is how many seconds all of it takes (20 without it, `make fuzz` gives more), ``WMIWH_FUZZ_SEED`` where
the chances start. A case that hangs ends the run with a traceback; the file it hung at is left in the temporary folder.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from wmiwarehouse.lab import generate
from wmiwarehouse.pipeline.part_writer import PartWriter
from wmiwarehouse.pipeline.surveyor import Surveyed, Surveyor
from wmiwarehouse.pipeline.worker import Flush, Read, Worker
from wmiwarehouse.projection.compiler import Projection

SECONDS = float(os.environ.get("WMIWH_FUZZ", "20"))
SEED = int(os.environ.get("WMIWH_FUZZ_SEED", "0"))
#: No case takes a second; one that takes so long is taken to hang.
PATIENCE = 60


class _Sink:
    """Takes the records that a worker would write into a part; what is no JSON is named there."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.invalid = 0

    def write(self, fmt: str, records: Any, sources: Any, clock: Any) -> None:
        for text in records.column("record").to_pylist():
            try:
                json.loads(text)
                self.texts.append(text)
            except ValueError:
                self.invalid += 1

    def left_out(self, fmt: str) -> dict[int, int]:
        return {}


@dataclass
class Reading:
    """What came out of a file."""

    texts: list[str] = field(default_factory=list)
    problems: list[tuple[str, str, int]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    sources: int = 0

    @property
    def lost(self) -> int:
        return sum(lost for *_, lost in self.problems)


@pytest.fixture(scope="session")
def projection() -> Projection:
    return Projection()


@pytest.fixture
def read(tmp_path: Path, projection: Projection) -> Callable[[bytes], Reading]:
    """Reads a file of these bytes through recognition, survey and worker."""

    def call(content: bytes) -> Reading:
        path = tmp_path / "case.bin"
        path.write_bytes(content)
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        try:
            return _read(path, projection)
        finally:
            faulthandler.cancel_dump_traceback_later()

    return call


def _read(path: Path, projection: Projection) -> Reading:
    spool = path.with_suffix(".spool")
    surveyor = Surveyor([path], projection, {}, {}, "batch", datetime(2024, 1, 1, tzinfo=UTC), spool)
    surveyor.run()
    found, sink = Reading(), _Sink()
    worker = Worker(cast("PartWriter", sink))
    while (answer := surveyor.found.get_nowait()) is not None:
        if isinstance(answer, BaseException):
            raise answer
        if not isinstance(answer, Surveyed):
            found.failed.append(getattr(answer, "reason", "") or "")
            continue
        found.sources += 1
        found.problems += [(p.position, p.reason, p.lost) for p in answer.survey.problems]
        for part in answer.survey.slices:
            done = worker.do(Read(answer.source, part))
            found.problems += [(p.position, p.reason, p.lost) for _, p in done.problems]
    worker.do(Flush())
    found.texts = sink.texts
    found.problems += [("", "not valid JSON", 1)] * sink.invalid
    return found


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> Callable[[float], Iterator[random.Random]]:
    """Yields sources of chance until the given share of the time is over; what fails is told by its seed."""

    def call(share: float) -> Iterator[random.Random]:
        end, number = time.monotonic() + SECONDS * share, SEED
        while number == SEED or time.monotonic() < end:
            yield random.Random(f"{request.node.name} {number}")
            number += 1
        sys.stdout.write(f"{number - SEED} cases, seeds from {SEED}\n")

    return call


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenario's logs."""
    folder = tmp_path_factory.mktemp("lab")
    others = ("event_xml_utf16", "get_winevent", "splunk", "splunk_raw", "winlogbeat")
    generate(folder, formats=("evtx", "exported", "nxlog", *others))
    return folder
