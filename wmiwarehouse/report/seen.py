"""What was seen of each host, what speaks against taking it at its word, and the files that it came from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from wmiwarehouse.lake.query import rows
from wmiwarehouse.output.cells import log_name
from wmiwarehouse.report.model import HostCoverage, ReadProblem, Source
from wmiwarehouse.report.records import host_name

MOST_HOSTS = 500
MOST_PROBLEMS = 500
_CHANNELS = 12

_SOURCES = """
    select
        source_file, source_id, file_sha256, size, format, records, first_time, last_time, status, reason, ingested_at
    from lake_sources
    order by source_file, source_id, ingested_at"""
_PROBLEMS = """
    select source_file, position, reason, lost from lake_problems
    order by source_file, position, reason, lost"""
_LOGS = """
    select host, channel, log_key, record_id_holes, log_clears, last_clear from log_continuity
    where host is not null and (record_id_holes > 0 or log_clears > 0)
    order by host, log_key"""
_NAMED = """
    select host, list_sort(list(distinct how)) as how from named_host
    where host is not null and not is_address
    group by host
    order by host"""
_TIMES = """
    select host, time_source, count(*) as records from events
    where time_source in ('assumed', 'forced_zone', 'inferred_offset') and host is not null and not is_duplicate
    group by host, time_source
    order by host, time_source"""
_TIME_WORDS = {
    "assumed": "times of {:,} records are in a zone that was assumed",
    "forced_zone": "times of {:,} records are in the zone that was given",
    "inferred_offset": "the zone of {:,} records was worked out from the records themselves",
}


def coverage(connection: Any, census: Iterable[Mapping[str, Any]]) -> list[HostCoverage]:
    """Return what was seen of each host with logs, then the hosts that only others name."""
    doubts: dict[str, list[str]] = defaultdict(list)
    for row in rows(connection, _LOGS):
        doubts[row["host"]] += _of_log(row)
    for row in rows(connection, _TIMES):
        doubts[row["host"]].append(_TIME_WORDS[row["time_source"]].format(row["records"]))
    by_host: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for counted in census:
        by_host[counted["host"]].append(counted)
    with_logs = [_host(host, listed, doubts[host]) for host, listed in sorted(by_host.items())]
    named = [
        HostCoverage(
            host=host_name(row["host"]) or "",
            records=0,
            first_time=None,
            last_time=None,
            logs=(),
            doubts=(f"no logs of it; named as {', '.join(row['how'])}",),
        )
        for row in rows(connection, _NAMED)
        if row["host"] not in by_host
    ]
    return with_logs + named


def sources(connection: Any) -> tuple[Source, ...]:
    """Return every file that was read; of a member of an archive the SHA-256 is that of its own content."""
    return tuple(
        Source(
            file=row["source_file"],
            sha256=row["source_id"] or row["file_sha256"],
            **{name: row[name] for name in ("size", "format", "first_time", "last_time", "reason", "ingested_at")},
            records=row["records"] or 0,
            status=row["status"] or "",
        )
        for row in rows(connection, _SOURCES)
    )


def problems(connection: Any) -> list[ReadProblem]:
    """Return what could not be read, or was read in spite of damage."""
    return [
        ReadProblem(
            file=row["source_file"], position=row["position"] or "", reason=row["reason"] or "", lost=row["lost"] or 0
        )
        for row in rows(connection, _PROBLEMS)
    ]


def _host(host: str, listed: list[Mapping[str, Any]], doubts: list[str]) -> HostCoverage:
    channels: dict[str, int] = defaultdict(int)
    for row in listed:
        channels[log_name(row["channel"], None)] += row["records"]
    ordered = sorted(channels.items(), key=lambda item: (-item[1], item[0]))
    logs = [f"{name} {count:,}" for name, count in ordered[:_CHANNELS]]
    more = len(ordered) - _CHANNELS
    return HostCoverage(
        host=host_name(host) or "",
        records=sum(row["records"] for row in listed),
        first_time=min((row["first_time"] for row in listed if row["first_time"]), default=None),
        last_time=max((row["last_time"] for row in listed if row["last_time"]), default=None),
        logs=(*logs, *([f"{more} more logs"] if more > 0 else [])),
        doubts=tuple(doubts),
    )


def _of_log(row: Mapping[str, Any]) -> list[str]:
    name = log_name(row["channel"] or row["log_key"], None)
    told = []
    if row["log_clears"]:
        times = "once" if row["log_clears"] == 1 else f"{row['log_clears']:,} times"
        last = f", last at {moment(row['last_clear'])}" if row["last_clear"] else ""
        told.append(f"the {name} log was cleared {times}{last}")
    if row["record_id_holes"]:
        told.append(f"{row['record_id_holes']:,} record numbers are missing inside the {name} log")
    return told


def moment(time: datetime | None) -> str:
    """Return *time* to the second, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if time else "an unknown time"
