"""The table of formats that users read says what the tests found."""

from __future__ import annotations

from pathlib import Path

from tests.formats.conftest import declared
from wmiwarehouse.projection.compiler import Projection

_PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
_LAB = {"evtx": True, "nxlog": True}  # formats of the lab that are no export's writer


def _rows() -> dict[str, list[str]]:
    lines = (line.split(" | ") for line in _PAGE.read_text(encoding="utf-8").split("\n") if line.startswith("| `"))
    return {cells[0].strip("| `"): cells for cells in lines if len(cells) > 2}


def test_every_format_has_a_row() -> None:
    assert set(_rows()) == set(Projection().formats)


def test_which_formats_count_again() -> None:
    once = _LAB | {carries.format: carries.record_ids for carries in declared().values()}
    assert {name: "again" not in cells[4] for name, cells in _rows().items()} == once


def test_every_shipped_format_says_what_it_carries() -> None:
    for fmt in Projection().formats.values():
        assert {"title", "docs", "carries"} <= fmt.document.head.keys(), fmt.name
