"""Writes SVG for inlining into HTML: escaped text, short numbers, and a guess at how wide a text is drawn.

Colours come from the page's stylesheet by class, so that one picture serves the light theme, the dark one and print.
Style attributes would be refused by the page's own content security policy; presentation attributes are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from markupsafe import Markup, escape

from wmiwarehouse.output.escape import visible
from wmiwarehouse.output.measure import cut, width

#: Of the monospaced font that the stylesheet gives to names: 12 units high, a little more than 0.6 of that wide.
CHARACTER = 7.3


class Box(NamedTuple):
    """A rectangle that a label takes."""

    x: float
    y: float
    width: float
    height: float

    def hits(self, other: Box) -> bool:
        """Whether the two share any area."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


def number(value: float) -> str:
    """Return *value* with at most one decimal: the same on every machine, and short."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def element(tag: str, content: str | Markup = "", /, **attributes: object) -> Markup:
    """Return an element; ``class_`` and ``stroke_width`` stand for ``class`` and ``stroke-width``."""
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(number(value) if isinstance(value, float) else value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{given}>{escape(content)}</{tag}>")  # noqa: S704 - both parts are escaped


def label(text: str, room: int) -> str:
    """Return logged *text* as a picture shows it: nothing hidden in it, in at most *room* cells."""
    return cut(visible(text), room)


def text_width(text: str) -> float:
    """Return about how wide *text* is drawn."""
    return width(text) * CHARACTER


def first_free(candidates: Iterable[Box], taken: list[Box]) -> Box | None:
    """Return the first of *candidates* that hits none of *taken*, and take it; None if all do."""
    for candidate in candidates:
        if not any(candidate.hits(other) for other in taken):
            taken.append(candidate)
            return candidate
    return None


def picture(name: str, size: tuple[float, float], title: str, description: str, parts: Iterable[Markup]) -> Markup:
    """Return a whole picture with a name and a description for those who can't see it."""
    wide, high = (number(value) for value in size)
    body = Markup().join(
        [
            element("title", title, id=f"{name}-title"),
            element("desc", description, id=f"{name}-desc"),
            *parts,
        ]
    )
    return element(
        "svg",
        body,
        class_="picture",
        role="img",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-desc",
        viewBox=f"0 0 {wide} {high}",
        width=wide,
        height=high,
    )
