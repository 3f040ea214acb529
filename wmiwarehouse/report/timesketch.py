"""The report's cases and their evidence as a timeline for Timesketch (JSONL), to lie beside the timelines of others.

Timesketch refuses a whole file for one line without a time. So evidence without one is named in the line of its case,
and a case in which nothing has a time is left out; :func:`left_out` says so.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from wmiwarehouse.output import cells, escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wmiwarehouse.report.model import Case, Evidence, Report

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def render(report: Report) -> Iterator[str]:
    """Yield one line for each case and each record of its evidence, by time."""
    lines = []
    for case in report.cases:
        start = _start(case)
        if start is None:
            continue
        lines.append((start, case.number, 0, "", _case(case, start)))
        lines += [
            (_utc(one.time), case.number, place, one.event_uid, _evidence(case, one, one.time))
            for place, one in enumerate(case.evidence, 1)
            if one.time is not None
        ]
    for *_, fields in sorted(lines, key=lambda line: line[:-1]):
        yield f"{escape.json_text(cells.json_dumps(fields))}\n"


def left_out(report: Report) -> list[str]:
    """Return a sentence for each thing of *report* that the timeline does not have a line for."""
    cases = [case for case in report.cases if _start(case) is None]
    records = sum(one.time is None for case in report.cases for one in case.evidence if _start(case) is not None)
    notes = []
    if records:
        is_one = records == 1
        notes.append(
            f"{records:,} {'record' if is_one else 'records'} of evidence without a time "
            f"{'has no line of its own; it is' if is_one else 'have no lines of their own; they are'} "
            "named in evidence_without_time of the case"
        )
    if cases:
        numbers = ", ".join(str(case.number) for case in cases[:20]) + (" ..." if len(cases) > 20 else "")
        notes.append(f"without any time and so not in the timeline: case {numbers}")
    return notes


def _start(case: Case) -> datetime | None:
    """When *case* began, or the first time that anything in it has."""
    if case.first is not None:
        return _utc(case.first)
    times = [*(one.time for one in case.evidence), *(one.time for one in case.session)]
    return min((_utc(time) for time in times if time is not None), default=None)


def _case(case: Case, start: datetime) -> dict[str, Any]:
    return _line(
        start,
        "Case start" if case.first is not None else "First record of the case",
        f"Case {case.number}: {case.title}",
        [case.kind, case.severity, *case.techniques],
        case,
        {
            "data_type": "wmiwarehouse:case",
            "host": case.target or case.source,
            "user": case.user,
            "case_last": case.last and _iso(case.last),
            "severity": case.severity,
            "risk_score": case.risk_score,
            "confidence": case.confidence,
            "certainty": case.certainty,
            "why": [f"{point.reason} {point.points}" for point in case.why],
            "vehicle": case.vehicle,
            "side_without_logs": case.side_without_logs,
            "suspicion": case.suspicion,
            "source_ip": case.source_ip,
            "source_process": case.source_process,
            "source_command_line": case.source_command_line,
            "remote_command": case.remote_command,
            "target_process": case.target_process,
            "target_command_line": case.target_command_line,
            "logon_id": case.logon_ids,
            "analytics": case.analytics,
            "risk_message": case.messages,
            "techniques": case.techniques,
            "evidence_without_time": [one.event_uid for one in case.evidence if one.time is None],
        },
    )


def _evidence(case: Case, one: Evidence, time: datetime) -> dict[str, Any]:
    return _line(
        _utc(time),
        "Event time",
        f"Case {case.number}, {one.side}: {one.log} on {one.host}: {one.what}",
        ["evidence", one.side],
        case,
        {
            "data_type": "wmiwarehouse:evidence",
            "host": one.host,
            "case_user": case.user,
            "side": one.side,
            "log": one.log,
            "what": one.what,
            "event_uid": one.event_uid,
            "source_file": one.source_file,
            "source_record": one.source_record,
        },
    )


def _line(
    time: datetime, described: str, message: str, tags: list[str], case: Case, fields: dict[str, Any]
) -> dict[str, Any]:
    """Put together one line. The message is what people read, so nothing in it is invisible; fields are exact."""
    line = {
        "message": escape.visible(message),
        "datetime": _iso(time),
        "timestamp": (time - _EPOCH) // timedelta(microseconds=1),
        "timestamp_desc": described,
        "tag": ["wmiwarehouse", f"case-{case.number}", *(escape.visible(tag).replace(" ", "-") for tag in tags if tag)],
        "case_number": case.number,
        "case_id": case.id,
        "case_source": case.source,
        "case_target": case.target,
    }
    values = {name: _clean(value) for name, value in (line | fields).items()}
    return {name: value for name, value in values.items() if value is not None and value != []}


def _clean(value: Any) -> Any:
    # One lone surrogate is no Unicode text, and OpenSearch would refuse the batch it comes in.
    if isinstance(value, str):
        return _SURROGATE.sub(lambda match: escape.visible(match[0]), value)
    return [_clean(item) for item in value] if isinstance(value, tuple | list) else value


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _iso(time: datetime) -> str:
    return _utc(time).isoformat(timespec="microseconds")
