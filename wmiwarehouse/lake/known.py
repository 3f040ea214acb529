"""What the warehouse has already, so that a second ingest of the same logs adds nothing."""

from __future__ import annotations

from wmiwarehouse.lake.warehouse import Warehouse


def known(warehouse: Warehouse) -> tuple[frozenset[str], frozenset[tuple[str, str | None]]]:
    """Return the SHA-256 of every source that was read, and (file, reason) of every one that was not."""
    import pyarrow.parquet as pq

    contents: set[str] = set()
    listed: set[tuple[str, str | None]] = set()
    for batch in warehouse.batches():
        columns = ["source_id", "source_file", "status", "reason"]
        for row in pq.read_table(batch.table("sources"), columns=columns).to_pylist():
            if row["status"] == "read":
                contents.add(row["source_id"])
            else:
                listed.add((row["source_file"], row["reason"]))
    return frozenset(contents), frozenset(listed)
