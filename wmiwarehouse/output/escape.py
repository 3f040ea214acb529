"""Makes the attacker's text harmless for the place where it is shown, and shows what it did instead of dropping it.

An event's text is written by whoever ran the command. A command line may carry terminal escapes that rewrite the
screen, bidirectional controls that reverse what is read, spreadsheet formulas or HTML. Each writer passes what it
prints through one of these functions; none of them ever shortens the text.
"""

from __future__ import annotations

import re
from typing import Final

_SHORT: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}

# Printable by Unicode's classes, yet drawn as nothing or as a blank: fillers, variation selectors, blank Braille.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

# Text that a spreadsheet takes for a formula, full-width signs included. A text that already carries the mark counts
# too: it gets one more, so that taking off one mark always restores the text.
_FORMULA: Final = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")

# A backslash only where Markdown would take it for an escape, an underscore only at the edge of a word; the colon of
# "://" and the dot of "www." so that nothing becomes a link to click.
_MARKDOWN: Final = re.compile(
    r"\\(?=[!-/:-@\[-`{-~]|$)|[`*\[\]~$|<>&@]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=[wW]{3})\.",
)
_ENTITIES: Final = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;", ":": "&#58;", ".": "&#46;"}

_NOT_ASCII: Final = re.compile("[^\n\x20-\x7e]+")


def visible(text: str) -> str:
    r"""Return *text* with every character that is not plainly visible written as ``\n``, ``\x1b`` or ``\u202e``.

    That is: control bytes, bidirectional and zero-width characters, line separators, blanks other than the ASCII one,
    private and unassigned characters and lone surrogates. Backslashes stay as they are, because paths are full of
    them; where that leaves a doubt, the JSON formats have the exact text.
    """
    if text.isprintable() and (text.isascii() or not _INVISIBLE.search(text)):
        return text
    return "".join(c if _is_plain(c) else _code(c) for c in text)


def _is_plain(character: str) -> bool:
    return character.isprintable() and not _INVISIBLE.match(character)


def _code(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def spreadsheet(text: str) -> str:
    """Return *text* with a leading ``'`` where a spreadsheet would otherwise run it as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def markdown(text: str) -> str:
    """Return *text* for a Markdown table cell that renders as that text: no markup, HTML, link or mention."""
    return _MARKDOWN.sub(lambda match: _ENTITIES.get(match[0], f"\\{match[0]}"), visible(text))


def json_text(document: str) -> str:
    r"""Return the JSON *document* with what :func:`visible` would escape written as ``\u`` escapes.

    JSON's own syntax is ASCII, so anything else stands inside a string, where the escape is its equal.
    """
    if document.isascii() and "\x7f" not in document:
        return document
    return _NOT_ASCII.sub(lambda match: "".join(c if _is_plain(c) else _json_code(c) for c in match[0]), document)


def _json_code(character: str) -> str:
    number = ord(character)
    if number < 0x10000:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
