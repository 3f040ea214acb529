"""How much memory does ingest take, at most, for one large source of each kind?

``python bench/memory.py [MEGABYTES] [FILES]`` makes an EVTX file and a file of JSON lines of MEGABYTES (2,000), and
a zip of FILES (5,000) small EVTX files, ingests each and prints the peak of the parent and of the largest worker.
It fails where a worker takes more than 500 MB. Not for Windows, which does not count this way.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

_MOST = 500
_HEADER, _CHUNK = 4096, 65_536
_BLOCK = 128 * _CHUNK
# The parent of the workers is a process of its own, so that its peak and theirs can be told apart.
_RUN = """
import json, resource, sys
from pathlib import Path
from wmiwarehouse.lake.warehouse import Warehouse
from wmiwarehouse.pipeline.ingest import ingest
if __name__ == "__main__":
    warehouse = Warehouse.create(Path(sys.argv[2]))
    with warehouse.writing():
        summary = ingest([Path(sys.argv[1])], warehouse)
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    peaks = [resource.getrusage(who).ru_maxrss / unit for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"records": summary.records, "problems": len(summary.problems), "peaks": peaks}))
"""


def _chunks(logs: Path) -> Iterator[bytes]:
    for path in sorted(logs.rglob("*.evtx")):
        with path.open("rb") as stream:
            stream.seek(_HEADER)
            while block := stream.read(_BLOCK):
                yield block


def evtx(folder: Path, logs: Path) -> Path:
    """Put all chunks of *logs* behind one header: each is complete in itself."""
    from wmiwarehouse.readers.evtx import file_header

    path = folder / "large.evtx"
    with path.open("wb") as out:
        out.write(bytes(_HEADER))
        for block in _chunks(logs):
            out.write(block)
        chunks = out.tell() // _CHUNK
        out.seek(0)
        out.write(file_header(chunks))
    return path


def small(folder: Path, logs: Path, count: int) -> Path:
    """Make a zip of *count* files of one chunk each."""
    from wmiwarehouse.readers.evtx import file_header

    path = folder / "small.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        done = 0
        for block in _chunks(logs):
            for start in range(0, len(block), _CHUNK):
                if done < count:
                    archive.writestr(f"host{done:05}/log.evtx", file_header(1) + block[start : start + _CHUNK])
                    done += 1
    return path


def lines(folder: Path, logs: Path) -> Path:
    """Put all JSON lines of *logs* into one file."""
    path = folder / "large.json"
    with path.open("wb") as out:
        for source in sorted((logs / "nxlog").iterdir()):
            with source.open("rb") as stream:
                shutil.copyfileobj(stream, out, _BLOCK)
    return path


def measure(kind: str, path: Path, warehouse: Path) -> float:
    """Ingest *path*, print what it took, and return the largest worker's peak in MB."""
    started = time.perf_counter()
    script = warehouse.with_suffix(".py")
    script.write_text(_RUN, encoding="utf-8")
    command = [sys.executable, str(script), str(path), str(warehouse)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    found = json.loads(done.stdout)
    parent, worker = found["peaks"]
    sys.stdout.write(
        f"{kind:12} {path.stat().st_size / 1e6:7,.0f} MB {found['records']:10,} records {found['problems']:5} problems"
        f" {time.perf_counter() - started:6.0f} s   parent {parent:5,.0f} MB   largest worker {worker:5,.0f} MB\n"
    )
    sys.stdout.flush()
    return float(worker)


def main(megabytes: int, files: int) -> int:
    """Measure all three; 1 if a worker took too much."""
    from wmiwarehouse.lab import generate

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "logs", formats=("evtx",), target_bytes=megabytes * 1_000_000)
        zipped, large = small(folder, folder / "logs", files), evtx(folder, folder / "logs")
        shutil.rmtree(folder / "logs")
        worst = [measure("EVTX", large, folder / "w1"), measure("zip of EVTX", zipped, folder / "w2")]
        large.unlink()
        generate(folder / "logs", formats=("nxlog",), target_bytes=megabytes * 1_000_000)
        large = lines(folder, folder / "logs")
        shutil.rmtree(folder / "logs")
        worst.append(measure("JSON lines", large, folder / "w3"))
    if max(worst) > _MOST:
        sys.stdout.write(f"a worker took more than {_MOST} MB\n")
    return int(max(worst) > _MOST)


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(arguments + [2000, 5000][len(arguments) :])))
