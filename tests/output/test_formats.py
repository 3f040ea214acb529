"""Where rows go: files that appear as a whole, suffixes, terminals and pipes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wmiwarehouse.errors import ExitCode, WmiwhError
from wmiwarehouse.output import cells, streams, text
from wmiwarehouse.output.formats import Format, OutputError, emit, format_of, render, save

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = pa.table({"a": [1, 2], "b": ["x", "=1"]})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def failing() -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from ROWS.to_batches()
        raise OSError("disk gone")

    return pa.RecordBatchReader.from_batches(ROWS.schema, batches())


def test_suffix_decides_and_format_wins(tmp_path: Path) -> None:
    assert {format_of(tmp_path / f"x{s}") for s in (".txt", ".csv", ".json", ".JSONL", ".md", ".parquet")} == set(
        Format
    )
    save(ROWS, tmp_path / "rows.csv", fmt=Format.JSON)
    assert json.loads((tmp_path / "rows.csv").read_text()) == ROWS.to_pylist()
    with pytest.raises(OutputError, match=r"rows\.xls: the suffix names no format; use \.txt, \.csv"):
        format_of(tmp_path / "rows.xls")


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".json", ".ndjson", ".md", ".parquet"])
def test_save_reads_tables_and_readers(tmp_path: Path, nasty: pa.Table, suffix: str) -> None:
    one, two = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    assert save(nasty, one).rows == save(nasty.to_reader(max_chunksize=2), two).rows == nasty.num_rows
    assert one.read_bytes() == two.read_bytes()
    assert sorted(tmp_path.iterdir()) == [one, two]


def test_parquet_is_raw(tmp_path: Path, nasty: pa.Table) -> None:
    save(nasty, tmp_path / "x.parquet")
    back = pq.read_table(tmp_path / "x.parquet")
    assert back.schema.equals(nasty.schema)
    assert list(text.ndjson(back)) == list(text.ndjson(nasty))
    out = io.BytesIO()
    render(nasty, fmt=Format.PARQUET, stream=out)
    assert pq.read_table(io.BytesIO(out.getvalue())).num_rows == nasty.num_rows


def test_no_overwrite_without_force(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("mine")
    with pytest.raises(OutputError, match=r"rows\.csv exists; --force overwrites it") as caught:
        save(ROWS, path)
    assert caught.value.code is ExitCode.USAGE
    assert path.read_text() == "mine"
    save(ROWS, path, force=True)
    assert path.read_text() == "a,b\n1,x\n2,'=1\n"


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("mine")
    with pytest.raises(Exception, match="disk gone"):
        save(failing(), path, force=True)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_take_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        save(ROWS, tmp_path, fmt=Format.CSV, force=True)
    with pytest.raises(OutputError, match="does not exist"):
        save(ROWS, tmp_path / "no" / "rows.csv")
    with pytest.raises(OutputError, match="no regular file"):
        save(ROWS, type(tmp_path)(os.devnull), fmt=Format.CSV, force=True)


def test_a_link_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    link.symlink_to(real)
    save(ROWS, link, force=True)
    assert link.is_symlink()
    assert real.read_text().startswith("a,b")


def test_a_saved_table_is_whole(tmp_path: Path) -> None:
    rows = pa.table({"id": range(12_000), "command_line": [f"{i} " + "x" * 3000 for i in range(12_000)]})
    written = save(rows.slice(0, 20), tmp_path / "a.txt")
    assert not written.notes
    assert (tmp_path / "a.txt").read_text().count("x") == 20 * 3000
    assert save(rows.select(["id"]), tmp_path / "b.txt").rows == 12_000
    assert len((tmp_path / "b.txt").read_text().splitlines()) == 12_002


def test_a_shown_table_says_what_it_leaves_out() -> None:
    out = io.StringIO()
    written = render(pa.table({"id": range(12_000)}), stream=out)
    assert written.rows == 12_000
    assert written.notes == ["first 10,000 of 12,000 rows; all: -o FILE.csv"]


def test_terminals_get_no_control_bytes_and_no_parquet(monkeypatch: pytest.MonkeyPatch, nasty: pa.Table) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    for fmt in set(Format) - {Format.PARQUET}:
        out = Terminal()
        render(nasty, fmt=fmt, stream=out)
        assert out.getvalue().replace("\n", "").isprintable()
    with pytest.raises(OutputError, match=r"-o rows\.parquet"):
        render(nasty, fmt=Format.PARQUET, stream=Terminal())


def test_colours_only_where_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    rows = pa.table({"severity": ["high", "low"], "what": ["[red]x[/]", "y"]})
    coloured, plain = Terminal(), io.StringIO()
    render(rows, stream=coloured)
    render(rows, stream=plain)
    assert "\x1b[31mhigh" in coloured.getvalue()
    assert "[red]x[/]" in coloured.getvalue()
    assert "\x1b" not in plain.getvalue()
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert not streams.is_colourful(Terminal())


def test_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "93")
    assert streams.width(io.StringIO()) == 93
    monkeypatch.setenv("COLUMNS", "x")
    assert streams.width(io.StringIO()) == 200


def test_names_stay_apart() -> None:
    rows = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], names=["a", "a", "a_2"])
    assert cells.names(rows.schema) == ["a", "a_2", "a_2_2"]
    out = io.StringIO()
    render(rows, fmt=Format.NDJSON, stream=out)
    assert json.loads(out.getvalue()) == {"a": 1, "a_2": 2, "a_2_2": 3}


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_few_times_and_many_look_the_same(zone: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few are written without what has to be imported for many."""
    counts = [0, -1, 1, 999_999, 1_700_000_000_123_456, -62_135_596_800_000_000, 253_402_300_799_999_999, None]
    batch = pa.record_batch({"t": pa.array(counts, pa.timestamp("us", zone))})
    few = cells.columns(batch)
    monkeypatch.setattr(cells, "_FEW", 0)
    assert cells.columns(batch) == few
    assert few[0][:2] == ["1970-01-01T00:00:00.000000Z", "1969-12-31T23:59:59.999999Z"]
    assert few[0][-3:] == ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", None]


def test_times_beyond_pythons_reach() -> None:
    far = pa.array([2**63 - 1, -(2**63) + 1, 253402300800 * 10**6], pa.timestamp("us", "UTC"))
    rows = pa.table({"far": far, "day": pa.array([2**31 - 1, -(2**31), 0], pa.int32()).cast(pa.date32())})
    assert [record["day"] for record in map(json.loads, text.ndjson(rows))][2] == "1970-01-01"
    nested = pa.table({"x": pa.array([{"t": 1}], pa.struct({"t": pa.timestamp("ns")}))})
    with pytest.raises(WmiwhError, match="cast it to text"):
        list(text.ndjson(nested))


def test_emit_writes_data_to_stdout_and_notes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    emit(pa.table({"a": pa.array([], pa.int64())}))
    assert capsys.readouterr() == ("", "no rows\n")
    emit(ROWS, fmt=Format.CSV, raw=True)
    assert capsys.readouterr() == ("a,b\n1,x\n2,=1\n", "")


PIPED = """
import pyarrow as pa
from wmiwarehouse.output.formats import Format, render
written = render(pa.table({"a": ["\\u65e5"] * 500_000}), fmt=Format.CSV)
assert written.is_complete is EXPECTED, written
"""


def test_a_reader_that_leaves_early_is_no_failure() -> None:
    command = [sys.executable, "-c", PIPED.replace("EXPECTED", "False")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (0, b"")


def test_a_pipe_is_utf8_whatever_the_locale() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PIPED.replace("EXPECTED", "True")],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert done.stdout.startswith("a\n日\n日\n".encode())


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((0, 2, 443_759_047_000), "2 days 00:07:23.759047"),
        ((1, 0, 0), "1 month"),
        ((0, 0, 0), "00:00:00"),
        ((14, -1, -90_000_000_000), "14 months -1 day -00:01:30"),
        ((0, 0, 360_000_500_000_000), "100:00:00.5"),
    ],
)
def test_intervals_are_written_as_the_shell_writes_them(
    interval: tuple[int, int, int], text: str, tmp_path: Path
) -> None:
    column = pa.array([pa.MonthDayNano(interval), None], pa.month_day_nano_interval())
    save(pa.table({"i": column}), tmp_path / "i.json")
    assert json.loads((tmp_path / "i.json").read_text()) == [{"i": text}, {"i": None}]
