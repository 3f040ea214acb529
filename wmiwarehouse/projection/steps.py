"""Columns that name other columns of their own select, worked out one after the other.

``base_name(process_path) as process_name`` says it shorter than to spell the path again, and costs less: DuckDB puts a
macro's text in wherever it is named, its argument wherever that stands in it, and works each copy out. So what others
name becomes a column in a step of its own. A column whose name begins with ``_`` is only there for others: the lake
does not have it. A format's steps are worked out before its joins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

#: What the names of columns begin with that are only there for others.
STEP = "_"


class StepError(ValueError):
    """Columns that name each other in a circle, or one that is not there."""


def named(tree: exp.Expression, names: Iterable[str]) -> set[str]:
    """Return which of *names* stand in *tree*, as columns or as structs before a dot."""
    from sqlglot import exp

    found = {(column.table or column.name).lower() for column in tree.find_all(exp.Column)}
    return {name for name in found if name.startswith(STEP)}.union(found.intersection(names))


def turns(
    selects: Iterable[Mapping[str, exp.Expression]], among: Iterable[str] = (), rest: Iterable[exp.Expression] = ()
) -> list[list[str]]:
    """Return the names of columns that others name, in groups: each group names only columns of groups before it.

    The *selects* become one, so a column of two of them waits for what either names. Steps count, and the columns
    *among*; *rest* is what else of a select may name a step. Raises :class:`StepError`.
    """
    among = set(among)
    needs: dict[str, set[str]] = {}
    waiting = set[str]().union(*(named(tree, ()) for tree in rest))
    for columns in selects:
        for name, tree in columns.items():
            wanted = named(tree, among)
            _refuse(wanted - columns.keys())
            needs.setdefault(name, set()).update(wanted)
            waiting |= wanted
    _refuse(waiting - needs.keys())
    found: list[list[str]] = []
    while waiting:
        ready = sorted(name for name in waiting if not needs[name] & waiting)
        if not ready:
            raise StepError(f"{' and '.join(map(repr, sorted(waiting)))} name each other in a circle")
        found.append(ready)
        waiting.difference_update(ready)
    return found


def _refuse(missing: set[str]) -> None:
    if missing:
        raise StepError(f"no column {min(missing)!r} in this select")


def chain(name: str, start: str, items: Mapping[str, str], groups: list[list[str]]) -> tuple[str, str, list[str]]:
    """Return the SQL of the steps after relation *start*, what the last is called, and the columns that it then has.

    *items* is the SQL of each column, *groups* comes from :func:`turns`; the steps are called *name* with a number.
    """
    steps = []
    for number, group in enumerate(groups, 1):
        columns = ", ".join(f"{items[column]} as {column}" for column in group)
        steps.append(f"{name}_{number} as (select *, {columns} from {start} as records),\n")
        start = f"{name}_{number}"
    return "".join(steps), start, [column for group in groups for column in group]
