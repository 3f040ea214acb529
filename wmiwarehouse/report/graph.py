"""Draws who moved where: hosts from left to right in the order in which the movements reached them.

No library and no randomness: the same movements give the same picture. A host stands one column right of the host
from which it was first reached; movements between the same two hosts share one arrow with the numbers of their cases.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from wmiwarehouse.report.model import Case
from wmiwarehouse.report.svg import Box, element, first_free, label, number, picture, text_width

#: More than that many nodes are no picture any more; the others are told by their number.
MOST_NODES = 40
#: Wider than this, and the picture wants the page's whole width.
NARROW = 470.0

_UNKNOWN = "unknown"
_NAME = 26
_LEAST_HEIGHT, _BETWEEN, _PORT, _MARGIN, _ARROW = 34.0, 24.0, 10.0, 10.0, 9.0
#: With more arrows than that, labels bear only numbers, lines are thinner, and columns stand as far apart as they may.
_CALM = 12
_WIDEST = 1160.0
_LABEL_HEIGHT = 17.0
#: Where along an arrow its label may stand, best first.
_PLACES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73, 0.2, 0.8)
_SURE = (70, 40)


@dataclass
class _Node:
    name: str
    column: int
    row: float = 0.0
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = _LEAST_HEIGHT

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def is_address(self) -> bool:
        try:
            ipaddress.ip_address(self.name)
        except ValueError:
            return False
        return True

    @property
    def shown(self) -> str:
        return label(self.name, _NAME)


@dataclass
class _Edge:
    source: _Node
    target: _Node
    cases: list[Case] = field(default_factory=list)

    @property
    def confidence(self) -> int:
        return max(case.confidence or 0 for case in self.cases)

    @property
    def is_half(self) -> bool:
        return all(case.side_without_logs for case in self.cases)

    @property
    def numbers(self) -> str:
        shown = ", ".join(str(number) for number in sorted(case.number for case in self.cases)[:3])
        return shown if len(self.cases) <= 3 else f"{shown} +{len(self.cases) - 3}"

    def shown(self, *, is_calm: bool) -> str:
        return f"{self.numbers} · {self.confidence}" if is_calm else self.numbers

    @property
    def leaves_right(self) -> bool:
        return self.target.column >= self.source.column

    @property
    def arrives_right(self) -> bool:
        return self.target.column <= self.source.column


@dataclass(frozen=True)
class Graph:
    """The picture, and what it leaves out."""

    svg: Markup
    is_wide: bool
    left_out: int
    """Hosts and addresses that would have been too many."""


def movements(cases: Iterable[Case]) -> list[Case]:
    """Return the lateral movements among *cases* in the order of their time."""
    found = [case for case in cases if case.kind == "lateral movement"]
    return sorted(found, key=lambda case: (case.first is None, case.first, case.number))


def graph(cases: Iterable[Case]) -> Graph | None:
    """Return the picture of the movements among *cases*; None without any."""
    nodes, edges, left_out = _read(movements(cases))
    if not edges:
        return None
    is_calm = len(edges) <= _CALM
    columns = _columns(list(nodes.values()), edges)
    sides = _sides(edges)
    for (name, _), entries in sides.items():
        nodes[name].height = max(nodes[name].height, len(entries) * _PORT + 8)
    gap = max(96.0, *(text_width(edge.shown(is_calm=is_calm)) + 52 for edge in edges))
    bends = any(edge.source.column == edge.target.column == len(columns) - 1 for edge in edges)
    size = _place(columns, gap, 0.75 * _reach(is_calm=is_calm) if bends else 0.0, is_calm=is_calm)
    taken = [Box(node.x, node.y, node.width, node.height) for node in nodes.values()]
    ends = _ports(edges, sides)
    drawn = [_draw(edge, *ends[index], size[0], taken, is_calm=is_calm) for index, edge in enumerate(edges)]
    parts = [line for line, _ in drawn]
    parts += [_draw_node(node) for node in nodes.values()]
    parts += [text for _, text in drawn]
    title = "Movements between hosts"
    return Graph(picture("graph", size, title, _words(edges, left_out), parts), size[0] > NARROW, left_out)


def _read(cases: Sequence[Case]) -> tuple[dict[str, _Node], list[_Edge], int]:
    nodes: dict[str, _Node] = {}
    edges: dict[tuple[str, str], _Edge] = {}
    left_out: set[str] = set()
    for case in cases:
        names = (case.source or _UNKNOWN, case.target or _UNKNOWN)
        fresh = [name for name in dict.fromkeys(names) if name not in nodes]
        if len(nodes) + len(fresh) > MOST_NODES:
            left_out.update(fresh)
            continue
        source = nodes.setdefault(names[0], _Node(names[0], 0))
        target = nodes.setdefault(names[1], _Node(names[1], source.column + 1))
        edges.setdefault(names, _Edge(source, target)).cases.append(case)
    return nodes, list(edges.values()), len(left_out)


def _columns(nodes: Sequence[_Node], edges: Sequence[_Edge]) -> list[list[_Node]]:
    """Return the columns, each ordered so that a node stands near those which lead to it."""
    columns: list[list[_Node]] = [[] for _ in range(max(node.column for node in nodes) + 1)]
    for node in nodes:
        columns[node.column].append(node)
    for column in columns:
        for index, node in enumerate(column):
            node.row = float(index)
    for column in columns[1:]:
        wanted = {id(node): _middle(node, edges) for node in column}
        column.sort(key=lambda node: (wanted[id(node)], node.row))
        for index, node in enumerate(column):
            node.row = float(index)
    return columns


def _middle(node: _Node, edges: Sequence[_Edge]) -> float:
    rows = [edge.source.row for edge in edges if edge.target is node and edge.source.column < node.column]
    return sum(rows) / len(rows) if rows else node.row


def _place(columns: Sequence[Sequence[_Node]], gap: float, right: float, *, is_calm: bool) -> tuple[float, float]:
    """Give each node its place; return the size of the whole."""
    widths = [max(text_width(node.shown) for node in column) + 26 for column in columns]
    heights = [sum(node.height + _BETWEEN for node in column) - _BETWEEN for column in columns]
    if not is_calm and len(columns) > 1:
        room = (_WIDEST - sum(widths) - right - 2 * _MARGIN) / (len(columns) - 1)
        gap = min(max(gap, room), 300.0)
    x = _MARGIN
    for column, wide, high in zip(columns, widths, heights, strict=True):
        y = _MARGIN + (max(heights) - high) / 2
        for node in column:
            node.x, node.width, node.y = x, wide, y
            y += node.height + _BETWEEN
        x += wide + gap
    return x - gap + _MARGIN + right, 2 * _MARGIN + max(heights)


def _sides(edges: Sequence[_Edge]) -> dict[tuple[str, bool], list[tuple[int, bool]]]:
    """Return for each side of a node (the right one or not) the arrows there, and whether they leave."""
    sides: dict[tuple[str, bool], list[tuple[int, bool]]] = {}
    for index, edge in enumerate(edges):
        sides.setdefault((edge.source.name, edge.leaves_right), []).append((index, True))
        sides.setdefault((edge.target.name, edge.arrives_right), []).append((index, False))
    return sides


def _ports(edges: Sequence[_Edge], sides: dict[tuple[str, bool], list[tuple[int, bool]]]) -> list[tuple[float, float]]:
    """Return for each arrow at which height it leaves and arrives: those of one side of a node stand apart."""
    ends = [[0.0, 0.0] for _ in edges]

    def other(entry: tuple[int, bool]) -> tuple[float, int, bool]:
        index, leaves = entry
        return (edges[index].target if leaves else edges[index].source).middle, index, leaves

    for entries in sides.values():
        for place, (index, leaves) in enumerate(sorted(entries, key=other)):
            node = edges[index].source if leaves else edges[index].target
            ends[index][0 if leaves else 1] = node.middle + (place - (len(entries) - 1) / 2) * _PORT
    return [(start, end) for start, end in ends]


def _reach(*, is_calm: bool) -> float:
    """How far an arrow within one column bends away from it, at most."""
    return 70.0 if is_calm else 150.0


def _draw(edge: _Edge, y1: float, y2: float, width: float, taken: list[Box], *, is_calm: bool) -> tuple[Markup, Markup]:
    source, target = edge.source, edge.target
    if target.column > source.column:
        x1, x2, head = source.x + source.width, target.x, -1
    elif target.column < source.column:
        x1, x2, head = source.x, target.x + target.width, 1
    else:
        x1, x2, head = source.x + source.width, target.x + target.width, 1
    tip = x2 + head * _ARROW
    if target.column == source.column:
        reach = min(30 + abs(y2 - y1) / 4, _reach(is_calm=is_calm))
        c1, c2 = x1 + reach, tip + reach
    else:
        bend = (tip - x1) / 2
        c1, c2 = x1 + bend, tip - bend
    points = ((x1, y1), (c1, y1), (c2, y2), (tip, y2))
    start, *rest = (f"{number(x)} {number(y)}" for x, y in points)
    sure = "sure" if edge.confidence >= _SURE[0] else "likely" if edge.confidence >= _SURE[1] else "doubtful"
    line = element(
        "path",
        d=f"M{start} C{' '.join(rest)}",
        class_=f"edge {sure}",
        stroke_width=1 + edge.confidence / (40 if is_calm else 100),
        stroke_dasharray="6 4" if edge.is_half else None,
    )
    corners = f"{number(x2)},{number(y2)} {number(tip)},{number(y2 - 4.5)} {number(tip)},{number(y2 + 4.5)}"
    arrow = element("polygon", points=corners, class_=f"head {sure}")
    return line + arrow, _draw_label(edge.shown(is_calm=is_calm), points, width, taken)


def _draw_label(text: str, points: Sequence[tuple[float, float]], width: float, taken: list[Box]) -> Markup:
    wide = text_width(text) * 0.9 + 8

    def at(place: float) -> Box:
        x, y = _on_curve(points, place)
        return Box(min(max(x - wide / 2, 0.0), width - wide), y - _LABEL_HEIGHT / 2, wide, _LABEL_HEIGHT)

    box = first_free((at(place) for place in _PLACES), taken) or at(_PLACES[0])
    back = element("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=3, class_="paper")
    return back + element("text", text, x=box.x + wide / 2, y=box.y + 12.5, class_="small middle")


def _on_curve(points: Sequence[tuple[float, float]], t: float) -> tuple[float, float]:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    return (
        sum(weight * x for weight, (x, _) in zip(weights, points, strict=True)),
        sum(weight * y for weight, (_, y) in zip(weights, points, strict=True)),
    )


def _draw_node(node: _Node) -> Markup:
    kind = "node address" if node.is_address else "node"
    round_ = _LEAST_HEIGHT / 2 if node.is_address else 3.0
    box = element("rect", x=node.x, y=node.y, width=node.width, height=node.height, rx=round_, class_=kind)
    text = element("text", node.shown, x=node.x + node.width / 2, y=node.middle + 4.5, class_="middle name")
    return box + text


def _words(edges: Sequence[_Edge], left_out: int) -> str:
    told = [
        f"{edge.source.shown} to {edge.target.shown}: {'case' if len(edge.cases) == 1 else 'cases'} {edge.numbers}, "
        f"confidence {edge.confidence}{', one side without logs' if edge.is_half else ''}."
        for edge in edges
    ]
    if left_out:
        told.append(f"{left_out} more hosts and addresses are not drawn.")
    return " ".join(told)
