"""Finds the declarative folders ``sql/`` and ``ingest/`` wherever the package runs from.

In a wheel they lie in ``wmiwarehouse/_assets``; in a checkout or an editable install they stand at the top level,
beside the package. Everything that reads them asks here, so the two layouts are known in one place.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder *name* (``sql`` or ``ingest``); raises :class:`FileNotFoundError` if the install lacks it."""
    for candidate in (_PACKAGE / "_assets" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"this installation of wmiwarehouse has no {name}/ folder; install it again")
