"""Holds the warehouse against what was committed: every file of the lake, every count, and the logs it came from.

A bit that flips on a disk, a file that a backup forgot, one that somebody put there: a hunt would answer all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.lake import disk, spill, tables
from wmiwarehouse.lake.manifest import Listing, list_lake, sha256
from wmiwarehouse.lake.query import SETTINGS, rows
from wmiwarehouse.lake.rest import key
from wmiwarehouse.lake.warehouse import Batch, Warehouse
from wmiwarehouse.readers.containers import unescaped

#: Findings that are no damage.
HARMLESS = ("left over", "replaced", "no list")

_MEMORY = "1GB"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was committed."""

    finding: str
    batch: str | None
    file: str
    detail: str


@dataclass
class Verified:
    """What a verification found, and how much it looked at."""

    findings: list[Finding] = field(default_factory=list)
    batches: int = 0
    files: int = 0
    records: int = 0
    originals: int = 0
    """Original files that are still the same."""
    digest: str = ""
    """Stands for all that was committed: the same digest, the same lake."""

    @property
    def is_damaged(self) -> bool:
        """Whether anything is damaged, missing or added."""
        return any(one.finding not in HARMLESS for one in self.findings)


def verify(
    warehouse: Warehouse, *, originals: bool = False, on_progress: Callable[[int, int], None] = lambda *_: None
) -> Verified:
    """Check *warehouse*, with *originals* also the files that its sources were read from.

    *on_progress* is told how many bytes of how many were read. Nothing is written.
    """
    found = Verified()
    listing = list_lake(warehouse.lake)
    counted = [entry for entry in listing.entries if entry.name not in listing.replaced]
    sources = {entry: _sources(entry) for entry in counted}
    files = _originals([row for listed in sources.values() for row in listed]) if originals else {}
    total = sum(path.stat().st_size for entry in counted for path in entry.rglob("*") if path.is_file())
    total += sum(path.stat().st_size for path in files.values() if path)
    done = 0

    def on_bytes(size: int) -> None:
        nonlocal done
        done += size
        on_progress(done, total)

    for entry in counted:
        found.findings += _batch(entry, listing, sources[entry], found, on_bytes)
    found.findings += _lost(warehouse, listing)
    found.findings += _twice(sources)
    for (text, digest), path in files.items():
        if path is None:
            found.findings.append(Finding("source missing", None, text, f"SHA-256 {digest}"))
        elif (now := _hash(path, on_bytes)) != digest:
            found.findings.append(Finding("source changed", None, text, f"SHA-256 {now}, not {digest}"))
        else:
            found.originals += 1
    found.digest = _digest(listing)
    return found


def left_over(warehouse: Warehouse) -> list[Finding]:
    """Return what interrupted commands left and what replaced batches are there; only while holding the lock."""
    asides = [warehouse.database.with_suffix(".duckdb.new"), warehouse.root / "warehouse.json.new"]
    staged = sorted(warehouse.staging.iterdir()) if warehouse.staging.is_dir() else []
    staged += spill.left(warehouse.root)
    found = [
        Finding("left over", None, path.relative_to(warehouse.root).as_posix(), "of an interrupted command")
        for path in [*staged, *asides]
        if path.exists()
    ]
    listing = list_lake(warehouse.lake)
    replaced = [entry.name for entry in listing.entries if entry.name in listing.replaced]
    return found + [
        Finding("replaced", name, f"lake/{name}", "by a newer batch; kept a while for running hunts")
        for name in replaced
    ]


def remove_left_over(warehouse: Warehouse) -> None:
    """Remove what interrupted commands left; only while holding the lock. Committed files are never touched."""
    if warehouse.staging.is_dir():
        warehouse.clear_staging()
    for folder in spill.left(warehouse.root):
        disk.remove(folder)
    for aside in (warehouse.database.with_suffix(".duckdb.new"), warehouse.root / "warehouse.json.new"):
        aside.unlink(missing_ok=True)


def _batch(
    entry: Path, listing: Listing, sources: list[dict[str, Any]], found: Verified, on_bytes: Callable[[int], None]
) -> Iterator[Finding]:
    if entry.name in listing.broken:
        yield Finding("changed", entry.name, "batch.json", str(listing.broken[entry.name]))
        return
    if not entry.is_dir():
        yield Finding("unknown", None, f"lake/{entry.name}", "no batch")
        return
    manifest = listing.manifests.get(entry.name)
    if manifest is None and not (entry / "sources.parquet").is_file():
        yield Finding("unknown", entry.name, f"lake/{entry.name}", "no batch: it has no list of its sources")
        return
    found.batches += 1
    is_sound = True
    if manifest:
        found.files += len(manifest.files)
        for difference in manifest.differences(entry, on_bytes):
            is_sound = False
            finding, name, detail = difference
            yield Finding(finding, entry.name, name, detail)
    else:
        found.files += sum(1 for path in entry.rglob("*") if path.is_file())
        yield Finding("no list", entry.name, "", "of an older version: only numbers of records can be compared")
    if is_sound:
        yield from _counts(Batch(entry), sources, found)


def _counts(batch: Batch, sources: list[dict[str, Any]], found: Verified) -> Iterator[Finding]:
    """Compare the records that each source is said to have with those that are there."""
    import duckdb

    parts = [str(file) for file in batch.event_files]
    query = "select source_id, source_file, count(*) as records from read_parquet($parts) group by all"
    try:
        with duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": ""}) as connection:
            connection.execute(SETTINGS)
            there = {key(row): row["records"] for row in rows(connection, query, {"parts": parts})} if parts else {}
    except duckdb.Error as error:
        yield Finding("unreadable", batch.id, "events", str(error).splitlines()[0])
        return
    found.records += sum(there.values())
    promised = {key(row): row["records"] for row in sources if row["records"]}
    for source in sorted(there.keys() | promised.keys(), key=str):
        if there.get(source, 0) != promised.get(source, 0):
            detail = f"{there.get(source, 0):,} of {promised.get(source, 0):,} records are there"
            yield Finding("records", batch.id, source[1], detail)


def _lost(warehouse: Warehouse, listing: Listing) -> Iterator[Finding]:
    """Find whole batches that are gone: the database for other tools still names them."""
    there = {entry.name for entry in listing.entries} | listing.replaced
    named = warehouse.read_mark().get("batches")
    for batch in named if isinstance(named, list) else ():
        if batch not in there:
            yield Finding("missing", str(batch), f"lake/{batch}", "the whole batch")


def _twice(sources: dict[Path, list[dict[str, Any]]]) -> Iterator[Finding]:
    seen: dict[tuple[Any, ...], str] = {}
    for entry, listed in sources.items():
        for row in listed:
            if row["status"] == "read" and seen.setdefault((*key(row), row["ingested_at"]), entry.name) != entry.name:
                yield Finding(
                    "twice", entry.name, row["source_file"], f"also in batch {seen[*key(row), row['ingested_at']]}"
                )


def _sources(entry: Path) -> list[dict[str, Any]]:
    try:
        return tables.read(entry / "sources.parquet")
    except (OSError, WmiwhError):
        return []  # named where the batch is looked at


def _originals(sources: list[dict[str, Any]]) -> dict[tuple[str, str], Path | None]:
    """Return (file as listed, SHA-256) of every original file once, with where it is now if it is there."""
    found: dict[tuple[str, str], Path | None] = {}
    for row in sources:
        if row["file_sha256"]:
            text, path = _original(row)
            found[text, row["file_sha256"]] = path
    return found


def _original(row: dict[str, Any]) -> tuple[str, Path | None]:
    """Find the file of a source: the archive of a member, whose name follows an exclamation mark."""
    text = row["source_file"]
    pieces = text.split("!")
    names = (
        [text] if row["source_id"] == row["file_sha256"] else ["!".join(pieces[:n]) for n in range(len(pieces), 0, -1)]
    )
    for name in names:
        for spelled in (unescaped(name), name):  # what cannot be shown of a name is listed as escapes
            if Path(spelled).is_file():
                return name, Path(spelled)
    return names[-1], None


def _hash(path: Path, on_bytes: Callable[[int], None]) -> str:
    try:
        return sha256(path, on_bytes)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"


def _digest(listing: Listing) -> str:
    import hashlib

    digests = (
        f"{name} {manifest.digest}\n"
        for name, manifest in sorted(listing.manifests.items())
        if name not in listing.replaced
    )
    return hashlib.sha256("".join(digests).encode()).hexdigest()
