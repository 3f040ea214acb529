"""The nasty result set: every type, NULLs, hostile text, long command lines, lists and times; a Markdown reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import settings
from markdown_it import MarkdownIt

settings.register_profile("patient", deadline=None)  # the first example loads pyarrow
settings.load_profile("patient")

WMIC = '"C:\\Windows\\System32\\Wbem\\WMIC.exe" /node:SRV-FILE1 process call create '
LONG = WMIC + '"powershell -nop -w hidden -enc ' + "SQBFAFgA" * 60 + '"'
HOSTILE = [
    'a|b `c` <script>alert("x")</script> [link](https://evil.example) [bold red]rich[/] *x* \\* C:\\',
    "\x1b[2J\x1b]0;owned\x07 \x9b31m \x7f \x00 \u202egnp.exe\u202c \u2066x\u2069 \u200b\u061c\u200f\ufeff",
    "line one\r\nline two\ttab | pipe\u2028end",
    '=HYPERLINK("https://evil.example","x")',
    "@SUM(1+1)",
    "日本語 é 👩‍👩‍👧 \u3164 \U000e0041",
]


def _column(kind: pa.DataType, values: list[Any]) -> pa.Array:
    return pa.array(values, kind)


@pytest.fixture
def nasty() -> pa.Table:
    """Six rows that no writer may choke on; two columns say the same in every row, one is empty."""
    n = len(HOSTILE)
    times = [datetime(2026, 3, 4, 10, 11, 2, 310000 + i, tzinfo=UTC) for i in range(n)]
    columns = {
        "event_time": _column(pa.timestamp("us", "UTC"), [*times[:-1], None]),
        "host": _column(pa.string(), ["srv-file1", "ws05", "", None, "-", "ws05"]),
        "event_uid": _column(pa.string(), [f"{i:020x}" for i in range(n)]),
        "user_name": _column(pa.string(), HOSTILE),
        "command_line": _column(pa.string(), [WMIC + '"cmd"', LONG, None, "", "wmic", LONG[::-1]]),
        "targets": _column(pa.list_(pa.string()), [["srv-file1"], ["a", "b,c", None], [], None, ["\x1b[31m"], ['"']]),
        "process_id": _column(pa.int64(), [4312, 0, None, -1, 2**63 - 1, 7]),
        "confidence": _column(pa.float64(), [0.49, float("nan"), float("inf"), None, -1.5, 100.0]),
        "ratio": _column(
            pa.decimal128(38, 2), [Decimal("0.50"), Decimal(10**30), None, Decimal("-3"), Decimal(0), None]
        ),
        "is_initiated": _column(pa.bool_(), [True, False, None, True, False, True]),
        "day": _column(pa.date32(), [date(2026, 3, 4), None, date(1601, 1, 1), None, None, None]),
        "logged_ns": _column(pa.timestamp("ns"), [1, None, 10**18, None, None, None]),
        "extra": _column(
            pa.struct({"t": pa.timestamp("us", "UTC"), "x": pa.string()}),
            [{"t": times[0], "x": "\u202e"}, None, None, None, {"t": None, "x": "|"}, None],
        ),
        "tags": _column(pa.map_(pa.string(), pa.int32()), [[("a", 1)], None, [], None, None, [("b", None)]]),
        "blob": _column(pa.binary(), [b"\x00\xff", None, b"", None, None, None]),
        "explicit_user": _column(pa.string(), [None] * n),
        "channel": _column(pa.string(), ["Security"] * n),
        "event_id": _column(pa.int32(), [4688] * n),
        "record_id": _column(pa.int64(), list(range(100_000, 100_000 + n))),
        "source_file": _column(pa.string(), [f"/case/triage/ws{i}/Security.evtx" for i in range(n)]),
        "source_record": _column(pa.int64(), list(range(1, n + 1))),
    }
    return pa.table(columns)


@dataclass
class Seen(HTMLParser):
    """What a reader of a Markdown document sees: the cells of its table, and every kind of element in it."""

    rows: list[list[str]] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    @classmethod
    def of(cls, document: str) -> Seen:
        # HTML is on and would come through: that it does not show up is the document's merit.
        seen = cls()
        seen.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(document))
        return seen

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_comment(self, data: str) -> None:
        self.tags.add("comment")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.removesuffix("\n") if data.endswith("\n") else data


@pytest.fixture(scope="session")
def read_markdown() -> Callable[[str], Seen]:
    """Return what reads a document as a viewer of GitHub's Markdown would."""
    return Seen.of
