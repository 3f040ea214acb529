"""Batches that take the place of others: how a lake is changed of which no file may be.

What stays of the old batches is put into a new one in ``.staging``, which names them as replaced; the step that makes
it visible hides them, so that nobody ever sees both or neither. Event files of which everything stays are linked and
not copied. The old folders go later (:func:`purge`): whoever opened a hunt before goes on reading them.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wmiwarehouse.errors import WmiwhError
from wmiwarehouse.lake import disk, query, spill, tables
from wmiwarehouse.lake.manifest import LakeFile, Manifest, list_lake
from wmiwarehouse.lake.recount import GOES, Copies, Recount
from wmiwarehouse.lake.warehouse import Batch, Warehouse

#: A source as its rows name it: (source_id, source_file); the first is None for what could not be read.
Key = tuple[str | None, str]

#: So long the files of replaced batches stay for those who are reading them.
GRACE = timedelta(hours=1)

ROW_GROUP = 16_384
_MEMORY = "1GB"


@dataclass
class Rest:
    """What stays of *batches*, as rows of their small tables and as files in the staged batch."""

    batches: list[Batch] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    forgotten: list[dict[str, Any]] = field(default_factory=list)
    linked: dict[str, LakeFile] = field(default_factory=dict)
    """Event files that were taken over as they are, with the hashes that they were committed with."""
    copies: Copies = field(default_factory=Copies)


def key(row: dict[str, Any]) -> Key:
    """Return the source that a row of ``sources`` or ``problems`` is about."""
    return row["source_id"], row["source_file"]


@contextmanager
def staging(warehouse: Warehouse) -> Iterator[tuple[Path, Any]]:
    """Yield a new folder to put a batch together in, and a connection; both are gone afterwards, whatever happened."""
    import duckdb

    folder = warehouse.staging / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{os.urandom(3).hex()}"
    try:
        (folder / "events").mkdir(parents=True)
        # One thread: the order of the rows stays, and two that sort wide rows at once don't fit into this memory.
        config = {"memory_limit": _MEMORY, "threads": 1, "temp_directory": str(folder / "spill")}
        with duckdb.connect(config=config) as connection:  # type: ignore[arg-type]
            connection.execute(query.SETTINGS)
            yield folder, connection
    except (OSError, duckdb.Error) as error:
        if (reason := disk.why(error)) is None:
            raise
        raise WmiwhError(f"{warehouse.root} cannot be written: {reason}; nothing was changed") from None
    finally:
        disk.remove(folder)


def require_sound(batches: Iterable[Batch]) -> None:
    """Raise :class:`WmiwhError` for a batch that is not as it was committed: a rewrite would make that the truth."""
    for batch in batches:
        manifest = Manifest.read(batch.folder)
        for finding, name, _ in manifest.differences(batch.folder) if manifest else ():
            raise WmiwhError(f"batch {batch.id} is damaged ({name}: {finding}); nothing was changed. See: wmiwh verify")


def gather(batches: Sequence[Batch], keys: Collection[Key] = ()) -> Rest:
    """Read the small tables of *batches*, but not the rows of *keys*."""
    rest = Rest(list(batches))
    for batch in batches:
        for name in ("sources", "problems"):
            getattr(rest, name).extend(row for row in tables.read(batch.table(name)) if key(row) not in keys)
        rest.forgotten += tables.read(batch.table("forgotten"))
    return rest


def take_out(
    connection: Any, folder: Path, batches: Sequence[Batch], keys: Collection[Key], fresh: Sequence[Path] = ()
) -> Rest:
    """Put all but the sources *keys* of the batches that they touch into the staged *folder*.

    *batches* are all of the lake: some may lie in others that hold copies of what goes. *fresh* are event files of
    the new batch itself, which come in the place of the sources.
    """
    sources = {
        batch.id: [(key(row), row["records"]) for row in tables.read(batch.table("sources"))] for batch in batches
    }
    touched = [batch for batch in batches if any(one in keys for one, _ in sources[batch.id])]
    staying = [batch for batch in batches if any(n and one not in keys for one, n in sources[batch.id])]
    _fill(connection, "dropped", {"source_id": "VARCHAR", "source_file": "VARCHAR"}, map(_as_row, keys))
    if staying:  # or nothing of the old is read at all
        require_sound(touched)
    recount = Recount(connection, folder / "spill", _event_files(staying), _event_files(touched))
    copies = recount.run([batch.table("duplicates") for batch in batches], fresh)
    back = Counter(map(key, copies.restored))
    changed = [batch for batch in batches if batch in touched or any(one in back for one, _ in sources[batch.id])]
    require_sound(batch for batch in changed if batch not in touched)
    rest = gather(changed, keys)
    rest.copies = copies
    for row in rest.sources:
        row["duplicates"] = max(0, row["duplicates"] - back[key(row)])
    for batch in changed:
        if batch in staying:
            _keep_events(connection, folder, batch, rest, whole=batch not in touched)
    return rest


def link(file: Path, target: Path) -> None:
    """Make *target* the same file as *file*, or a copy where the disk knows no links."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def write_tables(connection: Any, folder: Path, rest: Rest, fresh_copies: Iterable[dict[str, Any]] = ()) -> None:
    """Write the small tables of the staged batch *folder*; call :func:`publish` then."""
    write_duplicates(connection, folder, rest, fresh_copies)
    tables.write(folder / "sources.parquet", tables.SOURCES, rest.sources)
    tables.write(folder / "problems.parquet", tables.PROBLEMS, rest.problems)
    tables.write(folder / "hosts.parquet", tables.HOSTS, hosts(connection, _event_files([Batch(folder)])))
    write_forgotten(folder, rest)


def write_forgotten(folder: Path, rest: Rest) -> None:
    """Write the list of what was forgotten, if there is anything in it."""
    if rest.forgotten:
        tables.write(folder / "forgotten.parquet", tables.FORGOTTEN, rest.forgotten)


def write_duplicates(connection: Any, folder: Path, rest: Rest, fresh: Iterable[dict[str, Any]]) -> None:
    """Write the list of copies: those of *rest* that still are, and *fresh* ones; there may be millions."""
    _fill(connection, "dropped", {"source_id": "VARCHAR", "source_file": "VARCHAR"}, (), keep=True)
    _fill(connection, "restored", tables.DUPLICATES, rest.copies.restored)
    _fill(connection, "fresh", tables.DUPLICATES, fresh)
    files = [str(batch.table("duplicates")) for batch in rest.batches]
    columns = ", ".join(tables.DUPLICATES)
    old = f"""
        select {columns} from read_parquet($files) as e
        where not {GOES} and not exists (
            select 1 from restored as r
            where r.source_id = e.source_id and r.source_file = e.source_file and r.source_record = e.source_record
        )
        union all"""
    target = str(folder / "duplicates.parquet").replace("'", "''")
    connection.execute(
        f"copy ({old if files else ''} select {columns} from fresh) to '{target}' (format parquet, compression zstd)",
        {"files": files} if files else {},
    )


def hosts(connection: Any, parts: Sequence[Path]) -> list[dict[str, Any]]:
    """Return the rows of ``hosts`` for the event files *parts*."""
    if not parts:
        return []
    sql = """
        select
            computer,
            host,
            count(*) as records,
            min(event_time) as first_time,
            max(event_time) as last_time
        from read_parquet($parts)
        group by computer, host
        order by computer, host"""
    return query.rows(connection, sql, {"parts": list(map(str, parts))})


def publish(warehouse: Warehouse, folder: Path, rest: Rest | None = None) -> None:
    """Make the staged batch *folder* visible, and hide those that it replaces, in one step."""
    rest = rest or Rest()
    disk.remove(folder / "spill")
    replaces = {batch.id for batch in rest.batches}
    for batch in rest.batches:
        # What they replaced may still be there and must stay hidden when they are gone.
        manifest = Manifest.read(batch.folder)
        replaces.update(manifest.replaces if manifest else ())
    manifest = Manifest.of(folder, replaces, rest.linked)
    promised = sum(row["records"] for row in tables.read(folder / "sources.parquet"))
    found = sum(file.rows for name, file in manifest.files.items() if name.startswith("events/"))
    if found != promised:
        raise WmiwhError(f"{found:,} of {promised:,} records would be left in the new batch; nothing was changed")
    manifest.write(folder)
    disk.publish(folder, warehouse.lake / folder.name)


def purge(warehouse: Warehouse, grace: timedelta = GRACE) -> list[str]:
    """Remove the files of batches that were replaced longer than *grace* ago; only while holding the lock.

    Not as long as what replaced them is damaged: then they are all that is left. What killed hunts left goes, too.
    """
    for folder in spill.left(warehouse.root):
        disk.remove(folder)
    listing = list_lake(warehouse.lake)
    now = datetime.now(UTC)
    since: dict[str, datetime] = {}
    for manifest in listing.manifests.values():
        for one in manifest.replaces:
            since[one] = min(since.get(one, manifest.committed_at), manifest.committed_at)
    due = [entry for entry in listing.entries if entry.name in since and now - since[entry.name] >= grace]
    replacing = [
        entry for entry in listing.visible() if (found := listing.manifests.get(entry.name)) and found.replaces
    ]
    if not due or any(True for entry in replacing for _ in listing.manifests[entry.name].differences(entry)):
        return []
    warehouse.staging.mkdir(exist_ok=True)
    removed = []
    for entry in due:
        away = warehouse.staging / f"replaced-{entry.name}"
        with suppress(OSError):  # one of its files is open (Windows): it goes another time
            entry.rename(away)  # first out of the lake: half a batch must never be seen there
            disk.remove(away)
            removed.append(entry.name)
    return removed


def _keep_events(connection: Any, folder: Path, batch: Batch, rest: Rest, *, whole: bool) -> None:
    manifest = Manifest.read(batch.folder)
    count = f"select count(*) as rows, count(*) filter (where {GOES}) as gone from read_parquet($file) as e"
    for file in batch.event_files:
        target = folder / "events" / f"kept-{len(list((folder / 'events').glob('kept-*'))):05}.parquet"
        found = {"rows": 1, "gone": 0} if whole else query.rows(connection, count, {"file": str(file)})[0]
        if not found["gone"]:
            link(file, target)
            if manifest:
                rest.linked[f"events/{target.name}"] = manifest.files[f"events/{file.name}"]
        elif found["gone"] < found["rows"]:
            quoted = str(target).replace("'", "''")
            connection.execute(
                f"copy (select e.* from read_parquet($file) as e where not {GOES}) to '{quoted}' "
                f"(format parquet, compression zstd, row_group_size {ROW_GROUP})",
                {"file": str(file)},
            )


def _fill(
    connection: Any, name: str, columns: dict[str, str], found: Iterable[dict[str, Any]], *, keep: bool = False
) -> None:
    """Make the table *name* of *found*; with *keep* only if there is none."""
    import pyarrow as pa

    rows = pa.Table.from_pylist(list(found), schema=tables.arrow_schema(columns))
    connection.register("filling", rows)
    connection.execute(
        f"create {'temp table if not exists' if keep else 'or replace temp table'} {name} as from filling"
    )
    connection.unregister("filling")


def _as_row(one: Key) -> dict[str, Any]:
    return {"source_id": one[0], "source_file": one[1]}


def _event_files(batches: Iterable[Batch]) -> list[Path]:
    return [file for batch in batches for file in batch.event_files]
