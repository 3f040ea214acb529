"""Which records are copies of others: the identity, its limits, and which of the copies stays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lake.conftest import SCHEMA
from wmiwarehouse.lake import duplicates
from wmiwarehouse.lake.tables import DUPLICATES, arrow_schema

NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)

Row = dict[str, Any]
Find = Callable[..., list[tuple[str, int]]]


def row(source: str, number: int = 1, **changes: Any) -> Row:
    """A record of the file *source*; *seconds* are after noon."""
    time = NOON + timedelta(seconds=changes.pop("seconds", 0))
    common = {
        "host": "ws01",
        "computer": "WS01.acme.example",
        "channel": "Security",
        "event_id": 4688,
        "record_id": 7,
        "event_time": time,
        "provider": "P",
        "event_data": "{}",
        "command_line": None,
    }
    return {"source_id": f"sha-{source}", "source_file": source, "source_record": number} | common | changes


@pytest.fixture
def find(tmp_path: Path) -> Iterator[Find]:
    """Returns (file, record) of every copy among new rows, given old ones; each list of rows is a part."""
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("set timezone = 'UTC'")
    numbers = itertools.count()

    def parts(rows: Sequence[Sequence[Row]]) -> list[Path]:
        paths = []
        for one in rows:
            paths.append(tmp_path / f"part-{next(numbers)}.parquet")
            pq.write_table(pa.Table.from_pylist(list(one), schema=SCHEMA), paths[-1])
        return paths

    def call(
        *new: Sequence[Row], old: Sequence[Sequence[Row]] = (), listed: Sequence[Path] = ()
    ) -> list[tuple[str, int]]:
        found = duplicates.find(connection, parts(new), parts(old), listed)
        return [(copy["source_file"], copy["source_record"]) for copy in found]

    yield call
    connection.close()


def test_the_same_record_in_two_files(find: Find) -> None:
    assert find([row("a"), row("b")]) == [("b", 1)]
    assert find([row("b")], [row("a")]) == [("b", 1)]


def test_the_same_record_twice_in_one_file(find: Find) -> None:
    assert find([row("a", 1), row("a", 9)]) == [("a", 9)]


@pytest.mark.parametrize(("seconds", "is_copy"), [(0.001, True), (10, True), (10.001, False), (3600, False)])
def test_times_up_to_ten_seconds_apart(find: Find, seconds: float, is_copy: bool) -> None:
    assert find([row("a"), row("b", seconds=seconds)]) == ([("b", 1)] if is_copy else [])
    assert find([row("a"), row("b", seconds=-seconds)]) == ([("b", 1)] if is_copy else [])


@pytest.mark.parametrize(
    "other",
    [
        {"host": "ws02", "computer": "WS02.acme.example"},
        {"computer": "WS01.other.example"},
        {"channel": "System"},
        {"event_id": 4689},
        {"record_id": 8},
        {"record_id": None},
    ],
    ids=lambda other: ", ".join(other),
)
def test_what_makes_another_record(find: Find, other: Row) -> None:
    assert find([row("a"), row("b", **other)]) == []


@pytest.mark.parametrize(
    "other",
    [{"computer": "ws01"}, {"computer": "WS01.ACME.EXAMPLE"}, {"channel": "security"}, {"event_data": '{"a":1}'}],
    ids=str,
)
def test_what_makes_no_other_record(find: Find, other: Row) -> None:
    assert find([row("a"), row("b", **other)]) == [("b", 1)]


def test_a_short_name_does_not_join_two_full_ones(find: Find) -> None:
    rows = [row("a"), row("b", computer="WS01.other.example"), row("c", computer="WS01")]
    assert find(rows) == [("c", 1)]


def test_records_without_an_id_are_the_same_if_their_content_is(find: Find) -> None:
    plain: Row = {"record_id": None}
    assert find([row("a", **plain), row("b", **plain)]) == [("b", 1)]
    assert find([row("a", **plain), row("b", event_data='{"x":1}', **plain)]) == []
    assert find([row("a", **plain), row("b", seconds=1, **plain)]) == []


def test_repeats_without_an_id_inside_one_file_are_kept(find: Find) -> None:
    """The n-th in one file is the n-th in another: three against two leave one."""
    plain: Row = {"record_id": None}
    rows = [row("a", n, **plain) for n in (1, 2)] + [row("b", n, **plain) for n in (4, 5, 6)]
    assert find(rows) == [("b", 4), ("b", 5)]


def test_records_without_a_time_or_a_host(find: Find) -> None:
    nothing: Row = {"event_time": None, "host": None, "computer": None}
    assert find([row("a", **nothing), row("b", **nothing)]) == [("b", 1)]


def test_what_was_committed_first_stays(find: Find) -> None:
    assert find([row("a")], old=[[row("z")]]) == [("a", 1)]
    assert find([row("a"), row("b")], old=[[row("z")]]) == [("a", 1), ("b", 1)]


def test_the_fullest_stays_wherever_it_lies(find: Find) -> None:
    poor, full = row("a"), row("z", command_line="wmic /node:x", process_path="C:\\w.exe")
    assert find([poor, full]) == [("a", 1)]
    assert find([full], old=[[poor]]) == [("a", 1)]
    assert find([poor], old=[[full]]) == [("a", 1)]
    more_of_less = row("b", process_path="p", user_name="u", logon_id="0x1", process_id=4)
    assert find([full], old=[[more_of_less]]) == [("b", 1)]
    assert find([row("z")], old=[[row("a", computer="WS01")]]) == [("a", 1)]


def test_a_fuller_record_hides_older_ones_only_within_ten_seconds_of_itself(find: Find) -> None:
    old = [row("a", seconds=-10), row("b", seconds=10), row("c", seconds=19)]
    assert find([row("z", command_line="x")], old=[old]) == [("a", 1), ("b", 1)]
    assert find([row("z")], old=[old[:2]]) == [("z", 1)]


def test_what_is_a_copy_already_makes_no_other_one(find: Find, tmp_path: Path) -> None:
    listed = tmp_path / "duplicates.parquet"
    copies = [{"source_id": "sha-a", "source_file": "a", "source_record": 1}]
    pq.write_table(pa.Table.from_pylist(copies, schema=arrow_schema(DUPLICATES)), listed)
    full, poor = row("a", command_line="x"), row("b")
    assert find([row("c")], old=[[full, poor]], listed=[listed]) == [("c", 1)]
    assert find([row("c", command_line="x")], old=[[full, poor]], listed=[listed]) == [("b", 1)]
    assert find([row("c")], old=[[full]], listed=[listed]) == []


def test_copies_inside_an_older_batch_are_not_named_again(find: Find) -> None:
    assert find([row("c", record_id=99)], old=[[row("a"), row("b")]]) == []


def test_old_files_that_do_not_meet_the_new_are_not_read(find: Find, tmp_path: Path) -> None:
    """Ranges of host, channel and ids decide, so a growing lake does not slow every ingest down."""
    connection = duckdb.connect()
    paths = {}
    for name, rows in {
        "new": [row("n", record_id=5), row("n", record_id=9)],
        "meets": [row("m", record_id=9)],
        "below": [row("b", record_id=4)],
        "other host": [row("o", host="ws02")],
        "other channel": [row("c", channel="System")],
        "no ids": [row("i", record_id=None)],
    }.items():
        paths[name] = tmp_path / f"{name}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), paths[name])
    old = [path for name, path in paths.items() if name != "new"]
    assert duplicates._meeting(connection, [paths["new"]], old) == [str(paths["meets"])]


def test_no_parts_and_no_copies(find: Find) -> None:
    assert find([row("a")]) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from([1, 2, None]),
            st.sampled_from([0, 4, 30, 60]),
            st.sampled_from(["WS01", "WS01.x.y", "WS01.z"]),
        ),
        min_size=1,
        max_size=14,
    ),
    data=st.data(),
)
def test_the_order_of_the_rows_decides_nothing(
    find: Find, records: list[tuple[str, int | None, int, str]], data: st.DataObject
) -> None:
    rows = [
        row(source, number, record_id=record_id, seconds=seconds, computer=computer)
        for number, (source, record_id, seconds, computer) in enumerate(records, 1)
    ]
    shuffled = data.draw(st.permutations(rows))
    middle = len(rows) // 2
    copies = find(rows)
    assert find(shuffled[:middle], shuffled[middle:]) == copies
    # Whatever is a copy, one of each stays: nothing disappears.
    kept = {(r["record_id"],) for r in rows if (r["source_file"], r["source_record"]) not in copies}
    assert kept == {(r["record_id"],) for r in rows}
