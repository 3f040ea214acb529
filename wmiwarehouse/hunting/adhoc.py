"""Runs one SELECT that a person wrote over the views of a warehouse, and nothing else.

The first line is :mod:`wmiwarehouse.hunting.guard`. The second is the connection, measured with DuckDB 2.0:

- ``enable_external_access = false`` closes files, attaching, extensions, secrets; the lake's own files are let through
  one by one with ``allowed_paths``. Files let through can be written too (``copy ... (use_tmp_file false)`` gets past
  the read-only mode where root runs it), so against that only the guard helps; with ``allowed_directories`` new files
  could be put beside them as well.
- ``lock_configuration`` keeps a statement from taking any of it back.
- ``python_enable_replacements = false``: a name that is no view is not looked for among the variables of this program.
  Closing the files does that too; it is said once more because it is not why they are closed.
- ``temp_directory = ''``: a query that outgrows its memory ends, and does not fill the disk.
- ``memory_limit`` does not count the values that a function builds (``repeat('x', 2000000000)``), so where the system
  can limit the whole process, it does.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wmiwarehouse.content.library import Analytic, Library, RiskView
from wmiwarehouse.errors import NoDataError, UsageError, WmiwhError
from wmiwarehouse.hunting.deadline import ended
from wmiwarehouse.hunting.guard import Checked, check
from wmiwarehouse.hunting.refusals import one_line
from wmiwarehouse.lake import catalog, relations
from wmiwarehouse.lake.hosts import literal
from wmiwarehouse.lake.memory import size as size_of
from wmiwarehouse.lake.settings import Settings
from wmiwarehouse.lake.views import create_views
from wmiwarehouse.lake.warehouse import Batch, Warehouse
from wmiwarehouse.lake.whole import check_whole

if TYPE_CHECKING:
    import pyarrow as pa

TIMEOUT = 300
MEMORY = "4GB"

#: Address space beside DuckDB's memory: the allocators of DuckDB, Arrow and each thread reserve more than they use.
_RESERVE, _RESERVE_PER_THREAD = 2 << 30, 80 << 20


@contextmanager
def answer(
    root: Path,
    library: Library,
    sql: str,
    parameters: Mapping[str, str] | None = None,
    *,
    timeout: float = TIMEOUT,
    memory: str = MEMORY,
) -> Iterator[pa.RecordBatchReader]:
    """Give the rows of *sql* over the warehouse at *root*, read as they are worked out; nothing is written.

    *parameters* stand for ``$name`` in it, as text. Raises :class:`UsageError` for SQL that is wrong or not allowed,
    :class:`WmiwhError` if the rows take longer than *timeout* seconds or need more than *memory*; either also while
    the rows are read.
    """
    import pyarrow as pa

    limit = memory_size(memory)
    connection = catalog.connect(memory_limit=f"{limit}B")
    try:
        checked = check(sql, connection, known_relations(library))
        values = _values(checked, dict(parameters or {}))
        prepare(connection, root, library, checked)
        with ended(connection, timeout) as deadline, _whole_process(limit):
            words = _Words(deadline, timeout, memory)
            with words.translated():
                reader = connection.sql(checked.statement, params=values).to_arrow_reader()
            try:
                yield words.watched(reader)
            except pa.ArrowNotImplementedError as error:
                raise UsageError(f"a column has a type that cannot be written so; cast it: {one_line(error)}") from None
    finally:
        connection.close()


def known_relations(library: Library) -> dict[str, frozenset[str]]:
    """Return the relations that ad-hoc SQL may name, by schema."""
    base = {_made_by(statement) for statement in relations.base_relations(())}
    return {
        "main": frozenset({*base, "analytic_requirement", *(model.name for model in library.models)}),
        "hunt": frozenset(name for item in library.in_hunt for name in (item.id, item.view)),
    }


def prepare(connection: Any, root: Path, library: Library, checked: Checked) -> None:
    """Make the views that *checked* needs over the warehouse at *root*, and close *connection* to all else."""
    warehouse = Warehouse.open(root)
    batches = check_whole(warehouse)
    if not any(batch.event_files for batch in batches):
        raise NoDataError(f"{root} has no events yet; next: wmiwh ingest PATH... -w {root}")
    if checked.relations:
        relations.lay_lake(connection, batches, Settings.load(warehouse.root))
        analytics = _in_hunt(library, {name for schema, name in checked.relations if schema == "hunt"})
        wanted = {name for schema, name in checked.relations if schema == "main"}
        create_views(connection, library, analytics, wanted & {model.name for model in library.models})
    lock_down(connection, batches)


def _in_hunt(library: Library, names: set[str]) -> list[Analytic | RiskView]:
    """Return what *names* in schema ``hunt`` stand for, each after what it is made of."""
    risk: list[RiskView] = []
    for item in reversed(library.risk):
        if names & ({item.view, item.id} if library.is_newest(item) else {item.view}):
            risk.insert(0, item)
            names = names.union(item.metadata.requires)
    known = {name for item in library.risk for name in (item.id, item.view)}
    return [*(library.get(name) for name in sorted(names - known)), *risk]


def lock_down(connection: Any, batches: list[Batch]) -> None:
    """Close *connection* to everything but the Parquet files of *batches*; see this module's text."""
    files = [path for batch in batches for path in sorted(batch.folder.rglob("*.parquet"))]
    connection.execute(f"set allowed_paths = [{', '.join(literal(str(path)) for path in files)}]")
    connection.execute("set python_enable_replacements = false")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def memory_size(text: str) -> int:
    """Return the bytes that *text* (``512MB``, ``4GiB``) stands for; raises :class:`UsageError`."""
    return size_of(text, "--memory ")


def _made_by(statement: str) -> str:
    found = re.match(r"create or replace view (\w+) as", statement)
    if found is None:
        raise ValueError("a relation beneath the views is no view")
    return found[1]


def _values(checked: Checked, given: dict[str, str]) -> dict[str, str]:
    missing, unused = sorted(checked.parameters - given.keys()), sorted(given.keys() - checked.parameters)
    if missing:
        raise UsageError(f"no value for ${missing[0]}; say it with -p {missing[0]}=VALUE")
    if unused:
        raise UsageError(f"-p {unused[0]}: the SQL has no ${unused[0]}")
    return given


class _Words:
    """Puts what DuckDB raises into the words of the command line, also where it comes through Arrow."""

    def __init__(self, deadline: threading.Event, timeout: float, memory: str) -> None:
        self._deadline, self._timeout, self._memory = deadline, timeout, memory

    @contextmanager
    def translated(self) -> Iterator[None]:
        import duckdb
        import pyarrow as pa

        try:
            yield
        except (duckdb.Error, pa.ArrowException, MemoryError, OSError) as error:
            raise self._named(error) from None
        except RuntimeError as error:
            if "interrupted" not in str(error):  # how DuckDB says that Ctrl-C came while it worked
                raise
            raise KeyboardInterrupt from None

    def watched(self, reader: Any) -> pa.RecordBatchReader:
        """Return *reader* with our words for its failures; also rows that come one by one end at the deadline."""
        import pyarrow as pa

        def batches() -> Iterator[Any]:
            with self.translated():
                for batch in reader:
                    if self._deadline.is_set():
                        raise self._too_late()
                    yield batch

        return pa.RecordBatchReader.from_batches(reader.schema, batches())

    def _named(self, error: BaseException) -> BaseException:
        import duckdb

        text = str(error)
        if self._deadline.is_set() and "INTERRUPT" in text:
            return self._too_late()
        if isinstance(error, duckdb.InterruptException) or "INTERRUPT Error" in text:
            return KeyboardInterrupt()
        if isinstance(error, (duckdb.OutOfMemoryException, MemoryError)) or "Out of Memory Error" in text:
            return WmiwhError(
                f"needs more than {self._memory} (--memory); narrow it (a where, fewer columns, a limit), "
                f"or --memory {2 * memory_size(self._memory) // 10**6}MB"
            )
        if isinstance(error, duckdb.IOException) or not isinstance(error, duckdb.Error):
            return WmiwhError(one_line(error))
        return UsageError(one_line(error))

    def _too_late(self) -> WmiwhError:
        longer = max(60, round(2 * self._timeout))
        return WmiwhError(f"stopped after {self._timeout:g} s (--timeout); narrow it, or --timeout {longer}")


@contextmanager
def _whole_process(memory: int) -> Iterator[None]:
    """Keep the process from growing by much more than *memory*, where the system tells its size and can limit it."""
    if sys.platform != "linux":
        yield
        return
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    room = pages * resource.getpagesize() + memory + _RESERVE + _RESERVE_PER_THREAD * (os.cpu_count() or 1)
    limits = [limit for limit in (soft, hard, room) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
