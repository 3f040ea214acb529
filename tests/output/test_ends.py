"""Accounts and the ends of connections as they are shown."""

from __future__ import annotations

import pytest

from wmiwarehouse.output import ends


@pytest.mark.parametrize(
    ("address", "port", "shown"),
    [
        ("10.0.0.7", 135, "10.0.0.7:135"),
        ("10.0.0.7", None, "10.0.0.7"),
        ("fe80::1", 135, "[fe80::1]:135"),
        ("fe80::1", None, "fe80::1"),
        ("-", 135, ""),
        (None, 135, ""),
    ],
)
def test_an_end(address: str | None, port: int | None, shown: str) -> None:
    assert ends.end(address, port) == shown


@pytest.mark.parametrize(
    ("name", "domain", "shown"),
    [("bob", "ACME", "ACME\\bob"), ("bob", "-", "bob"), ("bob", None, "bob"), ("-", "ACME", ""), (None, "ACME", "")],
)
def test_an_account(name: str | None, domain: str | None, shown: str) -> None:
    assert ends.account(name, domain) == shown
