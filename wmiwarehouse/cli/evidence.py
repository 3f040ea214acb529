"""Writes the records that a row rests on as a person reads them; files and pipes get them whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wmiwarehouse.output.cells import log_name

if TYPE_CHECKING:
    import pyarrow as pa

#: As many characters of an event's id as ``wmiwh event`` needs in any warehouse of this world.
_UID = 10


def with_short_evidence(rows: pa.Table | pa.RecordBatchReader) -> pa.Table | pa.RecordBatchReader:
    """Return *rows* with each list of records as a list of texts; such a record has an ``event_uid``."""
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        return _shortened(rows)
    schema = _shortened(rows.schema.empty_table()).schema
    short = (_shortened(pa.Table.from_batches([batch])) for batch in rows)
    return pa.RecordBatchReader.from_batches(schema, (batch for table in short for batch in table.to_batches()))


def _shortened(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    for number, field in enumerate(table.schema):
        kind = field.type
        if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type) and "event_uid" in kind.value_type.names:
            texts = [[_short(record) for record in records or ()] for records in table.column(number).to_pylist()]
            table = table.set_column(number, field.name, pa.array(texts, pa.list_(pa.string())))
    return table


def _short(record: Mapping[str, Any]) -> str:
    what = f"{record['process_name']} (pid {record['process_id']}) " if record.get("process_name") else ""
    return f"{record['host']}: {what}{log_name(record['channel'], record['event_id'])} {record['event_uid'][:_UID]}"
