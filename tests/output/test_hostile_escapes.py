"""For any text at all: each escape is harmless where it is meant for, and can be undone; length costs no time."""

from __future__ import annotations

import io
import json
import re
import time
import unicodedata
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from wmiwarehouse.output import cells, escape, measure
from wmiwarehouse.output.formats import Format, render, save

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DANGEROUS = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
PIECES = st.sampled_from(
    [
        *"\x00\x1b\x9b\u202e\u200b\r\n\t |\\`*_[]()<>!&#~-+=@:'\"$\uff1d\ud800A1",
        *("\x1b[2J", "\x1b]8;;https://evil.example\x1b\\", "'=1+1", "https://evil.example", "www.evil.example"),
        *("<script>", "<!--", "&lt;", "![i](http://e.example)", "[red]x[/]", "\n| x |\n| --- |\n", "a@evil.example"),
    ]
)
ANY = st.lists(PIECES | st.text(st.characters(), max_size=5), max_size=8).map("".join)


def assert_harmless(text: str) -> None:
    assert not [c for c in text if c != "\n" and unicodedata.category(c) in DANGEROUS]


@given(ANY)
def test_visible_is_plain_and_done_once(text: str) -> None:
    shown = escape.visible(text)
    assert "\n" not in shown
    assert_harmless(shown)
    shown.encode()
    assert escape.visible(shown) == shown


@given(ANY)
def test_spreadsheet_never_runs_and_reads_back(text: str) -> None:
    cell = escape.spreadsheet(text)
    assert not FORMULA.match(cell)
    assert cell in (text, f"'{text}")
    # One mark more or none: who takes one off where a formula would follow has the text again.
    back = cell[1:] if re.match(f"''*{FORMULA.pattern}", cell) else cell
    assert back == text


@given(ANY)
def test_json_text_is_harmless_and_reads_back(text: str) -> None:
    document = escape.json_text(cells.json_dumps({text: [text]}))
    assert_harmless(document)
    assert json.loads(document) == {text: [text]}


@given(st.lists(ANY, min_size=1, max_size=3))
def test_markdown_renders_as_the_text(read_markdown: Callable[[str], Any], texts: list[str]) -> None:
    document = f"| {' | '.join('x' for _ in texts)} |\n| {' | '.join('---' for _ in texts)} |\n"
    document += f"| {' | '.join(map(escape.markdown, texts))} |\n"
    seen = read_markdown(document)
    assert seen.tags <= {"table", "thead", "tbody", "tr", "th", "td"}
    assert seen.rows[1:] == [[escape.visible(text).strip() for text in texts]]


@given(st.text(st.characters()).map(escape.visible), st.integers(1, 100))
def test_wrapping_loses_nothing_and_fits(text: str, room: int) -> None:
    lines = measure.wrap(text, room)
    assert "".join(lines) == text
    assert all(measure.width(line) <= max(room, 2) for line in lines)
    assert all(lines[:-1])


def test_a_very_long_word_takes_no_time(tmp_path: Path) -> None:
    for word in ("A" * 4_000_000, "\u00e9" * 1_000_000):
        rows = pa.table({"host": ["ws01"], "command_line": [word]})
        started = time.monotonic()
        save(rows, tmp_path / f"{len(word)}.txt")
        assert time.monotonic() - started < 5
        text = (tmp_path / f"{len(word)}.txt").read_text(encoding="utf-8")
        assert text.count(word[0]) >= len(word)
        started = time.monotonic()
        render(rows, fmt=Format.TABLE, stream=io.StringIO(), width=80)
        assert time.monotonic() - started < 5
