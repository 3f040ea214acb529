"""The guard alone: what is refused, what is not, and that it says which in good time."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting import adhoc, guard, second_reading
from wmiwarehouse.hunting.functions import SCALAR_FUNCTIONS, TABLE_FUNCTIONS, is_computing
from wmiwarehouse.lake import catalog

HERE = Path(__file__).parent
HOSTILE: list[dict[str, Any]] = tomllib.loads((HERE / "hostile.toml").read_text(encoding="utf-8"))["statements"]
HARMLESS: list[str] = tomllib.loads((HERE / "harmless.toml").read_text(encoding="utf-8"))["statements"]

Check = Callable[[str], guard.Checked]

#: Functions of DuckDB that were looked at and left out.
REFUSED = set(
    """
    array_to_string_comma_default assert_true bitstring_byte_comparable can_cast_implicitly cast_to_type
    col_description combine combine_aggr constant_or_null current_connection_id current_query current_query_id
    current_setting current_transaction_id currval decimal_average decimal_division divide error finalize
    format_pg_type format_type get_block_size get_type getvariable hive_partition_component in_search_path index_key
    is_histogram_other_bin json_copy_strftime_if_date json_copy_strftime_if_timestamp json_deserialize_sql
    json_serialize_plan json_serialize_sql lttb make_type map_to_pg_oid nextval obj_description
    parse_duckdb_log_message remap_struct replace_type setseed setval shobj_description sleep_ms stats
    sum_no_overflow timetz_byte_comparable to_aggregate_state txid_current vector_type vertex_extract write_log
    __between __cast
    """.split()  # noqa: SIM905 - a block can be read
)
REFUSED_KINDS = re.compile(r"(__internal_|collate_|has_|icu_|inet_|pg_|st_|variant_)\w+")


@pytest.fixture(scope="module")
def check(library: Library) -> Iterator[Check]:
    connection = catalog.connect()
    known = adhoc.known_relations(library)
    yield lambda sql: guard.check(sql, connection, known)
    connection.close()


def test_there_are_enough_of_both() -> None:
    assert len({item["sql"] for item in HOSTILE}) == len(HOSTILE) >= 150
    assert len(set(HARMLESS)) == len(HARMLESS) >= 40
    assert all(item["wrong"] for item in HOSTILE)


@pytest.mark.parametrize("item", HOSTILE, ids=lambda item: item["sql"][:60])
def test_hostile(check: Check, item: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as refused:
        check(item["sql"])
    assert str(refused.value)
    assert "\n" not in str(refused.value)
    assert "shape that is not known" not in str(refused.value)


@pytest.mark.parametrize("sql", HARMLESS, ids=lambda sql: sql[:60])
def test_harmless(check: Check, sql: str) -> None:
    check(sql)


def test_what_a_statement_names(check: Check) -> None:
    found = check(
        "with e as (from EVENTS) select $a, $B from e join hunt.Wmiprvse_Children_v1 using (host), main.logon"
    )
    assert found.relations == {("main", "events"), ("hunt", "wmiprvse_children_v1"), ("main", "logon")}
    assert found.parameters == {"a", "B"}


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("copy (select 1) to 'x.csv'", "only one SELECT over the warehouse's views is allowed; found COPY. To save"),
        ("with x as (copy (select 1) to 'x.csv') select 1", "found COPY. To save rows"),
        ("with x as (insert into t values (1) returning *) from x", "found INSERT."),
        ("select 1; select 2", "found 2 statements"),
        ("-- nothing", "found nothing"),
        ("update extensions", "found UPDATE"),
        ("describe events", "found DESCRIBE, SHOW or SUMMARIZE"),
        ("select * from proces_creation", 'no view "proces_creation"; nearest: process_creation'),
        ("select * from wmiprvse_children", "nearest: hunt.wmiprvse_children"),
        ("select * from hunt.wmiprvse_childern", "nearest: hunt.wmiprvse_children"),
        ("select * from 'x.csv'", 'no view "x.csv". Only'),
        ("select uper('x')", 'function "uper" is none of those that only compute; nearest: upper'),
        ("select ?", "parameters have names"),
        ("pivot events on host using count(*)", "pivot VIEW on COLUMN in ("),
        ("select 'x", "not closed"),
        ("selec 1", 'syntax error at or near "selec"'),
        ("select \ud800", "U+D800"),
    ],
)
def test_words(check: Check, sql: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        check(sql)


@pytest.mark.parametrize(
    ("begin", "middle", "end"),
    [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("abs(", "1", ")"),
        ("(select ", "1", ")"),
        ("exists(select ", "1", ")"),
        ("{'a': ", "1", "}"),
        ("case when true then ", "1", " end"),
        ("not ", "true", ""),
        ("- ", "1", ""),
        ("", "1", "::integer"),
        ("", "host", ".lower()"),
        ("", "targets", "[1]"),
        ("", "1", " + 1"),
        ("x -> ", "1", ""),
    ],
)
def test_deep_nesting_ends_soon(check: Check, begin: str, middle: str, end: str) -> None:
    check(f"select {begin * 20}{middle}{end * 20} from events")
    start = time.monotonic()
    with pytest.raises(UsageError, match=r"levels deep|depth limit"):
        check(f"select {begin * 15_000}{middle}{end * 15_000} from events")
    assert time.monotonic() - start < 10


def test_the_same_depth_whatever_is_left_of_the_stack(check: Check) -> None:
    def below(frames: int, sql: str) -> guard.Checked:
        return below(frames - 1, sql) if frames else check(sql)

    for frames in (0, 500):
        below(frames, f"select {'abs(' * 190}1{')' * 190}")
        with pytest.raises(UsageError, match="more than 200 levels deep"):
            below(frames, f"select {'abs(' * 201}1{')' * 201}")


def test_long_lists_of_values_are_no_problem(check: Check) -> None:
    hashes = ", ".join(f"'{number:064x}'" for number in range(10_000))
    check(f"select host from events where event_uid in ({hashes})")
    with pytest.raises(UsageError, match="more than 1,000,000 bytes"):
        check(f"select {'1' * 1_000_000}")
    with pytest.raises(UsageError, match="100,000 words"):
        check(f"select {'1,' * 60_000} 1")


def test_each_reading_finds_what_it_can_alone(check: Check, monkeypatch: pytest.MonkeyPatch, library: Library) -> None:
    """DuckDB's tree is enough for every statement; the other reading finds most of them too, without it."""
    known = adhoc.known_relations(library)
    passed = []
    for item in HOSTILE:
        try:
            second_reading.walk(item["sql"], known)
        except UsageError:
            continue
        passed.append(item["sql"])
    # Scopes, functions that are relations or not, and parameters are for DuckDB's tree alone.
    assert len(passed) < len(HOSTILE) / 10, passed
    assert not [sql for sql in passed if "copy" in sql.lower() or "read_" in sql.lower()]
    monkeypatch.setattr(second_reading, "walk", lambda _sql, _known: None)
    for item in HOSTILE:
        with pytest.raises(UsageError):
            check(item["sql"])


def test_every_function_of_duckdb_was_looked_at() -> None:
    """A new one is refused until it stands in one of the lists; add it to ``functions.py`` only if it only computes."""
    connection = catalog.connect()
    kinds = "('scalar', 'aggregate', 'macro', 'window')"
    query = f"select distinct lower(function_name) from duckdb_functions() where function_type in {kinds}"
    names = {name for (name,) in connection.execute(query).fetchall()}
    connection.close()
    new = {name for name in names if not (is_computing(name) or name in REFUSED or REFUSED_KINDS.fullmatch(name))}
    assert new == set()
    assert SCALAR_FUNCTIONS - names - {"unnest"} == set()  # a misspelt one would never be missed
    assert {name for name in REFUSED if is_computing(name)} == set()
    assert not [name for name in TABLE_FUNCTIONS if re.match(r"read_|parquet|glob|query|duckdb|pragma|sniff", name)]
