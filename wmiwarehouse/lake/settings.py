"""What a warehouse's owner knows and no log says: ``wmiwh.toml``, read and checked strictly.

Internal networks, local accounts, the names of hosts and suppressions change what a hunt finds, so a misspelt key or a
network that is none must not pass for a setting: such a file is refused with its line and the reason.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wmiwarehouse.errors import UsageError
from wmiwarehouse.lake import suppressions
from wmiwarehouse.lake.setting_errors import WrongError, dotted, one_line, short
from wmiwarehouse.lake.suppressions import Known, Suppression
from wmiwarehouse.lake.toml_lines import line_of, lines_in

if TYPE_CHECKING:
    from wmiwarehouse.lake.settings_file import File, GivenKnown

FILE_NAME = "wmiwh.toml"

_LIMIT = 1 << 20
_IN_VIEWS = ("internal_networks", "internal_domains", "local_accounts", "aliases")
_IPV4 = 0xFFFF << 32
_NAME = re.compile(r"""[^\s\\/:"'*?<>|,;$@\x00-\x1f\x7f]+""")
_ACCOUNT = re.compile(r"""(?:[^\s\\/:"*?<>|,;@\x00-\x1f\x7f]+\\)?[^\\/:"*?<>|,;@\x00-\x1f\x7f]+""")


@dataclass(frozen=True)
class Settings:
    """The settings as the views need them; without any, as in a warehouse that has no file."""

    #: First and last key of each range, as ``source_ip_key`` has them; sorted, without overlaps.
    internal_networks: tuple[tuple[str, str], ...] = ()
    internal_domains: tuple[str, ...] = ()
    #: ``name`` or ``domain\name``, lower case.
    local_accounts: tuple[str, ...] = ()
    #: Other names and addresses of a host: alias to the host's name, both lower case, addresses in canonical text.
    aliases: Mapping[str, str] = field(default_factory=dict)
    #: Which hits are expected: for hunts, reports and risk. Views never know of it.
    suppressions: tuple[Suppression, ...] = ()
    known: Known = field(default_factory=Known)

    @classmethod
    def load(cls, root: Path) -> Settings:
        """Read the settings of the warehouse folder *root*; raises :class:`UsageError` for a file that is wrong."""
        path = root / FILE_NAME
        try:
            is_there = path.exists()
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
        return cls.read(path) if is_there else cls()

    @classmethod
    def read(cls, path: Path) -> Settings:
        """Read the file *path*, of a warehouse or one to be tried; raises :class:`UsageError` as :meth:`load` does."""
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise UsageError(f"{path}: is not a file")
            with path.open("rb") as stream:
                content = stream.read(_LIMIT + 1)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
        if len(content) > _LIMIT:
            raise UsageError(f"{path}: is larger than 1 MB, which no settings are")
        return _parse(path, content)

    @classmethod
    def of(cls, tables: Mapping[str, Any]) -> Settings:
        """Return the settings in *tables*, as parsed from a file; raises :class:`UsageError` without a line."""
        try:
            return _settings(_checked(tables))
        except WrongError as error:
            raise UsageError(error.reason) from None

    @property
    def fingerprint(self) -> str:
        """A hash of what views know, whatever the layout of the file: tells when they have to be built anew."""
        told = {name: getattr(self, name) for name in _IN_VIEWS}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def owner(self, name: str, short: str) -> str | None:
        """Return the host that has *name*, or else its *short* form, as an alias; None if nobody has."""
        if name in self.aliases or name in self._owners:
            return self.aliases.get(name)
        host = self.aliases.get(short)
        # "ws01" as an alias of ws01.a.example is about records with the bare name, not about ws01.b.example.
        return None if host is None or host.startswith(f"{short}.") else host

    @cached_property
    def _owners(self) -> frozenset[str]:
        return frozenset(self.aliases.values())

    @property
    def alias_keys(self) -> dict[str, str]:
        """The aliases that are addresses, each with the key that the lake compares addresses by."""
        return {alias: key for alias in self.aliases if (key := address_key(alias)) is not None}


def canonical_address(text: str) -> str | None:
    """Return *text* as the lake writes an address, or None if it is none."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def address_key(text: str) -> str | None:
    """Return the 32 hex digits by which the lake compares addresses, or None if *text* is no address."""
    canonical = canonical_address(text)
    return None if canonical is None else f"{_number(ipaddress.ip_address(canonical)):032x}"


def _number(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    return int(address) + (_IPV4 if address.version == 4 else 0)


def _parse(path: Path, content: bytes) -> Settings:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}, line {line}: is not UTF-8: {error.reason}") from None
    # The parser takes a line feed for the end of a line, with or without the carriage return of Windows.
    text = text.replace("\r\n", "\n")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(_not_toml(path, text, str(error))) from None
    except (ValueError, RecursionError) as error:
        cause = "is nested too deep" if isinstance(error, RecursionError) else f"is no TOML: {one_line(str(error))}"
        raise UsageError(f"{path}: {cause}") from None
    try:
        return _settings(_checked(found), text)
    except WrongError as error:
        raise UsageError(f"{path}, line {line_of(text, error.path)}: {error.reason}") from None


def _not_toml(path: Path, text: str, message: str) -> str:
    place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    line = int(place[1]) if place and place[1] else text.count("\n") + (not text.endswith("\n"))
    cause = message[: place.start()] if place else message
    return f"{path}, line {line}: is no TOML: {one_line(cause)}"


def _checked(found: Any) -> File:
    from wmiwarehouse.lake.settings_file import checked

    return checked(found)


def _settings(file: File, content: str = "") -> Settings:
    # Each line is looked up once for all suppressions; a file without any does without.
    lines = lines_in(content) if file.suppress else {}
    return Settings(
        tuple(_ranges(file.network.internal)),
        tuple(sorted({_domain(text, i) for i, text in enumerate(file.network.domains)})),
        tuple(sorted({_account(text, i) for i, text in enumerate(file.accounts.local)})),
        _aliases(file.hosts.aliases),
        suppressions.read(file.suppress, suppressions.by_line(lines)),
        _known(file.known),
    )


def _known(given: GivenKnown) -> Known:
    names = [_administrator(text, i) for i, text in enumerate(given.administrators)]
    hosts = [
        _host(text, ("known", "management_hosts", i), f"known.management_hosts[{i}]")
        for i, text in enumerate(given.management_hosts)
    ]
    # An account that is known everywhere would hide its thief; a host that is known for everybody would hide its
    # intruder. Who means that writes a suppression, with a reason and an end.
    for there, name, missing in (
        (names, "administrators", "management_hosts"),
        (hosts, "management_hosts", "administrators"),
    ):
        if there and not given.model_dump()[missing]:
            reason = f"known: {name} without {missing} hides nothing: a hit is known by both, who and from where"
            raise WrongError(("known", name), reason)
    texts = {
        key: suppressions.text(value, ("known", key), "say it or leave it out") if value is not None else ""
        for key, value in (("reason", given.reason), ("author", given.author))
    }
    expires = None if given.expires is None else suppressions.day(given.expires, ("known", "expires"))
    return Known(tuple(sorted(set(names))), tuple(sorted(set(hosts))), **texts, expires=expires)


def _administrator(text: str, i: int) -> str:
    name = text.strip().lower()
    if not _ACCOUNT.fullmatch(name) or "\\" not in name or name.endswith("$"):
        wanted = "wanted is 'DOMAIN\\name': a bare name would also be that of somebody's local account"
        reason = f"known.administrators[{i}]: no account of a domain: {short(text)}; {wanted}"
        raise WrongError(("known", "administrators", i), reason)
    return name


def _ranges(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    ranges: list[tuple[int, int]] = []
    for i, text in enumerate(texts):
        try:
            given = ipaddress.ip_interface(text.strip())
        except ValueError:
            given = None
        if given is None or "%" in text:
            reason = f"network.internal[{i}]: no network: {short(text)}; wanted is 10.0.0.0/8, 192.0.2.7 or fd00::/8"
            raise WrongError(("network", "internal", i), reason)
        network = given.network
        if given.ip != network.network_address:
            reason = f"network.internal[{i}]: {short(text)} is an address inside a network; the network is {network}"
            raise WrongError(("network", "internal", i), reason)
        ranges.append((_number(network.network_address), _number(network.broadcast_address)))
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        else:
            merged.append((low, high))
    return ((f"{low:032x}", f"{high:032x}") for low, high in merged)


def _domain(text: str, i: int) -> str:
    name = text.strip().lower().strip(".")
    if not _NAME.fullmatch(name) or ".." in name or canonical_address(name):
        reason = f"network.domains[{i}]: no DNS domain: {short(text)}; wanted is corp.example, without * and \\"
        raise WrongError(("network", "domains", i), reason)
    return name


def _account(text: str, i: int) -> str:
    name = text.strip().lower()
    if not _ACCOUNT.fullmatch(name):
        reason = f"accounts.local[{i}]: no account: {short(text)}; wanted is 'name' or 'domain\\name'"
        raise WrongError(("accounts", "local", i), reason)
    if name.endswith("$"):
        reason = f"accounts.local[{i}]: {short(text)} is a computer's account, which is never a local one"
        raise WrongError(("accounts", "local", i), reason)
    return name


def _aliases(table: Mapping[str, Sequence[str]]) -> dict[str, str]:
    owners: dict[str, str] = {}
    for key in table:
        host = _host(key, ("hosts", "aliases", key), "hosts.aliases")
        if host in owners:
            reason = f"hosts.aliases: {short(key)} and {short(owners[host])} are one host; put both lists together"
            raise WrongError(("hosts", "aliases", key), reason)
        owners[host] = key
    found: dict[str, str] = {}
    for key, names in table.items():
        host = _host(key, (), "")
        for i, name in enumerate(names):
            path = ("hosts", "aliases", key, i)
            where = f"{dotted(path)}"
            alias = _host(name, path, where)
            if alias == host:
                continue
            if alias in owners:
                raise WrongError(path, f"{where}: {short(name)} has aliases of its own: it cannot be two hosts")
            if found.setdefault(alias, host) != host:
                reason = f"{where}: {short(name)} is an alias of {short(found[alias])} too: it cannot be two hosts"
                raise WrongError(path, reason)
    return found


def _host(text: str, path: Sequence[str | int], where: str) -> str:
    name = text.strip().lower().rstrip(".")
    address = canonical_address(name)
    looks_wrong = not _NAME.fullmatch(name) or name.startswith(".") or ".." in name or re.fullmatch(r"[0-9.]+", name)
    if address is None and looks_wrong:
        raise WrongError(path, f"{where}: neither a host's name nor an address: {short(text)}")
    return address or name
