"""Turns the XML of one event into the JSON that the EVTX parser would have given, with every value in it.

Two ``Data`` of one name, an unnamed one beside named ones, an array in a named one: what JSON objects cannot hold under
one name becomes a list. Logs carry characters that XML forbids or (the carriage return) changes; they travel through
the strict parser as noncharacters, which no text has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

_FORBIDDEN = [*range(1, 9), 11, 12, 13, *range(14, 32), 0xFFFE, 0xFFFF]
_HIDE = {code: 0xFDD0 + i for i, code in enumerate(_FORBIDDEN)} | {0: 0xFFFD}
_SHOW = {hidden: code for code, hidden in _HIDE.items() if code}
_NEEDS_HIDING = re.compile(r"[\0-\x08\x0b-\x1f\ufffe\uffff]")
_NEEDS_SHOWING = re.compile(r"[\ufdd0-\ufdef]")
_REFERENCE = re.compile(r"&#(x[0-9A-Fa-f]{1,8}|[0-9]{1,9});")
_PAIR = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")
_DEEPEST = 100

#: Where the text of an event begins and ends.
START = re.compile(r"<(?:[\w.-]{1,40}:)?Event(?=[\s/>])")
END = re.compile(r"</(?:[\w.-]{1,40}:)?Event\s{0,40}>|<(?:[\w.-]{1,40}:)?Event\s{0,40}/>")

#: Markup takes up to a hundred times its size in memory. Real events stay below a thousand of either.
_MOST_TAGS, _MOST_ATTRIBUTES = 200_000, 1_000_000


class EventXmlError(ValueError):
    """Text that is no XML of an event; the text of the error says why."""


@dataclass(slots=True)
class Node:
    """One element: its name without prefix, and what is in it."""

    name: str
    attributes: dict[str, str]
    children: list[Node] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What stands in the element before its first child, with the characters that were hidden from the parser."""
        return _shown("".join(self.pieces)) if self.pieces else ""


def _shown(text: str) -> str:
    return text.translate(_SHOW) if _NEEDS_SHOWING.search(text) else text


def _referred(match: re.Match[str]) -> str:
    code = int(match[1][1:], 16) if match[1][0] == "x" else int(match[1])
    if code in _HIDE:
        return chr(_HIDE[code])
    return chr(code) if 0xD800 <= code < 0xE000 else match[0]


def parse(text: str, *, is_indented: bool = False) -> Node:
    """Return the root element of *text*; raises :class:`EventXmlError`.

    With *is_indented* an element that holds a line end and its own indent is empty: so writes the EVTX parser.
    """
    if text.count("<") > _MOST_TAGS or text.count("=") > _MOST_ATTRIBUTES:
        raise EventXmlError("too much markup for an event")
    if _NEEDS_HIDING.search(text):
        text = text.translate(_HIDE)
    if "&#" in text:
        text = _REFERENCE.sub(_referred, text)
        text = _PAIR.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)
    top = Node("", {}, [], [])
    path = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        if ":" in name:
            name = name.rpartition(":")[2]
        node = Node(name, attributes, [], [])
        path[-1].children.append(node)
        path.append(node)
        if len(path) > _DEEPEST:
            raise EventXmlError(f"elements nested more than {_DEEPEST} deep")

    def characters(piece: str) -> None:
        node = path[-1]
        if not node.children:
            node.pieces.append(piece)

    def end(_: str) -> None:
        node = path.pop()
        if is_indented and node.pieces and not node.children and node.text == "\n" + "  " * (len(path) - 1):
            node.pieces.clear()

    def refuse(*_: object) -> None:
        raise EventXmlError("a document type declaration, which no event has")

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise EventXmlError(expat.ErrorString(error.code)) from None
    return top.children[0]


def event(text: str) -> dict[str, Any]:
    """Return ``{"Event": ...}`` for the XML of an event; raises :class:`EventXmlError`."""
    root = parse(text)
    if root.name != "Event":
        raise EventXmlError(f"the element is {root.name[:100]!r}, not 'Event'")
    return {"Event": content(root)}


def content(node: Node) -> Any:
    """Turn an element into the parser's own JSON shape."""
    children, attributes = node.children, node.attributes
    if not children and not attributes:
        text = node.text
        return text if text or node.name == "Data" else None
    found: dict[str, Any] = {}
    if attributes:
        found["#attributes"] = {name: _shown(value) for name, value in attributes.items()}
    if not children:
        if text := node.text:
            found["#text"] = text
        return found
    is_named = any(child.name == "Data" and "Name" in child.attributes for child in children)
    several: set[str] = set()
    for child in children:
        name = child.name
        if name == "Data" and is_named:
            name = _shown(child.attributes.get("Name", "#text"))
            value = _value(child)
        else:
            value = content(child)
        if name in several:
            found[name].append(value)
        elif name in found and name != "#attributes":
            found[name] = [found[name], value]
            several.add(name)
        elif name == "#text":
            found[name] = [value]
            several.add(name)
        else:
            found[name] = value
    if not is_named and "Data" in found and not isinstance(found["Data"], dict):
        found["Data"] = {"#text": found["Data"]}
    return found


def _value(node: Node) -> Any:
    """Return what a ``Data`` holds, its name left out."""
    if node.children:
        return content(Node(node.name, {}, node.children, node.pieces))
    return node.text
