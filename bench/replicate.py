"""Makes a large warehouse out of a small one of the lab: what hunts cost hangs on the lake alone; parsing is slow.

``python -m bench.replicate SOURCE TARGET COPIES`` writes each copy as a batch of its own, Parquet to Parquet. A copy
has hosts, addresses, process GUIDs, record ids and event ids of its own, also in texts that name them; some copies
share their days as hosts of one network do, the next ones come after them. Logon and process ids stay: every machine
has the same.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wmiwarehouse.content.library import Library
from wmiwarehouse.lake import catalog, tables
from wmiwarehouse.lake.query import rows
from wmiwarehouse.lake.rest import ROW_GROUP, publish
from wmiwarehouse.lake.warehouse import Batch, Warehouse

if TYPE_CHECKING:
    import duckdb

#: So many copies share their days; each needs addresses of its own among them.
_SIDE_BY_SIDE = 16

#: The columns in which a host's name or address can stand.
_NAMED = frozenset(
    ["computer", "host", "source_file", "event_data", "command_line", "parent_command_line", "script_text",
     "wmi_query", "wmi_namespace", "wmi_client_machine", "user_name", "user_domain", "subject_name", "subject_domain",
     "target_name", "target_domain", "parent_user", "outbound_user_name", "outbound_domain", "workstation",
     "target_server", "target_info", "source_ip", "source_ip_key", "source_host", "destination_ip",
     "destination_ip_key", "destination_host", "share_name", "object_name", "relative_target_name"]
)  # fmt: skip
_TIMES = frozenset({"event_time", "utc_time", "first_time", "last_time"})
_GUIDS = frozenset({"process_guid", "parent_process_guid"})


class _Copy:
    """The *number*-th copy of a lake: what each of its columns becomes, in SQL."""

    def __init__(self, number: int, hosts: list[str], days: int) -> None:
        self._number = number
        self._shift = number // _SIDE_BY_SIDE * days
        self._names = rf"(?i)\b({'|'.join(map(re.escape, sorted(hosts, key=len, reverse=True)))})\b"
        site = number % _SIDE_BY_SIDE
        self._networks = {
            "10.20.": f"10.{100 + 2 * site}.",
            "10.30.": f"10.{101 + 2 * site}.",
            "192.168.7.": f"192.168.{10 + site}.",
            "fd00:": f"fd{16 + site:x}:",
            "fe80::": f"fe80::{site + 1:x}:",
            # As the columns to join by have them: 128 bits in hexadecimal.
            "ffff0a14": f"ffff0a{100 + 2 * site:02x}",
            "ffff0a1e": f"ffff0a{101 + 2 * site:02x}",
            "ffffc0a807": f"ffffc0a8{10 + site:02x}",
            "fd0000": f"fd{16 + site:x}00",
            f"fe80{0:020}": f"fe80{0:016}{site + 1:04x}",
        }

    def column(self, name: str) -> str | None:
        """Return the SQL of the column *name*; None if it stays."""
        if name in _NAMED:
            sql = name
            for old, new in self._networks.items():
                if name.endswith("_key") == old.isalnum():
                    sql = f"replace({sql}, '{old}', '{new}')"
            sql = f"regexp_replace({sql}, '{self._names}', '\\1X{self._number}', 'g')"
            return f"lower({sql})" if name == "host" else sql
        if name in _TIMES:
            return f"{name} + to_days({self._shift})"
        if name in _GUIDS:
            return f"left({name}, 1) || '{self._number:04x}' || substr({name}, 6)"
        if name in ("source_id", "file_sha256"):
            return f"'{self._number:04x}' || substr({name}, 5)"
        if name == "event_uid":
            return f"left(md5(event_uid || '{self._number}'), 20)"
        if name == "record_id":  # 0 stands for none
            return f"if(record_id > 0, record_id + {self._number} * 1000000000::bigint, record_id)"
        return None

    def select(self, connection: duckdb.DuckDBPyConnection, file: Path, batch_id: str) -> str:
        """Return the query of the copy of the Parquet *file*."""
        read = f"read_parquet('{str(file).replace(chr(39), chr(39) * 2)}')"
        names = connection.sql(f"select * from {read}").columns
        changed = {name: sql for name in names if (sql := self.column(name))}
        changed |= {"batch_id": f"'{batch_id}'"} if "batch_id" in names else {}
        return f"select * replace ({', '.join(f'{sql} as {name}' for name, sql in changed.items())}) from {read}"


def replicate(source: Path, target: Path, copies: int, on_copy: Callable[[int], None] = lambda _: None) -> int:
    """Write *copies* of the warehouse *source* into a new warehouse *target*; return how many records it has.

    *on_copy* is told how many copies are there.
    """
    old, new = Warehouse.open(source), Warehouse.create(target)
    batches = old.batches()
    listed = [row for batch in batches for row in tables.read(batch.table("hosts"))]
    times = [row[name] for row in listed for name in ("first_time", "last_time") if row[name]]
    hosts, days = sorted({row["host"] for row in listed if row["host"]}), (max(times) - min(times)).days + 1
    connection = catalog.connect(memory_limit="1GB", threads=1)  # one for each file: a file is one row group
    with new.writing(), ThreadPoolExecutor(os.cpu_count()) as pool:
        for number in range(copies):
            _write(connection, pool, new, batches, _Copy(number, hosts, days), number)
            on_copy(number + 1)
        catalog.refresh_database(new, Library.load())
    connection.close()
    return copies * int(sum(row["records"] for row in listed))


def _write(
    connection: duckdb.DuckDBPyConnection,
    pool: ThreadPoolExecutor,
    new: Warehouse,
    batches: list[Batch],
    copy: _Copy,
    number: int,
) -> None:
    staged = new.staging / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{number:06x}"
    (staged / "events").mkdir(parents=True)

    def copy_file(file: Path, name: str) -> None:
        with connection.cursor() as own:
            to = str(staged / "events" / name).replace("'", "''")
            query = copy.select(own, file, staged.name)
            own.execute(f"copy ({query}) to '{to}' (format parquet, compression zstd, row_group_size {ROW_GROUP})")

    files = [file for batch in batches for file in batch.event_files]
    list(pool.map(copy_file, files, (f"part-{place:05}.parquet" for place in range(len(files)))))
    for name, columns in {
        "sources": tables.SOURCES,
        "problems": tables.PROBLEMS,
        "duplicates": tables.DUPLICATES,
        "hosts": tables.HOSTS,
    }.items():
        found: list[dict[str, Any]] = []
        for batch in batches:
            found += rows(connection, copy.select(connection, batch.table(name), staged.name))
        tables.write(staged / f"{name}.parquet", columns, found)
    publish(new, staged)


if __name__ == "__main__":
    count = replicate(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(f"{count:,} records\n")
