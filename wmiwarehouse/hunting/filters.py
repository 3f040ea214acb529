"""The filters that every command with rows has: a half-open time range, a host, a user.

Times are UTC ISO 8601, or a span such as ``7d`` back from the newest event: logs are read long after the fact, so
"now" means nothing to them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from wmiwarehouse.errors import UsageError

_SPAN = re.compile(r"-?(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

#: Columns that name the user of a row, in the views' own words; a row is kept if any of them matches.
_NAMES = ("user_name", "subject_name", "target_name")
#: Columns with ``domain\user`` as one text.
_ACCOUNTS = ("user",)
_HOSTS = ("host", "dest", "source_host", "target_host")


@dataclass(frozen=True)
class Filters:
    """What is asked for; all empty means everything. ``since`` is included, ``until`` is not."""

    since: str | None = None
    until: str | None = None
    host: str | None = None
    user: str | None = None

    def __post_init__(self) -> None:
        """Refuse empty texts: an unset variable in a script must not quietly ask for everything."""
        for name in ("since", "until", "host", "user"):
            if getattr(self, name) is not None and not str(getattr(self, name)).strip():
                raise UsageError(f"--{name}: is empty")

    def __bool__(self) -> bool:
        """Whether anything is filtered."""
        return any((self.since, self.until, self.host, self.user))

    def where(self, columns: Collection[str], newest: datetime | None) -> tuple[str, dict[str, Any]]:
        """Return SQL over *columns* and its parameters; raises :class:`UsageError` for a time that is none.

        *newest* is the time of the newest event, for spans. A filter for which the rows have no column is refused: an
        answer that quietly ignores it would be a wrong one.
        """
        terms: list[str] = []
        values: dict[str, Any] = {}
        for name, text, sign in (("since", self.since, ">="), ("until", self.until, "<")):
            if text:
                if "event_time" not in columns:
                    raise UsageError(f"--{name}: these rows have no event time")
                terms.append(f"event_time {sign} ${name}")
                values[name] = moment(text, newest, name)
        if self.host:
            hosts = [column for column in _HOSTS if column in columns]
            if not hosts:
                raise UsageError("--host: these rows have no host")
            terms.append("(" + " or ".join(f"lower({column}) in ($host, $host_short)" for column in hosts) + ")")
            values |= {"host": self.host.lower(), "host_short": short_host(self.host)}
        if self.user:
            term, found = _user_term(self.user, columns)
            terms.append(term)
            values |= found
        return " and ".join(terms), values


def short_host(name: str) -> str:
    """Return *name* as the column ``host`` has it: lower case, up to the first dot, an address uncut."""
    return name if re.fullmatch(r"[0-9.]+", name) else name.lower().partition(".")[0]


def moment(text: str, newest: datetime | None, option: str) -> datetime:
    """Return the time that *text* stands for; *option* names it in the error."""
    span = _SPAN.fullmatch(text.strip())
    if span:
        if newest is None:
            raise UsageError(f"--{option} {text}: counts back from the newest event, and there is none")
        try:
            return newest - timedelta(**{_UNITS[span[2]]: int(span[1])})
        except OverflowError:
            raise UsageError(f"--{option} {text}: reaches back beyond year 1") from None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"--{option} {text}: neither an ISO time (2026-03-04T10:00:00Z) nor a span (7d, 12h)"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _user_term(user: str, columns: Collection[str]) -> tuple[str, dict[str, Any]]:
    domain, _, name = user.lower().rpartition("\\")
    terms = []
    for column in _NAMES:
        if column in columns:
            of_domain = column.replace("_name", "_domain")
            same_domain = f" and lower({of_domain}) = $user_domain" if domain and of_domain in columns else ""
            terms.append(f"(lower({column}) = $user_name{same_domain})")
    same_account = "(lower({0}) = $user_account or ends_with(lower({0}), $user_tail))"
    terms += [same_account.format(column) for column in _ACCOUNTS if column in columns]
    if not terms:
        raise UsageError("--user: these rows name no user")
    sql = "(" + " or ".join(terms) + ")"
    values = {"user_name": name, "user_domain": domain, "user_account": user.lower(), "user_tail": "\\" + user.lower()}
    return sql, {key: value for key, value in values.items() if f"${key}" in sql}
