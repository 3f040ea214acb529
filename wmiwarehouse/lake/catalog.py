"""Opens a database for the views of a warehouse: in memory for ``wmiwh``, in a file for other tools."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from wmiwarehouse import __version__, cache
from wmiwarehouse.content import findings
from wmiwarehouse.content.library import Library
from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.lake import disk, memory, spill
from wmiwarehouse.lake.query import SETTINGS
from wmiwarehouse.lake.relations import analytic_requirement, lay_lake
from wmiwarehouse.lake.settings import Settings
from wmiwarehouse.lake.views import create_views
from wmiwarehouse.lake.warehouse import Batch, Warehouse

if TYPE_CHECKING:
    import duckdb

#: Oldest DuckDB whose shell has to open ``warehouse.duckdb``; 2.0's own format is refused by the 1.5 shells.
_STORAGE = "v1.4.0"


#: An optimizer that took up to two fifths of a hunt in a small warehouse, twice as long as the rows themselves, and the
#: plans that came out were no faster (measured with DuckDB 2.0.0).
_WITHOUT = "set disabled_optimizers = 'projection_pullup'"


def connect(
    *, memory_limit: str | None = None, threads: int | None = None, spill_folder: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """Return an empty in-memory connection set up as everything here expects it.

    What does not fit into memory goes into *spill_folder* (see :mod:`wmiwarehouse.lake.spill`), without it nowhere.
    """
    import duckdb

    config: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    config["temp_directory"] = str(spill_folder or "")
    config |= {"memory_limit": memory_limit} if memory_limit else {}
    config |= {"threads": threads} if threads else {}
    connection = duckdb.connect(config=config)
    connection.execute(SETTINGS)
    with suppress(duckdb.Error):  # another version may have none of that name
        connection.execute(_WITHOUT)
    return connection


def of_hunts(root: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection for hunts in the warehouse at *root*, with the memory that the user gives them."""
    return connect(memory_limit=memory.of_hunts(), spill_folder=spill.folder(root))


def beside(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a second connection to the database of *connection*, set up as that one is."""
    cursor = connection.cursor()
    cursor.execute(SETTINGS)
    return cursor


class Ahead:
    """The views of a library, bound in a thread while something else goes on; nothing if the old ones can be kept.

    To bind them takes a second, which is longer than it takes to ingest a handful of small logs. So what was bound is
    kept for the next new warehouse (:mod:`wmiwarehouse.cache`).
    """

    def __init__(self, warehouse: Warehouse, library: Library) -> None:
        self._library = library
        self._base: Path | None = None
        self._thread: threading.Thread | None = None
        built_for = _built_for(warehouse, [], Settings.load(warehouse.root), library)
        if not _has_same_views(warehouse, built_for):
            self._folder = TemporaryDirectory(ignore_cleanup_errors=True)
            self._thread = threading.Thread(target=self._build, args=(f"views {built_for['views']}",), daemon=True)
            self._thread.start()

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread:
            self._thread.join()
            self._folder.cleanup()

    def _build(self, made_of: str) -> None:
        path = Path(self._folder.name) / "views.duckdb"
        with suppress(Exception):  # it is built once more where the cause can be told
            ready = cache.fetch(made_of)
            if ready is None:
                _build_database(path, [], Settings(), self._library)
                cache.keep(made_of, path.read_bytes())
            else:
                path.write_bytes(ready)
            self._base = path

    def base(self) -> Path | None:
        """Return a database with the views over an empty lake, if one was needed and could be built."""
        if self._thread:
            self._thread.join()
        return self._base


def write_database(warehouse: Warehouse, library: Library, base: Path | None = None) -> None:
    """Build ``warehouse.duckdb`` anew beside the old one and put it in its place; views only, absolute paths.

    The views are those of the database *base* (see :class:`Ahead`) or of the old one, if they are of this library.
    Raises :class:`WmiwhError` where that cannot be done (a full disk; on Windows another tool that has it open): the
    old one stays as it is, and the next command that may write tries again.
    """
    import duckdb

    aside = warehouse.database.with_suffix(".duckdb.new")
    try:
        _clear(aside)
        _write_database(warehouse, library, aside, base)
    except (OSError, duckdb.Error) as error:
        with suppress(OSError):
            _clear(aside)  # it may be what fills the disk
        reason = disk.why(error)
        if reason is None:
            raise
        state = "it stays as it was" if warehouse.database.exists() else "there is none yet"
        raise WmiwhError(f"{warehouse.database} cannot be written: {reason}; {state}") from None


def _clear(aside: Path) -> None:
    """Remove what a build that was ended left; its log is as large as the database."""
    for path in (aside, aside.with_name(f"{aside.name}.wal")):
        path.unlink(missing_ok=True)


def _write_database(warehouse: Warehouse, library: Library, aside: Path, base: Path | None) -> None:
    batches = warehouse.batches()
    settings = Settings.load(warehouse.root)
    expected = _built_for(warehouse, batches, settings, library)
    with ExitStack() as exits:
        # DuckDB reads a "?" in the path of a database as the start of options.
        elsewhere = "?" in str(aside)
        built = Path(exits.enter_context(TemporaryDirectory())) / aside.name if elsewhere else aside
        if base is None and _has_same_views(warehouse, expected):
            base = warehouse.database
        if base is not None:
            shutil.copyfile(base, built)
        _build_database(built, batches, settings, None if base else library)
        if elsewhere:
            shutil.copyfile(built, aside)
    digest = _digest(aside)
    disk.replace(aside, warehouse.database)
    warehouse.write_mark(expected | {"sha256": digest})


def _has_same_views(warehouse: Warehouse, expected: Mapping[str, Any]) -> bool:
    """Whether ``warehouse.duckdb`` is as it was built, and of what it was built for only the lake and settings differ.

    Its views are kept then: to bind all of them takes longer than to read the records of many an ingest.
    """
    mark = warehouse.read_mark()
    if any(mark.get(key) != expected[key] for key in ("version", "views")):
        return False
    return "sha256" in mark and mark["sha256"] == _digest(warehouse.database)


def _digest(path: Path) -> str | None:
    """Return the SHA-256 of *path*, None if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


def _build_database(path: Path, batches: Sequence[Batch], settings: Settings, library: Library | None) -> None:
    """Make the relations under the views in the database at *path*, and all views of *library* if it is given."""
    connection = connect()
    try:
        target = str(path).replace("'", "''")
        connection.execute(f"attach '{target}' as built (storage_version '{_STORAGE}')")
        connection.execute("use built")
        connection.begin()  # or each of the hundreds of statements waits for the disk
        lay_lake(connection, batches, settings)
        if library:
            create_views(connection, library, library.in_hunt)
        connection.commit()
        connection.execute("use memory")
        connection.execute("detach built")
    finally:
        connection.close()


def refresh_database(warehouse: Warehouse, library: Library, ahead: Ahead | None = None) -> None:
    """Build ``warehouse.duckdb`` anew if the folder was moved or it does not fit; not where nothing may be written."""
    if not is_current(warehouse, library) and os.access(warehouse.root, os.W_OK):
        write_database(warehouse, library, ahead.base() if ahead else None)


def is_current(warehouse: Warehouse, library: Library, batches: Iterable[Batch] | None = None) -> bool:
    """Whether ``warehouse.duckdb`` was built for this place, its *batches*, these settings and these views."""
    mark = warehouse.read_mark()
    batches = warehouse.batches() if batches is None else batches
    expected = _built_for(warehouse, batches, Settings.load(warehouse.root), library)
    return warehouse.database.is_file() and all(mark.get(key) == value for key, value in expected.items())


def _built_for(warehouse: Warehouse, batches: Iterable[Batch], settings: Settings, library: Library) -> dict[str, Any]:
    # Of risk only what its views are written from: to write them, every analytic would have to be parsed.
    risk = [*(view.text for view in library.risk), *findings.facts(library.newest.values())]
    texts = [*(view.sql for view in library.views), *risk, analytic_requirement(library)]
    views = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    return {
        "version": __version__,
        "views": views,
        "root": str(warehouse.root),
        "settings": settings.fingerprint,
        "batches": [batch.id for batch in batches],
    }
