"""Real logs, read where they lie: what is whole gives no problem, and every record that the headers count comes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "evtx"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real logs is not beside the project")


def test_real_logs_are_read_without_problems(read: Callable[[bytes], Any]) -> None:
    logs = [
        data for path in sorted(CORPUS.rglob("*")) if path.is_file() and (data := path.read_bytes())[:7] == b"ElfFile"
    ]
    assert len(logs) > 100
    records = 0
    for data in logs:
        reading = read(data)
        assert reading.problems == []
        assert list(reading.records) == list(range(1, len(reading.records) + 1))
        promised = 0
        for start in range(4096, len(data) - 65_535, 65_536):
            if data.startswith(b"ElfChnk\0", start):
                first, last = (int.from_bytes(data[start + at : start + at + 8], "little") for at in (8, 16))
                promised += last - first + 1
        assert len(reading.records) == promised
        assert all("EventID" in event["System"] for event in reading.records.values())
        records += promised
    assert records > 10_000
