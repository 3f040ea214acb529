"""The warehouse as an object: each method is a command of ``wmiwh``, with its words and its errors."""

from __future__ import annotations

import multiprocessing
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, cast

from wmiwarehouse import assets
from wmiwarehouse.api.arguments import PathLike, Time, Value, Words, filters, paths_of, words
from wmiwarehouse.api.errors import known_errors
from wmiwarehouse.api.rows import Line, Rows
from wmiwarehouse.content.library import Analytic, Library
from wmiwarehouse.errors import NoDataError, UsageError, WmiwhError
from wmiwarehouse.hunting import adhoc, unknown
from wmiwarehouse.hunting import hunt as hunting
from wmiwarehouse.hunting.filters import Filters
from wmiwarehouse.hunting.line import Line as HuntLine
from wmiwarehouse.hunting.selection import Selection, listed, select
from wmiwarehouse.lake import catalog, clock, relations
from wmiwarehouse.lake.query import fetch
from wmiwarehouse.lake.rest import purge
from wmiwarehouse.lake.settings import Settings
from wmiwarehouse.lake.warehouse import Warehouse as Folder
from wmiwarehouse.pipeline.ingest import ingest
from wmiwarehouse.pipeline.summary import Progress, Summary

_ONE_QUERY = threading.Lock()

_SOURCES = """
select
    status, format, records, duplicates, problems, lost, hosts, size, first_time, last_time,
    reason, source_file, source_id as sha256, file_sha256, batch_id, ingested_at
from lake_sources
order by source_file, ingested_at"""
_PROBLEMS = """
select source_file, position, reason, lost, source_id as sha256, batch_id
from lake_problems
union all
select source_file, '' as position, reason, null as lost, source_id as sha256, batch_id
from lake_sources
where status = 'failed'
order by source_file, position, reason"""


class Warehouse:
    """A warehouse, made by :func:`wmiwarehouse.open`. Each answer is about what is committed when it is asked for.

    What a hunt has worked out is kept for the next one with the same filters until :meth:`close` or the end of the
    ``with`` block. Several threads may use one object; they wait for each other.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._library = Library.load()
        self._lock = threading.RLock()
        self._held = ExitStack()
        self._held_for: tuple[Any, ...] = ()
        self._hunt: hunting.Hunt | None = None
        self._is_closed = False

    @property
    def path(self) -> Path:
        """The folder of the warehouse, absolute."""
        return self._folder.root

    def close(self) -> None:
        """Give back what is held in memory; the warehouse on disk needs no closing."""
        with self._lock:
            self._is_closed = True
            self._let_go()

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @known_errors
    def ingest(
        self,
        paths: PathLike | Iterable[PathLike],
        *,
        workers: int = 2,
        ingest_dir: PathLike | Iterable[PathLike] = (),
        again: bool = False,
        assume_tz: str | None = None,
        strict: bool = False,
        wait: bool = True,
        progress: Callable[[Progress], None] | None = None,
    ) -> Summary:
        """Read the event logs in *paths*, files or folders.

        Content that is in the warehouse already is left alone, or with *again* read anew and replaced. *progress* is
        called about ten times a second. *ingest_dir* are further folders in the shape of ``ingest/``. Times without a
        zone are taken to be in *assume_tz* (``Europe/Berlin``, ``+02:00``). With *strict* the first problem ends it
        with a :class:`WmiwhError`, and nothing is added.
        The work is done in *workers* new processes: a script that calls this needs ``if __name__ == "__main__":``.

        Damaged input is no error: see ``problems``, ``failed`` and ``exit_code`` of the :class:`Summary`. Raises
        :class:`UsageError` for a path that does not exist, :class:`NoDataError` where no file is, and
        :class:`WmiwhError` if another ingest is writing and *wait* is false, or if the folder cannot be written.
        """
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            # A worker has come as far as here while it imported the script: it would wait for its parent's lock.
            raise WmiwhError('ingest starts new processes: call it below if __name__ == "__main__": in a script')
        if workers < 1:
            raise UsageError(f"workers: {workers} is less than 1")
        own = paths_of(ingest_dir)
        for folder in own:
            if not folder.is_dir():
                raise UsageError(f"ingest_dir: {folder} is not a folder")
        folders = [assets.folder("ingest"), *own] if own else []
        self._check_open()
        with self._folder.writing(wait=wait), catalog.Ahead(self._folder, self._library) as ahead:
            self._folder.clear_staging()
            summary = ingest(
                paths_of(paths),
                self._folder,
                workers=workers,
                ingest_folders=folders,
                again=again,
                assume_tz=assume_tz,
                strict=strict,
                on_progress=progress,
            )
            try:
                catalog.refresh_database(self._folder, self._library, ahead)
            except WmiwhError as error:  # the records are in the lake: the ingest is done
                warnings.warn(f"{error}. Other tools do not see the new records yet", RuntimeWarning, stacklevel=3)
            else:
                purge(self._folder)
        return summary

    @known_errors
    def hunt(
        self,
        analytic: str,
        *,
        since: Time | None = None,
        until: Time | None = None,
        host: str | None = None,
        user: str | None = None,
    ) -> Rows:
        """Return the rows of *analytic* (an id, or one version of it: ``id_v1``), in its own order.

        *since* is included, *until* is not; sessions and chains are kept whole if any of them lies between. *host* is
        a host's name, short or whole; *user* is ``NAME``, ``DOMAIN\\NAME`` or ``NAME@DOMAIN``. Raises
        :class:`UsageError` for an unknown id or a filter that cannot be, :class:`NoDataError` for a
        warehouse without events.
        """
        (chosen,) = select(self._library, [analytic])
        with self._hunting(filters(since, until, host, user)) as hunt:
            table = hunt.run(chosen)
            notes = unknown.doubts(hunt)
            suppressed = hunt.line(chosen, table).suppressed if hunt.tuning.about(chosen) else 0
            if suppressed:
                notes.append(
                    f"not among them: {suppressed:,} that wmiwh.toml suppresses; wmiwh hunt {analytic} --suppressed"
                )
            if not table.num_rows:
                notes.append(hunt.seen(chosen).sentence + (" The filters may hide hits." if hunt.filters else ""))
        return Rows(table, notes)

    @known_errors
    def hunt_all(
        self,
        analytics: Words = (),
        *,
        technique: Words = (),
        side: str | None = None,
        kind: Words = (),
        min_severity: str | None = None,
        since: Time | None = None,
        until: Time | None = None,
        host: str | None = None,
        user: str | None = None,
    ) -> list[Line]:
        """Return a line for each analytic, the gravest first: how many hits on how many hosts, from when to when.

        *analytics* are ids (without any, all); the other words narrow them as the flags of ``wmiwh hunt`` do, and the
        filters are those of :meth:`hunt`. Raises :class:`UsageError`, :class:`NoDataError` as that does.
        """
        wanted = Selection(listed(words(technique)), side, listed(words(kind)), min_severity)
        chosen = wanted.narrow(select(self._library, words(analytics)))
        with self._hunting(filters(since, until, host, user)) as hunt:
            return [_line(line) for line in hunt.lines(chosen)]

    @known_errors
    def sql(
        self,
        query: str,
        parameters: Mapping[str, Value] | None = None,
        *,
        timeout: float = adhoc.TIMEOUT,
        memory: str = adhoc.MEMORY,
    ) -> Rows:
        """Return the rows of *query*: one SELECT over the views, as ``wmiwh sql`` takes it; nothing is ever written.

        *parameters* stand for ``$name`` in it. Raises :class:`UsageError` for SQL that is wrong or does more than
        select, :class:`WmiwhError` where it takes more than *timeout* seconds or *memory* (``512MB``; Linux keeps the
        whole process to about that while it runs), :class:`NoDataError` for a warehouse without events.
        """
        self._check_open()
        values = cast("Mapping[str, str]", parameters or {})  # the command line has text only, DuckDB binds all of them
        # One at a time in the whole process, whose limits are set meanwhile.
        with _ONE_QUERY, adhoc.answer(self.path, self._library, query, values, timeout=timeout, memory=memory) as found:
            return Rows(found.read_all())

    @known_errors
    def coverage(
        self,
        analytic: Words = (),
        *,
        host: str | None = None,
        since: Time | None = None,
        until: Time | None = None,
    ) -> Rows:
        """Return a row for each host and analytic: whether the data that it needs was seen there, and what was not.

        Raises :class:`UsageError` for an unknown *analytic* or a *host* that no record is of or names.
        """
        names = words(analytic)
        wanted = [item.id for item in select(self._library, names)] if names else list(self._library.ids)
        view = self._library.get("data_coverage")
        with self._hunting(filters(since, until)) as hunt:
            connection = hunt.connection(view, beneath=bool(hunt.filters))
            query = f"select * from hunt.{view.view} where analytic in $wanted"
            values: dict[str, Any] = {"wanted": wanted}
            if host is not None:
                plain = host.strip().lower()
                values["hosts"] = [*hunt.hosts.named(host), plain, plain.partition(".")[0]]
                query += " and host in $hosts"
            query += f" order by {', '.join(view.metadata.order_by)}"
            found = fetch(connection, query, values)
        if host is not None and not found.num_rows:
            raise UsageError(f"no record in this warehouse is of host {host}, nor names it")
        return Rows(found)

    @known_errors
    def sources(self, *, problems: bool = False) -> Rows:
        """Return every source with its SHA-256, or with *problems* what was damaged and where.

        Raises :class:`NoDataError` if nothing was ever ingested.
        """
        self._check_open()
        batches = self._folder.batches()
        if not batches:
            raise NoDataError(f"{self.path} has no sources yet; ingest some")
        with closing(catalog.connect()) as connection:
            relations.lay_lake(connection, batches)
            return Rows(connection.sql(_PROBLEMS if problems else _SOURCES).to_arrow_table())

    def analytics(self) -> list[Analytic]:
        """Return the newest version of every analytic, the gravest first, with its SQL and all that is known of it."""
        return select(self._library, [])

    @contextmanager
    def _hunting(self, filters: Filters) -> Iterator[hunting.Hunt]:
        """Give a hunt with *filters*: the last one, if nothing was committed or set since."""
        with self._lock:
            self._check_open()
            batches = tuple(batch.id for batch in self._folder.batches())
            # Suppressions change what is found without a change of the views, and end on a day.
            key = (filters, batches, Settings.load(self.path), clock.now().date())
            if self._hunt is None or key != self._held_for:
                self._let_go()
                self._hunt = self._held.enter_context(hunting.open_hunt(self.path, self._library, filters))
                self._held_for = key
            yield self._hunt

    def _let_go(self) -> None:
        self._hunt = None
        self._held.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise WmiwhError(f"the warehouse at {self.path} was closed; open it again")


def _line(line: HuntLine) -> Line:
    head = line.analytic.metadata
    return Line(
        head.severity,
        head.id,
        line.hits,
        line.hosts,
        line.first_time,
        line.last_time,
        line.seen.text,
        head.side,
        head.kind,
        head.version,
        line.suppressed,
    )
