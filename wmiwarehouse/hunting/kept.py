"""Works model views out once for a hunt that reads them several times.

A view is text: a chain that reads the same sessions in four places has them computed four times, and fifty analytics
parse and scan the same process records again and again. Models whose head says ``kept`` become tables in the hunt's
own memory, with the columns that other views name; what they return stays the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from wmiwarehouse.content.library import Analytic, Library

#: From so many analytics on, shared models are worth keeping even where no chain or session is asked for.
_MANY = 8


def to_keep(library: Library, analytics: Iterable[Analytic]) -> list[str]:
    """Return the models to work out once for *analytics*, each after those that it reads."""
    chosen = list(analytics)
    if len(chosen) < _MANY and all(item.metadata.kind not in ("session", "chain") for item in chosen):
        return []
    names = {model.name for model in library.models}
    reads: Counter[str] = Counter()
    for item in chosen:
        reads.update(name for name in _relations(item.sql) if name in names)
    for model in reversed(library.models):
        if reads[model.name]:
            reads.update(name for name in _relations(model.sql) if name in names)
    return [model.name for model in library.models if model.metadata.kept and reads[model.name] > 1]


def keep(connection: Any, library: Library, name: str) -> None:
    """Put a table in the place of the model view *name*; its columns are those that any other view names."""
    words = {
        word
        for view in library.views
        if view.sql and name in _relations(view.sql)
        for word in re.findall(r"\w+", view.sql)
    }
    columns = [column for column in connection.sql(f"select * from {name} limit 0").columns if column in words]
    listed = ", ".join(f'"{column}"' for column in columns)
    connection.execute(f"create table being_kept as select {listed} from {name}")
    connection.execute(f"drop view {name}")
    connection.execute(f"alter table being_kept rename to {name}")


def _relations(sql: str) -> list[str]:
    return re.findall(r"\b(?:from|join) (\w+)\b", sql)
