"""Checks, before anybody draws conclusions, that the lake still holds what was committed."""

from __future__ import annotations

from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.lake.manifest import list_lake
from wmiwarehouse.lake.warehouse import Batch, Warehouse


def check_whole(warehouse: Warehouse) -> None:
    """Raise :class:`WmiwhError` if a batch has lost records: a missing file must not pass for a quiet network.

    Reads the footers of the Parquet files only. Changed bytes are not found by it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    for batch in _listed(warehouse):
        try:
            sources = pq.read_table(batch.table("sources"), columns=["records"])
            promised = sum(sources.column("records").to_pylist())
            found = sum(pq.read_metadata(file).num_rows for file in batch.event_files)
        except (OSError, pa.ArrowException) as error:
            cause = " ".join(str(error).split())[:200]
            raise WmiwhError(f"batch {batch.id} of {warehouse.root} cannot be read: {cause}") from None
        if found != promised:
            raise WmiwhError(
                f"batch {batch.id} of {warehouse.root} has {found:,} of {promised:,} records: files of it are missing. "
                "Restore them, or ingest the logs into a new warehouse"
            )


def _listed(warehouse: Warehouse) -> list[Batch]:
    """Return every folder in the lake that counts; one without its source list is damaged too and not passed over."""
    try:
        return [Batch(folder) for folder in list_lake(warehouse.lake).visible()]
    except OSError as error:
        raise WmiwhError(f"{warehouse.lake} cannot be read: {error.strerror or error}") from None
