"""The pictures: who is left of whom, what is dashed, where time is cut, and what they say to those who can't see."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from tests.report.sample import HOSTILE, START, sample
from wmiwarehouse.report.graph import MOST_NODES, graph
from wmiwarehouse.report.model import Case
from wmiwarehouse.report.timeline import long, timeline

_SVG = {"svg", "title", "desc", "path", "polygon", "rect", "text", "line", "circle"}


def _move(source: str, target: str, number: int = 1, **changes: object) -> Case:
    first = START + timedelta(minutes=number)
    known = {"source": source, "target": target, "number": number, "first": first, "last": first}
    return sample().cases[0].model_copy(update=known | changes)


def _parse(svg: object) -> ElementTree.Element:
    return ElementTree.fromstring(str(svg))


def _texts(picture: ElementTree.Element) -> dict[str, tuple[float, float]]:
    return {one.text or "": (float(one.get("x", 0)), float(one.get("y", 0))) for one in picture.iter("text")}


def _draw(*cases: Case) -> ElementTree.Element:
    drawn = graph(cases)
    assert drawn
    return _parse(drawn.svg)


def test_source_stands_left_of_target() -> None:
    at = _texts(_draw(_move("B", "C", 2), _move("A", "B", 3), _move("C", "D", 1)))
    assert at["C"][0] < at["D"][0]
    at = _texts(_draw(_move("A", "B", 1), _move("B", "C", 2), _move("C", "A", 3)))
    assert at["A"][0] < at["B"][0] < at["C"][0]


def test_movements_between_the_same_hosts_share_an_arrow() -> None:
    picture = _draw(*(_move("A", "B", number, confidence=number) for number in range(1, 6)))
    assert len(list(picture.iter("path"))) == 1
    assert "1, 2, 3 +2 · 5" in _texts(picture)


def test_a_half_edge_is_dashed_and_an_address_is_round() -> None:
    picture = _draw(_move("10.0.0.1", "B", 1, side_without_logs="source"), _move("C", "B", 2))
    assert [bool(one.get("stroke-dasharray")) for one in picture.iter("path")] == [True, False]
    kinds = [one.get("class") for one in picture.iter("rect") if "node" in (one.get("class") or "")]
    assert kinds == ["node address", "node", "node"]


def test_surer_is_thicker() -> None:
    widths = [
        float(one.get("stroke-width") or 0)
        for one in _draw(_move("A", "B", 1, confidence=100), _move("C", "D", 2, confidence=30)).iter("path")
    ]
    assert widths[0] > widths[1]


def test_labels_keep_off_nodes_and_each_other() -> None:
    picture = _draw(*(_move(f"H{i % 5}", f"H{(i * 3 + 1) % 7}", i) for i in range(1, 20) if i % 5 != (i * 3 + 1) % 7))
    wide = float(picture.get("width") or 0)
    boxes = [
        tuple(float(one.get(name) or 0) for name in ("x", "y", "width", "height"))
        for one in picture.iter("rect")
        if "node" in (one.get("class") or "")
    ]
    for index, (x, y, width, height) in enumerate(boxes):
        assert 0 <= x <= x + width <= wide
        for x2, y2, width2, height2 in boxes[index + 1 :]:
            assert x + width <= x2 or x2 + width2 <= x or y + height <= y2 or y2 + height2 <= y


def test_too_many_hosts_are_told_by_their_number() -> None:
    drawn = graph([_move("A", f"T{number}", number) for number in range(1, 100)])
    assert drawn
    assert drawn.left_out == 99 - (MOST_NODES - 1)
    assert f"{drawn.left_out} more hosts" in str(drawn.svg)
    nodes = [one for one in _parse(drawn.svg).iter("rect") if "node" in (one.get("class") or "")]
    assert len(nodes) == MOST_NODES


def test_no_movement_no_picture() -> None:
    assert graph([case for case in sample().cases if case.kind == "finding"]) is None
    assert graph([]) is None
    assert timeline([]) is None
    assert timeline([_move("A", "B", first=None, last=None)]) is None


@pytest.mark.parametrize("text", [*HOSTILE, "A" * 5000, "", "\ud800", "机器" * 30])
def test_any_name_is_only_a_name(text: str) -> None:
    for drawn in (graph([_move(text, "B")]), timeline([_move(text, "B")])):
        assert drawn
        picture = _parse(drawn.svg)
        assert {one.tag for one in picture.iter()} <= _SVG
        assert float(picture.get("width") or 0) < 1200
        assert all(one.isprintable() for one in str(drawn.svg))


def test_pictures_have_a_name_and_say_in_words_what_they_show() -> None:
    for drawn, word in ((graph(sample().cases), "confidence 100"), (timeline(sample().cases), "2020-09-14 12:06:02Z")):
        assert drawn
        picture = _parse(drawn.svg)
        assert picture.get("role") == "img"
        title, description = picture.find("title"), picture.find("desc")
        assert title is not None
        assert description is not None
        assert picture.get("aria-labelledby") == title.get("id")
        assert word in (description.text or "")


def _breaks(*times: datetime) -> list[str]:
    drawn = timeline([_move("A", "B", number, first=time, last=time) for number, time in enumerate(times, 1)])
    assert drawn
    return [one.text or "" for one in _parse(drawn.svg).iter("text") if "quiet" in (one.get("class") or "")]


def test_long_gaps_are_cut_and_say_how_long_they_are() -> None:
    minute, hour, day = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
    assert _breaks(START, START + 5 * minute) == []
    assert _breaks(*(START + hour * i for i in range(12))) == []
    assert _breaks(START, START + minute, START + 30 * day, START + 30 * day + minute) == ["30 d"]
    assert _breaks(START, START + 3 * hour, START + 400 * day) == ["3 h", "13 mo"]


def test_findings_between_many_movements_are_counted_and_do_not_stretch_the_scale() -> None:
    late = START + timedelta(days=1)
    moves = [
        _move("A", "B", number, first=time, last=time)
        for number, time in enumerate([*(START + timedelta(minutes=i) for i in range(9)), late], 1)
    ]
    finding = sample().cases[-1].model_copy(update={"source": "A"})
    noise = [
        finding.model_copy(update={"number": 100 + hour, "first": START + timedelta(hours=hour), "last": None})
        for hour in range(1, 30)
    ]
    drawn = timeline([*moves, *noise])
    assert drawn
    assert "◆ 23" in _texts(_parse(drawn.svg))  # hours 1 to 23; that of hour 24 is at the last movement
    assert drawn.left_out == 5
    assert _breaks(*(case.first for case in moves if case.first)) == ["24 h"]


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (timedelta(minutes=25), "25 min"),
        (timedelta(hours=5), "5 h"),
        (timedelta(days=9), "9 d"),
        (timedelta(days=200), "7 mo"),
        (timedelta(days=4000), "11 y"),
    ],
)
def test_a_gap_is_told_in_a_fitting_unit(gap: timedelta, words: str) -> None:
    assert long(gap) == words


@pytest.mark.parametrize(
    ("span", "pattern"),
    [
        (timedelta(seconds=8), r"\d\d:\d\d:\d\d$"),
        (timedelta(minutes=15), r"\d\d:\d\d$"),
        (timedelta(hours=19), r"\d\d:00$"),
        (timedelta(days=40), r"\d{4}-\d\d-\d\d$"),
        (timedelta(days=9000), r"\d{4}-\d\d-\d\d$"),
    ],
)
def test_the_axis_fits_its_span(span: timedelta, pattern: str) -> None:
    times = [START + span * i / 40 for i in range(41)]
    drawn = timeline([_move("A", "B", number, first=time, last=time) for number, time in enumerate(times, 1)])
    assert drawn
    picture = _parse(drawn.svg)
    bottom = max(float(one.get("y") or 0) for one in picture.iter("text"))
    ticks = [one for one in picture.iter("text") if float(one.get("y") or 0) == bottom]
    assert len(ticks) >= 3
    places = sorted(float(one.get("x") or 0) for one in ticks)
    assert all(re.match(pattern, one.text or "") for one in ticks)
    assert min(b - a for a, b in pairwise(places)) > 60


@pytest.mark.parametrize("year", [1, 1601, 9999])
def test_records_of_any_year_can_be_drawn(year: int) -> None:
    for time in (datetime(year, 1, 1, tzinfo=UTC), datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)):
        assert timeline([_move("A", "B", first=time, last=time), _move("B", "C", 2)])


def test_many_acts_are_bounded() -> None:
    drawn = timeline(sample(3000, 500).cases)
    assert drawn
    assert len(str(drawn.svg)) < 200_000
    assert drawn.left_out > 2000
