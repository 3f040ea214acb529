"""How much memory DuckDB may take: sizes as people write them, and the variable that limits hunts.

Without ``WMIWH_MEMORY`` a hunt takes what DuckDB takes by itself, four fifths of the machine, which is too much where
other services run beside it.
"""

from __future__ import annotations

import os
import re

from wmiwarehouse.errors import UsageError, WmiwhError
from wmiwarehouse.lake import disk

VARIABLE = "WMIWH_MEMORY"

_LEAST = 64 << 20
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12} | {
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
    "TIB": 1 << 40,
}


def size(text: str, origin: str) -> int:
    """Return the bytes that *text* (``512MB``, ``4GiB``) stands for; raises :class:`UsageError` naming its *origin*."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?) ?([KMGT]i?B)", text.strip(), re.IGNORECASE)
    number = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if number < _LEAST:
        raise UsageError(f"{origin}{text}: is no size like 512MB or 8GB, from 64MiB on")
    return number


def of_hunts() -> str | None:
    """Return what the variable gives to a hunt, as DuckDB takes it; None where it says nothing."""
    text = os.environ.get(VARIABLE, "").strip()
    return f"{size(text, f'{VARIABLE}=')}B" if text else None


def exhausted(error: Exception) -> WmiwhError:
    """Return what to tell whose hunt ended with DuckDB's *error* that it is out of memory."""
    if reason := disk.why(error):
        return WmiwhError(f"the hunt needs more than its memory, and the disk does not take the rest: {reason}")
    return WmiwhError(
        f"the hunt needs more memory than it has; narrow it (--since, --host), or give it more: {VARIABLE}=8GB"
    )
