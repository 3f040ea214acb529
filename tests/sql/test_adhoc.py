"""Ad-hoc SQL over a warehouse: nothing outside is read, nothing is written, and it ends when it should."""

from __future__ import annotations

import shutil
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import ExitCode, NoDataError, UsageError, WmiwhError
from wmiwarehouse.hunting import adhoc, guard
from wmiwarehouse.lake import catalog, relations
from wmiwarehouse.lake.views import create_views
from wmiwarehouse.lake.warehouse import Warehouse

HERE = Path(__file__).parent
HOSTILE: list[dict[str, Any]] = tomllib.loads((HERE / "hostile.toml").read_text(encoding="utf-8"))["statements"]
HARMLESS: list[str] = tomllib.loads((HERE / "harmless.toml").read_text(encoding="utf-8"))["statements"]
Place = Any


def test_hostile_statements_change_and_read_nothing(place: Place, ask: Any) -> None:
    before = place.hashes()
    for item in HOSTILE:
        with pytest.raises(UsageError) as refused:
            ask(place.fill(item["sql"]))
        assert place.secret not in str(refused.value)
    assert place.hashes() == before


@pytest.fixture
def copied(place: Place, tmp_path: Path) -> Place:
    """The same in another place, for statements that get through: they may spoil it."""
    there = replace(place, warehouse=tmp_path / "w", outside=tmp_path / "outside")
    shutil.copytree(place.warehouse, there.warehouse)
    shutil.copytree(place.outside, there.outside)
    return there


def test_the_connection_alone_keeps_all_but_the_lake(copied: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second line of defence: the same statements without the guard.

    What it does not do, the guard must: keep statements from overwriting files of the lake (``only_the_guard``), and
    from changing the session itself (making a view, attaching a database in memory), which ends with the connection.
    """
    monkeypatch.chdir(copied.outside)  # where a relative name would be
    before = copied.hashes()
    lake = copied.lake
    content, mode = lake.read_bytes(), lake.stat().st_mode
    written = set()
    connection = _Unguarded(copied)
    for item in HOSTILE:
        answer = connection.run(copied.fill(item["sql"]))
        assert copied.secret not in answer, item["sql"]
        after = copied.hashes()
        if after != before:
            written.add(item["sql"])
            assert after.keys() == before.keys(), item["sql"]
            assert {path for path in after if after[path] != before[path]} == {str(lake)}, item["sql"]
            lake.chmod(0o644)
            lake.write_bytes(content)
            lake.chmod(mode)
    # Run by root nothing else stands in the way; anybody else is kept by the files' own mode.
    assert written <= {item["sql"] for item in HOSTILE if item.get("only_the_guard")}


class _Unguarded:
    """A connection that is locked down, made anew after each statement that got through: it may have changed it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._connection: Any = None

    def run(self, sql: str) -> str:
        """Run *sql* and return its rows or its error as text."""
        connection = self._connection = self._connection or self._connected()
        timer = threading.Timer(5, connection.interrupt)
        timer.start()
        try:
            answer = str(connection.execute(sql).fetch_arrow_table().to_pylist())
        except Exception as error:  # noqa: BLE001 - whatever it is, it was stopped
            return str(error)
        finally:
            timer.cancel()
        connection.close()
        self._connection = None
        return answer

    def _connected(self) -> Any:
        connection = catalog.connect(memory_limit="256MB")
        batches = Warehouse.open(self._place.warehouse).batches()
        for statement in relations.base_relations(batches):
            connection.execute(statement)
        connection.execute("create schema hunt")
        connection.execute("create view events as select * from lake_events")
        adhoc.lock_down(connection, batches)
        return connection


def test_the_connection_lets_the_lake_be_written_where_the_guard_is_not_asked(copied: Place) -> None:
    """Why there is a guard at all; if this fails, DuckDB has closed the gap."""
    lake = copied.lake
    lake.chmod(0o644)
    _Unguarded(copied).run(f"with x as (copy (select 9 as a) to '{lake}' (use_tmp_file false)) select * from x")
    assert lake.stat().st_size < 1000


@pytest.mark.parametrize(
    "setting",
    [
        "enable_external_access = true",
        "lock_configuration = false",
        "memory_limit = '100GB'",
        "temp_directory = '/tmp'",
        "allowed_paths = ['/etc/passwd']",
        "autoload_known_extensions = true",
        "python_enable_replacements = true",
    ],
)
def test_what_is_locked_stays_locked(place: Place, setting: str) -> None:
    connection = catalog.connect()
    adhoc.lock_down(connection, Warehouse.open(place.warehouse).batches())
    with pytest.raises(duckdb.Error):
        connection.execute(f"set {setting}")
    connection.close()


@pytest.fixture(scope="module")
def everything(place: Place, library: Library) -> Iterator[Any]:
    """Return a connection with all that may be named; the statements of one test share it."""
    connection = catalog.connect()
    known = adhoc.known_relations(library)
    named = frozenset((schema, name) for schema in known for name in known[schema])
    statement = guard.check("select 1", connection, known).statement
    adhoc.prepare(connection, place.warehouse, library, guard.Checked(statement, named, frozenset()))
    yield connection
    connection.close()


def test_harmless_statements_run(place: Place, library: Library, everything: Any) -> None:
    before = place.hashes()
    known = adhoc.known_relations(library)
    for sql in HARMLESS:
        everything.sql(guard.check(sql, everything, known).statement).to_arrow_reader().read_all()
    assert place.hashes() == before


def test_every_relation_that_may_be_named_is_there(library: Library, everything: Any) -> None:
    known = adhoc.known_relations(library)
    found = everything.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall()
    assert {(schema, name) for schema in known for name in known[schema]} <= set(found)
    assert len(known["main"]) > 40
    assert len(known["hunt"]) > 90


def test_rows(ask: Any) -> None:
    assert ask("select 1 as one") == [{"one": 1}]
    query = "select host, count(*) as n from events group by host order by host"
    assert ask(query) == [{"host": "ws00", "n": 1}, {"host": "ws01", "n": 2}, {"host": "ws02", "n": 2}]
    assert [row["process_name"] for row in ask("from hunt.wmiprvse_children order by event_time")] == [
        "cmd.exe",
        "notepad.exe",
    ]
    assert ask("select source_file from lake_sources")[0]["source_file"].endswith("a.json")


def test_a_step_does_not_reach_into_the_views(ask: Any) -> None:
    found = ask(
        "with process_event as (select 1 as x), events as (select 2 as y) select count(*) as n from process_creation"
    )
    assert found == [{"n": 3}]


def test_parameters(ask: Any) -> None:
    assert ask("select host from events where event_id = $id and user_name = $who", {"id": "4624", "who": "adm"}) == [
        {"host": "ws02"}
    ]
    text = "x'; drop view events; --"
    assert ask("select $a as a", {"a": text}) == [{"a": text}]
    assert ask("select count(*) as n from events where event_time >= $day::timestamptz", {"day": "2025-01-01"}) == [
        {"n": 0}
    ]
    with pytest.raises(UsageError, match=r"no value for \$who; say it with -p who=VALUE"):
        ask("select $who")
    with pytest.raises(UsageError, match=r"-p who: the SQL has no \$who"):
        ask("select 1", {"who": "x"})
    with pytest.raises(UsageError, match="Could not convert string 'x'"):
        ask("select count(*) from events where event_id = $id", {"id": "x"})


def test_misspelt_columns_are_named_with_the_nearest(ask: Any) -> None:
    with pytest.raises(UsageError, match=r'"proces_name" not found.*"process_name"') as refused:
        ask("select proces_name from process_creation")
    assert "\n" not in str(refused.value)


def test_only_what_is_named_is_made(place: Place, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(connection: Any, *arguments: Any) -> Any:
        views = create_views(connection, *arguments)
        query = "select view_name from duckdb_views() where schema_name = 'main' and not internal"
        models = {model.name for model in library.models}
        made.append(len(models & {name for (name,) in connection.execute(query).fetchall()}))
        return views

    monkeypatch.setattr("wmiwarehouse.hunting.adhoc.create_views", counted)
    for sql in ("from events", "from hunt.wmiprvse_children"):
        with adhoc.answer(place.warehouse, library, sql) as reader:
            assert isinstance(reader, pa.RecordBatchReader)
    assert made[0] == 1
    assert made[1] < len(library.models) / 2


def test_no_warehouse(tmp_path: Path, library: Library) -> None:
    with pytest.raises(WmiwhError) as failed, adhoc.answer(tmp_path / "nowhere", library, "select 1"):
        pass
    assert failed.value.code is ExitCode.NO_DATA
    Warehouse.create(tmp_path / "empty")
    with pytest.raises(NoDataError), adhoc.answer(tmp_path / "empty", library, "select 1"):
        pass


def test_the_relations_that_may_be_named_are_those_of_the_library(library: Library) -> None:
    known = adhoc.known_relations(library)
    assert {"lake_events", "lake_sources", "lake_problems", "settings", "host_alias", "events"} <= known["main"]
    assert {"wmiprvse_children", "wmiprvse_children_v1"} <= known["hunt"]
    fewer = adhoc.known_relations(replace(library, models=library.models[:1]))
    assert "process_creation" not in fewer["main"]
