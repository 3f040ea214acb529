"""Checks the heads of the SQL files, and remembers those that were right.

pydantic checks them and names what is wrong. To import it and to check some ninety heads takes as long as the query of
a small hunt, so what was right is kept as JSON (:mod:`wmiwarehouse.cache`) and put together from there as long as no
file changes.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import difflib
import json
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from wmiwarehouse import cache as kept
from wmiwarehouse import frontmatter
from wmiwarehouse.content.metadata import AnalyticMetadata, ContentError, ModelMetadata, Part, RiskMetadata, plain

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

#: The word behind the opening mark of a head, and what such a head holds.
KINDS: Mapping[str, type[Part]] = {"model": ModelMetadata, "analytic": AnalyticMetadata, "risk": RiskMetadata}


def read(paths: Sequence[Path], kind: str) -> Iterator[tuple[Path, Any, str]]:
    """Yield each of *paths* with its head, which has to be of *kind*, and its SQL.

    Raises :class:`ContentError` with file and field.
    """
    texts = [_text(path) for path in paths]
    made_of = "\0".join([f"heads of {kind}", *(f"{path}\0{text}" for path, text in zip(paths, texts, strict=True))])
    if (found := kept.fetch(made_of)) is not None:
        rows = [(_made(KINDS[kind], head), sql) for head, sql in json.loads(found)]
    else:
        documents = map(_parsed, texts, paths)
        rows = [(checked(document, kind), document.body) for document in documents]
        kept.keep(made_of, json.dumps([[plain(head), sql] for head, sql in rows]).encode())
    for path, (head, sql) in zip(paths, rows, strict=True):
        yield path, head, sql


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ContentError(f"{path}: is not UTF-8: {error.reason} at byte {error.start}") from None


def _parsed(text: str, path: Path) -> frontmatter.Document:
    try:
        return frontmatter.parse(text, path)
    except frontmatter.FrontMatterError as error:
        raise ContentError(str(error)) from None


def _made(part: Any, given: Mapping[str, Any]) -> Any:
    """Return what :func:`plain` was made of."""
    makers = _makers(part)
    return part(**{name: makers[name](value) if name in makers else value for name, value in given.items()})


@cache
def _makers(part: Any) -> dict[str, Callable[[Any], Any]]:
    """Return how to make each field of *part* that is not in JSON what it is in Python."""
    hints = get_type_hints(part)
    return {field: maker for field in part.__dataclass_fields__ if (maker := _maker(hints[field]))}


def _maker(kind: Any) -> Callable[[Any], Any] | None:
    """Return how to make a value of type *kind* from JSON; None if it is one there."""
    if isinstance(kind, types.UnionType):
        (kind,) = (one for one in get_args(kind) if one is not types.NoneType)
        inner = _maker(kind)
        return inner and (lambda value: None if value is None else inner(value))
    if get_origin(kind) is tuple:
        item = _maker(get_args(kind)[0])
        return (lambda values: tuple(map(item, values))) if item else tuple
    if kind is dt.date:
        return dt.date.fromisoformat
    if isinstance(kind, type) and issubclass(kind, Part):
        return lambda value: _made(kind, value)
    return None


def checked(document: frontmatter.Document, kind: str) -> Any:
    """Return the head of *document*, which has to be of *kind*; raises :class:`ContentError`."""
    from pydantic import ValidationError

    if document.kind != kind:
        raise ContentError(f"{document.path}: expected '-- /// {kind}', found '-- /// {document.kind}'")
    part: Any = KINDS[kind]
    try:
        # By way of JSON: there strict mode still reads lists as tuples and text as dates, but no text as a number.
        return _adapter(part).validate_json(json.dumps(document.head, default=str), strict=True)
    except ValidationError as error:
        raise ContentError(f"{document.path}: {_one_cause(error, part)}") from None


@cache
def _adapter(part: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(part)


def _one_cause(error: ValidationError, part: type[Part]) -> str:
    """One error in one line, with the field as it is written in TOML, and how many more there are."""
    causes = error.errors(include_url=False)
    # A misspelt key explains the missing one that it leaves behind.
    first = next((cause for cause in causes if cause["type"] == "unexpected_keyword_argument"), causes[0])
    field = _dotted(first["loc"])
    match first["type"]:
        case "unexpected_keyword_argument":
            near = difflib.get_close_matches(str(first["loc"][-1]), _fields(part), n=1)
            text = f"{field}: no such field" + (f"; did you mean {near[0]}?" if near else "")
        case "missing":
            text = f"{field}: is missing"
        case "value_error":
            cause = str(first["ctx"]["error"])
            text = f"{field}: {cause}" if field else cause
        case _:
            text = f"{field}: {first['msg']}, found {first['input']!r}"
    return text + (f" (and {len(causes) - 1} more)" if len(causes) > 1 else "")


def _dotted(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".")


def _fields(part: type[Part]) -> list[str]:
    """Every field name of *part* and of the tables inside it: a hint may as well be about an inner key."""
    parts = [part, *(Part.__subclasses__() if part is AnalyticMetadata else ())]
    return list(dict.fromkeys(field.name for one in parts for field in dataclasses.fields(one)))
