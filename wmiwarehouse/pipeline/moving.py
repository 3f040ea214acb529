"""Notices files that are written to, replaced or removed while they are read.

A source is known by the SHA-256 of its survey. What the workers read later has to be the same bytes: else records would
stand under the hash of a content that they never came from, and the new content would count as read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from wmiwarehouse.readers import containers
from wmiwarehouse.readers.containers import Place
from wmiwarehouse.readers.model import Survey

_BLOCK = 1 << 20


def state(path: Path) -> tuple[int, ...]:
    """Return what differs when *path* was written to or replaced; empty if it is gone."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def still_begins_with(place: Place, survey: Survey) -> bool:
    """Whether *place* holds what was surveyed, with or without more behind it."""
    digest, left = hashlib.sha256(), survey.size
    try:
        with place.open() as stream:
            while left and (block := stream.read(min(_BLOCK, left))):
                digest.update(block)
                left -= len(block)
    except containers.DAMAGE:
        return False
    return digest.hexdigest() == survey.sha256
