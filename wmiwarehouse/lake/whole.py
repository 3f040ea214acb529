"""Checks, before anybody draws conclusions, that the lake still holds what was committed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.lake.manifest import Listing, Manifest, list_lake
from wmiwarehouse.lake.warehouse import Batch, Warehouse


def check_whole(warehouse: Warehouse) -> list[Batch]:
    """Return the batches of *warehouse*; raises :class:`WmiwhError` if one has lost records.

    A missing file must not pass for a quiet network.

    Compares the files and their sizes with what was committed. Changed bytes are not found by it.
    """
    try:
        listing = list_lake(warehouse.lake)
        folders = listing.visible()
    except OSError as error:
        raise WmiwhError(f"{warehouse.lake} cannot be read: {error.strerror or error}") from None
    _refuse_twins(folders, listing)
    for folder in folders:
        manifest = listing.manifests.get(folder.name)
        found, promised = _by_manifest(folder, manifest) if manifest else _by_footers(Batch(folder))
        if found != promised:
            raise WmiwhError(
                f"batch {folder.name} of {warehouse.root} has {found:,} of {promised:,} records: files of it are "
                "missing. Restore them, or ingest the logs into a new warehouse"
            )
    return Batch.among(listing)


def _refuse_twins(folders: Iterable[Path], listing: Listing) -> None:
    """Raise :class:`WmiwhError` if a batch lies there twice, as a copy of its folder: each hit would count twice."""
    seen: dict[str, str] = {}
    for name in (folder.name for folder in folders if folder.name in listing.manifests):
        other = seen.setdefault(listing.manifests[name].digest, name)
        if other != name:
            raise WmiwhError(f"batch {name} has the same files as {other}: remove the copy; see: wmiwh verify")


def _by_manifest(folder: Path, manifest: Manifest) -> tuple[int, int]:
    """Return how many records are there and should be; a file of another size is none."""
    found = promised = 0
    for name, file in manifest.files.items():
        try:
            whole = (folder / name).stat().st_size == file.size
            cause = "it is not as long as it was"
        except OSError as error:
            whole, cause = False, error.strerror or str(error)
        if name.startswith("events/"):
            promised += file.rows
            found += file.rows if whole else 0
        elif not whole and name != "hosts.parquet":  # which the events tell too, only slower
            raise _unreadable(folder, f"{name}: {cause}")
    return found, promised


def _by_footers(batch: Batch) -> tuple[int, int]:
    """The same for a batch of an older version, which has no manifest."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        sources = pq.read_table(batch.table("sources"), columns=["records"])
        promised = sum(sources.column("records").to_pylist())
        return sum(pq.read_metadata(file).num_rows for file in batch.event_files), promised
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(batch.folder, " ".join(str(error).split())[:200]) from None


def _unreadable(folder: Path, cause: str) -> WmiwhError:
    return WmiwhError(f"batch {folder.name} of {folder.parent.parent} cannot be read: {cause}")
