"""The functions of ``ingest/functions.sql`` against what Python says."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Connection = duckdb.DuckDBPyConnection

relaxed = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def call(sql: Connection, function: str, values: Sequence[Any]) -> list[Any]:
    """The function's result for each value; values come from a table, as they do in an ingest."""
    table = pa.table({"n": range(len(values)), "v": pa.array(values, pa.string())})
    sql.register("given_values", table)
    found = sql.sql(f"select {function}(v) as r from given_values order by n").to_arrow_table().to_pylist()
    return [row["r"] for row in found]


def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        plain = text.partition("%")[0]
        found = ipaddress.ip_address(plain if ":" in plain else text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


def key(text: str) -> str | None:
    found = address(text)
    if isinstance(found, ipaddress.IPv4Address):
        return f"{'0' * 20}ffff{int(found):08x}"
    return None if found is None else f"{int(found):032x}"


def canonical(text: str) -> str:
    found = address(text)
    return text if found is None else str(found)


v4 = st.ip_addresses(v=4).map(str)
groups = st.lists(st.sampled_from([0, 0, 0, 1, 0xFFFF]) | st.integers(0, 0xFFFF), min_size=8, max_size=8)


@st.composite
def v6(draw: st.DrawFn) -> str:
    """An IPv6 address in one of its many spellings."""
    value = ipaddress.IPv6Address(int("".join(f"{g:04x}" for g in draw(groups)), 16))
    text = draw(
        st.sampled_from(
            [value.compressed, value.exploded, ":".join(f"{int(g, 16):x}" for g in value.exploded.split(":"))]
        )
    )
    text = draw(st.sampled_from([str.lower, str.upper]))(text)
    return text + draw(st.sampled_from(["", "%4", "%eth0", "%%4"]))


mapped = st.builds(
    lambda prefix, v: prefix + v,
    st.sampled_from(["::ffff:", "::FFFF:", "0:0:0:0:0:ffff:", "0000:0000:0000:0000:0000:ffff:"]),
    v4,
)
odd = st.text("0123456789abcdef:.%g", max_size=20) | st.sampled_from(
    [
        "",
        "-",
        "LOCAL",
        "::",
        "::1",
        "1::",
        ":::",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        "1.2.3",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.4 ",
        "fe80::1%12",
        "12345::",
        "::ffff:1.2.3.256",
        "::1.2.3.4",
        "64:ff9b::1.2.3.4",
        "::ffff:0:1.2.3.4",
        "WS01",
        "a:b",
        "C:",
        "::g",
    ]
)


@relaxed
@given(values=st.lists(v4 | v6() | mapped | odd, min_size=20, max_size=60))
def test_addresses(sql: Connection, values: list[str]) -> None:
    assert dict(zip(values, call(sql, "ip_key", values), strict=True)) == {value: key(value) for value in values}
    sql.execute("create or replace macro text_of(v) as ip_text(v, ip_key(v))")
    assert dict(zip(values, call(sql, "text_of", values), strict=True)) == {value: canonical(value) for value in values}


def test_keys_sort_as_addresses_do(sql: Connection) -> None:
    values = ["10.0.0.0", "10.0.0.255", "10.0.1.0", "9.255.255.255", "fe80::1", "::1", "fec0::"]
    keys = [found for found in call(sql, "ip_key", values) if found]
    whole = [
        int(ipaddress.ip_address(v)) if ":" in v else 0xFFFF00000000 + int(ipaddress.ip_address(v)) for v in values
    ]
    assert sorted(keys) == [f"{number:032x}" for number in sorted(whole)]


def logon_id(text: str) -> str | None:
    try:
        number = int(text, 16) if text[:2] in ("0x", "0X") else int(text)
    except ValueError:
        return None
    return hex(number) if 0 <= number < 1 << 64 and text.isascii() and "_" not in text and text.isalnum() else None


@relaxed
@given(
    values=st.lists(
        st.integers(0, (1 << 64) - 1).flatmap(
            lambda n: st.sampled_from([hex(n), f"0x{n:X}", f"0X{n:x}", f"0x{n:016x}", str(n), f"{n:020}"])
        )
        | st.sampled_from(
            ["", "-", "0x0", "0X0000", "0", "18446744073709551616", "99999999999999999999", "-1", "none"]
        ),
        min_size=10,
        max_size=60,
    )
)
def test_logon_ids(sql: Connection, values: list[str]) -> None:
    assert dict(zip(values, call(sql, "logon_id", values), strict=True)) == {value: logon_id(value) for value in values}


@relaxed
@given(values=st.lists(st.text(st.sampled_from("aBéÄ \\/.:~'"), max_size=12), min_size=10, max_size=60))
def test_base_names(sql: Connection, values: list[str]) -> None:
    wanted = {value: value.replace("/", "\\").rsplit("\\", 1)[-1] for value in values}
    found = dict(zip(values, call(sql, "base_name", values), strict=True))
    assert {value: name or "" for value, name in found.items()} == {
        value: name.lower() for value, name in wanted.items()
    }
    assert all((found[value] is None) == (wanted[value] == "") for value in values)


@pytest.mark.parametrize(
    ("function", "value", "wanted"),
    [
        ("base_name", "C:\\Windows\\System32\\CMD.exe", "cmd.exe"),
        ("base_name", "\\Device\\HarddiskVolume2\\a.EXE", "a.exe"),
        ("base_name", "System", "system"),
        ("base_name", None, None),
        ("host_name", "WS01.acme.example", "ws01"),
        ("host_name", "WS01", "ws01"),
        ("host_name", "10.1.2.3", "10.1.2.3"),
        ("host_name", "fe80::1", "fe80::1"),
        ("host_name", "2001:db8::1.2.3.4", "2001:db8::1.2.3.4"),
        ("host_name", "FE80::1.x", "fe80::1.x"),
        ("host_name", "10.example", "10"),
        ("host_name", ".example", None),
        ("host_name", "", None),
        ("host_name", None, None),
        ("guid", "{ABCD-1}", "abcd-1"),
        ("guid", "abcd-1", "abcd-1"),
        ("guid", "{}", None),
        ("guid", "ABCD-1}", "abcd-1"),
        ("guid", "", None),
        ("process_number", "0x1f4", 500),
        ("process_number", "0X1F4", 500),
        ("process_number", "500", 500),
        ("process_number", "4294967295", 4294967295),
        ("process_number", "0xffffffff", 4294967295),
        ("process_number", "-", None),
        ("process_number", "", None),
        ("process_number", None, None),
        ("account_name", "ACME\\bob", "bob"),
        ("account_name", "bob", "bob"),
        ("account_name", None, None),
        ("account_domain", "NT AUTHORITY\\SYSTEM", "NT AUTHORITY"),
        ("account_domain", "bob", None),
        ("has_zone", "2024-05-06T01:02:03Z", True),
        ("has_zone", "2024-05-06 01:02:03.5+02:00", True),
        ("has_zone", "2024-05-06 01:02:03-0400", True),
        ("has_zone", "2024-05-06 01:02:03 -0400", True),
        ("has_zone", "2024-05-06 01:02:03 +02:00", True),
        ("has_zone", "2024-05-06 01:02:03.000 UTC", True),
        ("has_zone", "2024-05-06 01:02:03", False),
        ("has_zone", "2024-05-06", False),
    ],
)
def test_single_values(sql: Connection, function: str, value: str | None, wanted: Any) -> None:
    assert call(sql, function, [value, "other"])[0] == wanted


def test_utc_text(sql: Connection) -> None:
    texts = ["2020-09-14 12:06:01.826", "2020-09-14T08:06:01.826-04:00", "nonsense", None, "infinity"]
    found = call(sql, "utc_text", texts)
    assert found[:2] == [datetime(2020, 9, 14, 12, 6, 1, 826_000, tzinfo=UTC)] * 2
    assert found[2:] == [None] * 3


def test_a_time_with_its_zone(sql: Connection) -> None:
    texts = [
        "2024-05-06T12:00:00Z",
        "2024-05-06 12:00:00 Z",
        "2024-05-06 12:00:00 UTC",
        "2024-05-06 12:00:00 GMT",
        "2024-05-06 08:00:00 -0400",
        "2024-05-06T14:00:00+02:00",
        "2024-05-06 14:00:00 +02:00",
    ]
    assert call(sql, "zoned_time", texts) == [datetime(2024, 5, 6, 12, tzinfo=UTC)] * len(texts)
    others = ["2024-05-06 12:00:00", "2024-05-06", "2024-13-06 12:00:00Z", "", None]
    assert call(sql, "zoned_time", others) == [None] * len(others)


def test_a_time_as_a_number(sql: Connection) -> None:
    texts = ["1715000400", "1715000400.0", "1715000400000", "1715000400000000", "1715000400000000000"]
    assert call(sql, "unix_time", texts) == [datetime(2024, 5, 6, 13, tzinfo=UTC)] * len(texts)
    others = ["2024-05-06 12:00:00", "-1", "17150004000000000000", "99999999999999999999", "", None]
    assert call(sql, "unix_time", others) == [None] * len(others)
