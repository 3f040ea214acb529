"""The filters that every command with rows has: a half-open time range, a host, a user, and what came in since.

How times are typed is said in :mod:`wmiwarehouse.hunting.moments`. A row came in since a moment if any record that it
rests on did: a late log that completes an old movement makes the movement new again.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting.moments import from_now, ingested, moment

__all__ = ["EVENTS", "FRESH", "Filters", "bound", "moment", "short_host", "user_term"]

#: The relations that hold the ``event_uid`` of every record that came in since, and of all that the user did.
FRESH, BY_USER = "ingested_since", "events_by_user"

#: Columns that name a user of a row, in the views' own words, and those with the domain; a row is kept if any matches.
_NAMES = {
    **{f"{who}_name": f"{who}_domain" for who in ("user", "subject", "target", "source_user")},
    "outbound_user_name": "outbound_domain",
}
#: Columns with ``domain\user`` as one text, as an account was given to a tool (``wmic /user:``) too.
_ACCOUNTS = (
    *("user", "source_user", "target_user", "subject_account", "target_account", "explicit_user"),
    *("effective_user", "causality_user", "share_user", "nearest_act_user", "parent_user"),
)
#: What a filter beneath a count looks at. Not at the subject: where it is not the user, it is the computer as a rule.
EVENTS = (
    *("event_time", "host", "ingested_at"),
    *("user_name", "user_domain", "target_name", "target_domain", "explicit_user"),
)
_HOSTS = ("host", "dest", "source_host", "target_host")
#: The ends of a session or a chain as the records of the other end name them: all there is of one without logs.
_SIDES = ("source", "target", "target_server", "source_ip", "destination_ip", "workstation")
#: Times of what lasts: a session, a chain of events. An empty one of the second group means: not over yet.
_TIMES = (
    *("event_time", "start", "start_time", "first", "first_time", "first_seen"),
    *("last", "last_time", "last_seen", "child_time", "logon_time"),
)
_ENDS = ("end", "end_time")
#: Columns that name the records that a row rests on: one, several, or several with more about each.
_UID = re.compile(r"\w+_uid")
_UIDS = ("event_uids",)
_RECORDS = ("source_evidence", "target_evidence", "evidence")


@dataclass(frozen=True)
class Filters:
    """What is asked for; all empty means everything. ``since`` is included, ``until`` is not."""

    since: str | None = None
    until: str | None = None
    host: str | None = None
    user: str | None = None
    host_as: str | None = None
    """What the column ``host`` has for ``host`` in this warehouse; its short form, where nobody asked the warehouse."""
    ingested_since: str | None = None

    def __post_init__(self) -> None:
        """Refuse empty texts: an unset variable in a script must not quietly ask for everything."""
        for name in ("since", "until", "host", "user", "ingested_since"):
            if getattr(self, name) is not None and not str(getattr(self, name)).strip():
                raise UsageError(f"--{name.replace('_', '-')}: is empty")

    def __bool__(self) -> bool:
        """Whether anything is filtered."""
        return any((self.since, self.until, self.host, self.user, self.ingested_since))

    def pinned(self) -> Filters:
        """Return the same with times that count from now as they are now: a run has one window from begin to end."""
        times = {name: text for name in ("since", "until") if (text := getattr(self, name))}
        found = {name: moment(text, None, name) for name, text in times.items() if from_now(text) is not None}
        if self.ingested_since:
            found["ingested_since"] = ingested(self.ingested_since, "ingested-since")
        return replace(self, **{name: time.isoformat() for name, time in found.items()})

    def lay(self, connection: Any) -> None:
        """Make the relations that :meth:`where` may name, over the ``lake_events`` of *connection*."""
        if self.ingested_since:
            where, values = self.fresh
            connection.execute(f"create table {FRESH} as select event_uid from lake_events where {where}", values)
        if self.user:
            where = bound(*user_term(self.user, ("user_name", "user_domain", "subject_name", "subject_domain")))
            connection.execute(f"create view {BY_USER} as select event_uid from lake_events where {where}")

    @property
    def fresh(self) -> tuple[str, dict[str, Any]]:
        """SQL over ``lake_events`` that keeps what came in since, and its parameters; without any, all of it."""
        if not self.ingested_since:
            return "true", {}
        return "ingested_at >= $ingested_since", {"ingested_since": ingested(self.ingested_since, "ingested-since")}

    def span(self, newest: datetime | None) -> tuple[datetime | None, datetime | None]:
        """Return the range, from a time on until before another, None for no limit; *newest* is as for :meth:`where`.

        Raises :class:`UsageError` for a time that is none, and for a range in which nothing can lie.
        """
        since, until = (
            moment(text, newest, name) if text else None
            for name, text in (("since", self.since), ("until", self.until))
        )
        if since and until and since >= until:
            raise UsageError(f"--since {self.since} --until {self.until}: a range that ends before it begins is empty")
        return since, until

    def where(
        self, columns: Collection[str], newest: datetime | None, *, lasting: bool = False, beneath: bool = False
    ) -> tuple[str, dict[str, Any]]:
        """Return SQL over *columns* and its parameters; raises :class:`UsageError` for a time that is none.

        *newest* is the time of the newest event, for spans. *lasting* rows (sessions, chains) have a begin and an end:
        they are kept whole if any of it lies in the range, and what has no end yet lasts as long as the logs; a host is
        either end of them, with or without logs of its own. A filter for which the rows have no column is refused: an
        answer that quietly ignores it would be a wrong one. *beneath* all views the rows are :data:`EVENTS`.
        """
        terms: list[str] = []
        values: dict[str, Any] = {}
        for name, time in zip(("since", "until"), self.span(newest), strict=True):
            if time is not None:
                terms.append(_time_term(name, columns, lasting=lasting))
                values[name] = time
        if any("$newest" in term for term in terms):
            values["newest"] = newest
        if self.host:
            hosts = [column for column in (*_HOSTS, *(_SIDES if lasting else ())) if column in columns]
            if not hosts:
                raise UsageError("--host: these rows have no host")
            term, found = self._host_term(hosts)
            terms.append(term)
            values |= found
        if self.user:
            term, found = user_term(self.user, columns, beneath=beneath)
            # A movement has the user that it ran as; whoever gave another's password is in the source's records.
            is_done_by = "source_evidence" in columns and "source_user_name" not in columns
            terms.append(f"({term} or {_rests_on('source_evidence', BY_USER)})" if is_done_by else term)
            values |= found
        if self.ingested_since:
            if "ingested_at" in columns:
                term, found = self.fresh
                values |= found
            else:
                term = _fresh_term(columns)
            terms.append(term)
        return " and ".join(terms), values

    def _host_term(self, columns: Collection[str]) -> tuple[str, dict[str, Any]]:
        name = str(self.host).strip().lower()
        values = {"host": name, "host_short": self.host_as or short_host(name)}
        same = "lower({0}) in ($host, $host_short)"
        if not re.search(r"[.:]", name):
            # Computers that share a short name have their whole names in ``host``: the short one asks for all of them.
            same = f"({same} or starts_with(lower({{0}}), $host_prefix))"
            values["host_prefix"] = f"{name}."
        return "(" + " or ".join(same.format(column) for column in columns) + ")", values


def short_host(name: str) -> str:
    """Return *name* as the column ``host`` has it: lower case, up to the first dot, an address uncut."""
    return name.lower() if re.fullmatch(r"[0-9.]+", name) or ":" in name else name.lower().partition(".")[0]


def bound(where: str, values: dict[str, Any]) -> str:
    """Put *values* into *where* as literals, in one pass over it: a view cannot have parameters."""

    def literal(found: re.Match[str]) -> str:
        value = values[found[1]]
        if isinstance(value, datetime):
            return f"timestamptz '{value.isoformat()}'"
        return "'" + str(value).replace("'", "''") + "'"

    return re.sub(r"\$([a-z_]+)", literal, where)


def _rests_on(column: str, relation: str, uid: str = "record.event_uid") -> str:
    """Return SQL that is true of a row if one of the records listed in *column* is in *relation*."""
    listed = f"from unnest({column}) as listed (record)"
    return f"exists (select 1 {listed} where {uid} in (select event_uid from {relation}))"


def _fresh_term(columns: Collection[str]) -> str:
    terms = [f'"{column}" in (select event_uid from {FRESH})' for column in columns if _UID.fullmatch(column)]
    for names, uid in ((_UIDS, "record"), (_RECORDS, "record.event_uid")):
        terms += [_rests_on(column, FRESH, uid) for column in names if column in columns]
    if not terms:
        raise UsageError("--ingested-since: these rows do not say which records they rest on")
    return f"({' or '.join(terms)})"


def _time_term(option: str, columns: Collection[str], *, lasting: bool) -> str:
    sign = ">=" if option == "since" else "<"
    if "event_time" in columns and not lasting:
        return f"event_time {sign} ${option}"
    times = [f'"{column}"' for column in _TIMES if column in columns]
    ends = [f'"{column}"' for column in _ENDS if column in columns]
    if not times:
        raise UsageError(f"--{option}: these rows have no time of their own")
    if option == "until":
        return f"least({', '.join(times)}) < $until"
    times += [f"coalesce({end}, $newest)" for end in ends]
    return f"greatest({', '.join(times)}) >= $since"


def user_term(user: str, columns: Collection[str], *, beneath: bool = False) -> tuple[str, dict[str, Any]]:
    """Return SQL over *columns* that is true of rows that name *user*, and its parameters.

    *user* is ``NAME``, ``DOMAIN\\NAME`` or ``NAME@DOMAIN``; logs have all three for one account. Raises
    :class:`UsageError` for a text that names none, and where no column has users.
    """
    domain, _, name = user.strip().lower().rpartition("\\")
    name, _, suffix = name.partition("@")
    domain = domain or suffix
    if not name:
        raise UsageError(f"--user {user}: names no user; give NAME, DOMAIN\\NAME or NAME@DOMAIN")
    terms = []
    for column, of_domain in _NAMES.items():
        if column in columns:
            text = f"lower({column})"
            is_name = f"({text} = $user_name or starts_with({text}, $user_at))"
            if domain and of_domain in columns:
                is_name = f"({is_name} and {_same_domain(f'lower({of_domain})', domain)} or {_at_domain(text, domain)})"
            terms.append(is_name)
    for column in _ACCOUNTS:
        if column in columns:
            text = f'lower("{column}")'
            is_name = f"({text} = $user_name or ends_with({text}, '\\' || $user_name)"
            is_name += f" or starts_with({text}, $user_at) or contains({text}, '\\' || $user_at))"
            if domain:
                is_name = f"({is_name} and {_same_domain(_domain_of(text), domain)} or {_at_domain(text, domain)})"
            if column == "explicit_user" and beneath and re.fullmatch(r"[\w.$-]+", name):
                # To work it out for all events takes longer than all else.
                is_name = f"(contains(lower(command_line), $user_name) and {is_name})"
            terms.append(is_name)
    if not terms:
        raise UsageError("--user: these rows name no user")
    sql = "(" + " or ".join(terms) + ")"
    values = {"user_name": name, "user_at": f"{name}@", "user_domain": domain}
    values["user_domain_label"] = domain.partition(".")[0]
    return sql, {key: value for key, value in values.items() if re.search(rf"\${key}\b", sql)}


def _domain_of(text: str) -> str:
    return f"case when contains({text}, '\\') then split_part({text}, '\\', 1) end"


def _same_domain(text: str, domain: str) -> str:
    """Compare with *domain*: CORP is also logged as CORP.EXAMPLE, and the other way round; two long names are two."""
    # Not split_part(...) = $label: DuckDB 2.0 fails on that where a column is empty in all of a single file.
    short = f"{text} = $user_domain_label" if "." in domain else f"starts_with({text}, $user_domain_label || '.')"
    return f"({text} = $user_domain or {short})"


def _at_domain(text: str, domain: str) -> str:
    """Compare ``name@domain`` in the same way."""
    longer = f"starts_with({text}, $user_at || $user_domain || '.')"
    short = f"{text} = $user_at || $user_domain_label" if "." in domain else longer
    return f"({text} = $user_at || $user_domain or {short})"
