"""Words for what is wrong in ``wmiwh.toml``: where it stands, and its value on one line, never long or strange.

Apart from the settings, because the parts of the file are checked in several modules that say it alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

_SHOWN = 60


class WrongError(Exception):
    """A value that cannot be: where it stands and why."""

    def __init__(self, path: Sequence[str | int], reason: str) -> None:
        super().__init__(reason)
        self.path, self.reason = tuple(path), reason


def first_cause(error: ValidationError) -> Any:
    """Return what to tell of *error*: the first cause, or a misspelt key, which explains whatever else is wrong."""
    causes = error.errors(include_url=False)
    return next((cause for cause in causes if cause["type"] == "extra_forbidden"), causes[0])


def dotted(location: Iterable[int | str]) -> str:
    """``network.internal[2]``, ``hosts.aliases."fs01"[0]``: as one line, whatever the keys are."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += "." + (step if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", step) else short(step))
    return text.lstrip(".")


def one_line(text: str) -> str:
    """Return *text*, or what :func:`short` makes of it if it is no plain line."""
    return text if text.isprintable() and len(text) <= 2 * _SHOWN else short(text)


def short(value: object) -> str:
    """*value* on one line that no value can make long or strange."""
    text = ascii(value) if not isinstance(value, str) or not value.isprintable() else f'"{value}"'
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
