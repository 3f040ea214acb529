"""Takes a source out of the warehouse, and writes down that it was there.

What was read by mistake or may not be kept has to go; that evidence was removed must not go with it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wmiwarehouse.errors import UsageError
from wmiwarehouse.lake import tables
from wmiwarehouse.lake.remembered import forget_all
from wmiwarehouse.lake.rest import key, publish, staging, take_out, write_tables
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.readers.containers import Place

_FEWEST = 6


class AmbiguousSourceError(UsageError):
    """Several sources are meant; :attr:`candidates` has their rows."""

    def __init__(self, text: str, candidates: list[dict[str, Any]], why: str) -> None:
        super().__init__(f"{text}: {why}; name one of them")
        self.candidates = candidates


@dataclass(frozen=True)
class Forgotten:
    """What was removed, and what came back into sight by it."""

    sources: int
    records: int
    restored: int
    """Records of other sources that were left out as copies of the forgotten ones."""


def find_source(warehouse: Warehouse, text: str) -> list[dict[str, Any]]:
    """Return the rows of ``sources`` that *text* means: a path as listed, or the beginning of a SHA-256.

    A path means that file alone, a hash the content under all names that it was read under.
    """
    listed = [row for batch in warehouse.batches() for row in tables.read(batch.table("sources"))]
    paths = {text, str(Path(os.path.abspath(text)))}  # noqa: PTH100 - a path that is gone, and its links, stay as typed
    paths |= {Place(Path(path)).text for path in paths}
    found = [row for row in listed if row["source_file"] in paths]
    contents = {row["source_id"] for row in found if row["source_id"]}
    if len(contents) > 1:
        raise AmbiguousSourceError(
            text, found, f"{len(contents)} contents were read from it; a SHA-256 tells them apart"
        )
    if found:
        return found
    members = [row for row in listed if any(row["source_file"].startswith(f"{path}!") for path in paths)]
    if members:
        raise AmbiguousSourceError(text, members, f"an archive of which {len(members)} members were read")
    prefix = text.lower()
    if re.fullmatch(rf"[0-9a-f]{{{_FEWEST},64}}", prefix):
        found = [row for row in listed if (row["source_id"] or "").startswith(prefix)]
        if len({row["source_id"] for row in found}) > 1:
            raise AmbiguousSourceError(text, found, "several SHA-256 begin like that")
    if not found:
        raise UsageError(
            f"{text}: no such source, neither a path as listed nor the beginning of a SHA-256; see: wmiwh sources"
        )
    return found


def forget(warehouse: Warehouse, sources: Sequence[dict[str, Any]]) -> Forgotten:
    """Remove *sources*, rows of :func:`find_source`; call it while holding the warehouse's lock."""
    now = datetime.now(UTC)
    with staging(warehouse) as (folder, connection):
        rest = take_out(connection, folder, warehouse.batches(), {key(row) for row in sources})
        rest.forgotten += [
            {name: now if name == "forgotten_at" else row[name] for name in tables.FORGOTTEN} for row in sources
        ]
        write_tables(connection, folder, rest)
        publish(warehouse, folder, rest)
    forget_all(warehouse.root)
    return Forgotten(len(sources), sum(row["records"] for row in sources), len(rest.copies.restored))


def forgotten(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return what was forgotten so far, oldest first."""
    found = [row for batch in warehouse.batches() for row in tables.read(batch.table("forgotten"))]
    return sorted(found, key=lambda row: (row["forgotten_at"], row["source_file"]))
