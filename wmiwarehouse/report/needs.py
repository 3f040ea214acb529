"""The data that the hunt needs against the data that was found: the document's four kinds, then what else is asked for.

Which records are which kind of data is the document's own view of its queries; how far they were seen is coverage's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from wmiwarehouse.content.library import Library
from wmiwarehouse.content.metadata import Requirement
from wmiwarehouse.hunting.coverage import CAUTION, Seen
from wmiwarehouse.hunting.hunt import Hunt
from wmiwarehouse.output.cells import log_name
from wmiwarehouse.report.model import DataNeed
from wmiwarehouse.report.records import host_name

SYSMON = "Microsoft-Windows-Sysmon/Operational"
#: The words of the document, and the records that are meant.
KINDS: tuple[tuple[str, tuple[tuple[str, int, str], ...]], ...] = (
    ("Authentication Logs", (("Security", 4624, "host"), ("Security", 4648, "host"), ("Security", 4672, "host"))),
    ("Netflow", ((SYSMON, 3, "host"), ("Security", 5156, "host"))),
    ("Process Monitoring", ((SYSMON, 1, "host"), ("Security", 4688, "host"))),
    ("Process Command-Line Parameters", ((SYSMON, 1, "command_line"), ("Security", 4688, "command_line"))),
)
OTHER = "What other queries need"


def build(hunting: Hunt, library: Library, census: Iterable[Mapping[str, Any]]) -> tuple[DataNeed, ...]:
    """Return what is needed and what was seen of it; *census* are the records by host and kind."""
    census = list(census)
    named = [
        (name, Requirement(channel=channel, event_id=event_id, columns=(column,)))
        for name, logs in KINDS
        for channel, event_id, column in logs
    ]
    told = {(need.channel, need.event_id) for _, need in named}
    more: dict[tuple[str, int | None], set[str]] = {}
    for analytic in library.newest.values():
        for need in analytic.metadata.requires:
            if (need.channel, need.event_id) not in told:
                more.setdefault((need.channel, need.event_id), set()).update(need.columns)
    for (channel, event_id), columns in sorted(more.items(), key=lambda item: (item[0][0], item[0][1] or 0)):
        named.append((OTHER, Requirement(channel=channel, event_id=event_id, columns=tuple(sorted(columns)))))
    return tuple(_need(hunting, name, need, census) for name, need in named)


def on_hosts(seen: Seen) -> str:
    """Return ``4 of 7 hosts (command line in 62 % of records)``."""
    counted, bracket, rest = seen.text.partition(" (")
    return f"{counted} hosts{bracket}{rest}"


def missing(census: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return for each log of the document's kinds the hosts that have logs, but none of these records."""
    census = list(census)
    hosts = {row["host"] for row in census}
    wanted = dict.fromkeys((channel, event_id) for _, logs in KINDS for channel, event_id, _ in logs)
    found = {}
    for channel, event_id in wanted:
        seen = {row["host"] for row in census if (row["channel"], row["event_id"]) == (channel, event_id)}
        found[log_name(channel, event_id)] = sorted(host_name(host) or "" for host in hosts - seen)
    return found


def _need(hunting: Hunt, name: str, need: Requirement, census: list[Mapping[str, Any]]) -> DataNeed:
    seen = hunting.seen_of([need])
    verdict: Literal["seen", "partly", "not seen"] = "partly"
    if not seen.hosts:
        verdict = "not seen"
        text = f"not seen on any of {seen.all_hosts:,} hosts. {CAUTION}"
    else:
        missing = seen.all_hosts - seen.hosts
        if not missing and (seen.share is None or seen.share >= 1):
            verdict = "seen"
        text = f"seen on {on_hosts(seen)}" + (f", not seen on {missing:,}" if missing else "")
    return DataNeed(
        name=name,
        log=log_name(need.channel, need.event_id),
        hosts_seen=seen.hosts,
        hosts=seen.all_hosts,
        records=sum(
            row["records"]
            for row in census
            if row["channel"] == need.channel and need.event_id in (None, row["event_id"])
        ),
        first_time=seen.first_time,
        last_time=seen.last_time,
        verdict=verdict,
        text=text,
    )
