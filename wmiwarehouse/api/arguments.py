"""What callers may pass: more kinds of values than the command line has, turned into those that it has."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from wmiwarehouse.hunting.filters import Filters

PathLike: TypeAlias = str | os.PathLike[str]
#: What a parameter of a query may be.
Value: TypeAlias = str | int | float | datetime | None
#: A ``datetime`` (without a zone it is UTC), ISO text, or a span such as ``7d`` back from the newest event.
Time: TypeAlias = str | datetime
Words: TypeAlias = str | Iterable[str]


def filters(
    since: Time | None = None, until: Time | None = None, host: str | None = None, user: str | None = None
) -> Filters:
    """Return what is asked for; raises :class:`UsageError` for an empty text."""
    return Filters(_text(since), _text(until), host, user)


def _text(time: Time | None) -> str | None:
    if not isinstance(time, datetime):
        return time
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()


def words(value: Words) -> list[str]:
    """Return one word or several as a list."""
    return [value] if isinstance(value, str) else list(value)


def paths_of(value: PathLike | Iterable[PathLike]) -> list[Path]:
    """Return one path or several as a list."""
    return [Path(path) for path in ([value] if isinstance(value, str | os.PathLike) else value)]
