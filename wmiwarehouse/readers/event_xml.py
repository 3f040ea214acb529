"""Turns the XML of one event into the JSON that the EVTX parser would have given, with every value in it.

Two ``Data`` of one name, an unnamed one beside named ones, an array in a named one: what JSON objects cannot hold under
one name becomes a list. Logs carry characters that XML forbids or (the carriage return) changes; they travel through
the strict parser as noncharacters, which no text has.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_FORBIDDEN = [*range(1, 9), 11, 12, 13, *range(14, 32), 0xFFFE, 0xFFFF]
_HIDE = {code: 0xFDD0 + i for i, code in enumerate(_FORBIDDEN)} | {0: 0xFFFD}
_SHOW = {hidden: code for code, hidden in _HIDE.items() if code}
_NEEDS_HIDING = re.compile(r"[\0-\x08\x0b-\x1f\ufffe\uffff]")
_NEEDS_SHOWING = re.compile(f"[{chr(min(_SHOW))}-{chr(max(_SHOW))}]")
_HIDDEN_RETURN = chr(_HIDE[13])  # what nearly all of them are
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


def _hidden(text: str) -> str:
    # str.translate looks every character up, which took longer than to parse the event.
    return _NEEDS_HIDING.sub(lambda found: chr(_HIDE[ord(found[0])]), text.replace("\r", _HIDDEN_RETURN))


def _shown(text: str) -> str:
    if text.isascii():
        return text
    return _NEEDS_SHOWING.sub(lambda found: chr(_SHOW[ord(found[0])]), text.replace(_HIDDEN_RETURN, "\r"))


def _referred(match: re.Match[str]) -> str:
    code = int(match[1][1:], 16) if match[1][0] == "x" else int(match[1])
    if code in _HIDE:
        return chr(_HIDE[code])
    return chr(code) if 0xD800 <= code < 0xE000 else match[0]


def parse(text: str, *, is_indented: bool = False) -> Element:
    """Return the root element of *text*, names without prefixes; raises :class:`EventXmlError`.

    With *is_indented* an element that holds a line end and its own indent is empty: so writes the EVTX parser.
    """
    if text.count("<") > _MOST_TAGS or text.count("=") > _MOST_ATTRIBUTES:
        raise EventXmlError("too much markup for an event")
    given = text
    if _NEEDS_HIDING.search(text):
        text = _hidden(text)
    if "&#" in text:
        text = _REFERENCE.sub(_referred, text)
        text = _PAIR.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)

    from xml.etree.ElementTree import TreeBuilder

    def refuse(*_: object) -> None:
        raise EventXmlError("a document type declaration, which no event has")

    # Not ElementTree's own parser: that one takes the declarations of namespaces away and knows no undeclared prefix.
    builder, parser = TreeBuilder(), expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise EventXmlError(expat.ErrorString(error.code)) from None
    root = builder.close()
    _tidy(root, is_indented=is_indented)
    if text is not given:
        _show(root)
    return root


def _tidy(root: Element, *, is_indented: bool) -> None:
    level, depth = [root], 1
    while level:
        if depth >= _DEEPEST:
            raise EventXmlError(f"elements nested more than {_DEEPEST} deep")
        below: list[Element] = []
        for element in level:
            if ":" in element.tag:
                element.tag = element.tag.rpartition(":")[2]
            if len(element):
                below += element
            elif is_indented and element.text == "\n" + "  " * (depth - 1):
                element.text = None
        level, depth = below, depth + 1


def _show(root: Element) -> None:
    """Give *root* and all below it the characters back that were hidden from the parser."""
    for element in root.iter():
        element.text = _shown(element.text or "")
        for name, value in element.attrib.items():
            element.attrib[name] = _shown(value)


def event(text: str) -> dict[str, Any]:
    """Return ``{"Event": ...}`` for the XML of an event; raises :class:`EventXmlError`."""
    root = parse(text)
    if root.tag != "Event":
        raise EventXmlError(f"the element is {root.tag[:100]!r}, not 'Event'")
    return {"Event": content(root)}


def content(node: Element, *, is_data: bool = False) -> Any:
    """Turn an element into the parser's own JSON shape; of one that *is_data* the name is known already."""
    attributes = None if is_data else node.attrib
    if not len(node) and not attributes:
        return node.text or ("" if node.tag == "Data" else None)
    found: dict[str, Any] = {}
    if attributes:
        found["#attributes"] = attributes
    if not len(node):
        if node.text:
            found["#text"] = node.text
        return found
    is_named = any(child.tag == "Data" and "Name" in child.attrib for child in node)
    several: set[str] = set()
    for child in node:
        name = child.tag
        if is_named and name == "Data":
            name = child.attrib.get("Name", "#text")
            value = content(child, is_data=True) if len(child) else child.text or ""
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
