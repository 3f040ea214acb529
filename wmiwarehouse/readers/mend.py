"""Mends JSON that a strict parser refuses and a person would read: half a character, a raw control character.

Exporters cut texts in the middle of a character and write tabs as they are; that must not cost a record.
"""

from __future__ import annotations

import re

# One look at each escape, so that the second backslash of a pair is never taken for the beginning of one.
_ESCAPE = re.compile(
    r"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_CONTROL = re.compile(r"[\0-\x1f]")


def mended(text: str) -> tuple[str, str]:
    """Return *text* as a strict parser may take it, and what was changed; nothing is where nothing can be mended."""
    said = []
    whole = _ESCAPE.sub(lambda match: "\\ufffd" if match[2] else match[0], text)
    if whole != text:
        said.append("half of a character (a lone surrogate), replaced")
    if _CONTROL.search(whole):
        written = _STRING.sub(_escaped, whole)
        if written != whole:
            said.append("raw control characters")
            whole = written
    return whole, " and ".join(said)


def _escaped(match: re.Match[str]) -> str:
    return _CONTROL.sub(lambda control: f"\\u{ord(control[0]):04x}", match[0])
