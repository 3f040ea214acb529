"""For any text at all: nothing that a terminal acts on gets out, and machines read back what was put in."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wmiwarehouse.output import cells, escape, measure, table
from wmiwarehouse.output.formats import Format, render

if TYPE_CHECKING:
    from collections.abc import Iterable

NASTY = "\x00\x07\x1b\x7f\x85\x9b\r\n\t \u200b\u200e\u202e\u2028\u2066\u061c\ufeff|`<>&\\[]*_=+-@'\",:~$"
TEXT = st.text(st.one_of(st.sampled_from(NASTY), st.characters(exclude_categories=["Cs"])), max_size=60)
ROWS = st.lists(st.tuples(TEXT, st.none() | TEXT, st.none() | st.lists(TEXT, max_size=3)), min_size=1, max_size=8)
# The terminal's own verbs, and what hides or reorders text; blanks but the ASCII one pass for it.
DANGEROUS = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def as_table(rows: Iterable[tuple[str, str | None, list[str] | None]]) -> pa.Table:
    names = ["first", "second", "targets"]
    types = [pa.string(), pa.string(), pa.list_(pa.string())]
    schema = pa.schema(list(zip(names, types, strict=True)))
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=schema)


def rendered(rows: pa.Table, fmt: Format, *, width: int | None = None) -> str:
    out = io.StringIO()
    render(rows, fmt=fmt, stream=out, width=width)
    return out.getvalue()


def is_harmless(text: str) -> bool:
    return not any(unicodedata.category(c) in DANGEROUS for c in text.replace("\n", ""))


@given(ROWS, st.integers(20, 200))
def test_table_is_harmless_and_fits(rows: list[tuple[str, str | None, list[str] | None]], width: int) -> None:
    lines = rendered(as_table(rows), Format.TABLE, width=width).splitlines()
    assert all(is_harmless(line) for line in lines)
    assert all(measure.width(line) <= max(width, 40) for line in lines)


@given(ROWS)
def test_table_cuts_nothing_in_silence(rows: list[tuple[str, str | None, list[str] | None]]) -> None:
    drawing = table.draw(as_table(rows), 60)
    text = "".join(piece for line in drawing.lines for piece, _ in line)
    assert measure.ELLIPSIS not in text or drawing.notes or any(measure.ELLIPSIS in str(row) for row in rows)


@given(ROWS)
def test_markdown_has_one_line_a_row_and_no_markup(rows: list[tuple[str, str | None, list[str] | None]]) -> None:
    lines = rendered(as_table(rows), Format.MARKDOWN).removesuffix("\n").split("\n")
    assert len(lines) == len(rows) + 2
    for line in lines:
        assert is_harmless(line)
        assert not re.search("[<>@]|://", line)
        unescaped = re.sub(r"\\[!-/:-@\[-`{-~]", "", line)
        assert unescaped.count("|") == 4
        assert not re.search(r"[`*\[\]~$]", unescaped)


@given(ROWS)
def test_csv_reads_back(rows: list[tuple[str, str | None, list[str] | None]]) -> None:
    plain = list(csv.reader(io.StringIO(rendered(as_table(rows), Format.CSV), newline="")))
    raw = io.StringIO()
    render(as_table(rows), fmt=Format.CSV, stream=raw, raw=True)
    exact = list(csv.reader(io.StringIO(raw.getvalue(), newline="")))
    for defused, read, (first, second, targets) in zip(plain[1:], exact[1:], rows, strict=True):
        assert read == [first, second or "", "" if targets is None else read[2]]
        assert targets is None or json.loads(read[2]) == targets
        assert not any(cell[:1] and cell[0] in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20" for cell in defused)
        assert [cell.removeprefix("'") if escape.spreadsheet(cell) != cell else cell for cell in defused] == read


@given(ROWS)
def test_json_reads_back(rows: list[tuple[str, str | None, list[str] | None]]) -> None:
    array = rendered(as_table(rows), Format.JSON)
    lines = rendered(as_table(rows), Format.NDJSON).removesuffix("\n").split("\n")
    assert is_harmless(array)
    assert json.loads(array) == [json.loads(line) for line in lines] == as_table(rows).to_pylist()


@given(st.text(), st.integers(1, 100))
def test_measures(text: str, room: int) -> None:
    shown = escape.visible(text)
    assert measure.width(measure.cut(shown, room)) <= room
    assert "".join(measure.wrap(shown, room)) == shown
    assert all(measure.width(line) <= max(room, 2) for line in measure.wrap(shown, room))


@given(st.text(st.characters()))
def test_escapes_take_lone_surrogates(text: str) -> None:
    for escaped in (escape.visible(text), escape.markdown(text), escape.json_text(cells.json_dumps(text))):
        escaped.encode()
    assert json.loads(escape.json_text(cells.json_dumps(text))) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("C:\\Windows\\new", "C:\\Windows\\new"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31m", "\\x1b[31m"),
        ("gnp.\u202eexe", "gnp.\\u202eexe"),
        ("\ud800", "\\ud800"),
        ("a\xa0b", "a\\xa0b"),
        ("Zürich 日本", "Zürich 日本"),
        ("\u3164", "\\u3164"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert escape.visible(text) == shown
