"""What was looked at, and what was not: on how many hosts the records that an analytic needs were seen.

"Seen" is all that logs can say. Not seen can mean not audited, filtered, rolled over, not collected or did not happen,
and seen does not prove that all was logged; so nothing here ever calls a host clean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from wmiwarehouse.content.metadata import Requirement
from wmiwarehouse.lake.query import rows

CAUTION = "Not seen can mean not audited, filtered, rolled over, not collected or did not happen."


@dataclass(frozen=True)
class Seen:
    """On how many of the hosts the records were seen, and how many of those carry the rarest of the wanted columns."""

    hosts: int
    all_hosts: int
    column: str = ""
    share: float | None = None

    @property
    def text(self) -> str:
        """``4 of 7 (command_line in 62 % of records)``."""
        return f"{self.hosts} of {self.all_hosts}{self._rare}"

    @property
    def short(self) -> str:
        """``4 of 7, 62 %``."""
        return f"{self.hosts} of {self.all_hosts}" + (f", {_percent(self.share)}" if self._rare and self.share else "")

    @property
    def sentence(self) -> str:
        """The honest words beside a count of zero."""
        missing = self.all_hosts - self.hosts
        if not self.hosts:
            return f"0 hits. The data this needs was not seen on any of {self.all_hosts} hosts. {CAUTION}"
        rest = f", not seen on {missing}. {CAUTION}" if missing else ". Seen does not prove that all was logged."
        return f"0 hits. The data this needs was seen on {self.hosts} of {self.all_hosts} hosts{self._rare}{rest}"

    @property
    def _rare(self) -> str:
        if self.share is None or self.share >= 1:
            return ""
        return f" ({self.column} in {_percent(self.share)} of records)"


class Coverage:
    """Counts once per hunt what the analytics ask for."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._counts = rows(
            connection,
            "select host, lower(channel) as channel, event_id, count(*) as records from lake_events group by all",
        )
        self._hosts = {row["host"] for row in self._counts if row["host"]}
        self._shares: dict[tuple[str, int | None, str], float | None] = {}

    def seen(self, requirements: Iterable[Requirement]) -> Seen:
        """Return what was seen of *requirements*; a host counts if it has records of any of them."""
        requirements = list(requirements)
        hosts: set[str] = set()
        rarest: tuple[float, str] | None = None
        for requirement in requirements:
            records = [row for row in self._counts if _meets(row, requirement)]
            hosts |= {row["host"] for row in records if row["host"]}
            for column in requirement.columns if records else ():
                share = self._share(requirement, column)
                if share is not None and (rarest is None or share < rarest[0]):
                    rarest = share, column
        column, share = (rarest[1], rarest[0]) if rarest else ("", None)
        return Seen(len(hosts), len(self._hosts), column, share)

    def _share(self, requirement: Requirement, column: str) -> float | None:
        key = (requirement.channel.lower(), requirement.event_id, column)
        if key not in self._shares:
            ids = "" if requirement.event_id is None else "and event_id = $event_id"
            found = rows(
                self._connection,
                f"select count(nullif(cast({column} as varchar), '')) / nullif(count(*), 0) as share "
                f"from events where channel = $channel {ids}",
                {"channel": requirement.channel}
                | ({} if requirement.event_id is None else {"event_id": requirement.event_id}),
            )
            self._shares[key] = found[0]["share"]
        return self._shares[key]


def _meets(row: dict[str, Any], requirement: Requirement) -> bool:
    return row["channel"] == requirement.channel.lower() and requirement.event_id in (None, row["event_id"])


def _percent(share: float) -> str:
    """Round towards the doubt: 99.6 % is not all, 0.4 % is not nothing."""
    value = 100 * share
    return f"{'under 1' if 0 < value < 1 else int(value)} %"
