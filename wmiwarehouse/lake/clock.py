"""What time it is, for everything that asks: stamps of an ingest, windows that count from now, expiry, names of files.

``WMIWH_NOW`` moves this clock, so that a scheduled run can be repeated as of that night and tests need not wait for
one. Durations and the age of files are not asked here: those are the machine's own.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from wmiwarehouse.errors import UsageError

VARIABLE = "WMIWH_NOW"


def now() -> datetime:
    """Return the time, in UTC; raises :class:`UsageError` where the variable holds none."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return datetime.now(UTC)
    try:
        moved = datetime.fromisoformat(text)
        return moved.replace(tzinfo=UTC) if moved.tzinfo is None else moved.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{VARIABLE}={text}: no ISO time such as 2026-03-04T02:00:00Z") from None
