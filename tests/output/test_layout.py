"""Which columns stay, which go, and in what order."""

from __future__ import annotations

import pytest

from wmiwarehouse.output import layout, table
from wmiwarehouse.output.layout import Column, plan


def column(name: str, width: int, rows: int = 10, *, same: bool = False) -> Column:
    return Column(name, [("x" * (width - 2)) + ("00" if same else f"{i:02d}") for i in range(rows)])


def names(columns: list[Column]) -> list[str]:
    return [each.name for each in columns]


def test_what_fits_stays_as_it_is() -> None:
    columns = [column("a", 10), column("b", 10), column("c", 10), column("d", 10, same=True)]
    result = plan(columns, 46, may_cut=True)
    assert (result.side_by_side, names(result.shown), [c.width for c in columns]) == (True, list("abcd"), [10] * 4)


def test_the_same_goes_into_the_footer_but_not_from_the_first_three() -> None:
    columns = [column(name, 10, same=True) for name in "abcd"] + [Column("e", [""] * 10), column("f", 10)]
    result = plan(columns, 46, may_cut=True)
    assert (names(result.shown), names(result.same), names(result.empty)) == (list("abcf"), ["d"], ["e"])


def test_headings_wrap_before_anything_is_cut() -> None:
    result = plan([column("a_rather_long_heading", 8), column("command_line", 60)], 70, may_cut=True)
    assert [c.width for c in result.shown] == [8, 60]


def test_keys_are_never_cut() -> None:
    result = plan([column("analytic", 40), column("title", 80)], 80, may_cut=True)
    assert [c.width for c in result.shown] == [40, 38]


def test_evidence_goes_before_the_table_does() -> None:
    columns = [column(name, 24) for name in ("event_time", "host", "event_uid", "command_line", "source_file")]
    result = plan([*columns, column("source_record", 8)], 110, may_cut=True)
    assert result.side_by_side
    assert names(result.left_out) == ["source_file", "source_record"]
    assert not plan(columns, 90, may_cut=True).side_by_side


@pytest.mark.parametrize("rows", [1, 3])
def test_few_rows_are_shown_whole(rows: int) -> None:
    columns = [column("title", 100, rows), column("source_file", 30, rows)]
    result = plan(columns, 80, may_cut=True)
    assert (result.side_by_side, result.left_out) == (False, [])


def test_evidence_order_names_real_columns() -> None:
    assert len(set(layout.EVIDENCE)) == len(layout.EVIDENCE)
    assert "event_uid" not in layout.EVIDENCE
    assert table.ROW_LIMIT == 10_000
