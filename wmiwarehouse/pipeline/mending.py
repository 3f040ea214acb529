"""Sorts out the records that DuckDB takes for no JSON: those that can be mended stay, the others are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wmiwarehouse.readers.mend import mended

if TYPE_CHECKING:
    import pyarrow as pa

    from wmiwarehouse.pipeline.part_writer import PartWriter


@dataclass(frozen=True)
class Sorted:
    """What became of records some of which were no JSON."""

    records: pa.Table
    """Those that can be projected."""
    left_out: pa.Table
    mended: list[tuple[int, int, str]]
    """(source_no, source_record, what was changed)"""


def sort_out(writer: PartWriter, records: pa.Table, invalid: list[int]) -> Sorted:
    """Mend what can be mended of the rows *invalid* of *records*."""
    import pyarrow as pa

    doubtful = records.take(pa.array(invalid, pa.int64()))
    pairs = [mended(text) for text in doubtful.column("record").to_pylist()]
    texts = pa.array([text for text, _ in pairs], pa.string())
    doubtful = doubtful.set_column(doubtful.schema.get_field_index("record"), "record", texts)
    lost = set(writer.invalid(doubtful))
    kept = [row for row in range(doubtful.num_rows) if row not in lost]
    rows = doubtful.select(["source_no", "source_record"]).to_pylist()
    bad = set(invalid)
    sound = records.take(pa.array([row for row in range(records.num_rows) if row not in bad], pa.int64()))
    return Sorted(
        pa.concat_tables([sound, doubtful.take(pa.array(kept, pa.int64()))]),
        doubtful.take(pa.array(sorted(lost), pa.int64())),
        [(rows[row]["source_no"], rows[row]["source_record"], pairs[row][1]) for row in kept],
    )
