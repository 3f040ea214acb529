"""Makes the views of ``sql/`` in a database so that no view works the same model out twice.

DuckDB puts the text of a view in at each place that names it: a chain that reads the sessions directly and through
three other models would bind and run them four times, and those that they read again four times each. So a view in
which a model marked ``kept`` would stand more than once carries the models that it needs as steps of its own (``with
logon_session as (...)``), each once. What it returns is the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from wmiwarehouse.content.library import Analytic, Library, RiskView
from wmiwarehouse.lake.relations import analytic_requirement

if TYPE_CHECKING:
    import duckdb

_HEAD = re.compile(r"create or replace view (\S+) as\s")


class Views:
    """The statements of a library's views, with ``events`` narrowed by *events_where* if it is given.

    *events_where* narrows everything above ``events`` too but the models that are marked ``whole`` (the parent of a
    process may have started before the range): how filters get beneath an aggregation.
    """

    def __init__(self, library: Library, events_where: str = "") -> None:
        self._kept = {model.name for model in library.models if model.metadata.kept}
        #: Model view -> its statement, each after those that it reads.
        self.models: dict[str, str] = {}
        for model in library.models:
            if model.name == "events" and events_where:
                self.models["all_events"] = _statement("all_events", _body(model.sql))
                self.models["events"] = _statement("events", f"select * from all_events where {events_where}")
            elif model.metadata.whole and events_where:
                self.models[model.name] = re.sub(r"\b(from|join) events\b", r"\1 all_events as events", model.sql)
            else:
                self.models[model.name] = model.sql
        self._reads = {name: self._named_in(sql, but=name) for name, sql in self.models.items()}
        self._times: dict[str, Counter[str]] = {}
        self._above_kept = {
            name for name in self.models if name in self._kept or self._times_in(name).keys() & self._kept
        }

    def statement(self, sql: str, tables: Collection[str] = ()) -> str:
        """Return the statement *sql* of a view with the models that it needs as steps, if it would repeat one.

        Models in *tables* were worked out already and stand there as tables.
        """
        times = self._times_below(self._named_in(sql, but=_name(sql)))
        if all(times[name] < 2 for name in self._kept.difference(tables)):
            return sql
        steps = [name for name in self.models if name in times and name in self._above_kept and name not in tables]
        read = Counter(self._named_in(sql, but=_name(sql)))
        for name in steps:
            read.update(self._reads[name])
        # What only one step reads is put into it: there its filters reach the scan.
        listed = ",\n".join(
            f"{name} as {'' if read[name] > 1 else 'not '}materialized (\n{_body(self.models[name])}\n)"
            for name in steps
        )
        return _statement(_name(sql), f"with {listed}\nselect * from (\n{_body(sql)}\n) as answer")

    def model(self, name: str, tables: Collection[str] = ()) -> str:
        """Return the statement of the model view *name*; see :meth:`statement`."""
        return self.statement(self.models[name], tables)

    def _times_in(self, name: str) -> Counter[str]:
        """How often each model stands in the model *name* once all views in it are put in."""
        if name not in self._times:
            self._times[name] = self._times_below(self._reads[name])
        return self._times[name]

    def _times_below(self, reads: Counter[str]) -> Counter[str]:
        times = Counter(reads)
        for name, count in reads.items():
            times.update({read: count * often for read, often in self._times_in(name).items()})
        return times

    def _named_in(self, sql: str, but: str) -> Counter[str]:
        return Counter(name for name in relations_in(sql) if name in self.models and name != but)


def create_views(
    connection: duckdb.DuckDBPyConnection,
    library: Library,
    analytics: Iterable[Analytic | RiskView],
    events_where: str = "",
) -> Views:
    """Create the model views and *analytics*, as versions and plain ids, over the ``lake_*`` relations of *connection*.

    For *events_where* and what is returned see :class:`Views`.
    """
    connection.execute(analytic_requirement(library))
    views = Views(library, events_where)
    # A view is bound when it is made, with all that it is built on. So each model first stands there as an empty
    # table, and the views are made from the top down: each then finds tables and not whole trees.
    for name, sql in views.models.items():
        connection.execute(sql)
        connection.execute(f"create or replace table stub as select * from {name} limit 0")
        connection.execute(f"drop view {name}")
        connection.execute(f"alter table stub rename to {name}")
    connection.execute("create schema if not exists hunt")
    for analytic in analytics:
        connection.execute(views.statement(analytic.sql))
        if library.is_newest(analytic):
            connection.execute(f"create or replace view hunt.{analytic.id} as select * from hunt.{analytic.view}")
    for name in reversed(views.models):
        connection.execute(f"drop table {name}")
        connection.execute(views.model(name))
    return views


def relations_in(sql: str) -> list[str]:
    """Return each name that stands after ``from`` or ``join`` in *sql*: models, and steps of its own."""
    return re.findall(r"\b(?:from|join) (\w+)\b", sql)


def _name(sql: str) -> str:
    return _matched(sql)[1]


def _body(sql: str) -> str:
    return sql[_matched(sql).end() :].strip().rstrip(";")


def _matched(sql: str) -> re.Match[str]:
    found = _HEAD.search(sql)
    if found is None:
        raise ValueError("a file in sql/ has no 'create or replace view NAME as'")
    return found


def _statement(name: str, body: str) -> str:
    return f"create or replace view {name} as\n{body}"
