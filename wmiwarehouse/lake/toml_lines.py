"""Tells on which line of a TOML text a value stands, which the standard library's parser keeps to itself.

A message about a wrong setting is only useful if it leads to the line. The text has been parsed already, so this walks
over what is known to be valid TOML and judges nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

Path = tuple[str | int, ...]

_BLANK = " \t\r\n"
_BARE_END = " \t\r\n.=]"
_SCALAR_END = ",]}\r\n#"


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Return the line, from 1, of the value at *path* (keys and list positions) in the valid TOML *text*.

    Where *path* itself does not stand there (a missing key), the line of the nearest thing around it.
    """
    found = _Walk(text).lines()
    for length in range(len(path), 0, -1):
        if (line := found.get(tuple(path[:length]))) is not None:
            return line
    return 1


def lines_in(text: str) -> dict[Path, int]:
    """Return the line of everything in the valid TOML *text*, for who asks for many of them."""
    return _Walk(text).lines()


class _Walk:
    """One pass over a text; every method begins at ``_at`` and leaves it behind what it read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted, self._line = 0, 1
        self._found: dict[Path, int] = {}

    def lines(self) -> dict[Path, int]:
        table: Path = ()
        lists: dict[Path, int] = {}
        while self._skip():
            if self._peek() != "[":
                self._pair(table)
                continue
            start = self._at
            in_list = self._text.startswith("[[", self._at)
            self._at += 2 if in_list else 1
            table = _within(self._keys(), lists)
            if in_list:
                lists[table] = lists.get(table, -1) + 1
                table = (*table, lists[table])
            self._at = self._text.index("]", self._at) + (2 if in_list else 1)
            self._note(table, start)
        return self._found

    def _pair(self, table: Path) -> None:
        start = self._at
        path = table + self._keys()
        for length in range(len(table) + 1, len(path) + 1):
            self._note(path[:length], start)
        self._at = self._text.index("=", self._at) + 1
        self._skip()
        self._value(path)

    def _keys(self) -> Path:
        keys: list[str] = []
        while True:
            self._skip()
            start = self._at
            if self._peek() in "\"'":
                self._string()
                keys.append(tomllib.loads(f"key = {self._text[start : self._at]}")["key"])
            else:
                while self._peek() not in _BARE_END:
                    self._at += 1
                keys.append(self._text[start : self._at])
            self._skip()
            if self._peek() != ".":
                return tuple(keys)
            self._at += 1

    def _value(self, path: Path) -> None:
        match self._peek():
            case "[":
                self._at += 1
                position = 0
                while self._skip() and self._peek() != "]":
                    self._note((*path, position), self._at)
                    self._value((*path, position))
                    position += 1
                    self._comma()
                self._at += 1
            case "{":
                self._at += 1
                while self._skip() and self._peek() != "}":
                    self._pair(path)
                    self._comma()
                self._at += 1
            case '"' | "'":
                self._string()
            case _:
                while self._at < len(self._text) and self._peek() not in _SCALAR_END:
                    self._at += 1

    def _string(self) -> None:
        mark = self._peek()
        long = self._text.startswith(mark * 3, self._at)
        self._at += 3 if long else 1
        while not self._text.startswith(mark * (3 if long else 1), self._at):
            self._at += 2 if self._peek() == "\\" and mark == '"' else 1
        self._at += 3 if long else 1
        while long and self._peek() == mark:  # one or two quotes may stand right before the closing three
            self._at += 1

    def _comma(self) -> None:
        if self._skip() and self._peek() == ",":
            self._at += 1

    def _skip(self) -> bool:
        """Pass over blanks and comments; whether anything is left."""
        while self._at < len(self._text):
            if self._peek() == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif self._peek() in _BLANK:
                self._at += 1
            else:
                return True
        return False

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1] or "\n"

    def _note(self, path: Path, position: int) -> None:
        # Positions come in order, so each stretch of the text is counted once.
        if position > self._counted:
            self._line += self._text.count("\n", self._counted, position)
            self._counted = position
        self._found.setdefault(path, self._line)


def _within(keys: Path, lists: dict[Path, int]) -> Path:
    """Return the path of the header *keys*: below a list of tables its last one is meant."""
    path: Path = ()
    for number, key in enumerate(keys, 1):
        path = (*path, key)
        if number < len(keys) and path in lists:
            path = (*path, lists[path])
    return path
