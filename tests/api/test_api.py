"""The API: what it returns is what the commands print, whatever a caller does wrong has a class, nothing is printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

import wmiwarehouse
from wmiwarehouse import NoDataError, Rows, UsageError, Warehouse, WmiwhError
from wmiwarehouse.cli.app import app
from wmiwarehouse.output import cells

if TYPE_CHECKING:
    from collections.abc import Callable

WMIC = "xql_wmic_remote_exec"


def printed(*arguments: Any) -> Any:
    """Return what the command line says as JSON."""
    said = CliRunner(env={"WMIWH_WAREHOUSE": ""}).invoke(
        app, [str(argument) for argument in arguments] + ["-f", "json"]
    )
    assert said.exit_code == 0, said.stderr
    return json.loads(said.stdout)


def as_printed(rows: Rows) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cells.plain(rows.rows())
    return found


@pytest.fixture(autouse=True)
def silent(capfd: pytest.CaptureFixture[str]) -> Any:
    yield
    assert capfd.readouterr() == ("", "")


def test_ingest_tells_what_it_did(case: Any, warehouse: Warehouse) -> None:
    summary = case.summary
    assert summary.exit_code == wmiwarehouse.ExitCode.DONE
    assert sum(row["records"] for row in warehouse.sources()) == summary.records > 0
    assert case.shown
    assert case.shown[-1].records == summary.records


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"since": "1d"},
        {"until": "12h", "user": r"corp\adm.keller"},
        {"host": "ws02"},
    ],
)
def test_hunt_is_what_the_command_prints(case: Any, warehouse: Warehouse, filters: dict[str, str]) -> None:
    flags = [text for name, value in filters.items() for text in (f"--{name}", value)]
    for analytic in (WMIC, "report_remote_execution"):
        rows = warehouse.hunt(analytic, **filters)
        assert as_printed(rows) == printed("hunt", analytic, "-w", case.folder, *flags)


def test_hunt_has_hits_and_times_are_utc(warehouse: Warehouse) -> None:
    rows = warehouse.hunt(WMIC)
    assert rows
    assert len(rows) == len(rows.rows()) == rows.arrow().num_rows == len(list(rows))
    assert rows.columns == tuple(rows.rows()[0])
    assert rows.notes == ()
    assert rows.arrow().schema.field("event_time").type == pa.timestamp("us", "UTC")
    times = [row["event_time"] for row in rows]
    assert all(time.utcoffset() == timedelta(0) for time in times)
    middle = sorted(times)[len(times) // 2]
    for since in (middle, middle.replace(tzinfo=None), middle.isoformat()):
        assert {row["event_time"] for row in warehouse.hunt(WMIC, since=since)} == {t for t in times if t >= middle}


def test_no_rows_say_what_that_is_worth(warehouse: Warehouse) -> None:
    (note,) = warehouse.hunt(WMIC, until="1999-01-01").notes
    assert note.startswith("0 hits. The data this needs was not seen on any of ")
    assert "in the range that was asked for" in note
    assert note.endswith("The filters may hide hits.")
    assert "no record in this warehouse is of host nowhere" in warehouse.hunt(WMIC, host="nowhere").notes[0]


def test_hunt_all_is_what_the_command_prints(case: Any, warehouse: Warehouse) -> None:
    def lines(**words: Any) -> list[dict[str, Any]]:
        return [cells.plain(vars(line)) for line in warehouse.hunt_all(**words)]

    narrow = {"technique": "T1047", "side": "source", "kind": ("detection", "chain"), "min_severity": "medium"}
    flags = ["--technique", "T1047", "--side", "source", "--kind", "detection,chain", "--min-severity", "medium"]
    assert lines(**narrow) == printed("hunt", "-w", case.folder, *flags)
    ids = [WMIC, "wmiprvse_children"]
    assert lines(analytics=ids, host="ws02") == printed("hunt", *ids, "--host", "ws02", "-w", case.folder)


def test_coverage_is_what_the_command_prints(case: Any, warehouse: Warehouse) -> None:
    assert as_printed(warehouse.coverage(WMIC)) == printed("coverage", "--analytic", WMIC, "-w", case.folder)
    of_host = printed("coverage", "--host", "WS02", "--since", "1d", "-w", case.folder)
    assert as_printed(warehouse.coverage(host="WS02", since="1d")) == of_host
    assert {row["host"] for row in of_host} == {"ws02"}


def test_sources_are_what_the_command_prints(case: Any, warehouse: Warehouse) -> None:
    assert as_printed(warehouse.sources()) == printed("sources", "-w", case.folder)
    assert warehouse.sources(problems=True).columns == (
        *("source_file", "position", "reason", "lost", "sha256", "batch_id"),
    )


def test_problems_are_what_the_command_prints(case: Any, tmp_path: Path) -> None:
    whole = next((case.logs / "evtx").rglob("*.evtx")).read_bytes()
    (tmp_path / "cut.evtx").write_bytes(whole[: len(whole) * 2 // 3])
    with wmiwarehouse.open(tmp_path / "w", create=True) as warehouse:
        summary = warehouse.ingest([tmp_path / "cut.evtx"], workers=1)
        assert summary.exit_code == wmiwarehouse.ExitCode.DAMAGED
        assert summary.problems
        found = as_printed(warehouse.sources(problems=True))
    assert found == printed("sources", "--problems", "-w", tmp_path / "w")
    assert found


def test_sql_is_what_the_command_prints(case: Any, warehouse: Warehouse) -> None:
    query = "select host, count(*) as n from process_creation where event_id = $id group by host order by host"
    rows = warehouse.sql(query, {"id": "4688"})
    assert as_printed(rows) == printed("sql", query, "-p", "id=4688", "-w", case.folder)
    assert rows
    assert len(warehouse.sql(f"select * from hunt.{WMIC}")) == len(warehouse.hunt(WMIC))


def test_sql_takes_values_of_other_types(warehouse: Warehouse) -> None:
    times = sorted(row["event_time"] for row in warehouse.hunt(WMIC))
    counted = "select count(*) as n from hunt.xql_wmic_remote_exec where event_time >= $since and $share < 1"
    (row,) = warehouse.sql(counted, {"since": times[3], "share": 0.5})
    assert row["n"] == sum(time >= times[3] for time in times)
    values = {"a": 4688, "b": None, "c": True, "d": "'; drop table x --"}
    assert warehouse.sql("select $a as a, $b as b, $c as c, $d as d", values).rows() == [values]


@pytest.mark.parametrize(
    ("query", "parameters", "message"),
    [
        ("drop view events", None, "SELECT"),
        ("copy (select 1) to 'x.csv'", None, "COPY"),
        ("select * from read_text('/etc/passwd')", None, "read_text"),
        ("select * from '/etc/passwd'", None, "/etc/passwd"),
        ("select nothing_like_it from events", None, "nothing_like_it"),
        ("select $who", None, "no value for"),
        ("select 1", {"who": "x"}, "has no"),
    ],
)
def test_sql_can_only_ask(warehouse: Warehouse, query: str, parameters: dict[str, str] | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        warehouse.sql(query, parameters)


def test_sql_ends_in_time(warehouse: Warehouse) -> None:
    endless = "with recursive n as (select 1 as i union all select i + 1 from n) select count(*) as n from n"
    with pytest.raises(WmiwhError, match="stopped after 1 s") as stopped:
        warehouse.sql(endless, timeout=1)
    assert stopped.value.code == wmiwarehouse.ExitCode.FAILED


def test_sql_in_threads_leaves_the_process_as_it_was(case: Any) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)

    def ask() -> None:
        with wmiwarehouse.open(case.folder) as warehouse:
            assert warehouse.sql("select count(*) as n from events").rows()[0]["n"] == case.summary.records

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_analytics_are_those_that_the_command_lists(warehouse: Warehouse) -> None:
    assert [item.id for item in warehouse.analytics()] == [row["id"] for row in printed("list")]
    assert all("create or replace view" in item.sql and item.metadata.title for item in warehouse.analytics())


def test_opening_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(NoDataError, match="no warehouse at"):
        wmiwarehouse.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with pytest.raises(NoDataError, match="is not a warehouse"):
        wmiwarehouse.open(str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "other.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty and not a warehouse"):
        wmiwarehouse.open(tmp_path, create=True)


def test_an_empty_warehouse_has_no_data(tmp_path: Path) -> None:
    with wmiwarehouse.open(tmp_path / "w", create=True) as warehouse:
        asks: tuple[Callable[[], object], ...] = (
            *(warehouse.hunt_all, warehouse.coverage, warehouse.sources),
            *(lambda: warehouse.hunt(WMIC), lambda: warehouse.sql("select count(*) from events")),
        )
        for ask in asks:
            with pytest.raises(NoDataError):
                ask()
        (tmp_path / "empty").mkdir()
        with pytest.raises(NoDataError, match="no files in it"):
            warehouse.ingest(tmp_path / "empty")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda w: w.hunt("xql_wmic"), 'no analytic "xql_wmic"; nearest: xql_wmic_remote_exec'),
        (lambda w: w.hunt(WMIC, since="yesterday"), "neither an ISO time"),
        (lambda w: w.hunt(WMIC, host=" "), "is empty"),
        (lambda w: w.hunt_all(side="left"), "is none of source"),
        (lambda w: w.hunt_all(technique="T9999"), "no analytic fits"),
        (lambda w: w.coverage("nonsense"), 'no analytic "nonsense"'),
        (lambda w: w.coverage(host="nowhere"), "nor names it"),
        (lambda w: w.ingest("/no/such/path"), "no such file or folder"),
        (lambda w: w.ingest([], workers=0), "workers"),
        (lambda w: w.ingest(w.path / "warehouse.json", ingest_dir="/no/such/path"), "is not a folder"),
    ],
)
def test_what_a_caller_gets_wrong_is_a_usage_error(
    warehouse: Warehouse, ask: Callable[[Warehouse], object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        ask(warehouse)


def test_a_closed_warehouse_says_so(case: Any) -> None:
    with wmiwarehouse.open(case.folder) as warehouse:
        rows = warehouse.hunt(WMIC)
    assert rows.rows()
    asks: tuple[Callable[[], object], ...] = (
        *(warehouse.hunt_all, warehouse.sources),
        *(lambda: warehouse.sql("select 1"), lambda: warehouse.ingest(case.logs)),
    )
    for ask in asks:
        with pytest.raises(WmiwhError, match="was closed"):
            ask()


def test_one_object_sees_what_was_ingested_since(case: Any, tmp_path: Path) -> None:
    logs = sorted((case.logs / "evtx").iterdir())
    with wmiwarehouse.open(tmp_path / "w", create=True) as warehouse:
        warehouse.ingest(logs[:1])
        before = warehouse.hunt("playbook_dst_4624_user")
        with wmiwarehouse.open(tmp_path / "w") as other:
            other.ingest(logs[1:])
        after = warehouse.hunt("playbook_dst_4624_user")
        assert len(after) > len(before) > 0
        known = warehouse.ingest(logs)
        assert (known.records, len(known.known)) == (0, case.summary.files)
        again = warehouse.ingest(logs[:1], again=True)
        assert again.records > 0
        assert len(warehouse.hunt("playbook_dst_4624_user")) == len(after)


def test_a_running_ingest_can_be_told_from_a_free_warehouse(case: Any, warehouse: Warehouse) -> None:
    from wmiwarehouse.lake.warehouse import Warehouse as Folder

    with Folder.open(case.folder).writing(), pytest.raises(WmiwhError, match="another ingest is writing"):
        warehouse.ingest(case.logs, wait=False)


def test_threads_may_share_one_object(warehouse: Warehouse) -> None:
    analytics = ("playbook_dst_4624_user", "wmiprvse_children", WMIC)
    expected = {analytic: len(warehouse.hunt(analytic)) for analytic in analytics}
    found: dict[str, list[int]] = {analytic: [] for analytic in analytics}

    def ask(analytic: str) -> None:
        found[analytic] += [len(warehouse.hunt(analytic)) for _ in range(3)]

    threads = [threading.Thread(target=ask, args=(analytic,)) for analytic in analytics]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {analytic: [count] * 3 for analytic, count in expected.items()}
    assert all(expected.values())


def test_a_script_without_the_main_guard_is_told(case: Any, tmp_path: Path) -> None:
    """Every worker imports the script again, and would begin an ingest of its own and wait for ever."""
    script = tmp_path / "unguarded.py"
    script.write_text(
        "import sys, wmiwarehouse\nwmiwarehouse.open(sys.argv[1], create=True).ingest(sys.argv[2], workers=1)\n"
    )
    command = [sys.executable, str(script), str(tmp_path / "w"), str(case.logs / "evtx")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert 'if __name__ == "__main__":' in done.stderr


def test_rows_convert() -> None:
    time = datetime(2026, 3, 4, 10, 11, 2, 310000, tzinfo=UTC)
    table = pa.Table.from_arrays(
        [pa.array([time, None], pa.timestamp("us", "UTC")), pa.array(["a", "\x1b[31m"]), pa.array([["x"], []])],
        ["event_time", "host", "host"],
    )
    rows = Rows(table)
    assert rows.columns == ("event_time", "host", "host_2")
    assert rows.rows() == [
        {"event_time": time, "host": "a", "host_2": ["x"]},
        {"event_time": None, "host": "\x1b[31m", "host_2": []},
    ]
    assert repr(rows) == "<Rows: 2 of event_time, host, host_2>"
    assert not Rows(table.slice(0, 0))


def test_a_time_beyond_python_is_named() -> None:
    late = pa.array([2**60], pa.int64()).cast(pa.timestamp("us", "UTC"))
    with pytest.raises(WmiwhError, match=r"cannot hold .*arrow\(\)"):
        Rows(pa.table({"event_time": late})).rows()


def test_without_pandas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(WmiwhError, match="pip install pandas"):
        Rows(pa.table({"n": [1]})).pandas()


def test_pandas(warehouse: Warehouse) -> None:
    pytest.importorskip("pandas")
    rows = warehouse.hunt(WMIC)
    frame = rows.pandas()
    assert tuple(frame.columns) == rows.columns
    assert len(frame) == len(rows)


def test_a_warehouse_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WmiwhError, match=r"cannot be written|is a file"):
        wmiwarehouse.open(tmp_path / "file" / "w", create=True)
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208
