"""Whatever is done to a log: no traceback, no hang, every record that was spared is read, and the counts add up."""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import random
import re
import struct
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HEADER, CHUNK, FIRST = 4096, 65_536, 512

Read = Callable[[bytes], Any]
Cases = Callable[[float], Iterator[random.Random]]


def _damage() -> Any:
    """Load the module beside this one: the tests are no package."""
    path = Path(__file__).with_name("damage.py")
    spec = importlib.util.spec_from_file_location("fuzz_damage", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


damage = _damage()


@dataclass(frozen=True)
class Span:
    """Where a record lies, and the chunk that it needs to be read."""

    start: int
    end: int
    chunk: int
    defines: bool
    """Whether other records of the chunk need it: it holds the definition of a template."""


@dataclass(frozen=True)
class Log:
    data: bytes
    spans: list[Span]
    texts: list[str]


def spans(data: bytes) -> Iterator[Span]:
    for chunk in range(HEADER, len(data), CHUNK):
        (free,) = struct.unpack_from("<I", data, chunk + 48)
        at = chunk + FIRST
        while at < chunk + free:
            (size,) = struct.unpack_from("<I", data, at + 4)
            body = data[at : at + size]
            found = (m.start() for m in re.finditer(b"\x0c\x01", body) if m.start() + 10 <= size)
            defines = any(struct.unpack_from("<I", body, i + 6)[0] == at - chunk + i + 10 for i in found)
            yield Span(at, at + size, chunk, defines)
            at += size


@pytest.fixture(scope="session")
def evtx_files(lab: Path) -> list[bytes]:
    found = [path.read_bytes() for path in sorted(lab.rglob("*.evtx"))]
    return [data for data in found if HEADER + CHUNK < len(data) < 600_000]


def log_of(data: bytes, read: Read) -> Log:
    reading = read(data)
    log = Log(data, list(spans(data)), reading.texts)
    assert (reading.problems, reading.failed) == ([], [])
    assert len(log.texts) == len(log.spans)
    return log


def spared(log: Log, damaged: Any) -> set[str]:
    """The records that the damage did not touch, nor anything that they need."""
    broken = {s.chunk for s in log.spans if s.defines and not damaged.spares(s.start, s.end)}
    if damaged.what.find("copied") >= 0 or not damaged.keeps_places:
        # A header that is gone and whole records of elsewhere behind it: nobody can tell what belongs there.
        broken |= {s.chunk for s in log.spans if not damaged.spares(s.chunk, s.chunk + FIRST)}
    if not damaged.keeps_places:
        broken |= {s.chunk for s in log.spans if s.chunk + CHUNK > damaged.touched[0][0]}
    return {
        text
        for text, s in zip(log.texts, log.spans, strict=True)
        if s.chunk not in broken and damaged.spares(s.start, s.end)
    }


def adds_up(log: Log, damaged: Any) -> bool:
    """Whether what is left of the log tells how many records were lost."""
    if damaged.is_cut:
        return bool(damaged.touched[0][0] >= HEADER)
    # The running numbers before and behind a chunk tell what was in it: not of the first and the last.
    ends = (0, HEADER, log.spans[-1].chunk)
    headers = all(damaged.spares(at, at + FIRST) for at in ends) or damaged.what.startswith("bits")
    return bool(headers and damaged.keeps_places and "copied" not in damaged.what)


def test_evtx(evtx_files: list[bytes], read: Read, cases: Cases) -> None:
    logs: dict[int, Log] = {}
    for chance in cases(0.4):
        which = chance.randrange(len(evtx_files))
        log = logs.get(which) or logs.setdefault(which, log_of(evtx_files[which], read))
        damaged = chance.choice(damage.ALL)(log.data, chance)
        found = read(bytes(damaged.data))
        case = (chance, damaged.what, found.problems[:5], found.failed)
        missing = spared(log, damaged) - set(found.texts)
        if found.failed:
            assert damaged.touched[0][0] < HEADER + 8, case
            continue
        assert not missing, (len(missing), case)
        if adds_up(log, damaged):
            assert len(found.texts) + found.lost == len(log.texts), case
        if len(found.texts) < len(log.texts):
            assert found.problems, case


def test_two_evtx_in_one(evtx_files: list[bytes], read: Read, cases: Cases) -> None:
    logs: dict[int, Log] = {}
    for chance in cases(0.1):
        which, other = chance.randrange(len(evtx_files)), chance.choice(evtx_files)
        log = logs.get(which) or logs.setdefault(which, log_of(evtx_files[which], read))
        damaged = damage.spliced(log.data, other, chance)
        found = read(bytes(damaged.data))
        whole = {s.chunk for s in log.spans if s.chunk + CHUNK <= damaged.touched[0][0]}
        wanted = {text for text, s in zip(log.texts, log.spans, strict=True) if s.chunk in whole}
        assert not found.failed or damaged.touched[0][0] < HEADER + 8, (damaged.what, found.failed)
        assert found.failed or wanted <= set(found.texts), (damaged.what, found.problems[:5])


@pytest.fixture(scope="session")
def lines(lab: Path) -> list[bytes]:
    path = max((lab / "nxlog").iterdir(), key=lambda path: path.stat().st_size)
    return [line + b"\n" for line in path.read_bytes().split(b"\n")[:150] if line]


def test_json_lines(lines: list[bytes], read: Read, cases: Cases) -> None:
    data = b"".join(lines)
    wanted, at = [], 0
    for line in lines:
        wanted.append((at, at + len(line), json.loads(line)))
        at += len(line)
    for chance in cases(0.2):
        damaged = chance.choice(damage.ALL)(data, chance)
        found = read(bytes(damaged.data))
        case = (chance, damaged.what, found.problems[:5], found.failed)
        there = {json.dumps(json.loads(text)) for text in found.texts}
        records = [
            json.dumps(record) for start, end, record in wanted if damaged.spares(max(start - 1, 0), min(end, at))
        ]
        if records and len(damaged.data) > 4_000:
            assert not found.failed, case
        if not found.failed:
            missing = set(records) - there
            assert not missing, (len(missing), case)


@pytest.mark.parametrize("name", ["event_xml_utf16", "get_winevent", "splunk", "splunk_raw", "winlogbeat"])
def test_other_formats(name: str, lab: Path, read: Read, cases: Cases) -> None:
    """Arrays, other encodings, XML, events inside of values: less is read only where something is said."""
    path = min((path for path in (lab / name).rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    data = path.read_bytes()[: 2 << 20]
    total = len(read(data).texts)
    assert total > 50
    for chance in cases(0.04):
        damaged = chance.choice(damage.ALL)(data, chance)
        found = read(bytes(damaged.data))
        case = (chance, damaged.what, found.problems[:5], found.failed)
        # A cut between two lines shows nowhere, and a block of one record in the place of another's may fit.
        if len(found.texts) < total and damaged.what.startswith(("bits", "noise", "zeros")):
            assert found.problems or found.failed, case
        if len(damaged.data) == len(data):
            assert not found.failed or damaged.touched[0][0] < 70_000, case


def packed(kind: str, members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    if kind == "gzip":
        return gzip.compress(b"".join(members.values()), mtime=0)
    if kind == "zstd":
        import pyarrow as pa

        packed = pa.BufferOutputStream()
        with pa.CompressedOutputStream(packed, "zstd") as stream:
            stream.write(b"".join(members.values()))
        return bytes(packed.getvalue())
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["gzip", "zstd", "zip", "tar.gz"])
def test_archives(kind: str, lines: list[bytes], read: Read, cases: Cases) -> None:
    """A flipped bit may spoil all behind it, but something is always said, and nothing breaks."""
    members = {f"folder/{n}.json": b"".join(lines[n * 30 : n * 30 + 30]) for n in range(4)}
    data = packed(kind, members)
    total = len(read(data).texts)
    assert total == 120
    for chance in cases(0.04):
        damaged = chance.choice(damage.ALL)(data, chance)
        found = read(bytes(damaged.data))
        if len(found.texts) < total:
            assert found.problems or found.failed, (chance, damaged.what)


def test_whole_ingests(lab: Path, tmp_path: Path, evtx_files: list[bytes], lines: list[bytes], cases: Cases) -> None:
    """A folder of damaged files on its way into the lake: each is listed, and the counts of the lake are right."""
    from wmiwarehouse.lake import catalog, relations
    from wmiwarehouse.lake.query import rows
    from wmiwarehouse.lake.warehouse import Warehouse
    from wmiwarehouse.pipeline.ingest import ingest

    for number, chance in enumerate(cases(0.15)):
        folder = tmp_path / f"logs{number}"
        folder.mkdir()
        for n in range(40):
            data = chance.choice(evtx_files) if n % 2 else b"".join(lines[: chance.randrange(1, len(lines))])
            damaged = chance.choice(damage.ALL)(data, chance)
            if n % 5 == 0:
                damaged = chance.choice(damage.ALL)(packed("zip", {"a": bytes(damaged.data), "b": data}), chance)
            (folder / str(n)).write_bytes(damaged.data)
        warehouse = Warehouse.create(tmp_path / f"w{number}")
        with warehouse.writing():
            summary = ingest([folder], warehouse)
        connection = catalog.connect()
        try:
            for statement in relations.base_relations(warehouse.batches()):
                connection.execute(statement)
            sources = rows(connection, "select source_file, status, records, lost, reason from lake_sources")
            events = rows(connection, "select count(*) as n from lake_events")[0]["n"]
        finally:
            connection.close()
        assert {Path(source["source_file"].partition("!")[0]).name for source in sources} == set(map(str, range(40)))
        assert sum(source["records"] for source in sources) == events == summary.records
        assert all(source["reason"] for source in sources if source["status"] != "read")
