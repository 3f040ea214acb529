"""Which systems talk to each other, and which users go with them: movements, wmic's targets, logons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wmiwarehouse.hunting.hunt import Hunt
from wmiwarehouse.lake.query import columns_of, rows
from wmiwarehouse.output.ends import account
from wmiwarehouse.report.model import Talk
from wmiwarehouse.report.records import host_name

#: A domain has as many pairs as it has hosts and servers; the rarest say most.
MOST = 200
_USERS = 20

#: Each with one row for each pair and user; a day at an office has a million logons and a few thousand of these.
_LOGONS = """
    select
        coalesce(owner.host, session.source_ip, nullif(lower(session.workstation), '')) as source,
        session.host as target,
        max(session.user_name) as user_name,
        max(session.user_domain) as user_domain,
        case when session.logon_type = 10 then 'remote desktop' else 'network logon' end as how,
        count(*) as times,
        min(session.start_time) as first_time,
        max(session.start_time) as last_time
    from {sessions} as session
    left join (
        select ip_key, owner_date, max(host) as host
        from address_owner
        where owners = 1
        group by ip_key, owner_date
    ) as owner
        on session.source_ip_key = owner.ip_key and cast(session.start_time as date) = owner.owner_date
    where
        session.logon_type in (3, 8, 10)
        and session.user_class in ('domain', 'local')
        and coalesce(session.source_scope, 'none') in ('internal', 'external')
        and session.is_self is not true
    group by 1, 2, lower(session.user_name), 5"""
_CALLS = """
    select
        host as source,
        coalesce(target_host, target) as target,
        max(coalesce(explicit_user, user_name)) as user_name,
        max(case when explicit_user is null then user_domain end) as user_domain,
        'wmic named it' as how,
        count(*) as times,
        min(event_time) as first_time,
        max(event_time) as last_time
    from {calls} as wmic_call
    where coalesce(target_host, target, '') <> ''
    group by 1, 2, lower(coalesce(explicit_user, user_name))"""


def build(hunting: Hunt, moves: Iterable[Mapping[str, Any]]) -> list[Talk]:
    """Return the talks under the hunt's filters: movements, then what wmic named, then logons, the rarest first."""
    found = [
        {
            **{name: row[name] for name in ("source", "target")},
            "user": row["user"] or "",
            "how": "lateral movement",
            "times": 1,
            "first_time": row["first"],
            "last_time": row["last"],
        }
        for row in moves
    ]
    for query, name, view in ((_CALLS, "calls", "wmic_call"), (_LOGONS, "sessions", "logon_session")):
        narrowed, values = _narrowed(hunting, view)
        listed = rows(hunting.connection(models=(view, "address_owner")), query.format(**{name: narrowed}), values)
        found += [{**row, "user": account(row["user_name"], row["user_domain"])} for row in listed]
    grouped: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for one in found:
        pair = (host_name(one["source"]) or "unknown", host_name(one["target"]) or "unknown", one["how"])
        if pair[0] != pair[1]:
            grouped.setdefault(pair, []).append(one)
    talks = [_talk(pair, listed) for pair, listed in grouped.items()]
    return sorted(talks, key=lambda one: (*_rank(one), one.times, one.source, one.target))


def _narrowed(hunting: Hunt, view: str) -> tuple[str, dict[str, Any]]:
    """Return *view* as the filters narrow it, with their values."""
    if not hunting.filters:
        return view, {}
    columns = columns_of(hunting.connection(models=[view]), view)
    where, values = hunting.filters.where(columns, hunting.newest(), lasting="start_time" in columns)
    return f"(select * from {view} where {where})", values


def _rank(one: Talk) -> tuple[int]:
    order = ("lateral movement", "wmic named it", "remote desktop", "network logon")
    return (order.index(one.how) if one.how in order else len(order),)


def _talk(pair: tuple[str, str, str], listed: list[Mapping[str, Any]]) -> Talk:
    users = sorted({one["user"] for one in listed if one["user"]}, key=lambda text: (text.lower(), text))
    more = (f"and {len(users) - _USERS:,} more",) if len(users) > _USERS else ()
    firsts = [one["first_time"] for one in listed if one["first_time"]]
    lasts = [one["last_time"] for one in listed if one["last_time"]]
    return Talk(
        source=pair[0],
        target=pair[1],
        users=(*users[:_USERS], *more),
        how=pair[2],
        times=sum(one["times"] for one in listed),
        first_time=min(firsts, default=None),
        last_time=max(lasts, default=None),
    )
