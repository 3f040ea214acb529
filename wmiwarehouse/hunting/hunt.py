"""Opens a warehouse for hunting and runs analytics in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wmiwarehouse.content.findings import counted
from wmiwarehouse.content.library import Analytic, Library, RiskView
from wmiwarehouse.content.metadata import Requirement
from wmiwarehouse.errors import NoDataError, WmiwhError
from wmiwarehouse.hunting import hidden
from wmiwarehouse.hunting.coverage import Coverage, Seen
from wmiwarehouse.hunting.filters import EVENTS, Filters, bound
from wmiwarehouse.hunting.kept import MANY, to_keep, work_out
from wmiwarehouse.hunting.line import Line
from wmiwarehouse.hunting.tuning import Tuning
from wmiwarehouse.lake import catalog, clock, relations
from wmiwarehouse.lake.hosts import Hosts
from wmiwarehouse.lake.known import newest_ingest
from wmiwarehouse.lake.query import fetch, held, rows
from wmiwarehouse.lake.remembered import LEAST_LAKE, MOST_HITS, Remembered, states
from wmiwarehouse.lake.settings import FILE_NAME, Settings
from wmiwarehouse.lake.views import Views, create_views
from wmiwarehouse.lake.warehouse import Batch, Warehouse
from wmiwarehouse.lake.whole import check_whole

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class Hunt:
    """A warehouse with its views, filtered; made by :func:`open_hunt`."""

    def __init__(
        self, warehouse: Warehouse, library: Library, filters: Filters, batches: Sequence[Batch] | None = None
    ) -> None:
        self._warehouse, self._library = warehouse, library
        self._batches = warehouse.batches() if batches is None else list(batches)
        self._settings = Settings.load(warehouse.root)
        self._connections: dict[bool, Any] = {False: catalog.of_hunts(warehouse.root)}
        #: Whose records there are, and by which names.
        self.hosts = Hosts.of(self._batches, self._settings, self._connections[False])
        self._today = clock.now().date()
        #: What the settings say of expected hits.
        self.tuning = Tuning.of(self._settings, library, warehouse.root / FILE_NAME, self.hosts.host_of, self._today)
        self._filters = filters.pinned()
        if filters.host:
            self._filters = replace(self._filters, host_as=self.hosts.host_of(filters.host))
        self._made: dict[bool, Views] = {}
        self._views: set[tuple[bool, str]] = set()
        self._files = states(file for batch in self._batches for file in batch.event_files)
        self._size = sum(size for size, _ in self._files)
        self.is_large = self._size >= LEAST_LAKE  # what takes long is remembered on disk
        self._kept: set[tuple[bool, str]] = set()
        self._tables: set[str] = set()  # analytics worked out once: in tables, or remembered on disk
        self._remembered: Remembered | None = None
        self._newest: datetime | None = None

    def run(self, analytic: Analytic, most: int | None = None) -> pa.Table:
        """Return the rows of *analytic* in its own order, the first *most* of them, without what is suppressed."""
        connection, sql, values = self._in_order(analytic)
        if most is not None or self._has_few:
            return fetch(connection, sql if most is None else f"{sql} limit {most:d}", values)
        return connection.sql(sql, params=values).to_arrow_table()

    def read(self, analytic: Analytic) -> pa.Table | pa.RecordBatchReader:
        """Return the rows of :meth:`run`; where they are too many to hold in memory, what reads them bit by bit.

        It has a connection of its own: others may be asked meanwhile.
        """
        if self._has_few:
            return self.run(analytic)
        connection, sql, values = self._in_order(analytic)
        return held(catalog.beside(connection).sql(sql, params=values), MOST_HITS)

    @cached_property
    def _has_few(self) -> bool:
        """Whether there are few enough records to hold what is found in them."""
        return not self.is_large and (self.totals()["records"] or 0) <= MOST_HITS

    def lines(self, analytics: Sequence[Analytic]) -> list[Line]:
        """Return the summary of each of *analytics*; what several of them read is worked out once."""
        self._keep(analytics)
        return [self.line(analytic) for analytic in analytics]

    def line(self, analytic: Analytic, found: pa.Table | None = None) -> Line:
        """Return the summary of *analytic*: how many hits on how many hosts, from when to when.

        *found* are its rows, for a caller that has them already.
        """
        once = found is None and self.is_large and not self._filters and not self.tuning.about(analytic)
        counted = self._counted_before(analytic) if once else {}
        if counted:
            return Line(analytic, seen=self.seen(analytic), **counted)
        tests, left = self.tests(analytic), ""
        if found is None:
            connection, sql, values = self._rows(analytic)
            columns = list(self._columns(analytic, connection))
            if tests:
                sql, left = hidden.marked(sql, tests), " filter (where not is_hidden)"
        else:
            connection, sql, values = self._connect(beneath=False), "select * from found", {}
            connection.register("found", found)
            columns = found.column_names
        picked = hidden.counts(columns, left) + (f", {hidden.summed(tests)}" if left else "")
        query = f"select {picked} from ({sql})"
        if once and self._remembered and analytic.view not in self._tables:
            self._remembered.keep(connection, f"{analytic.view}.line", self._made[False].text_of(analytic.sql), query)
            counted = self._counted_before(analytic)
        counted = counted or rows(connection, query, values)[0]
        if tests and not left:
            counted |= hidden.count(self, analytic, tests)
        by = tuple(counted.pop("suppressed_by", None) or ())
        return Line(analytic, seen=self.seen(analytic), suppressed_by=by, **counted)

    def tuning_of(self, settings: Settings, path: Path | None = None) -> Tuning:
        """Return what *settings*, of the file *path*, would say of expected hits here, with what has ended too."""
        settings = replace(settings, aliases=self._settings.aliases)
        where = path or self._warehouse.root / FILE_NAME
        return Tuning.of(settings, self._library, where, self.hosts.host_of, self._today, ended=True)

    def suppressed(self, analytic: Analytic) -> pa.Table:
        """Return the rows of *analytic* that are suppressed, with the ids of what hides them and why before them."""
        return hidden.rows_of(self, analytic)

    def seen(self, analytic: Analytic) -> Seen:
        """Return on how many hosts the records that *analytic* needs were seen, where the filters look."""
        return self._coverage.seen(analytic.metadata.requires)

    def seen_of(self, requirements: Iterable[Requirement]) -> Seen:
        """Return on how many hosts records of any of *requirements* were seen, in the same."""
        return self._coverage.seen(requirements)

    @property
    def filters(self) -> Filters:
        """What the rows are narrowed to."""
        return self._filters

    def connection(
        self, *analytics: Analytic | RiskView, models: Iterable[str] = (), beneath: bool = False
    ) -> duckdb.DuckDBPyConnection:
        """Return a connection with the views of *analytics* and *models*; its events are filtered if *beneath*.

        The ``lake_*`` relations are always there; what else a caller's own SQL reads it has to name.
        """
        connection: duckdb.DuckDBPyConnection = self._connect(beneath=beneath)
        views = self._made[beneath]
        if not beneath:
            self._recall((item for item in analytics if isinstance(item, Analytic)), work_out=False)
        tables = set() if beneath else self._tables
        new = {
            item.view: item.reading(tables) if isinstance(item, RiskView) else item.sql
            for item in analytics
            if (beneath, item.view) not in self._views
        }
        views.make(connection, [*models, *(name for sql in new.values() for name in views.read_by(sql))])
        for view, sql in new.items():
            if view in tables:
                views.make_table(connection, sql)
            else:
                connection.execute(views.statement(sql))
            self._views.add((beneath, view))
        return connection

    def prepare(self, analytics: Sequence[Analytic]) -> None:
        """Work out once what *analytics* share, and their hits; a single look at one of them does without."""
        self._keep(analytics)
        if self.is_large:
            self._recall(counted(analytics), work_out=True)
        else:
            fresh = [item for item in counted(analytics) if (False, item.view) not in self._views]
            self._tables.update(item.view for item in fresh)
            self.connection(*fresh)

    @property
    def batches(self) -> tuple[Batch, ...]:
        """What of the lake is looked at, whatever is committed meanwhile."""
        return tuple(self._batches)

    def ingested_until(self) -> datetime | None:
        """Return when the newest of what is looked at was ingested: where the next run goes on."""
        return newest_ingest(self._batches)

    def totals(self) -> dict[str, Any]:
        """Return what is in the warehouse: records, hosts, first_time, last_time."""
        # The list of hosts has it all; of 100 million events it took 20 s.
        query = """
            select
                cast(coalesce(sum(records), 0) as bigint) as records, count(distinct host) as hosts,
                min(first_time) as first_time, max(last_time) as last_time
            from lake_hosts"""
        return rows(self._connect(beneath=False), query)[0]

    def close(self) -> None:
        """Give the connections back."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    @cached_property
    def _coverage(self) -> Coverage:
        hosts = self.hosts.named(self._filters.host) if self._filters.host else None
        span = self._filters.span(self.newest() if self._filters else None)
        return Coverage(self._ask, self._library.analytics, hosts, *span)

    def _ask(self, model: str, query: str) -> list[dict[str, Any]]:
        """Return the rows of *query* over one *model*, whatever the filters."""
        connection = self._connect(beneath=False)
        return rows(connection, self._made[False].asking(connection, model, query))

    def query(self, analytic: Analytic) -> tuple[Any, str, dict[str, Any]]:
        """Return a connection and the SQL of the rows of *analytic* under the filters, suppressed ones too."""
        beneath = self._is_beneath(analytic)
        if not self._filters:
            self._recall([analytic], work_out=True)
        connection = self.connection(analytic, beneath=beneath)
        where, values = "", dict[str, Any]()
        if self._filters and not beneath:
            lasting = analytic.metadata.kind in ("session", "chain")
            where, values = self._filters.where(self._columns(analytic, connection), self.newest(), lasting=lasting)
        return connection, f"select * from hunt.{analytic.view}{' where ' + where if where else ''}", values

    def _rows(self, analytic: Analytic) -> tuple[Any, str, dict[str, Any]]:
        """Return what :meth:`query` does, if it can without a view: to make that takes as long as to plan a query."""
        if self._filters or self.is_large or self.tuning.about(analytic):
            return self.query(analytic)
        connection, views = self._connect(beneath=False), self._made[False]
        if (False, analytic.view) in self._views or not views.columns.knows(analytic.view, "hunt"):
            return self.query(analytic)
        return connection, views.query(connection, analytic.sql), {}

    def _in_order(self, analytic: Analytic) -> tuple[Any, str, dict[str, Any]]:
        self._keep([analytic])
        connection, sql, values = self._rows(analytic)
        if tests := self.tests(analytic):
            sql = f"select * from ({sql}) as found where not ({' or '.join(tests.values())})"
        return connection, f"{sql} order by {', '.join(analytic.metadata.order_by)}", values

    def tests(self, analytic: Analytic, tuning: Tuning | None = None) -> dict[str, str]:
        """Return for each rule about *analytic* the SQL over its rows ``found`` that is true of what it hides.

        *tuning* are other rules than those of the settings, to be tried.
        """
        tuning = tuning or self.tuning
        is_about = tuning.about(analytic)
        return tuning.tests(analytic, self._columns(analytic, self.connection(analytic))) if is_about else {}

    def _columns(self, analytic: Analytic, connection: Any) -> dict[str, str]:
        return next(iter(self._made.values())).columns.of(connection, analytic.view, "hunt")

    def _keep(self, analytics: Sequence[Analytic]) -> None:
        """Work out what *analytics* share."""
        for beneath in (False, True):
            chosen = [item for item in analytics if self._is_beneath(item) is beneath]
            if not chosen:
                continue
            connection, views = self._connect(beneath=beneath), self._made[beneath]
            if self.is_large:
                if len(chosen) >= MANY:
                    views.share()
                continue
            wanted = to_keep(self._library, chosen, self._size, views.how_often)
            names = [name for name in wanted if (beneath, name) not in self._kept]
            self._kept.update((beneath, name) for name in names)
            work_out(connection, views, self._library, names)

    def _is_beneath(self, analytic: Analytic) -> bool:
        """Whether the filters narrow the events of *analytic*, not its rows."""
        return analytic.metadata.filters == "events" and bool(self._filters)

    def _recall(self, analytics: Iterable[Analytic], *, work_out: bool) -> None:
        """Have all hits of *analytics* from disk, whatever the filters: worked out before or, if *work_out*, now.

        Who wants some of the rows takes what is there; else it is faster to look at what the filters leave.
        """
        connection = self._connect(beneath=False)
        for item in analytics:
            if item.view not in self._tables and self._made[False].recall(connection, item.sql, work_out=work_out):
                self._tables.add(item.view)
                self._views.add((False, item.view))

    def _counted_before(self, analytic: Analytic) -> dict[str, Any]:
        """Return the counts of all hits of *analytic* as they are remembered, of too many to remember them all."""
        connection = self._connect(beneath=False)
        if self._remembered is None:
            return {}
        path = self._remembered.find(f"{analytic.view}.line", self._made[False].text_of(analytic.sql))
        return rows(connection, "select * from read_parquet($path)", {"path": str(path)})[0] if path else {}

    def _connect(self, *, beneath: bool) -> Any:
        """Return the connection whose ``events`` are filtered (*beneath*) or not."""
        if beneath not in self._made:
            if beneath not in self._connections:
                self._connections[beneath] = catalog.of_hunts(self._warehouse.root)
            connection = self._connections[beneath]
            statements = relations.base_relations(self._batches, self._settings, self.hosts)
            relations.lay(connection, statements)
            where = ""
            if beneath:
                where, values = self._filters.where(EVENTS, self.newest(), beneath=True)
                where = bound(where, values)
            else:
                self._filters.lay(connection)
            remembered = None
            if self.is_large and not beneath:
                remembered = self._remembered = Remembered(self._warehouse.root, [*statements, str(self._files)])
            self._made[beneath] = create_views(connection, self._library, (), (), where, remembered)
        return self._connections[beneath]

    def newest(self) -> datetime | None:
        """Return the time of the newest event."""
        if self._newest is None:
            # A clock that ran ahead must not move every span into the future.
            query = "select max(event_time) as newest from lake_events where event_time <= ingested_at"
            self._newest = rows(self._connect(beneath=False), query)[0]["newest"]
        return self._newest


@contextmanager
def open_hunt(
    root: Path, library: Library, filters: Filters | None = None, batches: Sequence[Batch] | None = None
) -> Iterator[Hunt]:
    """Open the warehouse at *root* for hunting; raises :class:`NoDataError` (exit 3) if nothing was ever ingested.

    *batches* are what it had when a run of several hunts began, so that all of them see the same.
    """
    warehouse = Warehouse.open(root)
    found = check_whole(warehouse)
    if not any(batch.event_files for batch in found):
        raise NoDataError(f"{root} has no events yet; next: wmiwh ingest PATH... -w {root}")
    if not catalog.is_current(warehouse, library, found):
        with suppress(WmiwhError), warehouse.writing(wait=False):  # a running ingest will do it itself
            catalog.refresh_database(warehouse, library)
    with relations.reading(warehouse.root):
        hunt = Hunt(warehouse, library, filters or Filters(), found if batches is None else batches)
        try:
            yield hunt
        finally:
            hunt.close()
