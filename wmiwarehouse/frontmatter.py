"""Reads the TOML head of the declarative SQL files, so that a file's facts stay beside the query they describe.

The shape is that of PEP 723: a block of line comments from ``-- /// <kind>`` to ``-- ///``. Line comments and not
``/* */``, because a path such as ``C:\\Windows\\*/`` would end a block comment early. The file as a whole stays plain
SQL that any DuckDB shell runs.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPEN, CLOSE = "-- ///", "-- ///"


class FrontMatterError(ValueError):
    """A declarative file whose head is missing or is no valid TOML; the text names file, line and cause."""


@dataclass(frozen=True)
class Document:
    """One declarative SQL file: ``kind`` is the word behind the opening mark, ``body`` the SQL without the head."""

    path: Path
    kind: str
    head: dict[str, Any]
    body: str


def parse(text: str, path: Path) -> Document:
    """Split *text* of *path* into head and SQL; raises :class:`FrontMatterError` where there is no valid head."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith(OPEN) and line != CLOSE), None)
    if start is None:
        raise FrontMatterError(f"{path}: no front matter: expected a line '-- /// <kind>'")
    end = next((i for i in range(start + 1, len(lines)) if lines[i].rstrip() == CLOSE), None)
    if end is None:
        raise FrontMatterError(f"{path}:{start + 1}: front matter is not closed by a line '-- ///'")
    for i in range(start + 1, end):
        if not lines[i].startswith("--"):
            raise FrontMatterError(f"{path}:{i + 1}: front matter lines start with '--'")
    toml = "\n" * (start + 1) + "\n".join(
        line[3:] if line.startswith("-- ") else line[2:] for line in lines[start + 1 : end]
    )
    try:
        head = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise FrontMatterError(f"{path}: front matter: {error}") from None
    return Document(path, lines[start][len(OPEN) :].strip(), head, "\n".join(lines[end + 1 :]).strip() + "\n")


def read(path: Path) -> Document:
    """Read and parse *path* (UTF-8)."""
    return parse(path.read_text(encoding="utf-8"), path)
