"""What the filters name that no record here has: then a zero says nothing, and the words beside it have to say so."""

from __future__ import annotations

from wmiwarehouse.hunting.filters import user_term
from wmiwarehouse.hunting.hunt import Hunt
from wmiwarehouse.lake.query import rows
from wmiwarehouse.schema import EVENT_COLUMNS


def doubts(hunt: Hunt) -> list[str]:
    """Return what to say beside the answers of *hunt* about a host or a user that its filters name; mostly nothing."""
    host, user = hunt.filters.host, hunt.filters.user
    found = [hunt.hosts.doubt(host) if host else None, _about_user(hunt, user) if user else None]
    return [doubt for doubt in found if doubt]


def _about_user(hunt: Hunt, user: str) -> str | None:
    if _is_named(hunt, user):
        return None
    _, _, name = user.strip().rpartition("\\")
    name = name.partition("@")[0]
    if name.lower() != user.strip().lower() and _is_named(hunt, name):
        return f"no record in this warehouse names a user {user}; some name {name} of another domain, or of none"
    return f"no record in this warehouse names a user {user}; command lines were not looked through for it"


def _is_named(hunt: Hunt, user: str) -> bool:
    term, values = user_term(user, EVENT_COLUMNS)
    query = f"select exists(select 1 from lake_events where {term}) as is_named"
    return bool(rows(hunt.connection(), query, values)[0]["is_named"])
