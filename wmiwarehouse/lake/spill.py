"""Where hunts put what does not fit into their memory: beside the lake, whose data it is.

DuckDB's own choice is ``.tmp`` in the folder that somebody stands in, which may be one that cannot be written,
the evidence itself, or one that others may read.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

#: What such a folder in a warehouse is called, before its random tail.
PREFIX = ".spill-"

#: No hunt takes that long: what is older was left by one that was killed.
_SECONDS = 24 * 3600


def folder(root: Path) -> Path:
    """Return a path for one hunt: in the warehouse at *root*, or where that cannot be written the system's folder.

    DuckDB makes it when it needs it, and removes it with its connection.
    """
    name = f"{PREFIX}{os.urandom(6).hex()}"
    if os.access(root, os.W_OK):
        return root / name
    from tempfile import gettempdir

    return Path(gettempdir()) / f"wmiwh{name}"


def left(root: Path) -> list[Path]:
    """Return what killed hunts left in the warehouse at *root*."""
    before = time.time() - _SECONDS
    return [path for path in sorted(root.glob(f"{PREFIX}*")) if _touched(path) < before]


def _touched(folder: Path) -> float:
    """Return when *folder* or anything in it was last written to; of one that goes away meanwhile: never."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except OSError:
        return float("inf")
