"""``wmiwh.toml``: what it says reaches the views, and what is wrong in it is refused with its line."""

from __future__ import annotations

import os
import re
from ipaddress import ip_address, ip_network
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import ExitCode, UsageError
from wmiwarehouse.lake import catalog, relations
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.settings import Settings, address_key
from wmiwarehouse.lake.toml_lines import line_of
from wmiwarehouse.lake.warehouse import Warehouse

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def load(folder: Path, text: str | bytes) -> Settings:
    (folder / "wmiwh.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return Settings.load(folder)


def refused(folder: Path, text: str | bytes) -> str:
    with pytest.raises(UsageError) as error:
        load(folder, text)
    message = str(error.value)
    assert error.value.code is ExitCode.USAGE
    assert message.startswith(str(folder / "wmiwh.toml"))
    assert message.isprintable()
    assert len(message) < len(str(folder)) + 400
    return message.removeprefix(str(folder / "wmiwh.toml"))


@pytest.mark.parametrize("text", [None, "", "# nothing\n", "[network]\n[accounts]\n[hosts]\n[hosts.aliases]\n"])
def test_without_settings_all_are_empty(tmp_path: Path, text: str | None) -> None:
    assert (Settings.load(tmp_path) if text is None else load(tmp_path, text)) == Settings()


def test_the_documented_example(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    found = load(tmp_path, example)
    assert found.internal_networks == (
        ("00000000000000000000ffff64400000", "00000000000000000000ffff647fffff"),
        ("00000000000000000000ffffc0000207", "00000000000000000000ffffc0000207"),
        ("20010db8000000000000000000000000", "20010db8ffffffffffffffffffffffff"),
    )
    assert found.internal_domains == ("corp.example",)
    assert found.local_accounts == ("app01\\deploy", "svc_scan")
    assert found.aliases == dict.fromkeys(["fileserver", "10.0.0.5", "files.corp.example", "old-name"], "fs01")
    assert found.alias_keys == {"10.0.0.5": "00000000000000000000ffff0a000005"}


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b""])
def test_files_from_windows(tmp_path: Path, prefix: bytes) -> None:
    text = b'[network]\r\ndomains = [\r\n  "A.example",\r\n]\r\n'
    assert load(tmp_path, prefix + text).internal_domains == ("a.example",)
    assert ", line 3: network.domains[0]" in refused(tmp_path, prefix + text.replace(b"A.example", b"a b"))


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[network\n", 1, "is no TOML: Expected ']'"),
        ("\n\nx = \n", 3, "is no TOML: Invalid value"),
        ("[a]\n[a]\n", 2, "is no TOML: Cannot declare ('a',) twice"),
        ('x = """\nabc', 2, "is no TOML: "),
        ("[netwrk]\n", 1, "netwrk: no such setting; did you mean network?"),
        ("zzz = 1\n", 1, "zzz: no such setting; known: network, accounts, hosts"),
        ("[network]\n\ninternl = []\n", 3, "network.internl: no such setting; did you mean internal?"),
        ("[accounts]\nlocals = []\n", 2, "did you mean local?"),
        ('[hosts]\n"fs01" = []\n', 2, "hosts.fs01: no such setting; known: aliases"),
        ("network = 5\n", 1, "network: a table is wanted, found 5"),
        ("[[network]]\ninternal = []\n", 1, "network: a table is wanted"),
        ('[network]\ninternal = "10.0.0.0/8"\n', 2, 'network.internal: a list is wanted, found "10.0.0.0/8"'),
        (
            '[network]\ninternal = [\n "10.0.0.0/8", # one\n 5,\n]\n',
            4,
            "network.internal[1]: a text in quotes is wanted",
        ),
        ("[accounts]\nlocal = [2020-01-01]\n", 2, "accounts.local[0]: a text in quotes is wanted"),
        ("[hosts]\naliases = []\n", 2, "hosts.aliases: a table is wanted"),
        ('[hosts.aliases]\na = "b"\n', 2, "hosts.aliases.a: a list is wanted"),
        ('[network]\ninternal = ["10.0.0.0/33"]\n', 2, 'no network: "10.0.0.0/33"'),
        ('[network]\ninternal = ["fe80::1%4"]\n', 2, "no network"),
        ('[network]\ninternal = [""]\n', 2, "no network"),
        ('[network]\ninternal = ["10.0.0.5/8"]\n', 2, "is an address inside a network; the network is 10.0.0.0/8"),
        ('[network]\ndomains = ["*.corp.example"]\n', 2, "no DNS domain"),
        ('[network]\ndomains = ["."]\n', 2, "no DNS domain"),
        ('[network]\ndomains = ["10.0.0.1"]\n', 2, "no DNS domain"),
        ("[accounts]\nlocal = ['a\\b\\c']\n", 2, "no account"),
        ("[accounts]\nlocal = ['']\n", 2, "no account"),
        ("[accounts]\nlocal = ['u@corp.example']\n", 2, "no account"),
        ("[accounts]\nlocal = ['WS01$']\n", 2, "is a computer's account"),
        ('[hosts.aliases]\na = ["x"]\nb = [\n"y",\n"X"]\n', 5, '"X" is an alias of "a" too: it cannot be two hosts'),
        ('[hosts.aliases]\na = ["::ffff:10.0.0.1"]\nb = ["10.0.0.1"]\n', 3, "it cannot be two hosts"),
        ('[hosts.aliases]\na = ["b"]\nb = ["c"]\n', 2, '"b" has aliases of its own'),
        ('[hosts.aliases]\na = []\n"A." = []\n', 3, '"A." and "a" are one host'),
        ('[hosts.aliases]\na = ["10.0.0.256"]\n', 2, "neither a host's name nor an address"),
        ('[hosts.aliases]\na = ["10.0.0.0/8"]\n', 2, "neither a host's name nor an address"),
        ('[hosts.aliases]\n"" = []\n', 2, "neither a host's name nor an address"),
        ('[hosts.aliases]\n"a\\u001b[31m" = []\n', 2, "neither a host's name nor an address: '"),
        ("[accounts]\nlocal = ['" + "x" * 9000 + "@']\n", 2, "..."),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    message = refused(tmp_path, text)
    assert message.startswith(f", line {line}: ")
    assert reason in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[network]\n# caf\xe9\n", ", line 2: is not UTF-8"),
        ("[network]\n".encode("utf-16"), ", line 1: is not UTF-8"),
        (b"#" * (1 << 20) + b"\n", ": is larger than 1 MB"),
        (b"x = " + b"[" * 100_000, "is nested too deep"),
        (b"x = " + b"9" * 5000, "is no TOML"),
        (b"\x00", ", line 1: is no TOML"),
    ],
)
def test_hostile_files_are_refused_in_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in refused(tmp_path, content)


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "wmiwh.toml")
    with pytest.raises(UsageError, match="is not a file"):
        Settings.load(tmp_path)
    (tmp_path / "wmiwh.toml").unlink()
    (tmp_path / "wmiwh.toml").mkdir()
    with pytest.raises(UsageError, match="is not a file"):
        Settings.load(tmp_path)


def test_lines_in_every_notation() -> None:
    text = """\
# a comment with = and [brackets]
a.b = 1
[t."quoted ] key"]   # comment
'x' = '''
one
''''
y = [ [1, 2],
  "#,]", { k = 1, "l" = [
  3] },
]
[[list]]
v = \"\"\"a\\\"\"\"
\"\"\"
[[list]]
v = 1979-05-27T07:32:00Z
w = 1
"""
    expected = {
        ("a", "b"): 2,
        ("t", "quoted ] key"): 3,
        ("t", "quoted ] key", "x"): 4,
        ("t", "quoted ] key", "y"): 7,
        ("t", "quoted ] key", "y", 0, 1): 7,
        ("t", "quoted ] key", "y", 1): 8,
        ("t", "quoted ] key", "y", 2, "k"): 8,
        ("t", "quoted ] key", "y", 2, "l", 0): 9,
        ("list", 0, "v"): 12,
        ("list", 1): 14,
        ("list", 1, "w"): 16,
        ("list", 1, "missing"): 14,
        ("nowhere",): 1,
    }
    assert {path: line_of(text, path) for path in expected} == expected


@given(st.lists(st.ip_addresses(), max_size=8), st.ip_addresses(), st.data())
def test_ranges_are_those_of_the_networks(addresses: list[object], probe: object, data: st.DataObject) -> None:
    networks = [
        ip_network(f"{address}/{data.draw(st.integers(0, 32 if '.' in str(address) else 128))}", strict=False)
        for address in addresses
    ]
    ranges = Settings.of({"network": {"internal": [str(network) for network in networks]}}).internal_networks
    assert list(ranges) == sorted(ranges)
    assert all(first[1] < second[0] for first, second in pairwise(ranges))
    for address in [probe, *(network[0] for network in networks), *(network[-1] for network in networks)]:
        key = address_key(str(address))
        plain = ip_address(str(address))
        if plain.version == 6 and plain.ipv4_mapped:
            continue
        inside = any(plain in network for network in networks)
        mapped = any(
            network.version == 6 and int(network[0]) <= int(key or "", 16) <= int(network[-1]) for network in networks
        )
        assert any(low <= (key or "") <= high for low, high in ranges) == (inside or mapped)


def test_the_relations_of_the_catalog() -> None:
    connection = catalog.connect()
    text = {
        "network": {"internal": ["10.0.0.0/9", "10.128.0.0/9"], "domains": ["A.example"]},
        "accounts": {"local": ["o'brien"]},
        "hosts": {"aliases": {"FS01": ["10.0.0.5", "FE80::0001", "Old"]}},
    }
    for statement in relations.base_relations([], Settings.of(text)):
        connection.execute(statement)
    (one,) = rows(connection, "select * from settings")
    assert one == {
        "internal_networks": [{"low": "00000000000000000000ffff0a000000", "high": "00000000000000000000ffff0affffff"}],
        "internal_domains": ["a.example"],
        "local_accounts": ["o'brien"],
    }
    aliases = rows(connection, "select * from host_alias order by alias")
    assert [(row["alias"], row["host"]) for row in aliases] == [
        ("10.0.0.5", "fs01"),
        ("fe80::1", "fs01"),
        ("old", "fs01"),
    ]
    keys = rows(connection, "select * from host_alias_address order by ip_key")
    assert [row["ip_key"] for row in keys] == ["00000000000000000000ffff0a000005", "fe800000000000000000000000000001"]
    connection.close()


def test_without_settings_the_relations_have_the_same_columns() -> None:
    described = []
    for tables in ({}, {"network": {"internal": ["::1"]}, "hosts": {"aliases": {"a": ["b", "::2"]}}}):
        connection = catalog.connect()
        for statement in relations.base_relations([], Settings.of(tables)):
            connection.execute(statement)
        names = ("settings", "host_alias", "host_alias_address")
        described.append([connection.execute(f"describe {name}").fetchall() for name in names])
        assert len(rows(connection, "select * from settings")) == 1
        connection.close()
    assert described[0] == described[1]


def test_the_database_is_built_again_when_the_settings_changed(tmp_path: Path) -> None:
    library = Library.load()
    warehouse = Warehouse.create(tmp_path / "w")
    catalog.refresh_database(warehouse, library)
    load(warehouse.root, "# only a comment\n")
    assert catalog.is_current(warehouse, library)
    load(warehouse.root, '[network]\ndomains = ["a.example"]\n')
    assert not catalog.is_current(warehouse, library)
    catalog.refresh_database(warehouse, library)
    assert catalog.is_current(warehouse, library)
    (warehouse.root / "wmiwh.toml").unlink()
    assert not catalog.is_current(warehouse, library)


def test_settings_may_be_written_before_the_first_ingest(tmp_path: Path) -> None:
    load(tmp_path, '[network]\ndomains = ["a.example"]\n')
    assert Warehouse.create(tmp_path).batches() == []
