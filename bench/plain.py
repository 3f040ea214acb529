"""What ingest is compared with: plain parsing of the same EVTX, DuckDB's own JSON reader, and zstd of the raw JSON."""

from __future__ import annotations

import io
import json
import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PROCESSES = 2
_SLICE = 128 * 65_536
#: zstd -19 takes minutes for half a gigabyte; of every so many records one block of this size is taken.
_SAMPLE, _BLOCKS = 4 << 20, 8


def _records(data: bytes) -> Iterator[dict[str, Any]]:
    from evtx import PyEvtxParser

    from wmiwarehouse.readers.evtx import file_header

    stream = io.BytesIO(file_header(len(data) // 65_536) + data)
    records: Any = PyEvtxParser(stream, number_of_threads=1).records_json()
    return iter(records)


def _work(jobs: Any, counts: Any) -> None:
    records = 0
    while (job := jobs.get()) is not None:
        path, start, end = job
        with path.open("rb") as stream:
            stream.seek(start)
            records += sum(1 for _ in _records(stream.read(end - start)))
    counts.put(records)


def parse(logs: Path) -> float:
    """Parse every record of *logs* to JSON and drop it, with two processes; return seconds."""
    started = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    jobs, counts = context.Queue(), context.Queue()
    processes = [context.Process(target=_work, args=(jobs, counts)) for _ in range(_PROCESSES)]
    for process in processes:
        process.start()
    for path in sorted(logs.rglob("*.evtx")):
        size = path.stat().st_size
        for start in range(4096, size, _SLICE):
            jobs.put((path, start, min(size, start + _SLICE)))
    for _ in processes:
        jobs.put(None)
    for _ in processes:
        counts.get()
    for process in processes:
        process.join()
    return time.perf_counter() - started


def _json_files(logs: Path) -> list[Path]:
    return sorted(logs.rglob("*.json"))


def read_json(logs: Path) -> float:
    """Let DuckDB read all JSON lines of *logs*, with two threads and every column named as text; return seconds."""
    import duckdb

    names: dict[str, str] = {}
    for path in _json_files(logs):
        with path.open("rb") as stream:
            for _, line in zip(range(2_000), stream, strict=False):
                for name in json.loads(line):
                    names.setdefault(name.lower(), name)  # the columns of a table know no case
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names.values())
    counted = ", ".join(f'count("{name}")' for name in names.values())
    files = ", ".join(f"'{path}'" for path in _json_files(logs))
    started = time.perf_counter()
    with duckdb.connect(config={"threads": _PROCESSES}) as connection:
        connection.execute(
            f"select {counted} from read_json([{files}], format = 'newline_delimited', columns = {{{columns}}})"
        )
    return time.perf_counter() - started


def lake_against_zstd(logs: Path, warehouse: Path) -> float:
    """Return the size of the lake in *warehouse* against zstd -19 of the JSON of all records of *logs*, by a sample."""
    import pyarrow as pa

    codec = pa.Codec("zstd", compression_level=19)
    texts = bytearray()
    total = 0
    blocks: list[bytes] = []
    for path in sorted(logs.rglob("*.evtx")):
        data = path.read_bytes()
        for start in range(4096, len(data), _SLICE):
            for record in _records(data[start : start + _SLICE]):
                texts += record["data"].encode() + b"\n"
            if len(texts) >= _SAMPLE:
                total += len(texts)
                blocks.append(bytes(texts[:_SAMPLE]))
                texts.clear()
    total += len(texts)
    blocks.append(bytes(texts))
    sample = b"".join(blocks[:: max(1, len(blocks) // _BLOCKS)])
    ratio = len(codec.compress(sample, asbytes=True)) / len(sample)
    lake = sum(path.stat().st_size for path in (warehouse / "lake").rglob("*.parquet"))
    return float(lake / (total * ratio))
