"""Works model views out once for a hunt that reads them several times.

One view works each model out once (see :mod:`wmiwarehouse.lake.views`), but fifty analytics would scan and parse the
same process records fifty times. Models whose head says ``kept`` become tables in the hunt's own memory, with the
columns that other views name; what they return stays the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from wmiwarehouse.content.library import Analytic, Library
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.views import Views, relations_in

#: From so many analytics on, shared models are worth keeping.
MANY = 8

#: So many bytes of events are worked out in the time that it takes to bind and to plan them once: ``events`` has a
#: hundred columns, and a view stands in a query as its whole text wherever it is named.
_EVENTS_ALIKE = 128 << 10
#: Of more than this they are not kept: in memory they take more than ten times as much.
_MOST = 8 << 20
#: Nor where their text is longer: whoever writes a log can have a gigabyte of it in a few bytes of Parquet.
_MOST_TEXT = 256 << 20


def to_keep(
    library: Library, analytics: Iterable[Analytic], size: int, how_often: Callable[[str, str], int]
) -> list[str]:
    """Return the models to work out once for *analytics*, each after those that it reads.

    *size* are the bytes of events that there are; for *how_often* see :meth:`wmiwarehouse.lake.views.Views.how_often`.
    """
    chosen = list(analytics)
    once = (
        ["events"] if size <= min(_EVENTS_ALIKE * sum(how_often("events", item.sql) for item in chosen), _MOST) else []
    )
    if len(chosen) < MANY:
        return once
    names = {model.name for model in library.models}
    reads: Counter[str] = Counter()
    for item in chosen:
        reads.update(name for name in relations_in(item.sql) if name in names)
    for model in reversed(library.models):
        if reads[model.name]:
            reads.update(name for name in relations_in(model.sql) if name in names)
    return once + [model.name for model in library.models if model.metadata.kept and reads[model.name] > 1]


def work_out(connection: Any, views: Views, library: Library, names: Iterable[str]) -> None:
    """Make tables of the models *names* on *connection*, which has *views*; not of more events than it can hold."""
    fitting = [name for name in names if name != "events" or fits(connection)]
    views.make(connection, fitting)
    for name in fitting:
        views.keep(connection, name, columns_read(library, name, views.columns.of(connection, name)))


def fits(connection: Any) -> bool:
    """Whether all events of the lake that *connection* has can be held in memory."""
    query = f"select coalesce(sum(strlen(event_data)), 0) <= {_MOST_TEXT} as fits from lake_events"
    return bool(rows(connection, query)[0]["fits"])


def columns_read(library: Library, name: str, columns: Iterable[str]) -> list[str]:
    """Return those of the *columns* of the model *name* that any other view names, as SQL."""
    words = {
        word
        for view in library.views
        if view.sql and name in relations_in(view.sql)
        for word in re.findall(r"\w+", view.sql)
    }
    return [f'"{column}"' for column in columns if column in words]
