"""Ad-hoc SQL ends: by time, by memory, and by what the whole process may take."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import ExitCode, UsageError, WmiwhError
from wmiwarehouse.hunting import adhoc

Place = Any


@pytest.mark.parametrize(
    "sql",
    [
        "select * from range(1000000000000000)",
        "select count(*) from range(10000000) as a, range(10000000) as b",
        "with recursive t(i) as (select 1 union all select i + 1 from t) select * from t",
        "with recursive t(i) as (select 1 union all select i + 1 from t) select count(*) from t",
        "select a.range from range(1000000) as a, range(1000000000) as b",
    ],
)
def test_what_never_ends_is_stopped(place: Place, library: Library, sql: str) -> None:
    start = time.monotonic()
    words = r"stopped after 0.5 s \(--timeout\); narrow it, or --timeout 60"
    with (
        pytest.raises(WmiwhError, match=words) as stopped,
        adhoc.answer(place.warehouse, library, sql, timeout=0.5, memory="256MB") as reader,
    ):
        for _batch in reader:
            pass
    assert stopped.value.code is ExitCode.FAILED
    assert time.monotonic() - start < 10


def test_rows_that_are_read_slowly_end_at_the_deadline_too(place: Place, library: Library) -> None:
    with adhoc.answer(place.warehouse, library, "select * from range(10000000)", timeout=0.3) as reader:
        reader.read_next_batch()
        time.sleep(0.5)
        with pytest.raises(WmiwhError, match="stopped after"):
            reader.read_all()


@pytest.mark.parametrize(
    "sql",
    [
        "select list(a.range) as l from range(1000000) as a, range(1000) as b",
        "select * from range(1000000000) as t(a) order by random()",
        "select string_agg(repeat('x', 1000000), '') from range(1000)",
    ],
)
def test_what_needs_too_much_memory_is_stopped(place: Place, library: Library, ask: Any, sql: str) -> None:
    before = place.hashes()
    with pytest.raises(
        WmiwhError, match=r"needs more than 128MB \(--memory\); narrow it .*or --memory 256MB"
    ) as stopped:
        ask(sql, memory="128MB", timeout=60)
    assert stopped.value.code is ExitCode.FAILED
    assert place.hashes() == before
    assert not Path(".tmp").exists()


def test_values_that_memory_limit_does_not_count_are_bounded_too(ask: Any) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(WmiwhError, match="needs more than 128MB"):
        ask("select len(range(2000000000))", memory="128MB", timeout=60)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@pytest.mark.parametrize("text", ["", "4", "GB", "-1GB", "1e9MB", "1KB", "12 apples", "63MB; set x", "0GB", "4gb GB"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--memory"):
        adhoc.memory_size(text)


def test_sizes() -> None:
    assert [adhoc.memory_size(text) for text in ("512MB", "1.5GB", "2 GiB", "4gb")] == [
        512_000_000,
        1_500_000_000,
        2 << 30,
        4_000_000_000,
    ]


def test_the_rows_of_a_broken_reader_are_not_ours(place: Place, library: Library, ask: Any) -> None:
    """The interrupt is gone with its question: the next one has all its time."""
    with pytest.raises(WmiwhError):
        ask("select * from range(1000000000000000)", timeout=0.2)
    assert ask("select 1 as a", timeout=5) == [{"a": 1}]
