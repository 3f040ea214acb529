"""The Markdown form: the document's parts in order, zero rows, and nothing that a log wrote as markup."""

from __future__ import annotations

import re

import pytest

from tests.report.sample import BIDI, ESCAPES, FORMULA, SCRIPT, empty, sample
from wmiwarehouse.report.markdown import render
from wmiwarehouse.report.model import Report

PARTS = (
    *("Changes since", "Hypothesis", "Data That is Needed", "Queries and Results", "Findings", "Stack Counts", "Risk"),
    *("Who Talks to Whom", "Coverage", "Conclusion", "Outputs and Follow-up Tasks", "Notes", "Custody", "References"),
)


def test_the_documents_parts_stand_in_their_order() -> None:
    found = re.findall(r"^## (.*)$", render(sample()), re.MULTILINE)
    assert len(found) == len(PARTS)
    assert all(title.startswith(part) for title, part in zip(found, PARTS, strict=True))


def test_a_newcomer_reads_what_happened_first() -> None:
    lines = render(sample()).split("\n")
    assert lines[0].startswith("# ")
    assert lines[2] == f"**{sample().summary[0]}**"


def test_zero_rows_stand_in_the_results_with_what_they_are_worth() -> None:
    row = next(
        line for line in render(sample()).split("\n") if "| report\\_wmi" in line or "report_wmi_network" in line
    )
    assert "| 0 |" in row
    assert "0 hits. The data this needs was seen on 4 of 7 hosts" in row


@pytest.mark.parametrize("report", [sample(), sample(40), empty()], ids=["sample", "many", "empty"])
def test_every_row_has_as_many_cells_as_its_head(report: Report) -> None:
    width = 0
    for line in render(report).split("\n"):
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        assert cells == (width or cells), line
        width = cells


def test_nothing_of_a_log_acts() -> None:
    text = render(sample())
    assert "<script" not in text
    assert "<img" not in text
    assert "</style>" not in text
    assert not set(text) & {"\x1b", "\x07", "\r", "\u202e", "\u2066", "\u200b"}
    for hostile in (SCRIPT, ESCAPES, BIDI):
        assert hostile not in text
    assert "\\x1b" in text, "it is shown as what it was"
    assert "javascript:" not in re.sub(r"`[^`]*`", "", text) or "](javascript:" not in text
    assert not re.search(r"(?<!\\)!?\[[^\]]*\]\(", text), "no link is made of a log's text"
    assert FORMULA.split("!")[0][1:4] in text


def test_a_report_without_findings_is_whole() -> None:
    text = render(empty())
    assert "No case." in text
    assert "No movement between hosts was found." in text
    assert "Left to the hunter" in text
