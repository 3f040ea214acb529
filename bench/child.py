"""What the benchmarks of hunts run in a process of its own, so that its memory is nobody else's.

One JSON line for each measurement, as soon as it is there: a process that is ended has said what it got to.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb

from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.hunting import hunt
from wmiwarehouse.hunting.hunt import open_hunt
from wmiwarehouse.hunting.selection import select
from wmiwarehouse.lake import remembered
from wmiwarehouse.lake.warehouse import Warehouse

_WARM = 3
#: What takes longer is not run a second time for the sake of a steadier figure.
_LONG = 5.0


def _say(name: str, what: str, work: Callable[[], int]) -> float:
    """Do *work*, which returns a number of hits, and say how long it took, or why it failed."""
    line: dict[str, Any] = {"name": name, "run": what}
    started = time.perf_counter()
    try:
        line["hits"] = work()
    except (duckdb.Error, WmiwhError) as error:
        line["error"] = str(error).splitlines()[0]
    line["seconds"] = time.perf_counter() - started
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    return float(line["seconds"])


def one(root: Path, name: str) -> None:
    """The rows of one analytic in a process that stays open: the first time with opening, then again."""
    remembered.forget_all(root)
    library = Library.load()
    opened: list[hunt.Hunt] = []
    with ExitStack() as exits:

        def first() -> int:
            opened.append(exits.enter_context(open_hunt(root, library)))
            return again()

        def again() -> int:
            return int(opened[0].run(library.get(name)).num_rows)

        _say(name, "first", first)
        for _ in range(_WARM if opened else 0):
            _say(name, "warm", again)


def several(root: Path, *kinds: str) -> None:
    """The summary of all analytics (of *kinds*) as ``wmiwh hunt`` makes it, view by view, and once more."""
    remembered.forget_all(root)
    library = Library.load()
    chosen = [item for item in select(library, []) if not kinds or item.metadata.kind in kinds]
    with open_hunt(root, library) as hunting:

        def prepare() -> int:
            hunting.prepare(chosen)
            return 0

        for what in ("first", "warm"):
            _say("", what, prepare)
            for item in chosen:
                _say(item.id, what, lambda item=item: hunting.line(item).hits)  # type: ignore[misc]


def each(root: Path) -> None:
    """Each analytic from nothing, alone, in the way of a large lake however small this one is."""
    vars(hunt)["LEAST_LAKE"] = 0
    library = Library.load()
    Warehouse.open(root)
    for item in select(library, []):

        def work(item: Any = item) -> int:
            remembered.forget_all(root)
            with open_hunt(root, library) as hunting:
                return hunting.line(item).hits

        if _say(item.id, "first", work) < _LONG:
            _say(item.id, "first", work)


if __name__ == "__main__":
    _MODES: dict[str, Callable[..., None]] = {"one": one, "several": several, "each": each}
    _MODES[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
