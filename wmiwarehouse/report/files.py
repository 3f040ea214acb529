"""Where a report goes: which format a suffix stands for, what lies in a folder, and files that appear as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from wmiwarehouse.output import streams
from wmiwarehouse.output.streams import OutputError

if TYPE_CHECKING:
    from wmiwarehouse.report.model import Report


class Format(StrEnum):
    """The values of ``--format``."""

    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"
    NAVIGATOR = "navigator"
    TIMESKETCH = "timesketch"
    CSV = "csv"
    XLSX = "xlsx"


SUFFIXES = {
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".md": Format.MARKDOWN,
    ".json": Format.JSON,
    ".jsonl": Format.TIMESKETCH,
    ".xlsx": Format.XLSX,
}
#: What each format is called in a folder; CSV is a folder of its own.
NAMES = {
    Format.HTML: "report.html",
    Format.MARKDOWN: "report.md",
    Format.JSON: "report.json",
    Format.NAVIGATOR: "navigator.json",
    Format.TIMESKETCH: "timesketch.jsonl",
    Format.CSV: "csv",
    Format.XLSX: "report.xlsx",
}
#: What a folder gets if nothing else is asked for.
WHOLE = (Format.HTML, Format.MARKDOWN, Format.JSON)


@dataclass(frozen=True)
class Target:
    """One format and where it goes."""

    format: Format
    path: Path


def targets(output: str, fmt: Format | None, *, force: bool) -> list[Target]:
    """Return what ``-o`` *output* asks for; raises :class:`OutputError` for what cannot be written, before any work."""
    path = Path(output)
    separators = tuple(filter(None, (os.sep, os.altsep)))
    if fmt is Format.CSV:
        found = [Target(fmt, path)]
    elif path.is_dir() or output.endswith(separators):
        found = [Target(one, path / NAMES[one]) for one in ((fmt,) if fmt else WHOLE)]
    else:
        found = [Target(fmt or _format_of(path), path)]
    for one in found:
        # Of the tables of CSV, the first stands for all: the rest is checked when it is known which there are.
        there = one.path / "report.csv" if one.format is Format.CSV else one.path
        if there.exists() and not force:
            raise OutputError(f"{there} exists; --force overwrites it")
        if one.path.is_dir() and one.format is not Format.CSV:
            raise OutputError(f"{one.path} is a folder")
        folder = path if one.path != path else path.parent
        if not folder.is_dir() and not (folder == path and path.parent.is_dir() and not path.exists()):
            raise OutputError(f"{output}: the folder {folder} does not exist")
    return found


def write(report: Report, target: Target, *, force: bool) -> list[Path]:
    """Write *report* as *target* says and return the files; each appears as a whole or not at all."""
    from wmiwarehouse.report import tables

    if target.format is Format.CSV:
        return tables.write_csv(report, target.path, force=force)
    target.path.parent.mkdir(exist_ok=True)
    with streams.whole_file(target.path, force=force) as aside:
        if target.format is Format.XLSX:
            tables.write_xlsx(report, aside)
        else:
            with aside.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
                file.writelines(text(report, target.format))
    return [target.path]


def text(report: Report, fmt: Format) -> Iterable[str]:
    """Return *report* in a format that is one text; raises :class:`OutputError` for the others."""
    match fmt:
        case Format.HTML:
            from wmiwarehouse.report import html

            return [html.render(report)]
        case Format.MARKDOWN:
            from wmiwarehouse.report import markdown

            return [markdown.render(report)]
        case Format.JSON:
            from wmiwarehouse.report import handover

            return [handover.dump(report).decode()]
        case Format.NAVIGATOR:
            from wmiwarehouse.report import navigator

            return [navigator.render(report)]
        case Format.TIMESKETCH:
            from wmiwarehouse.report import timesketch

            return _lines(timesketch.render(report))
        case _:
            raise OutputError(f"{fmt} is for files; name one: -o {NAMES[fmt]}")


def _lines(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n"


def _format_of(path: Path) -> Format:
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise OutputError(
            f"{path}: the suffix names no format; use {', '.join(SUFFIXES)}, a folder ({path}{os.sep}), or --format"
        )
    return found
