"""Times as they are typed: ISO 8601, spans back from the newest event, and Splunk's times relative to the clock.

Logs are read long after the fact, so a plain span (``7d``) counts back from the newest event. A scheduled search is
written for the clock (``-70m@m`` to ``-10m@m`` in the ESCU document), so a time with a sign or an ``@`` counts from now
and snaps down as Splunk's does, in UTC.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta

from wmiwarehouse.errors import UsageError
from wmiwarehouse.lake import clock

_SPAN = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_STEP = r"[+-]\d{0,6}(?:mon|[smhdwy])"
_STEPS = re.compile(r"([+-])(\d*)(mon|[smhdwy])")
_RELATIVE = re.compile(rf"(?:now)?((?:{_STEP})*)(?:@(mon|w[0-7]?|[smhdy]))?((?:{_STEP})*)")
_MONTHS = {"mon": 1, "y": 12}
_WANTED = "neither an ISO time (2026-03-04T10:00:00Z) nor a span"


def moment(text: str, newest: datetime | None, option: str) -> datetime:
    """Return the time that *text* stands for; *option* names it in the error, *newest* is that of the newest event."""
    span = _SPAN.fullmatch(text.strip())
    try:
        if span:
            if newest is None:
                raise UsageError(f"--{option} {text}: counts back from the newest event, and there is none")
            return newest - timedelta(**{_UNITS[span[2]]: int(span[1])})
        if (found := from_now(text)) is not None:
            return found
        given = datetime.fromisoformat(text.strip())
        return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except OverflowError:
        raise UsageError(f"--{option} {text}: is beyond the years that there are") from None
    except ValueError:
        spans = "7d from the newest event, -70m@m or -1d@d from now" if newest else "7d, -70m@m or -1d@d from now"
        raise UsageError(f"--{option} {text}: {_WANTED}: {spans}") from None


def ingested(text: str, option: str) -> datetime:
    """Return the time that *text* stands for where it is about the clock anyway: a plain span counts from now too."""
    span = _SPAN.fullmatch(text.strip())
    return moment(f"-{span[1]}{span[2]}" if span else text, None, option)


def from_now(text: str) -> datetime | None:
    """Return the time of ``-70m@m``, ``@d``, ``-1d@d+2h`` or ``now`` by the clock; None if *text* is no such time."""
    lowered = text.strip().lower()
    found = _RELATIVE.fullmatch(lowered)
    if not lowered or found is None:
        return None
    time = _moved(clock.now(), found[1])
    return _moved(_snapped(time, found[2]), found[3])


def _moved(time: datetime, steps: str) -> datetime:
    for sign, count, unit in _STEPS.findall(steps):
        time = _one_step(time, int(f"{sign}{count or 1}"), unit)
    return time


def _one_step(time: datetime, count: int, unit: str) -> datetime:
    if unit not in _MONTHS:
        return time + timedelta(**{_UNITS[unit]: count})
    months = time.year * 12 + time.month - 1 + count * _MONTHS[unit]
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    return time.replace(year=year, month=month + 1, day=min(time.day, monthrange(year, month + 1)[1]))


def _snapped(time: datetime, unit: str | None) -> datetime:
    """Return the latest begin of *unit* that is not after *time*; a week begins on Sunday, as in Splunk."""
    if unit is None:
        return time
    time = time.replace(microsecond=0)
    if unit == "s":
        return time
    time = time.replace(second=0)
    if unit == "m":
        return time
    time = time.replace(minute=0)
    if unit == "h":
        return time
    time = time.replace(hour=0)
    if unit.startswith("w"):
        begin = int(unit[1:] or 0) % 7  # 0 and 7 are Sunday, 1 is Monday
        return time - timedelta(days=(time.isoweekday() - begin) % 7)
    if unit in ("mon", "y"):
        time = time.replace(day=1)
    return time.replace(month=1) if unit == "y" else time
