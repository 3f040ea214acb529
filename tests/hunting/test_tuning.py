"""Suppressions hide exactly what they say, at once and nowhere but in answers: what is not certain stays."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting import hidden
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.hunting.line import gravest
from wmiwarehouse.hunting.risk import risk_by_object, scored
from wmiwarehouse.hunting.tuning import Tuning
from wmiwarehouse.lake.settings import Settings

LIBRARY = Library.load()
END = 'reason = "expected"\nauthor = "jdoe"\nexpires = 2999-01-01\n'
DEFAULT = f'[[suppress]]\nid = "scm"\nanalytic = "wmi_subscription"\nwhere = {{ is_known_default = true }}\n{END}'
KNOWN = "[known]\nadministrators = ['ACME\\alice']\nmanagement_hosts = [\"ws01\"]\n"


@pytest.fixture(scope="module")
def copied(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the lab's warehouse, to be tuned."""
    root = tmp_path_factory.mktemp("tuned") / "w"
    shutil.copytree(warehouse, root)
    with open_hunt(root, LIBRARY):  # its views are built for this place now
        pass
    return root


@pytest.fixture
def own(copied: Path) -> Iterator[Path]:
    """The copy without settings, before and after."""
    yield copied
    (copied / "wmiwh.toml").unlink(missing_ok=True)


def _tune(warehouse: Path, text: str) -> None:
    (warehouse / "wmiwh.toml").write_text(text, encoding="utf-8")


def _tuning(text: str, today: str = "2026-01-01") -> Tuning:
    import tomllib

    found = Settings.of(tomllib.loads(text))
    return Tuning.of(found, LIBRARY, Path("wmiwh.toml"), str.lower, date.fromisoformat(today))


def _hides(tuning: Tuning, analytic: str, **row: Any) -> bool:
    """Whether a row with these values (as SQL) is hidden."""
    with duckdb.connect() as connection:
        connection.execute("create table t as select " + ", ".join(f"{sql} as {name}" for name, sql in row.items()))
        shown = connection.sql("select * from t")
        tests = tuning.tests(LIBRARY.get(analytic), dict(zip(shown.columns, map(str, shown.types), strict=True)))
        ((found,),) = connection.sql(f"select {hidden.any_of(tests)} from t as found").fetchall()
    assert found is not None
    return bool(found)


def test_added_and_removed_it_changes_hits_and_risk_at_once(own: Path) -> None:
    subscription = LIBRARY.get("wmi_subscription")
    built = (own / "warehouse.duckdb").stat().st_mtime_ns

    def look() -> tuple[int, int, int, int, int]:
        with open_hunt(own, LIBRARY) as hunting:
            (line,) = hunting.lines([subscription])
            found = scored(hunting, LIBRARY)
            objects = risk_by_object(hunting, LIBRARY, found.events)
            rows = hunting.run(subscription).num_rows
            assert rows == line.hits == hunting.line(subscription, hunting.run(subscription)).hits
            assert hunting.suppressed(subscription).num_rows == line.suppressed
            assert hunting.line(subscription, hunting.run(subscription)).suppressed == line.suppressed
            total = sum(objects.column("risk_score").to_pylist())
            return line.hits, line.suppressed, found.events.num_rows, found.findings_suppressed, total

    before = look()
    assert before[0] > 0
    assert before[1] == before[3] == 0
    _tune(own, DEFAULT)
    tuned = look()
    assert tuned[0] + tuned[1] == before[0]
    assert tuned[0] > 0
    assert tuned[1] > 0
    assert tuned[3] == tuned[1]
    assert tuned[2] < before[2]
    assert tuned[4] < before[4]
    with duckdb.connect(str(own / "warehouse.duckdb"), read_only=True) as views:
        assert views.sql("select count(*) from hunt.wmi_subscription").fetchall() == [(before[0],)]
    (own / "wmiwh.toml").unlink()
    assert look() == before
    assert (own / "warehouse.duckdb").stat().st_mtime_ns == built


def test_an_act_counts_with_its_next_finding(own: Path) -> None:
    window = Filters(since="2024-05-06T09:30:00Z", until="2024-05-06T09:31:00Z")
    _tune(own, f'[[suppress]]\nid = "m"\nanalytic = "lateral_movement"\nwhere = {{ source_host = "WS01" }}\n{END}')
    with open_hunt(own, LIBRARY, window) as hunting:
        found = scored(hunting, LIBRARY)
        objects = risk_by_object(hunting, LIBRARY, found.events).to_pylist()
        line = hunting.line(LIBRARY.get("lateral_movement"))
    assert (line.hits, line.suppressed, line.suppressed_by) == (0, 1, ("m",))
    assert gravest([line]) is None
    # 90 of the movement without the suppression; 85 is what xql_wmic_remote_exec gives the same act.
    assert {row["risk_object"]: row["risk_score"] for row in objects}["ws01"] == 85
    assert set(found.suppressed.column("suppressed_by").to_pylist()) == {"m"}
    assert "lateral_movement" not in found.events.column("analytic").to_pylist()
    counting = [
        (row["act"], row["risk_object_type"], row["risk_object"]) for row in found.events.to_pylist() if row["counts"]
    ]
    assert len(counting) == len(set(counting))


def test_known_is_who_and_from_where(own: Path) -> None:
    movement = LIBRARY.get("lateral_movement")
    with open_hunt(own, LIBRARY) as hunting:
        every = hunting.run(movement).to_pylist()
    _tune(own, KNOWN)
    with open_hunt(own, LIBRARY) as hunting:
        left, gone = hunting.run(movement).to_pylist(), hunting.suppressed(movement).to_pylist()
        source_side = hunting.line(LIBRARY.get("xql_wmic_remote_exec"))
        tampering = hunting.line(LIBRARY.get("evidence_tampering"))
    assert len(left) + len(gone) == len(every)
    assert {(row["source"], row["user"]) for row in gone} == {("ws01", r"ACME\alice")}
    # Others from that host, and a namesake of another domain, are left.
    assert {row["user"] for row in left if row["source"] == "ws01"} == {r"ACME\adm-dora", r"LAB\alice"}
    assert source_side.suppressed_by == ("known",)
    assert tampering.suppressed == 0


def _rows(**columns: str) -> dict[str, str]:
    return {
        name: f"'{value}'" if value not in ("null", "true") else f"cast({value} as varchar)"
        for name, value in columns.items()
    }


@pytest.mark.parametrize(
    ("row", "is_known"),
    [
        (_rows(host="ws01", user_name="Alice", user_domain="ACME"), True),
        (_rows(host="ws01", user_name="alice", user_domain="acme.example"), True),
        (_rows(host="ws02", user_name="alice", user_domain="ACME"), False),
        (_rows(host="null", user_name="alice", user_domain="ACME"), False),
        (_rows(host="ws01", user_name="alice", user_domain="ACMECORP"), False),
        (_rows(host="ws01", user_name="alice", user_domain="null"), False),
        (_rows(host="ws01", user_name="null", user_domain="ACME"), False),
        (_rows(host="ws01", user_name="-", user_domain="-"), False),
        (_rows(host="ws01", user_name="alice", user_domain="ACME", explicit_user="ACME\\dora"), False),
        (_rows(host="ws01", user_name="alice", user_domain="ACME", explicit_user="alice"), False),
        (_rows(host="ws01", user_name="alice", user_domain="ACME", explicit_user="ACME\\ALICE"), True),
        # Where a row has no column for the account that wmic was given, its command line tells.
        (_rows(dest="ws01", user="acme\\alice", process="wmic /node:x process call create y"), True),
        (
            _rows(dest="ws01", user="acme\\alice", process='wmic /node:x "/USER" :ACME\\dora process call create y'),
            False,
        ),
    ],
)
def test_known_on_the_source(row: dict[str, str], is_known: bool) -> None:
    assert _hides(_tuning(KNOWN), "xql_wmic_remote_exec", **row) is is_known


@pytest.mark.parametrize(
    ("address", "host", "is_known"),
    [("10.0.0.7", "fs01", True), ("10.0.0.8", "fs01", False), ("null", "ws01", False), ("10.0.0.9", "ws01", True)],
)
def test_known_on_the_target_goes_by_address_alone(address: str, host: str, is_known: bool) -> None:
    aliases = '[hosts.aliases]\n"ws01" = ["10.0.0.9"]\n'
    tuning = _tuning(KNOWN.replace('"ws01"', '"ws01", "10.0.0.7"') + aliases)
    # What a client calls itself proves nothing.
    row = _rows(host=host, source_ip=address, workstation="WS01", source_host="ws01")
    user = _rows(user_name="alice", user_domain="ACME")
    assert _hides(tuning, "wmi_child_origin", **row, **user) is is_known


def _suppress(where: str, analytic: str = "xql_wmic_remote_exec") -> Tuning:
    return _tuning(f'[[suppress]]\nanalytic = "{analytic}"\nwhere = {{ {where} }}\n{END}')


@pytest.mark.parametrize(
    ("where", "row", "is_hidden"),
    [
        ('command_line = "WMIC"', {"command_line": "'wmic'"}, True),
        ('command_line = "wmi"', {"command_line": "'wmic'"}, False),
        ('command_line = "wmic"', {"command_line": "cast(null as varchar)"}, False),
        ('command_line = { starts_with = "wm", ends_with = "X" }', {"command_line": "'WMI x'"}, True),
        ('command_line = { starts_with = "wm", ends_with = "y" }', {"command_line": "'WMI x'"}, False),
        ('command_line = { contains = ["q", "MI"] }', {"command_line": "'wmi x'"}, True),
        ('command_line = { contains = "%" }', {"command_line": "'wmi x'"}, False),
        ('command_line = { contains = "it\'s" }', {"command_line": "'it''s'"}, True),
        ('command_line = "a", process_id = 4', {"command_line": "'a'", "process_id": "4"}, True),
        ('command_line = "a", process_id = 4', {"command_line": "'a'", "process_id": "cast(null as bigint)"}, False),
        ('targets = "a"', {"targets": "['A']"}, True),
        ('targets = "a"', {"targets": "['a', 'b']"}, False),
        ('targets = ["a", "b"]', {"targets": "['a', 'b']"}, True),
        ('targets = "a"', {"targets": "cast([] as varchar[])"}, False),
        ('targets = "a"', {"targets": "['a', null]"}, False),
        ('targets = "a"', {"targets": "cast(null as varchar[])"}, False),
    ],
)
def test_what_a_condition_fits(where: str, row: dict[str, str], is_hidden: bool) -> None:
    assert _hides(_suppress(where), "xql_wmic_remote_exec", **row) is is_hidden


def test_every_means_what_alarms_and_has_the_columns() -> None:
    tuning = _suppress('host = "ws01", command_line = "x"', "*")
    assert tuning.about(LIBRARY.get("xql_wmic_remote_exec"))
    assert not tuning.about(LIBRARY.get("lateral_movement"))  # has no column host
    assert not tuning.about(LIBRARY.get("playbook_dst_sysmon1_user"))  # context
    assert not _suppress('host = "ws01"', "*").about(LIBRARY.get("data_coverage"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('analytic = "wmi_subscripton"\nwhere = { host = "a" }', ', line 2: suppress[0].analytic: no analytic "wmi_'),
        ('analytic = "wmi_subscription_v1"\nwhere = { host = "a" }', "write wmi_subscription"),
        ('analytic = "wmi_subscription"\nwhere = { wmi_consummer = "a" }', "no such column; nearest: wmi_consumer"),
        ('analytic = "*"\nwhere = { proces_name = "a" }', "no analytic has no such column; nearest: process_name"),
        ('analytic = "*"\nwhere = { cmdlet = "a", wmi_filter = "b" }', "no analytic has all of these columns"),
        ('analytic = "lateral_movement"\nwhere = { source_evidence = "a" }', "cannot be compared"),
        ('analytic = "wmi_subscription"\nwhere = { event_time = "2026" }', "cannot be compared"),
    ],
)
def test_what_no_analytic_has_is_refused(own: Path, text: str, reason: str) -> None:
    _tune(own, f"[[suppress]]\n{text}\n{END}")
    with pytest.raises(UsageError) as error, open_hunt(own, LIBRARY):
        pass
    assert str(error.value).startswith(f"{own / 'wmiwh.toml'}, line ")
    assert reason in str(error.value)


@pytest.mark.parametrize(("today", "rules"), [("2998-12-31", 1), ("2999-01-01", 0)])
def test_the_day_on_which_it_ends(today: str, rules: int) -> None:
    tuning = _tuning(DEFAULT, today)
    assert len(tuning.rules) == rules
    assert len(tuning.expired) == 1 - rules


def _ids(found: Iterable[hidden.Hidden]) -> dict[str, int]:
    return {one.rule.id: one.hits for one in found}


def test_a_hit_that_two_rules_hide_is_one_hit(own: Path) -> None:
    again = DEFAULT.replace('"scm"', '"again"').replace(
        "is_known_default = true", 'consumer_type = "NTEventLogEventConsumer"'
    )
    _tune(own, DEFAULT + again)
    subscription = LIBRARY.get("wmi_subscription")
    with open_hunt(own, LIBRARY) as hunting:
        line = hunting.line(subscription)
        found = _ids(hidden.by_rule(hunting, subscription))
    assert line.suppressed_by == ("scm", "again")
    assert found["scm"] + found["again"] > line.suppressed >= max(found.values())
