"""What was looked at, and what was not: on how many hosts the records that an analytic needs were seen.

"Seen" is all that logs can say. Not seen can mean not audited, filtered, rolled over, not collected or did not happen,
and seen does not prove that all was logged; so nothing here ever calls a host clean. The numbers are those of the views
``event_census``, ``log_continuity`` and ``named_host``, on which ``hunt.data_coverage`` builds host by host.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from wmiwarehouse.content.library import Analytic
from wmiwarehouse.content.metadata import Requirement
from wmiwarehouse.lake.hosts import literal
from wmiwarehouse.output.cells import log_name

CAUTION = "Not seen can mean not audited, filtered, rolled over, not collected or did not happen."
_NO_PROOF = "seen does not prove that all was logged."

#: So many clears are told one by one; a case with hundreds of them is told by their number.
_TOLD = 3


@dataclass(frozen=True)
class Clear:
    """The last time that a log of a host was cleared."""

    host: str
    log: str
    time: datetime | None


@dataclass(frozen=True)
class Doubts:
    """What speaks against taking the logs at their word."""

    named_only: int = 0
    """Hosts without any log here that the logs of others name."""
    clears: tuple[Clear, ...] = ()
    holes: int = 0
    """Record numbers that are missing between the first and the last of a log."""
    hosts_with_holes: int = 0
    gaps: str = ""
    """What :func:`gaps` says."""

    @property
    def text(self) -> str:
        """Sentences about clears and holes; empty without any."""
        told = [
            f"the {one.log} log was cleared on {one.host}{f' at {_time(one.time)}' if one.time else ''}"
            for one in self.clears[:_TOLD]
        ]
        if len(self.clears) > _TOLD:
            told.append(f"{len(self.clears) - _TOLD:,} more logs were cleared")
        if self.holes:
            numbers = "1 record number is" if self.holes == 1 else f"{self.holes:,} record numbers are"
            told.append(f"{numbers} missing inside the logs of {_hosts(self.hosts_with_holes)}")
        if self.gaps:
            told.append(self.gaps)
        return "".join(f" {one[0].upper()}{one[1:]}." for one in told)


@dataclass(frozen=True)
class Seen:
    """On how many of the hosts the records were seen, and how many of those carry the rarest of the wanted columns."""

    hosts: int
    all_hosts: int
    """Hosts with logs."""
    column: str = ""
    share: float | None = None
    unseen: tuple[str, ...] = ()
    """Kinds of the wanted records that no host has, such as ``Security 4624``. What stands for each other and what is
    needed together an analytic does not tell, so a zero names them all."""
    first_time: datetime | None = None
    last_time: datetime | None = None
    within: str = ""
    """What the numbers are narrowed to, as words behind them."""
    is_unknown: bool = False
    """Whether a host was asked for that has no logs here."""
    doubts: Callable[[], Doubts] = field(default=Doubts, compare=False, repr=False)
    """Asked for only where it is told: a summary of all analytics does without."""

    @property
    def text(self) -> str:
        """``4 of 7 (command line in 62 % of records; no Sysmon 3)``."""
        return f"{self.hosts} of {self.all_hosts}{f' ({marks})' if (marks := self._marks) else ''}"

    @property
    def short(self) -> str:
        """``4 of 7, 62 %``."""
        rare = "" if self.share is None or self.share >= 1 else f", {_percent(self.share)}"
        return f"{self.hosts} of {self.all_hosts}{rare}"

    @property
    def sentence(self) -> str:
        """The honest words beside a count of zero."""
        if self.is_unknown:
            return "0 hits. No logs of that host are here; what others say of it is no proof of what it did."
        doubts = self.doubts()
        missing = self.all_hosts - self.hosts
        named = ""
        if doubts.named_only:
            hosts = "host is" if doubts.named_only == 1 else "hosts are"
            named = f", {doubts.named_only:,} more {hosts} only named by others"
        if not self.hosts:
            seen = f"was not seen on any of {_hosts(self.all_hosts)}{self.within}{named}. {CAUTION}"
        else:
            rare = f" ({self._rare})" if self._rare else ""
            not_seen = f", not seen on {missing}" if missing else ""
            seen = f"was seen on {self.hosts} of {_hosts(self.all_hosts)}{self.within}{rare}{not_seen}{named}."
            seen += f" Not seen on any of them: {', '.join(self.unseen)}." if self.unseen else ""
            proof = (
                f"{CAUTION[:-1]}; {_NO_PROOF}" if missing or self.unseen else f"{_NO_PROOF[0].upper()}{_NO_PROOF[1:]}"
            )
            seen += f"{self._period} {proof}"
        return f"0 hits. The data this needs {seen}{doubts.text}"

    @property
    def _marks(self) -> str:
        unseen = f"no {', '.join(self.unseen)}" if self.unseen and self.hosts else ""
        return "; ".join(filter(None, (self._rare, unseen)))

    @property
    def _rare(self) -> str:
        if self.share is None or self.share >= 1:
            return ""
        return f"{self.column.replace('_', ' ')} in {_percent(self.share)} of records"

    @property
    def _period(self) -> str:
        if not (self.first_time and self.last_time):
            return ""
        return f" These records lie between {_time(self.first_time)} and {_time(self.last_time)}."


class Coverage:
    """Counts once per hunt what the analytics ask for."""

    def __init__(
        self,
        ask: Callable[[str, str], list[dict[str, Any]]],
        analytics: Iterable[Analytic],
        hosts: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> None:
        """*ask* gives the rows of a query over the model that it is told first; counted is what *analytics* need.

        With *hosts* only theirs; with *since* or *until* only kinds of records of which some may lie in that range: a
        zero says what was looked at, and that is not what the filters left out.
        """
        self._ask, self._among = ask, hosts
        self._within = " in the range that was asked for" if since or until else ""
        # The rest of the census would have to be read for nothing; a column that it does not know is not counted.
        needed = {name for item in analytics for one in item.metadata.requires for name in one.columns}
        told = ("host", "channel", "event_id", "records", "first_time", "last_time")
        names = [*told, *sorted(f"with_{name}" for name in needed)]
        counts = ask(
            "event_census",
            f"select columns(lambda name: name in ({', '.join(map(literal, names))})) "
            "from event_census where host is not null and is_own_provider",
        )
        counts = [row for row in counts if self._is_meant(row["host"])]
        self._hosts = len({row["host"] for row in counts})
        self._counts = [row for row in counts if _overlaps(row, since, until)]

    def seen(self, requirements: Iterable[Requirement]) -> Seen:
        """Return what was seen of *requirements*; a host counts if it has records of any of them."""
        requirements = list(requirements)
        found: list[dict[str, Any]] = []
        unseen: dict[str, None] = {}
        shares: list[tuple[float, str]] = []
        for requirement in requirements:
            records = [row for row in self._counts if _meets(row, requirement)]
            found += records
            if not records:
                unseen[log_name(requirement.channel, requirement.event_id)] = None
            shares += [
                (_share(records, column), column)
                for column in requirement.columns
                if records and f"with_{column}" in records[0]
            ]
        share, column = min(shares, default=(None, ""))
        channels = tuple(dict.fromkeys(requirement.channel for requirement in requirements))
        return Seen(
            len({row["host"] for row in found}),
            self._hosts,
            column,
            share,
            tuple(unseen),
            min((row["first_time"] for row in found if row["first_time"]), default=None),
            max((row["last_time"] for row in found if row["last_time"]), default=None),
            self._within,
            self._among is not None and not self._hosts,
            lambda: self._doubts(channels),
        )

    def _doubts(self, channels: Iterable[str]) -> Doubts:
        logs = {channel.lower(): channel for channel in channels}
        needed = [row for row in self._logs if row["log_key"] in logs and self._is_meant(row["host"])]
        clears = sorted(
            (Clear(row["host"], logs[row["log_key"]], row["last_clear"]) for row in needed if row["log_clears"]),
            key=lambda clear: clear.time or datetime.min.replace(tzinfo=UTC),
            reverse=True,
        )
        holed = [row for row in needed if row["record_id_holes"]]
        return Doubts(
            self._named_only if self._among is None else 0,
            tuple(clears),
            sum(row["record_id_holes"] for row in holed),
            len({row["host"] for row in holed}),
            self._gaps,
        )

    def _is_meant(self, host: str) -> bool:
        return self._among is None or host in self._among

    @cached_property
    def _logs(self) -> list[dict[str, Any]]:
        query = "select host, log_key, record_id_holes, log_clears, last_clear from log_continuity"
        return self._ask("log_continuity", query)

    @cached_property
    def _gaps(self) -> str:
        return gaps(lambda query: self._ask("event_census", query))

    @cached_property
    def _named_only(self) -> int:
        # An address may well be that of a host with logs; only names are counted as further hosts.
        query = "select count(distinct host) as hosts from named_host where not is_address"
        return int(self._ask("named_host", query)[0]["hosts"])


def gaps(ask: Callable[[str], list[dict[str, Any]]]) -> str:
    """Return in words what of the logs that were given is known not to be here; empty if nothing is."""
    query = """
        select
            cast(coalesce(sum(lost), 0) as bigint) as lost,
            count(*) filter (where status = 'failed') as failed
        from lake_sources"""
    (found,) = ask(query)
    told = []
    if found["lost"]:
        told.append(f"at least {found['lost']:,} record{' is' if found['lost'] == 1 else 's are'} known to be lost")
    if found["failed"]:
        told.append(f"{found['failed']:,} event log{' was' if found['failed'] == 1 else 's were'} not read")
    return " and ".join(told)


def _overlaps(row: dict[str, Any], since: datetime | None, until: datetime | None) -> bool:
    """Whether records of the kind *row* may lie in the range; those without a time lie in none."""
    if not (since or until):
        return True
    first, last = row["first_time"], row["last_time"]
    return bool(first and last) and (since is None or last >= since) and (until is None or first < until)


def _meets(row: dict[str, Any], requirement: Requirement) -> bool:
    return row["channel"] == requirement.channel and requirement.event_id in (None, row["event_id"])


def _share(records: Iterable[dict[str, Any]], column: str) -> float:
    records = list(records)
    carrying = sum(int(row[f"with_{column}"]) for row in records)
    return carrying / sum(int(row["records"]) for row in records)


def _percent(share: float) -> str:
    """Round towards the doubt: 99.6 % is not all, 0.4 % is not nothing."""
    value = 100 * share
    return f"{'under 1' if 0 < value < 1 else int(value)} %"


def _hosts(number: int) -> str:
    return f"{number:,} host{'' if number == 1 else 's'}"


def _time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
