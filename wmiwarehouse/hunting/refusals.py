"""The words with which ad-hoc SQL is refused: each names what was found and the way out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from typing import NoReturn

from wmiwarehouse.errors import UsageError
from wmiwarehouse.hunting.functions import SCALAR_FUNCTIONS, TABLE_FUNCTIONS

#: Levels of brackets and of expressions, and words; more cost the parsers more than any question is worth.
MAX_DEPTH = 200
MAX_WORDS = 100_000


def one_line(error: BaseException | str) -> str:
    """Return DuckDB's words without the lines that repeat the statement and without how it classes the error."""
    text = str(error).partition("\n\nLINE ")[0].partition("\n\nPossible solutions")[0]
    return " ".join(re.sub(r"^(?:[A-Z]\w+ )+Error: ", "", text).split())


def refuse(found: str) -> NoReturn:
    """Say that *found* is no SELECT; raises :class:`UsageError`, as all below."""
    raise UsageError(
        f'only one SELECT over the warehouse\'s views is allowed; found {found}. To save rows: wmiwh sql "..." -o x.csv'
    )


def too_deep() -> NoReturn:
    """Say that the statement is too deep or too long to be checked."""
    raise UsageError(
        f"more than {MAX_DEPTH} levels deep or {MAX_WORDS:,} words long; parts of it can be steps: "
        "with a as (...), b as (...) select ..."
    )


def refuse_function(name: str) -> NoReturn:
    """Say that the function *name* is not allowed, and which are nearest."""
    near = difflib.get_close_matches(name, SCALAR_FUNCTIONS | TABLE_FUNCTIONS, n=3, cutoff=0.8)
    hint = f"; nearest: {', '.join(near)}" if near else ""
    raise UsageError(f'function "{name}" is none of those that only compute{hint}')


def refuse_relation(name: str, known: Mapping[str, Collection[str]]) -> NoReturn:
    """Say that there is no view *name*, and which are nearest."""
    full = {relation: relation for relation in known["main"]} | {bare: f"hunt.{bare}" for bare in known["hunt"]}
    bare = name.rpartition(".")[2]
    near = [full[found] for found in difflib.get_close_matches(bare, full, n=3, cutoff=0.7)]
    hint = f"; nearest: {', '.join(near)}" if near else ""
    raise UsageError(
        f'no view "{name}"{hint}. Only the warehouse\'s own views are read: hunt.ID (wmiwh list), events, '
        "process_creation, logon ..."
    )
