"""Tells expected hits from the others: the suppressions and the known administration of ``wmiwh.toml`` as SQL.

They stand outside the views, over their rows: whoever asks a view sees everything, and a change of the settings works
with the next command. What hides a hit has to be certain, so a value that is not there never fits a condition, every
value of a list has to fit, and whoever is to be known has to be an administrator on a management host, by what the
machines themselves logged.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from wmiwarehouse.content import findings
from wmiwarehouse.content.library import Analytic, Library, UnknownAnalyticError
from wmiwarehouse.errors import UsageError
from wmiwarehouse.lake.hosts import literal
from wmiwarehouse.lake.settings import Settings, canonical_address
from wmiwarehouse.lake.suppressions import EVERY, KNOWN, Condition, Known, Suppression, described

#: Kinds that "*" and what is known stand for; context and stacks never alarm, and some of them say what was looked at.
ALARMING = ("detection", "session", "chain")

_HOSTS = frozenset({"host", "dest", "source_host", "target_host", "source", "target"})
#: Accounts of a row, by the column with the name and the one with its domain; ``None``: the name has it.
_ACCOUNTS = (
    ("user_name", "user_domain"),
    ("source_user_name", "source_user_domain"),
    ("subject_name", "subject_domain"),
    ("target_name", "target_domain"),
    ("user", None),
    ("explicit_user", None),
    ("effective_user", None),
    ("share_user", None),
)

#: Command lines; ESCU's data model calls one ``process``.
_COMMAND_LINES = frozenset({"command_line", "process"})

HostOf = Callable[[str], str]


@dataclass(frozen=True)
class Rule:
    """What hides hits: a suppression, or what is known of administration."""

    id: str
    analytics: tuple[str, ...]
    said: str
    """Its conditions for people."""
    reason: str
    author: str
    expires: date | None
    where: tuple[Condition, ...] = ()
    known: Known | None = None


@dataclass(frozen=True)
class Tuning:
    """The rules of a warehouse, checked against its analytics; without any, as in one that has no settings."""

    rules: tuple[Rule, ...] = ()
    """Those that hide something today."""
    expired: tuple[Rule, ...] = ()
    _fits: Mapping[str, Collection[str]] | None = None
    """Rule to the analytics that it is about."""
    _host_of: HostOf = str.lower
    _addresses: Mapping[str, str] | None = None
    """Addresses that the settings give to hosts."""

    @classmethod
    def of(
        cls, settings: Settings, library: Library, path: Path, host_of: HostOf, today: date, *, ended: bool = False
    ) -> Tuning:
        """Return the rules of *settings*, the file *path*; raises :class:`UsageError` with the line of what is wrong.

        *host_of* tells what a name is in the column ``host``. Those that have *ended* by *today* are among the rules
        only if asked for.
        """
        columns: dict[str, frozenset[str]] = {}
        if settings.suppressions:
            columns = {item.id: frozenset(findings.columns_of(item)) for item in library.newest.values()}
        rules, fits = [], {}
        for one in settings.suppressions:
            try:
                fits[one.id] = _analytics(one, library, columns)
            except UsageError as error:
                raise UsageError(f"{path}{error}") from None
            said = described(one.where)
            rules.append(Rule(one.id, one.analytics, said, one.reason, one.author, one.expires, one.where))
        if known := settings.known:
            fits[KNOWN] = [item.id for item in library.newest.values() if _can_be_known(item)]
            said = f"{', '.join(known.administrators)} from {', '.join(known.management_hosts)}"
            reason = known.reason or "known administrator on a management host"
            rules.append(Rule(KNOWN, (EVERY,), said, reason, known.author, known.expires, (), known))
        over = [rule for rule in rules if rule.expires is not None and rule.expires <= today]
        kept = rules if ended else [rule for rule in rules if rule not in over]
        addresses = {alias: host_of(host) for alias, host in settings.aliases.items() if canonical_address(alias)}
        return cls(tuple(kept), tuple(over), fits, host_of, addresses)

    def about(self, analytic: Analytic) -> tuple[Rule, ...]:
        """Return the rules that may hide hits of *analytic*."""
        fits = self._fits or {}
        return tuple(rule for rule in self.rules if analytic.id in fits[rule.id])

    def tests(self, analytic: Analytic, types: Mapping[str, str]) -> dict[str, str]:
        """Return for each rule about *analytic* the SQL that is true of the rows it hides, and never NULL.

        *types* are the columns of the rows with DuckDB's names of their types.
        """
        return {rule.id: f"coalesce({self._test(rule, analytic, types)}, false)" for rule in self.about(analytic)}

    def rule(self, name: str) -> Rule:
        """Return the rule with the id *name*."""
        return next(rule for rule in (*self.rules, *self.expired) if rule.id == name)

    def _test(self, rule: Rule, analytic: Analytic, types: Mapping[str, str]) -> str:
        if rule.known is not None:
            return self._known(rule.known, analytic, types)
        return " and ".join(f"({_fits(one, types, self._host_of)})" for one in rule.where)

    def _known(self, known: Known, analytic: Analytic, types: Mapping[str, str]) -> str:
        names = sorted({self._host_of(name) for name in known.management_hosts})
        given = {name for name in known.management_hosts if canonical_address(name)}
        addresses = sorted(given | {one for one, host in (self._addresses or {}).items() if host in names})
        source = _source(analytic, types, names, addresses)
        accounts = list(_accounts(types))
        if not source or not accounts:
            return "false"
        # Each account that the row names has to be an administrator's: another one is what was stolen.
        each = [f"({text} = '' or {_is_one_of(text, known.administrators)})" for text in accounts]
        named = " or ".join(f"{text} <> ''" for text in accounts)
        return f"{source} and ({named}) and {' and '.join([*each, *_without_account(types)])}"


def said_of(rules: Iterable[Rule], most: int = 3) -> str:
    """Return the ids of *rules* with the day on which each ended, in one line however many they are."""
    named = [f"{rule.id} ({rule.expires})" for rule in rules]
    more = f" and {len(named) - most} more" if len(named) > most else ""
    return ", ".join(named[:most]) + more


def _analytics(one: Suppression, library: Library, columns: Mapping[str, Collection[str]]) -> list[str]:
    wanted = {condition.column for condition in one.where}
    for condition in one.where:
        if _is_no_text(condition.column):
            raise _wrong(one, condition, "times and lists of records cannot be compared; name another column")
    if one.analytics == (EVERY,):
        found = [
            item.id
            for item in library.newest.values()
            if item.metadata.kind in ALARMING and wanted <= set(columns[item.id])
        ]
        if not found:
            _refuse_unknown(one, set().union(*columns.values()), "no analytic has")
            raise _wrong(one, one.where[0], f"no analytic has all of these columns: {', '.join(sorted(wanted))}")
        return found
    found = []
    for name in one.analytics:
        try:
            item = library.get(name)
        except UnknownAnalyticError as error:
            raise UsageError(f", line {one.analytic_line}: {one.place}.analytic: {error}") from None
        if name != item.id:
            reason = f"{one.place}.analytic: all versions are meant; write {item.id}"
            raise UsageError(f", line {one.analytic_line}: {reason}")
        _refuse_unknown(one, columns[item.id], f"{item.id} has")
        found.append(item.id)
    return found


def _refuse_unknown(one: Suppression, columns: Collection[str], who: str) -> None:
    for condition in one.where:
        if condition.column not in columns:
            near = difflib.get_close_matches(condition.column, sorted(columns), n=1, cutoff=0.4)
            hint = f"; nearest: {near[0]}" if near else ""
            raise _wrong(one, condition, f"{who} no such column{hint}")


def _wrong(one: Suppression, condition: Condition, reason: str) -> UsageError:
    line = condition.line or one.line
    return UsageError(f", line {line}: {one.place}.where.{condition.column}: {reason}")


def _is_no_text(column: str) -> bool:
    return column.endswith(("_time", "_evidence", "_seen")) or column in (
        *("processes", "first", "last", "start", "end", "first_logon", "last_logon"),
    )


def _fits(condition: Condition, types: Mapping[str, str], host_of: HostOf) -> str:
    kind = types.get(condition.column, "")
    if not kind or "STRUCT" in kind or kind.startswith(("TIMESTAMP", "DATE", "TIME", "MAP")):
        return "false"  # an older version of the analytic, which has no such column
    values: Sequence[str] = condition.values
    if condition.column in _HOSTS and condition.comparison == "equals":
        values = sorted({*values, *map(host_of, values)})
    column = f'found."{condition.column}"'
    if kind.endswith("[]"):
        fits = _compared("one", condition.comparison, values)
        return f"len({column}) > 0 and len(list_filter({column}, lambda one: not coalesce({fits}, false))) = 0"
    return _compared(column, condition.comparison, values)


def _compared(column: str, comparison: str, values: Iterable[str]) -> str:
    text = f"lower(cast({column} as varchar))"
    texts = [f"lower({literal(value)})" for value in values]
    if comparison == "equals":
        return f"{text} in ({', '.join(texts)})"
    function = {"starts_with": "starts_with", "ends_with": "ends_with", "contains": "contains"}[comparison]
    return "(" + " or ".join(f"{function}({text}, {value})" for value in texts) + ")"


def _can_be_known(item: Analytic) -> bool:
    """Whether the rows of *item* say from where somebody acted; clearing a log is no administration of others."""
    head = item.metadata
    return head.kind in ALARMING and (head.kind == "chain" or head.side != "both")


def _source(analytic: Analytic, types: Mapping[str, str], names: Sequence[str], addresses: Sequence[str]) -> str | None:
    """Whether the row came from a management host: the machine that logged it, or the address that its target saw.

    Names that a client gives itself (workstation, a host by its reverse name) are nobody's proof.
    """
    head = analytic.metadata
    by_name = ", ".join(literal(name) for name in names)
    by_address = ", ".join(literal(one) for one in addresses) or "null"
    if head.kind == "chain" and "source_host" in types:
        address = "lower(found.source_ip)" if "source_ip" in types else "null"
        return (
            f"case when found.source_host is null then {address} in ({by_address}) "
            f"else lower(found.source_host) in ({by_name}) end"
        )
    if head.side == "source":
        host = next((name for name in ("host", "dest") if name in types), None)
        return f"lower(found.{host}) in ({by_name})" if host else None
    return f"lower(found.source_ip) in ({by_address})" if "source_ip" in types else None


def _accounts(types: Mapping[str, str]) -> Iterable[str]:
    """Return the SQL of each account of a row as ``domain\\name`` in lower case, empty where there is none."""
    for name, domain in _ACCOUNTS:
        if name in types:
            column = f"coalesce(nullif(nullif(trim(found.\"{name}\"), ''), '-'), '')"
            if domain in types:
                column = (
                    f"case when {column} = '' or contains({column}, '\\') then {column} "
                    f"else coalesce(found.\"{domain}\", '') || '\\' || {column} end"
                )
            yield f"lower({column})"


def _without_account(types: Mapping[str, str]) -> Iterator[str]:
    """Yield SQL that is true of rows whose command line gives wmic no account, for rows that have no column for it."""
    if "explicit_user" not in types:
        for name in sorted(_COMMAND_LINES & types.keys()):
            yield f"not regexp_matches(coalesce({name}, ''), '(?i)[/-][\"''^]*user[\"''^]*\\s*:')"


def _is_one_of(text: str, administrators: Iterable[str]) -> str:
    """Compare accounts: CORP is also logged as CORP.EXAMPLE, and the other way round; two long names are two."""
    terms = []
    for account in administrators:
        domain, _, name = account.partition("\\")
        terms.append(f"{text} = {literal(account)}")
        if "." in domain:
            short = domain.partition(".")[0]
            terms.append(f"{text} = " + literal(f"{short}\\{name}"))
        else:
            ends = literal(f"\\{name}")
            terms.append(f"(starts_with({text}, {literal(f'{domain}.')}) and ends_with({text}, {ends}))")
    return f"({' or '.join(terms)})"
