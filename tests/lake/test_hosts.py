"""Which names are one host: short names, names that two computers share, and the settings' aliases."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.lake import tables
from wmiwarehouse.lake.hosts import Hosts, literal
from wmiwarehouse.lake.settings import Settings
from wmiwarehouse.lake.warehouse import Batch

A, B = "WS01.a.example", "ws01.B.example"
WHOLE_A, WHOLE_B = A.lower(), B.lower()


def among(*computers: str, **aliases: list[str]) -> Hosts:
    return Hosts.among(computers, Settings.of({"hosts": {"aliases": aliases}}))


def test_with_nothing_to_do_the_column_is_the_stored_one() -> None:
    hosts = among(
        "WS01.a.example", "ws01.A.EXAMPLE.", "WS01", "10.0.0.5", "10.0.0.6", "fe80::1", ".", "", "fs01", x=["y"]
    )
    assert hosts.column() == "host"
    assert hosts.ambiguous == {}


@pytest.mark.parametrize(
    ("computers", "aliases", "changed", "ambiguous"),
    [
        ([A, B, "WS01", "ws02.a.example"], {}, f"{A}={WHOLE_A} {B}={WHOLE_B} WS01=ws01", {"ws01"}),
        ([A, A.upper(), B], {}, f"{A}={WHOLE_A} {A.upper()}={WHOLE_A} {B}={WHOLE_B}", {"ws01"}),
        ([A, B], {"ws01": [A, B]}, f"{A}=ws01 {B}=ws01", set()),
        ([A, B], {"other": [B]}, f"{B}=other", set()),
        (["OLD", "old.a", "old.b", "fs01"], {"fs01": ["old"]}, "OLD=fs01 old.a=fs01 old.b=fs01", set()),
        (["old.a", "old.b", "OLD"], {"fs01": ["old.a"]}, "old.a=fs01", set()),
        (["10.0.0.5", "FE80::0001"], {"fs01": ["10.0.0.5", "fe80::1"]}, "10.0.0.5=fs01 FE80::0001=fs01", set()),
        ([A, B, "WS01"], {WHOLE_A: ["ws01"]}, f"{A}={WHOLE_A} {B}={WHOLE_B} WS01={WHOLE_A}", {"ws01"}),
        ([A, "old"], {WHOLE_B: ["old"]}, f"{A}={WHOLE_A} old={WHOLE_B}", {"ws01"}),
        (["old"], {WHOLE_B: ["old"]}, "old=ws01", set()),
        (["old.x", "old.y"], {"fs01": ["old"], "old.y": ["z"]}, "old.x=fs01", set()),
        ([".a.example", ".b.example"], {}, "", set()),
    ],
)
def test_hosts(computers: list[str], aliases: dict[str, list[str]], changed: str, ambiguous: set[str]) -> None:
    hosts = among(*computers, **aliases)
    assert hosts.changed == dict(pair.split("=") for pair in changed.split())
    assert set(hosts.ambiguous) == ambiguous


def test_names_that_people_ask_for() -> None:
    hosts = among(A, B, "WS01", "ws02.a.example", "10.0.0.5", fs01=["old", "10.0.0.9"])
    assert hosts.ambiguous == {"ws01": ("ws01.a.example", "ws01.b.example")}
    asked = ["WS01", A.upper(), "ws01.c.example", "ws02", "ws02.any", "OLD", "old.corp.example", "10.0.0.9", "10.0.0.5"]
    assert [hosts.host_of(name) for name in asked] == [
        "ws01", "ws01.a.example", "ws01.c.example", "ws02", "ws02", "fs01", "fs01", "fs01", "10.0.0.5"
    ]  # fmt: skip
    assert [hosts.knows(name) for name in ["ws01", A, "ws01.c.example", "ws02.any", "ws03", "10.0.0.5", "old"]] == [
        True, True, False, True, False, True, False
    ]  # fmt: skip
    assert not among(A, B).ambiguous.get("ws02")
    assert among(A, B).knows("ws01")


def test_what_is_doubtful_about_a_name() -> None:
    hosts = among(A, "ws02.a.example", "WS03", "ws03.a.example", "10.0.0.5", fs01=["ws02.a.example"])
    for name in ("ws01", A, "WS01.A.example.", "ws02.a.example", "fs01", "ws03.other", "10.0.0.5"):
        assert hosts.doubt(name) is None, name
    assert "no record in this warehouse is of host nas07" in str(hosts.doubt("nas07"))
    assert str(hosts.doubt("ws01.other")).endswith(f"called ws01.other: what follows is about {WHOLE_A}")


@pytest.mark.parametrize("name", ["plain", "it's", "a\0b", "\0", "x' or 1=1 --", "\\", "$host", "\u202e"])
def test_a_hostile_name_stays_a_value(name: str) -> None:
    assert duckdb.execute(f"select {literal(name)}").fetchall() == [(name,)]
    hosts = among(f"{name}.a.example", f"{name}.b.example")
    query = f"select {hosts.column()} from (select $name as computer, 'stored' as host)"
    assert duckdb.execute(query, {"name": f"{name}.a.example"}).fetchall() == [(f"{name}.a.example".lower(),)]


def test_a_batch_of_an_older_version_is_asked_for_its_events(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    duckdb.execute(
        f"copy (select '{A}' as computer, 1 as x union all select null, 2) to '{tmp_path}/events/part.parquet'"
    )
    listed = tmp_path / "other"
    listed.mkdir()
    tables.write(listed / "hosts.parquet", tables.HOSTS, [{"computer": B, "host": "ws01", "records": 1}])
    batches = [Batch(tmp_path), Batch(listed)]
    assert set(Hosts.of(batches, Settings()).ambiguous) == {"ws01"}
    with duckdb.connect() as connection:
        assert set(Hosts.of(batches, Settings(), connection).ambiguous) == {"ws01"}
        assert connection.sql("select 1").fetchall()  # it is its owner's to close


def test_a_damaged_list_of_hosts_is_an_error_that_names_it(tmp_path: Path) -> None:
    listed = tmp_path / "hosts.parquet"
    tables.write(listed, tables.HOSTS, [{"computer": B, "host": "ws01", "records": 1}])
    listed.write_bytes(b"\0" * listed.stat().st_size)
    with pytest.raises(WmiwhError, match=r"the lake cannot be read: .*hosts\.parquet.*; see: wmiwh verify"):
        Hosts.of([Batch(tmp_path)], Settings())
