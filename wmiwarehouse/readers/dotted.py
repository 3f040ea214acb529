"""Elasticsearch takes names with dots for objects in objects, and its exports have either: here they become objects.

A search that asks for ``fields`` gives flat names with lists of one value, with copies for other kinds of search behind
them (``process.name.text``); flattened documents have the names alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from wmiwarehouse.readers.model import Records

if TYPE_CHECKING:
    from wmiwarehouse.readers.shapes import Shape

_DEEPEST = 8


def opened(records: Records, shape: Shape) -> Records:
    """Yield *records* with objects in place of the dotted names that *shape* knows."""
    marks = sorted({f'"{key.partition(".")[0]}.' for group in shape.keys for key in group if "." in key})
    for first, texts in records:
        yield first, [_opened(text, marks) for text in texts]  # type: ignore[misc]  # all str or all bytes, as they came


def _opened(text: str | bytes, marks: list[str]) -> str | bytes:
    found = any((mark in text) if isinstance(text, str) else (mark.encode() in text) for mark in marks)
    if not found:
        return text
    try:
        document = nested(orjson.loads(text))
    except orjson.JSONDecodeError:
        return text  # named where it is projected
    made = orjson.dumps(document)
    return made.decode() if isinstance(text, str) else made


def nested(document: Any) -> Any:
    """Return *document* with objects for dotted names, also in an object in it; itself where there are none.

    What a search gives as ``fields`` stands where other hits have their ``_source``.
    """
    if not isinstance(document, dict):
        return document
    inner = {name: value for name, value in document.items() if isinstance(value, dict) and _is_dotted(value)}
    if not inner and not _is_dotted(document):
        return document
    whole = {name: _split(inner[name]) if name in inner else value for name, value in document.items()}
    if "fields" in inner and "_source" not in whole:
        whole["_source"] = whole.pop("fields")
    return _split(whole) if _is_dotted(document) else whole


def _is_dotted(value: dict[str, Any]) -> bool:
    return any("." in name for name in value)


def _split(flat: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name in sorted(flat, key=len):  # what copies stand behind comes before them
        value = flat[name]
        if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], dict | list):
            value = value[0]
        *folders, last = name.split(".", _DEEPEST)
        holder: Any = made
        for folder in folders:
            holder = holder.setdefault(folder, {}) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder.setdefault(last, value)
    return made
