"""Draws when it happened: a lane for each host, arrows for movements, marks for findings, over one axis of time.

Acts of one hunt may lie seconds or years apart. Long gaps are cut out and marked, with how long they are; what is left
are stretches of time, each with a scale of its own that fits it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from markupsafe import Markup

from wmiwarehouse.report.graph import movements
from wmiwarehouse.report.model import Case
from wmiwarehouse.report.svg import Box, element, first_free, label, number, picture, text_width

#: Lanes; the hosts beyond are told by their number.
MOST_LANES = 24
#: Acts drawn: a browser shows that many at once.
MOST_ACTS = 400

_WIDTH, _LANE, _TOP, _BREAK, _LEAST = 1080.0, 34.0, 40.0, 46.0, 96.0
_NAME = 24
#: Room for the label of a tick.
_TICK = 76.0
_MOST_TICKS = 200
#: Of so many movements the scale is theirs alone: findings of every hour would press them together.
_MANY = 10
#: A gap is cut out if it is this share of what is not yet cut out.
_SHARE = 0.15
_MOST_GAPS = 7
_SHORTEST_GAP = timedelta(minutes=20)
_STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (
        *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200),
        *(days * 86400 for days in (1, 2, 7, 14, 30, 90, 180, 365, 730, 1825, 3650, 36_500, 365_000)),
    )
)
_FIRST = datetime(1601, 1, 1, tzinfo=UTC)
"""Windows' own zero: steps are counted from it, so that they fall on whole minutes, hours and days."""


@dataclass
class _Stretch:
    first: datetime
    last: datetime
    day: datetime
    """Of its first act; ``first`` has some room before that."""
    x: float = 0.0
    width: float = 0.0

    @property
    def span(self) -> timedelta:
        return self.last - self.first

    def holds(self, time: datetime) -> bool:
        return self.first <= time <= self.last

    def at(self, time: datetime) -> float:
        return self.x + (time - self.first) / self.span * self.width


@dataclass(frozen=True)
class Timeline:
    """The picture, and what it leaves out."""

    svg: Markup
    left_out: int
    """Acts without a time, of hosts beyond the lanes, or beyond the number that can be drawn."""


def timeline(cases: Iterable[Case]) -> Timeline | None:
    """Return the picture of *cases* over time; None if none of them has a time."""
    every = list(cases)
    moves = [case for case in movements(every) if case.first]
    findings = sorted((case for case in every if case.kind == "finding" and case.first), key=_by_time)
    if not moves and not findings:
        return None
    scale = moves if len(moves) >= _MANY else sorted((*moves, *findings), key=_by_time)
    stretches = _stretches(scale)
    near = [case for case in findings if any(stretch.holds(_ends(case)[0]) for stretch in stretches)]
    lanes = _lanes(moves, near)
    shown = [case for case in (*moves, *near) if all(name in lanes for name in _hosts(case))][:MOST_ACTS]
    shown.sort(key=_by_time)
    gaps = [
        sum(before.last < _ends(case)[0] < after.first for case in findings) for before, after in pairwise(stretches)
    ]
    used = {name for case in shown for name in _hosts(case)}
    lanes = {name: index for index, name in enumerate(name for name in lanes if name in used)}
    left = max(text_width(label(name, _NAME)) for name in lanes) + 18
    _scale(stretches, shown, left)
    bottom = _TOP + len(lanes) * _LANE
    parts = [_draw_lane(name, index, left) for name, index in lanes.items()]
    parts += [part for stretch in stretches for part in _axis(stretch, bottom)]
    parts += [_draw_break(one, two, bottom, count) for (one, two), count in zip(pairwise(stretches), gaps, strict=True)]
    taken: list[Box] = []
    parts += [part for case in shown for part in _draw_act(case, lanes, stretches, taken)]
    words = _words(shown, stretches)
    svg = picture("timeline", (_WIDTH, bottom + (46 if any(gaps) else 30)), "Acts over time (UTC)", words, parts)
    return Timeline(svg, len(every) - len(shown) - sum(gaps))


def _by_time(case: Case) -> tuple[datetime, int]:
    return _ends(case)[0], case.number


def _hosts(case: Case) -> list[str]:
    return [name for name in (case.source, case.target) if name] or ["unknown"]


def _lanes(moves: Sequence[Case], findings: Sequence[Case]) -> dict[str, int]:
    """Return the lanes from above: hosts of movements in the order in which they come up, then those of findings."""
    names = dict.fromkeys(name for case in (*moves, *findings) for name in _hosts(case))
    return {name: index for index, name in enumerate(list(names)[:MOST_LANES])}


def _ends(case: Case) -> tuple[datetime, datetime]:
    first = case.first or _FIRST
    return first, max(case.last or first, first)


def _stretches(cases: Sequence[Case]) -> list[_Stretch]:
    """Return the stretches of time between the gaps that are worth cutting out."""
    gaps: list[tuple[timedelta, datetime, datetime]] = []
    start, end = _ends(cases[0])
    for case in cases[1:]:
        first, last = _ends(case)
        if first > end:
            gaps.append((first - end, end, first))
        end = max(end, last)
    left, cuts = end - start, []
    for gap in sorted(gaps, key=lambda gap: (-gap[0], gap[1]))[:_MOST_GAPS]:
        if gap[0] < max(_SHORTEST_GAP, left * _SHARE):
            break
        cuts.append(gap)
        left -= gap[0]
    stretches = []
    for _, before, after in sorted(cuts, key=lambda gap: gap[1]):
        stretches.append(_Stretch(start, before, start))
        start = after
    stretches.append(_Stretch(start, end, start))
    return stretches


def _scale(stretches: Sequence[_Stretch], cases: Sequence[Case], left: float) -> None:
    """Give each stretch its share of the width, by its acts, and some room at its ends."""
    counts = [sum(s.first <= _ends(case)[0] <= s.last for case in cases) for s in stretches]
    room = _WIDTH - left - 16 - _BREAK * (len(stretches) - 1) - _LEAST * len(stretches)
    x = left
    for stretch, count in zip(stretches, counts, strict=True):
        stretch.x, stretch.width = x, _LEAST + max(room, 0.0) * count / sum(counts)
        x += stretch.width + _BREAK
        pad = max(stretch.span * 0.06, timedelta(seconds=1))
        stretch.first, stretch.last = _moved(stretch.first, -pad), _moved(stretch.last, pad)


def _moved(time: datetime, by: timedelta) -> datetime:
    try:
        return time + by
    except OverflowError:  # a record may claim to be of year 1 or 9999
        return time


def _draw_lane(name: str, index: int, left: float) -> Markup:
    y = _TOP + (index + 0.5) * _LANE
    text = element("text", label(name, _NAME), x=left - 14, y=y + 4, class_="end name")
    return text + element("line", x1=left - 6, x2=_WIDTH - 8, y1=y, y2=y, class_="lane")


def _axis(stretch: _Stretch, bottom: float) -> list[Markup]:
    """Return the day above a stretch and its ticks beneath."""
    parts = [element("text", f"{stretch.day:%Y-%m-%d}", x=stretch.x, y=14, class_="small strong")]
    times, step = _ticks(stretch)
    for time in times:
        x = stretch.at(time)
        parts.append(element("line", x1=x, x2=x, y1=24, y2=bottom, class_="tick"))
        parts.append(element("text", _tick(time, step), x=x, y=bottom + 15, class_="small middle"))
    return parts


def _ticks(stretch: _Stretch) -> tuple[list[datetime], timedelta]:
    """Return round times whose labels fit side by side; one at least, unless the stretch is shorter than a second."""
    fitting = [step for step in _STEPS if step / stretch.span * stretch.width >= _TICK] or [_STEPS[-1]]
    smaller = [step for step in reversed(_STEPS) if step < fitting[0]]
    times: list[datetime] = []
    for step in (fitting[0], *smaller):
        time = _FIRST + -(-(stretch.first - _FIRST) // step) * step
        while time <= stretch.last and len(times) < _MOST_TICKS:
            x = stretch.at(time)
            if stretch.x + _TICK / 4 <= x <= stretch.x + stretch.width - _TICK / 4:
                times.append(time)
            later = _moved(time, step)
            if later == time:
                break
            time = later
        if times:
            return (times if step == fitting[0] else times[len(times) // 2 :][:1]), step
    return [], fitting[0]


def _tick(time: datetime, step: timedelta) -> str:
    if step >= timedelta(days=1):
        return f"{time:%Y-%m-%d}"
    return f"{time:%H:%M:%S}" if step < timedelta(minutes=1) else f"{time:%H:%M}"


def _draw_break(before: _Stretch, after: _Stretch, bottom: float, findings: int) -> Markup:
    x = before.x + before.width + _BREAK / 2
    slant = f"M{number(x - 7)} {number(bottom + 4)} l6 -{number(bottom - 20)} M{number(x + 1)} {number(bottom + 4)}"
    band = element("rect", x=x - 9, y=20.0, width=18.0, height=bottom - 14, class_="paper")
    lines = element("path", d=f"{slant} l6 -{number(bottom - 20)}", class_="break")
    text = element("text", long(after.first - before.last), x=x, y=bottom + 27, class_="small middle quiet")
    if findings:
        text += element("text", f"◆ {findings}", x=x, y=bottom + 41, class_="small middle")
    return band + lines + text


def long(gap: timedelta) -> str:
    """Return *gap* in the largest unit that says something: ``18 h``, ``12 d``, ``3 mo``, ``2 y``."""
    seconds = gap.total_seconds()
    for unit, size in (("y", 31_557_600), ("mo", 2_629_800), ("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (unit == "min"):
            return f"{seconds / size:.0f} {unit}"
    return ""


def _draw_act(case: Case, lanes: dict[str, int], stretches: Sequence[_Stretch], taken: list[Box]) -> Iterable[Markup]:
    first, last = _ends(case)
    stretch = next((s for s in stretches if s.first <= first <= s.last), stretches[-1])
    x = stretch.at(first)
    ys = [_TOP + (lanes[name] + 0.5) * _LANE for name in _hosts(case)]
    y1, y2 = ys[0], ys[-1]
    if case.kind == "finding" or len(ys) == 1:
        corners = f"{number(x)},{number(y1 - 5)} {number(x + 5)},{number(y1)} {number(x)},{number(y1 + 5)}"
        yield element("polygon", points=f"{corners} {number(x - 5)},{number(y1)}", class_="mark")
        return
    up = -1 if y2 < y1 else 1
    width = max(4.0, stretch.at(min(last, stretch.last)) - x)
    dashes = "5 4" if case.side_without_logs else None
    yield element("line", x1=x, x2=x, y1=y1, y2=y2 - up * 8, class_="edge", stroke_width=2, stroke_dasharray=dashes)
    yield element("circle", cx=x, cy=y1, r=3.5, class_="head")
    neck = number(y2 - up * 10)
    corners = f"{number(x)},{number(y2 - up)} {number(x - 4.5)},{neck} {number(x + 4.5)},{neck}"
    yield element("polygon", points=corners, class_="head")
    yield element("rect", x=x - 2, y=y2 - 2, width=width, height=4.0, class_="span")
    text = str(case.number)
    wide = text_width(text) * 0.9 + 5
    middle = (y1 + y2) / 2
    places = (
        middle + shift * up for shift in (0, 15, -15, 30, -30, 45, -45, 60, -60) if abs(shift) <= abs(y2 - y1) / 2
    )
    box = first_free((Box(x + 3, y - 7, wide, 14) for y in places), taken)
    if box:
        yield element("text", text, x=box.x + 1, y=box.y + 11, class_="small halo")


def _words(shown: Sequence[Case], stretches: Sequence[_Stretch]) -> str:
    moves = [case for case in shown if case.kind == "lateral movement"]
    told = [
        f"{len(moves)} movements and {len(shown) - len(moves)} further findings in {len(stretches)} stretches of time."
    ]
    for case in moves[:MOST_LANES]:
        names = " to ".join(label(name, _NAME) for name in _hosts(case))
        told.append(f"Case {case.number}: {_ends(case)[0]:%Y-%m-%d %H:%M:%S}Z, {names}.")
    if len(moves) > MOST_LANES:
        told.append(f"{len(moves) - MOST_LANES} more: see the cases.")
    return " ".join(told)
