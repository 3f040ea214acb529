"""What of the hits is expected, as ``wmiwh.toml`` says it: ``[[suppress]]`` and ``[known]``, read and checked.

A suppression hides a hit, so nothing about it is guessed: it has conditions, a reason, an author and a day on which it
ends, or the file is refused. Which analytics and columns there are is known only where analytics run; that part is
checked by :mod:`wmiwarehouse.hunting.tuning`, with the lines that are kept here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from wmiwarehouse.lake.setting_errors import WrongError, dotted, short

#: Stands for every analytic that can alarm.
EVERY = "*"
#: The id under which hits of known administration are counted.
KNOWN = "known"
COMPARISONS = ("equals", "in", "starts_with", "ends_with", "contains")

_KEYS = ("analytic", "where", "reason", "author", "expires", "id")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}")
_LONGEST = 300
_SAID = {"starts_with": "starts with", "ends_with": "ends with", "contains": "contains"}

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Condition:
    """One column compared with texts, of which any may fit; letters may be upper or lower case."""

    column: str
    comparison: str
    """``equals``, ``starts_with``, ``ends_with`` or ``contains``."""
    values: tuple[str, ...]
    line: int = field(default=0, compare=False)

    def __str__(self) -> str:
        """Say it for people: ``process_name = "a.exe" or "b.exe"``."""
        return f"{self.column} {_SAID.get(self.comparison, '=')} {' or '.join(map(short, self.values))}"


@dataclass(frozen=True)
class Suppression:
    """Hits that are expected: of which analytics, with which values, why, who says so and until when."""

    id: str
    analytics: tuple[str, ...]
    """As given; :data:`EVERY` alone for every one that can alarm."""
    where: tuple[Condition, ...]
    """All of them have to hold."""
    reason: str
    author: str
    expires: date
    """The first day (UTC) on which it hides nothing any more."""
    line: int = field(default=0, compare=False)
    analytic_line: int = field(default=0, compare=False)
    place: str = field(default="suppress", compare=False)
    """``suppress[2]``: how errors name it."""


@dataclass(frozen=True)
class Known:
    """Expected administration: what these administrators do from these hosts; nothing with either of them empty."""

    administrators: tuple[str, ...] = ()
    """``domain\\name``, lower case."""
    management_hosts: tuple[str, ...] = ()
    """Names and canonical addresses, lower case."""
    reason: str = ""
    author: str = ""
    expires: date | None = None

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self.administrators and self.management_hosts)


Line = Callable[[Path], int]


def read(items: Sequence[Any], line: Line) -> tuple[Suppression, ...]:
    """Return the suppressions in the list *items* of ``[[suppress]]``; *line* tells where a path stands in the file."""
    found: list[Suppression] = []
    places: dict[str, int] = {}
    for number, item in enumerate(items):
        path: Path = ("suppress", number)
        one = _suppression(item, path, line)
        if one.id in places:
            same = "id" if isinstance(item, dict) and "id" in item else "analytic and conditions"
            first = places[one.id] + 1
            raise WrongError(path, f"{dotted(path)}: has the {same} of suppression {first}; one of them is too many")
        places[one.id] = number
        found.append(one)
    return tuple(found)


def day(value: object, path: Path) -> date:
    """Return *value*, which has to be a date of TOML."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    wanted = "a date without quotes is wanted, such as 2027-03-01"
    raise WrongError(path, f"{dotted(path)}: {wanted}, found {short(value)}")


def text(value: object, path: Path, why: str) -> str:
    """Return *value*, which has to be a text on one line; *why* says what it is for if it is empty."""
    if not isinstance(value, str):
        raise WrongError(path, f"{dotted(path)}: a text in quotes is wanted, found {short(value)}")
    if not value.strip():
        raise WrongError(path, f"{dotted(path)}: is empty; {why}")
    if not value.isprintable() or len(value) > _LONGEST:
        raise WrongError(path, f"{dotted(path)}: one plain line of at most {_LONGEST} characters is wanted")
    return value.strip()


def _suppression(item: Any, path: Path, line: Line) -> Suppression:
    if not isinstance(item, dict):
        raise WrongError(path, f"{dotted(path)}: a table is wanted, found {short(item)}")
    import difflib

    for key in item:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_KEYS)}"
            raise WrongError((*path, key), f"{dotted((*path, key))}: no such setting; {hint}")
    for key in _KEYS[:-1]:
        if key not in item:
            raise WrongError(path, f"{dotted(path)}: has no {key}; every suppression needs {', '.join(_KEYS[:-1])}")
    analytics = _analytics(item["analytic"], (*path, "analytic"))
    where = _where(item["where"], (*path, "where"), line)
    return Suppression(
        _id(item["id"], (*path, "id")) if "id" in item else _made_id(analytics, where),
        analytics,
        where,
        text(item["reason"], (*path, "reason"), "say why these hits are expected"),
        text(item["author"], (*path, "author"), "say who vouches for it"),
        day(item["expires"], (*path, "expires")),
        line(path),
        line((*path, "analytic")),
        dotted(path),
    )


def _id(value: object, path: Path) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise WrongError(path, f"{dotted(path)}: letters, digits and _ . - are wanted, found {short(value)}")
    if value == KNOWN:
        raise WrongError(path, f'{dotted(path)}: "{KNOWN}" is what hits of [known] are counted under')
    return value


def _made_id(analytics: Sequence[str], where: Sequence[Condition]) -> str:
    """Return an id that stays the same as long as what is hidden does, wherever in the file it stands."""
    parts = [*sorted(analytics), *sorted(f"{one.column}|{one.comparison}|{sorted(one.values)}" for one in where)]
    return f"s-{hashlib.sha256(chr(0).join(parts).lower().encode()).hexdigest()[:8]}"


def _analytics(value: object, path: Path) -> tuple[str, ...]:
    names: list[Any] = value if isinstance(value, list) else [value]
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise WrongError(path, f'{dotted(path)}: the id of an analytic, a list of them or "*" is wanted')
    if not names:
        raise WrongError(path, f"{dotted(path)}: is empty; name an analytic")
    if EVERY in names and len(names) > 1:
        raise WrongError(path, f'{dotted(path)}: "*" means all and stands alone')
    return tuple(dict.fromkeys(name.strip() for name in names))


def _where(value: object, path: Path, line: Line) -> tuple[Condition, ...]:
    if not isinstance(value, dict):
        raise WrongError(path, f'{dotted(path)}: a table is wanted, such as {{ host = "cm01" }}, found {short(value)}')
    if not value:
        raise WrongError(path, f"{dotted(path)}: is empty and would hide every hit; name a column and its value")
    found: list[Condition] = []
    for column, wanted in value.items():
        place = (*path, column)
        if not _COLUMN.fullmatch(column):
            raise WrongError(place, f"{dotted(place)}: is no name of a column")
        compared = wanted if isinstance(wanted, dict) else {"equals": wanted}
        if not compared:
            raise WrongError(place, f"{dotted(place)}: is empty; known: {', '.join(COMPARISONS)}")
        for name, values in compared.items():
            here = (*place, name) if isinstance(wanted, dict) else place
            if name not in COMPARISONS:
                raise WrongError(here, f"{dotted(here)}: no such comparison; known: {', '.join(COMPARISONS)}")
            comparison = "equals" if name == "in" else name
            found.append(Condition(column.lower(), comparison, _values(values, here), line(here)))
    return tuple(found)


def _values(value: object, path: Path) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise WrongError(path, f"{dotted(path)}: is empty; give a value")
    return tuple(dict.fromkeys(_value(one, path) for one in values))


def _value(value: object, path: Path) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        wanted = "a text in quotes, a whole number, true or false is wanted"
        raise WrongError(path, f"{dotted(path)}: {wanted}, found {short(value)}")
    if not value.strip():
        raise WrongError(path, f"{dotted(path)}: an empty text would fit too much; give a value")
    return value


def described(where: Sequence[Condition]) -> str:
    """Return *where* for people, on one line."""
    return " and ".join(map(str, where))


def by_line(lines: Mapping[Path, int]) -> Line:
    """Return the function that tells the line of a path: its own, or that of the nearest thing around it."""

    def line(path: Path) -> int:
        for length in range(len(path), 0, -1):
            if (found := lines.get(path[:length])) is not None:
                return found
        return 0

    return line
