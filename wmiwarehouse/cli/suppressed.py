"""What commands say of suppressed hits, so that all of them say it alike: how many there are, and how to see them.

A count of zero after suppression must never read as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wmiwarehouse.output import console

if TYPE_CHECKING:
    import pyarrow as pa

    from wmiwarehouse.hunting.hidden import Hidden
    from wmiwarehouse.hunting.line import Line
    from wmiwarehouse.hunting.tuning import Tuning

SuppressedOption = Annotated[
    bool, typer.Option("--suppressed", help="What the suppressions in wmiwh.toml hide, and why, instead.")
]


def tell(lines: Iterable[Line], tuning: Tuning, command: str) -> None:
    """Say how many hits of *lines* are suppressed, and that *command* shows them; and which suppressions ended."""
    hidden = [line for line in lines if line.suppressed]
    if hidden:
        by = {name for line in hidden for name in line.suppressed_by}
        console.note(sentence(sum(line.suppressed for line in hidden), "hit", by, command))
    tell_expired(tuning)


def tell_expired(tuning: Tuning) -> None:
    """Say which suppressions are over; nothing if none is."""
    from wmiwarehouse.hunting.tuning import said_of

    if tuning.expired:
        number = len(tuning.expired)
        are = "1 suppression has expired and hides" if number == 1 else f"{number:,} suppressions have expired and hide"
        console.note(
            f"{are} nothing any more: {said_of(tuning.expired)}. Renew or remove: wmiwh.toml, wmiwh tune --test"
        )


def sentence(number: int, noun: str, by: Iterable[str], command: str) -> str:
    """``12 hits suppressed by 2 suppressions (a, b): wmiwh hunt --suppressed``."""
    names = sorted(set(by))
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{counted(number, noun)} suppressed by {counted(len(names), 'suppression')} ({listed}): {command}"


def counted(number: int, noun: str) -> str:
    """``1 hit``, ``2 hits``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def screen(table: pa.Table) -> pa.Table:
    """Return the columns of :func:`table` that fit a terminal: a line each; other formats have all of them."""
    import pyarrow as pa

    names = ("suppressed_by", "severity", "analytic", "hits", "movements")
    columns: dict[str, Any] = {name: table.column(name) for name in names if name in table.column_names}
    for name in ("first", "last"):
        columns[name] = [f"{time:%Y-%m-%d}" if time else "" for time in table.column(name).to_pylist()]
    return pa.table(columns)


def table(found: Iterable[Hidden], *, movements: bool = True) -> pa.Table:
    """Return what each rule hides, a row for each analytic, and the lateral *movements* that it is part of."""
    import pyarrow as pa

    found = list(found)
    time = pa.timestamp("us", "UTC")
    columns: dict[str, Any] = {
        "suppressed_by": [one.rule.id for one in found],
        "severity": [one.analytic.metadata.severity for one in found],
        "analytic": [one.analytic.id for one in found],
        "hits": pa.array([one.hits for one in found], pa.int64()),
        "movements": pa.array([one.movements for one in found], pa.int64()),
        "first": pa.array([one.first_time for one in found], time),
        "last": pa.array([one.last_time for one in found], time),
        "reason": [one.rule.reason for one in found],
        "author": [one.rule.author for one in found],
        "expires": pa.array([one.rule.expires for one in found], pa.date32()),
    }
    if not movements:
        del columns["movements"]
    texts = ("suppressed_by", "severity", "analytic", "reason", "author")
    return pa.table({name: pa.array(value, pa.string()) if name in texts else value for name, value in columns.items()})
