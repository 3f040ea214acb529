"""One nasty result set, one byte-exact golden file per format; ``--snapshot-update`` renews them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from wmiwarehouse.output.formats import Format, render

if TYPE_CHECKING:
    import pyarrow as pa
    from syrupy.assertion import SnapshotAssertion

FEW_COLUMNS = ["event_time", "host", "event_uid", "user_name", "process_id", "is_initiated"]
EVENT_COLUMNS = [
    "event_time",
    "host",
    "event_uid",
    "command_line",
    "targets",
    "confidence",
    "explicit_user",
    "channel",
    "event_id",
    "record_id",
    "source_file",
    "source_record",
]


class Golden(SingleFileSnapshotExtension):
    """A file with the bytes as they were written."""

    file_extension = "golden"


def rendered(rows: pa.Table, fmt: Format, width: int) -> bytes:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    written = render(rows, fmt=fmt, stream=out, width=width)
    notes = "".join(f"note: {note}\n" for note in written.notes)
    assert written.rows == rows.num_rows
    assert isinstance(out.buffer, io.BytesIO)
    return out.buffer.getvalue() + notes.encode()


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("fmt", [Format.TABLE, Format.CSV, Format.JSON, Format.NDJSON, Format.MARKDOWN])
def test_format(nasty: pa.Table, fmt: Format, width: int, snapshot: SnapshotAssertion) -> None:
    assert rendered(nasty, fmt, width) == snapshot(extension_class=Golden)


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("columns", [FEW_COLUMNS, EVENT_COLUMNS], ids=["few", "event"])
def test_table_of_some_columns(nasty: pa.Table, columns: list[str], width: int, snapshot: SnapshotAssertion) -> None:
    assert rendered(nasty.select(columns), Format.TABLE, width) == snapshot(extension_class=Golden)


@pytest.mark.parametrize("fmt", [Format.TABLE, Format.CSV, Format.JSON, Format.NDJSON, Format.MARKDOWN])
def test_no_rows(nasty: pa.Table, fmt: Format, snapshot: SnapshotAssertion) -> None:
    assert rendered(nasty.select(FEW_COLUMNS).slice(0, 0), fmt, 80) == snapshot(extension_class=Golden)
