"""Which contents the warehouse has already, so that a second ingest of the same logs adds nothing."""

from __future__ import annotations

from wmiwarehouse.lake.warehouse import Warehouse


def known_contents(warehouse: Warehouse) -> frozenset[str]:
    """Return the SHA-256 of every source that was read, of all batches."""
    import pyarrow.parquet as pq

    known: set[str] = set()
    for batch in warehouse.batches():
        table = pq.read_table(batch.table("sources"), columns=["source_id", "status"])
        known.update(row["source_id"] for row in table.to_pylist() if row["status"] == "read")
    return frozenset(known)
