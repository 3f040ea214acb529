"""Logs that were collected twice: a copy of a file, and a file as it was before more was appended."""

from __future__ import annotations

import shutil
import struct
import zlib
from pathlib import Path

_FILE_HEADER, _CHUNK = 4096, 65536
_COPIED, _OLDER = "evtx/FS01/Security.evtx", "evtx/WS01/Security.evtx"


def write_copies(folder: Path) -> dict[str, int]:
    """Write ``copies/`` beside the logs; the paths of the files with their numbers of records."""
    copied, older = folder / "copies/usb/FS01 Security.evtx", folder / "copies/monday/WS01 Security.evtx"
    for path in (copied, older):
        path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / _COPIED, copied)
    log = (folder / _COPIED).read_bytes()
    records = struct.unpack_from("<Q", log, len(log) - _CHUNK + 16)[0]
    return {
        copied.relative_to(folder).as_posix(): records,
        older.relative_to(folder).as_posix(): _as_it_was(folder / _OLDER, older),
    }


def _as_it_was(log: Path, older: Path) -> int:
    """The first half of a log's chunks under a header of that time; how many records they hold."""
    data = log.read_bytes()
    chunks = max(1, (len(data) - _FILE_HEADER) // _CHUNK // 2)
    data = data[: _FILE_HEADER + chunks * _CHUNK]
    records, _, last_id = struct.unpack_from("<QQQ", data, len(data) - _CHUNK + 16)
    header = bytearray(data[:_FILE_HEADER])
    struct.pack_into("<QQ", header, 16, chunks - 1, last_id + 1)
    struct.pack_into("<H", header, 42, chunks)
    struct.pack_into("<I", header, 124, zlib.crc32(header[:120]))
    older.write_bytes(bytes(header) + data[_FILE_HEADER:])
    return int(records)
