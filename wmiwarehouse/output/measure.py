"""Measures, cuts and wraps text in terminal cells, where a Chinese character takes two and an accent none."""

from __future__ import annotations

ELLIPSIS = "…"


def width(text: str) -> int:
    """Return how many cells *text* takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _fitting(text: str, room: int, start: int = 0) -> int:
    """Return where the characters of *text* from *start* on stop to fit into *room* cells."""
    if text.isascii():
        return min(len(text), start + room)
    from rich.cells import get_character_cell_size

    used = 0
    for index in range(start, len(text)):
        used += get_character_cell_size(text[index])
        if used > room:
            return index
    return len(text)


def cut(text: str, room: int) -> str:
    """Return *text* in at most *room* cells, cut in the middle.

    Two thirds of what stays are the start of a command, but the end of a path, where the file's name is.
    """
    if width(text) <= room:
        return text
    start = (room - 1) * (2 if " " in text else 1) // 3
    head = text[: _fitting(text, start)]
    rest = text[::-1]
    tail = rest[: _fitting(rest, room - 1 - width(head))][::-1]
    return f"{head}{ELLIPSIS}{tail}"


def pad(text: str, room: int, *, to_right: bool = False) -> str:
    """Return *text* filled with blanks to *room* cells."""
    blanks = " " * (room - width(text))
    return blanks + text if to_right else text + blanks


def wrap(text: str, room: int) -> list[str]:
    """Return *text* in lines of at most *room* cells, broken behind a blank where one stands in the last third."""
    lines: list[str] = []
    start = 0
    # By position: a rest that is copied for each line makes a word of some megabytes last for minutes.
    while (end := max(_fitting(text, room, start), start + 1)) < len(text):
        blank = text.rfind(" ", start + (end - start) * 2 // 3, end)
        end = blank + 1 if blank > start else end
        lines.append(text[start:end])
        start = end
    return [*lines, text[start:]]
