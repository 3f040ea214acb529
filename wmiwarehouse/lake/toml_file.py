"""Reads a TOML file of a user's, bounded; what is wrong with it is said with its line."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from wmiwarehouse.errors import UsageError
from wmiwarehouse.lake.setting_errors import one_line

_LIMIT = 1 << 20


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of the file *path* and what it says; raises :class:`UsageError` if it is none."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"{path}: is not a file")
        with path.open("rb") as stream:
            content = stream.read(_LIMIT + 1)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(content) > _LIMIT:
        raise UsageError(f"{path}: is larger than 1 MB, which no such file is")
    try:
        # The parser takes a line feed for the end of a line, with or without the carriage return of Windows.
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}, line {line}: is not UTF-8: {error.reason}") from None
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(_not_toml(path, text, str(error))) from None
    except (ValueError, RecursionError) as error:
        cause = "is nested too deep" if isinstance(error, RecursionError) else f"is no TOML: {one_line(str(error))}"
        raise UsageError(f"{path}: {cause}") from None


def _not_toml(path: Path, text: str, message: str) -> str:
    place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    line = int(place[1]) if place and place[1] else text.count("\n") + (not text.endswith("\n"))
    cause = message[: place.start()] if place else message
    return f"{path}, line {line}: is no TOML: {one_line(cause)}"
