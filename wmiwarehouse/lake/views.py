"""Makes the views of ``sql/`` in a database so that no view works the same model out twice.

DuckDB puts the text of a view in at each place that names it: a chain that reads the sessions directly and through
three other models would bind and run them four times, and those that they read again four times each. So a view in
which a model marked ``kept`` would stand more than once carries the models that it needs as steps of its own (``with
logon_session as (...)``), each once. What it returns is the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from wmiwarehouse.content.library import Analytic, Library, RiskView
from wmiwarehouse.lake.columns import Columns
from wmiwarehouse.lake.hosts import literal
from wmiwarehouse.lake.relations import analytic_requirement
from wmiwarehouse.lake.remembered import MOST_HITS

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from wmiwarehouse.lake.remembered import Remembered

#: The last step of a view, and its last line.
_FINAL = re.compile(r"\bfinal as \((.*)\)\s*select \* from final\s*\Z", re.DOTALL)
#: One step over the events, without a join, a group or a window.
_CHOOSES = re.compile(
    r"with final as \((?:(?!\bjoin\b|\bgroup by\b|\bover\b|\bdistinct\b).)*\)\s*select \* from final", re.DOTALL
)
_HEAD = re.compile(r"create or replace view (\S+) as\s")


class Views:
    """The statements of a library's views, with ``events`` narrowed by *events_where* if it is given.

    Models whose head says ``remembered`` come from *remembered* if it is given, and go there once worked out; so do
    those that are ``shared``, from when :meth:`share` was called.

    *events_where* narrows everything above ``events`` too but the models that are marked ``whole`` (the parent of a
    process may have started before the range): how filters get beneath an aggregation.
    """

    def __init__(self, library: Library, events_where: str = "", remembered: Remembered | None = None) -> None:
        self._kept = {model.name for model in library.models if model.metadata.kept}
        #: Models that only choose among the events. One that stands twice is no reason for steps: to scan twice costs
        #: little, and DuckDB 2.0.0 never ends where a LIMIT stands over a long step that is joined with itself.
        self._chosen = {model.name for model in library.models if _CHOOSES.fullmatch(_body(model.sql))}
        #: Model view -> its statement, each after those that it reads.
        self.models: dict[str, str] = {}
        for model in library.models:
            if model.name == "events" and events_where:
                self.models["all_events"] = _statement("all_events", _body(model.sql))
                self.models["events"] = _statement("events", f"select * from all_events where {events_where}")
                continue
            sql = ending(model.sql)
            if model.metadata.whole and events_where:
                sql = re.sub(r"\b(from|join) events\b", r"\1 all_events as events", sql)
            self.models[model.name] = sql
        self._reads = {name: self._named_in(sql, but=name) for name, sql in self.models.items()}
        self._times: dict[str, Counter[str]] = {}
        #: Which columns its views have.
        self.columns = Columns(view.sql for view in library.views)
        #: What there is of them in the database, and which of those as tables that were worked out.
        self._made: set[str] = set()
        self._tables: set[str] = set()
        self._remembered = remembered
        #: The models that are worked out once for each state of the lake.
        self._to_remember = {model.name for model in library.models if model.metadata.remembered and remembered}
        self._tables.update(self._to_remember)
        self._shared = {model.name for model in library.models if model.metadata.shared}
        self._above_kept = {
            name for name in self.models if name in self._kept or self._times_in(name).keys() & self._kept
        }
        self._take({name for name in self._shared if self._find(name)})

    def share(self) -> None:
        """Have the shared models remembered from now on: many analytics will read them."""
        if self._remembered:
            self._take(self._shared - self._made)

    def _take(self, names: set[str]) -> None:
        self._to_remember |= names
        self._tables |= names

    def statement(self, sql: str) -> str:
        """Return the statement *sql* of a view with the models that it needs as steps, if it would repeat one."""
        sql = ending(sql)
        steps = self._steps(sql)
        if not steps:
            return sql
        read = Counter(self._named_in(sql, but=_name(sql)))
        for name in steps:
            read.update(self._reads[name])
        # What only one step reads is put into it: there its filters reach the scan.
        listed = ",\n".join(
            f"{name} as {'' if read[name] > 1 else 'not '}materialized (\n{_body(self.models[name])}\n)"
            for name in steps
        )
        return _statement(_name(sql), f"with {listed}\nselect * from (\n{_body(sql)}\n) as answer")

    def _steps(self, sql: str) -> list[str]:
        times = self._times_below(self._named_in(sql, but=_name(sql)))
        if all(times[name] < 2 for name in self._kept.difference(self._tables, self._chosen)):
            return []
        above = self._above_kept - self._tables
        return [name for name in self.models if name in times and name in above]

    def how_often(self, model: str, sql: str) -> int:
        """Return how often *model* stands in the view that the statement *sql* makes: so often it is bound and read."""
        steps = self._steps(sql)
        return sum(
            often * (1 if name == model else self._times_in(name)[model])
            for reads in (self._named_in(sql, but=_name(sql)), *(self._reads[step] for step in steps))
            for name, often in reads.items()
            if name not in steps
        )

    def query(self, connection: duckdb.DuckDBPyConnection, sql: str) -> str:
        """Return the query of the view that the statement *sql* makes, once the models that it reads are made."""
        self.make(connection, self.read_by(sql))
        return f"select * from (\n{_body(self.statement(sql))}\n) as answer"

    def asking(self, connection: duckdb.DuckDBPyConnection, name: str, query: str) -> str:
        """Return *query* over the model *name* so that it can be run, without a view that is made for it alone."""
        if name in self._made or name in self._to_remember:
            self.make(connection, [name])
            return query
        self.make(connection, self._reads[name])
        return f"with {name} as (\n{_body(self.model(name))}\n)\n{query}"

    def keep(self, connection: duckdb.DuckDBPyConnection, name: str, columns: Iterable[str]) -> None:
        """Put a table with *columns* (as SQL) in the place of the model view *name*, for all that reads it later."""
        listed = ", ".join(columns)
        body = _body(self.model(name))
        connection.execute(f"create table being_kept as select {listed} from (\n{body}\n) as kept")
        connection.execute(f"drop view {name}")
        connection.execute(f"alter table being_kept rename to {name}")
        self.columns.close()
        self._tables.add(name)

    def model(self, name: str) -> str:
        """Return the statement of the model view *name*; see :meth:`statement`."""
        return self.statement(self.models[name])

    def read_by(self, sql: str) -> list[str]:
        """Return the models that the statement *sql* names."""
        return list(self._named_in(sql, but=""))

    def make(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: Iterable[str],
        make_others: Callable[[], None] = lambda: None,
    ) -> None:
        """Make the views of the models *names*, and of all that they read, where *connection* has not got them yet.

        A view is bound when it is made, with all that it is built on. So each model first stands there as an empty
        table, and the views are made from the top down, *make_others* before them: each then finds tables and not
        whole trees.
        """
        wanted = set(names).difference(self._made)
        files: dict[str, Path] = {}
        for name in reversed(self.models):
            if name in wanted and name not in self._made:
                if path := self._find(name):
                    files[name] = path
                else:
                    wanted.update(self._reads[name])
        for name, path in files.items():
            connection.execute(_statement(name, _rows_of(path)))
        missing = [name for name in self.models if name in wanted and name not in self._made and name not in files]
        for name in missing:
            self.columns.stub(connection, name, _body(self.models[name]))
        self.columns.learn(connection)
        make_others()
        for name in reversed(missing):
            connection.execute(f"drop table {name}")
            connection.execute(self.model(name))
        self._made.update(missing, files)
        for name in missing:
            self._remember(connection, name)

    def _find(self, name: str) -> Path | None:
        if self._remembered and name in self._to_remember | self._shared:
            return self._remembered.find(name, self.text_of(self.models[name]))
        return None

    def recall(self, connection: duckdb.DuckDBPyConnection, sql: str, *, work_out: bool) -> bool:
        """Put the rows that are remembered in the place of the analytic that the statement *sql* makes.

        Return whether that was done. Where nothing is remembered yet, they are worked out first if *work_out*; those
        of an analytic with very many hits are not kept.
        """
        if self._remembered is None:
            return False
        name, made_of = _name(sql).rpartition(".")[2], self.text_of(sql)
        path = self._remembered.find(name, made_of)
        if path is None and work_out and not self._remembered.has_too_many(name, made_of):
            path = self._remembered.keep(connection, name, made_of, self.query(connection, sql), MOST_HITS)
        if path:
            connection.execute(_statement(_name(sql), _rows_of(path)))
        return path is not None

    def text_of(self, sql: str) -> str:
        """Return the statement *sql* with the text of all models beneath it: what decides its rows beside the lake."""
        return "\n".join([*(self.models[name] for name in self._beneath(sql)), sql])

    def _beneath(self, sql: str) -> list[str]:
        times = self._times_below(self._named_in(sql, but=_name(sql)))
        return [name for name in self.models if name in times]

    def make_table(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Put a table in the place of the view that the statement *sql* makes."""
        statement = self.statement(sql)
        connection.execute(f"create table {_name(statement)} as\n{_body(statement)}")

    def _remember(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        if self._remembered and name in self._to_remember:
            path = self._remembered.keep(connection, name, self.text_of(self.models[name]), _body(self.model(name)))
            if path:
                connection.execute(_statement(name, _rows_of(path)))
            elif name in self._shared:  # too large for memory: it stays a view
                self._tables.discard(name)
            else:
                self.keep(connection, name, ["*"])

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
    models: Iterable[str] | None = None,
    events_where: str = "",
    remembered: Remembered | None = None,
) -> Views:
    """Create the model views and *analytics*, as versions and plain ids, over the ``lake_*`` relations of *connection*.

    *models* are the models that are wanted beside those that *analytics* read, with what they are made of; without
    it, all. For *events_where*, *remembered* and what is returned see :class:`Views`.
    """
    connection.execute(analytic_requirement(library))
    connection.execute("create schema if not exists hunt")
    views = Views(library, events_where, remembered)
    analytics = list(analytics)
    named = (
        views.models if models is None else [*models, *(name for item in analytics for name in views.read_by(item.sql))]
    )

    def make_analytics() -> None:
        for analytic in analytics:
            connection.execute(views.statement(analytic.sql))
            if library.is_newest(analytic):
                connection.execute(f"create or replace view hunt.{analytic.id} as select * from hunt.{analytic.view}")
        views.columns.learn(connection, [item.view for item in analytics if isinstance(item, Analytic)])

    views.make(connection, named, make_analytics)
    return views


def ending(sql: str) -> str:
    """Return the statement *sql* of a view so that it ends under a LIMIT too.

    DuckDB 2.0.0 waits for ever where a LIMIT stands over a step of more than some 60,000 rows that is joined with what
    was made of it, ``with hits as (...) select ... from hits left join (... hits ...) limit 10``, unless something has
    to have read the whole step before: here its count.
    """
    final = _FINAL.search(sql)
    first = final and re.search(r"\bfrom (\w+)\b", final[1])
    if not final or not first or " join " not in final[1]:
        return sql
    step = first[1]
    if f"{step} as (" not in sql or relations_in(sql).count(step) < 2:
        return sql
    return f"{sql.rstrip()}\nwhere (select count(*) from {step}) >= 0\n"


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


def _rows_of(path: Path) -> str:
    return f"select * from read_parquet({literal(str(path))})"


def _statement(name: str, body: str) -> str:
    return f"create or replace view {name} as\n{body}"
