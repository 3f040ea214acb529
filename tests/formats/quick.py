"""Reads one file as an ingest does, without processes and without a commit: for tests of many odd values."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wmiwarehouse.lake import catalog
from wmiwarehouse.lake.query import rows
from wmiwarehouse.pipeline.buffer import Buffer, Source
from wmiwarehouse.pipeline.clock import Finding, decide
from wmiwarehouse.pipeline.part_writer import PartWriter
from wmiwarehouse.pipeline.surveyor import shapes
from wmiwarehouse.projection.compiler import Projection
from wmiwarehouse.readers import reading
from wmiwarehouse.readers.evtx_values import ValueCheck
from wmiwarehouse.readers.model import Outcome, each
from wmiwarehouse.readers.recognise import Candidate, recognise

Row = dict[str, Any]


class QuickReader:
    """Recognises, reads and projects files of *formats*, or of all; *folder* takes them and what they become."""

    def __init__(self, folder: Path, *formats: str) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._projection = Projection()
        self._shapes = shapes(self._projection)
        (folder / "events").mkdir()
        self._writer = PartWriter(folder / "events", "t", self._projection.functions)
        for name in formats or self._projection.formats:
            self._writer.learn(name, self._projection.statements(name))
        self._connection = catalog.connect(threads=1)
        self.problems: list[str] = []
        """What was named of the last file."""
        self.left_out = 0
        """How many of its records the format's own rule left out."""

    def close(self) -> None:
        """Give the connections back."""
        self._writer.close()
        self._connection.close()

    def __call__(self, *records: Any, text: str | bytes | None = None) -> list[Row]:
        """Return the lake's rows of *records*, one a line, or of a file with *text*, in the file's order."""
        number = next(self._numbers)
        path = self._folder / f"{number}.log"
        if text is None:
            text = "".join(json.dumps(record) + "\n" for record in records)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        (found,) = recognise(path, self._shapes)
        assert isinstance(found, Candidate), found
        source = _source(0, number, found)
        buffer = Buffer()
        for ordinal, record in self._read(found):
            buffer.take(source, ordinal, [record])
        table = buffer.record_table()
        if self._projection.has_clock(found.format):
            findings = [Finding(**row) for row in self._writer.clock(found.format, table)]
            buffer.offsets[0] = tuple(decide(findings))
        self._writer.write(found.format, table, buffer.source_table(), buffer.clock_table())
        self.left_out = self._writer.left_out(found.format).get(0, 0)
        (part,) = (self._folder / "events").glob("*.parquet")
        result = rows(self._connection, f"select * from read_parquet('{part}') order by source_record")
        part.unlink()
        return result

    def full_part(self, paths: Iterable[Path]) -> int:
        """Write the records of *paths* as a worker does, until a part is full; return how many they were."""
        buffer, fmt = Buffer(), ""
        for number, path in enumerate(paths):
            (found,) = recognise(path, self._shapes)
            assert isinstance(found, Candidate), found
            source, fmt = _source(number, number, found), found.format
            for ordinal, record in self._read(found):
                if buffer.is_full:
                    break
                buffer.take(source, ordinal, [record])
        self._writer.write(fmt, buffer.record_table(), buffer.source_table(), buffer.clock_table())
        (part,) = (self._folder / "events").glob("*.parquet")
        part.unlink()
        return len(buffer)

    def _read(self, found: Candidate) -> list[tuple[int, str]]:
        with found.place.open() as stream:
            survey = reading.survey(stream, found.layout, divisible=found.place.divisible)
        outcome, texts = Outcome(list(survey.problems)), []
        for part in survey.slices:
            with found.place.open(part.start) as stream:
                texts += list(each(reading.read(stream, part, outcome, found.layout, ValueCheck())))
        self.problems = [problem.reason for problem in outcome.problems]
        return texts


def _source(number: int, key: int, found: Candidate) -> Source:
    ingested_at = datetime(2024, 1, 1, tzinfo=UTC)
    return Source(number, found.place, found.format, "", "sha", f"{key}:", "batch", ingested_at, found.layout)
