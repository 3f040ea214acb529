"""Account classes beyond the shared cases: localised names, SIDs, logon ids, NetBIOS cuts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

Row = dict[str, Any]
Lake = Callable[[list[Row]], duckdb.DuckDBPyConnection]
Fetch = Callable[[duckdb.DuckDBPyConnection, str], list[Row]]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"user_name": "SYSTEM", "user_domain": "NT-AUTORITÄT"}, "system"),
        ({"user_name": "Système", "user_domain": "AUTORITE NT"}, "system"),
        ({"user_name": "Système", "user_domain": "AUTORITÉ NT"}, "system"),
        ({"user_name": "SISTEMA", "user_domain": "AUTORIDADE NT"}, "system"),
        ({"user_name": "Servicio de red", "user_domain": "NT AUTHORITY"}, "system"),
        ({"user_name": "SERVIZIO DI RETE", "user_domain": "NT AUTHORITY"}, "system"),
        ({"user_name": "TrustedInstaller", "user_domain": "NT SERVICE"}, "system"),
        ({"user_name": "DWM-1", "user_domain": "Window Manager"}, "system"),
        ({"user_name": "UMFD-0", "user_domain": "Font Driver Host"}, "system"),
        ({"user_name": "Administratoren", "user_domain": "VORDEFINIERT"}, "system"),
        ({"user_name": "x", "user_domain": "anything", "user_sid": "S-1-5-80-0-1"}, "system"),
        ({"user_name": "x", "user_domain": "anything", "user_sid": "S-1-5-82-0-1"}, "system"),
        ({"user_name": "x", "user_domain": "anything", "user_sid": "S-1-5-83-0-1"}, "system"),
        ({"user_name": "x", "user_domain": "anything", "user_sid": "S-1-5-90-0-1"}, "system"),
        ({"user_name": "x", "user_domain": "anything", "user_sid": "S-1-5-96-0-1"}, "system"),
        ({"user_name": "x", "user_domain": "anything", "user_sid": "S-1-5-111-0-1"}, "system"),
        ({"user_name": "x", "user_domain": "anything", "user_sid": "S-1-5-18"}, "system"),
        ({"user_name": "x", "user_domain": "anything", "user_sid": "S-1-5-19"}, "system"),
        ({"user_name": "x", "user_domain": "anything", "user_sid": "S-1-5-20"}, "system"),
        ({"user_name": "x", "user_domain": "anything", "user_sid": "S-1-5-7"}, "system"),
        ({"user_name": "x", "user_domain": "CORP", "user_sid": "S-1-5-70-1"}, "domain"),
        ({"user_name": "x", "user_domain": "NT AUTHORITY", "user_sid": "S-1-5-21-1-2-3-1104"}, "domain"),
        ({"user_name": "x", "user_domain": "NT AUTHORITY", "user_sid": "S-1-0-0"}, "system"),
        ({"user_name": "x", "user_domain": "CORP", "logon_id": "0x3e7"}, "system"),
        ({"user_name": "x", "user_domain": "CORP", "logon_id": "0x3e1"}, "domain"),
        ({"user_name": "x", "user_domain": "CORP", "logon_id": "0x3e70"}, "domain"),
        ({"user_name": "WS01$", "user_domain": "CORP", "user_sid": "S-1-5-18"}, "self"),
        ({"user_name": "ABCDEFGHIJKLMNO$", "host": "abcdefghijklmnopq"}, "self"),
        ({"user_name": "OTHER$"}, "machine"),
        ({"user_name": "bob", "user_domain": "ws01"}, "local"),
        ({"user_name": "bob", "user_domain": "."}, "local"),
        ({"user_name": "bob", "user_domain": "MicrosoftAccount"}, "local"),
        ({"user_name": "bob"}, "local"),
        ({"user_name": "bob", "user_domain": "AzureAD"}, "domain"),
        ({"user_name": "bob", "user_domain": "CORP", "host": "<null>"}, "domain"),
        ({"user_name": "-"}, "none"),
        ({"user_name": ""}, "none"),
        ({"user_sid": "S-1-5-18"}, "none"),
        ({}, "none"),
    ],
)
def test_user_class(given: Row, expected: str, lake: Lake, fetch: Fetch) -> None:
    (row,) = fetch(lake([{"is": "sysmon 1", **given}]), "events")
    assert row["user_class"] == expected


@pytest.mark.parametrize(
    ("address", "scope"),
    [
        ("10.255.255.255", "internal"),
        ("172.16.0.0", "internal"),
        ("172.31.255.255", "internal"),
        ("172.15.255.255", "external"),
        ("192.167.255.255", "external"),
        ("169.254.0.1", "internal"),
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "external"),
        ("::", "loopback"),
        ("fd12::1", "internal"),
        ("febf::1", "internal"),
        ("fec0::1", "external"),
        ("fe8::1", "external"),
        ("2001:db8::1", "external"),
        ("::ffff:192.168.0.1", "internal"),
        ("localhost", "none"),
        ("srv-file1", "none"),
        ("", "none"),
        ("<null>", "none"),
    ],
)
def test_source_scope(address: str, scope: str, lake: Lake, fetch: Fetch) -> None:
    (row,) = fetch(lake([{"is": "4624", "source_ip": address}]), "logon")
    assert row["source_scope"] == scope
