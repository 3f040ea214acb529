"""Files with every kind of damage, named by what is wrong with them."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import socket
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LINE = {
    "EventTime": "2024-05-06 08:00:00",
    "Hostname": "WS01.acme.example",
    "EventID": 4688,
    "SourceName": "Microsoft-Windows-Security-Auditing",
    "Channel": "Security",
    "RecordNumber": 1,
    "NewProcessName": "C:\\Windows\\System32\\cmd.exe",
    "Message": "A new process has been created.",
    "EventReceivedTime": "2024-05-06 08:00:01",
    "@timestamp": "2024-05-06T12:00:01.000Z",
}
_ZONELESS = {key: value for key, value in _LINE.items() if key not in ("EventReceivedTime", "@timestamp")}


def _lines(*changes: dict[str, Any], base: dict[str, Any] = _LINE) -> bytes:
    return b"".join(
        json.dumps(base | {"RecordNumber": n} | one).encode() + b"\n" for n, one in enumerate(changes or ({}, {}), 1)
    )


def texts(folder: Path) -> None:
    """JSON and XML that is broken, cut off, doubtful, or no log."""
    good = _lines({}, {}, {})
    record = json.dumps(_LINE, indent=2)
    event = (
        '<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>'
        '<Provider Name="Microsoft-Windows-Security-Auditing"/>'
        "<EventID>4688</EventID><TimeCreated SystemTime='2024-05-06T12:00:00Z'/><EventRecordID>1</EventRecordID>"
        "<Channel>Security</Channel><Computer>WS01</Computer></System></Event>"
    )
    files: dict[str, bytes] = {
        "a line that is no JSON": good + b'{"EventID": \n',
        "a line that is no object": good + b"42\n",
        "a line cut off at the end of the file": good[:-40],
        "a line that is not UTF-8": good + _lines({"Message": "x"}).replace(b'"x"', b'"\xff\xfe"'),
        "an array cut off": f"[{record},{record},{record[:60]}".encode(),
        "objects with something between them": f"{record}\nnonsense\n{record}".encode(),
        "no channel and no id": _lines({}, {"EventID": "x", "Channel": None}),
        "no id": _lines({}, {"EventID": "x"}),
        "no time": _lines({}, {"EventTime": "yesterday"}),
        "before 1990": _lines({}, {"EventTime": "1980-01-01 00:00:00"}),
        "in the future": _lines({}, {"EventTime": "2087-01-01 00:00:00"}),
        "no zone": _lines({}, {"Hostname": "WS02"}, base=_ZONELESS),
        "splunk previews": b"".join(
            json.dumps(
                {"preview": n < 2, "offset": n, "result": {"_raw": event, "sourcetype": "XmlWinEventLog"}}
            ).encode()
            + b"\n"
            for n in range(4)
        ),
        "event XML cut off": f"<Events>{event}{event[:200]}".encode(),
        "event XML with a broken event": f"<Events>{event}<Event><a></b></Event>{event}</Events>".encode(),
        "event XML with a hole.xml": f"<Events>{event}{event}</Events>".encode().replace(b"4688", bytes(4), 1),
        "empty": b"",
        "text": b"hello\n",
        "text named.evtx": b"hello\n",
        "binary named.evtx": bytes(range(256)) * 20,
        "JSON of no event log": b'{"a": 1}\n',
        "JSON of no format": b'{"EventID": 1, "a": 1}\n',
        "chunks without a header.evtx": b"ElfChnk\0" + bytes(70_000),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _tar(members: dict[str, bytes], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _encrypted(content: bytes) -> bytes:
    data = bytearray(_zip({"log.json": content}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    return bytes(data)


def _nested(content: bytes, depth: int) -> bytes:
    for _ in range(depth):
        content = _zip({"inner.zip" if content.startswith(b"PK") else "log.json": content})
    return content


def archives(folder: Path) -> None:
    """Archives that are damaged, hostile, or closed."""
    good = _lines({}, {})
    chance = random.Random(1)
    many = _lines(*({"Message": chance.randbytes(40).hex()} for _ in range(400)))
    corrupt = bytearray(_zip({"bad.json": many, "good.json": good}))
    corrupt[200] ^= 0xFF
    files: dict[str, bytes] = {
        "bomb.gz": gzip.compress(good + bytes(100 << 20), mtime=0),
        "bomb.zip": _zip({"bomb.json": good + bytes(100 << 20), "good.json": good}),
        "encrypted.zip": _encrypted(good),
        "too deep.zip": _nested(good, 6),
        "corrupt member.zip": bytes(corrupt),
        "cut off.zip": _zip({"a.json": good})[:-30],
        "cut off.gz": gzip.compress(many, mtime=0)[:-3000],
        "cut off.tar.gz": _tar({"a.json": good, "b.json": many})[:-3000],
        "no tar after all.tar.gz": gzip.compress(b"\0" * 2000, mtime=0),
        "paths.zip": _zip({"../../outside.json": good}),
        "not a zip.zip": b"PK\x03\x04 and nothing else",
        "not a gzip.gz": b"\x1f\x8b and nothing else",
        "not zstd.zst": b"\x28\xb5\x2f\xfd and nothing else",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)


def oddities(folder: Path) -> Callable[[], None]:
    """Make what is no file at all (not on Windows); call what is returned when it is not needed any more."""
    if sys.platform == "win32":
        return lambda: None
    os.mkfifo(folder / "pipe")
    (folder / "link to its folder").symlink_to(folder, target_is_directory=True)
    (folder / "link to itself").symlink_to(folder / "link to itself")
    (folder / "link to nothing.evtx").symlink_to(folder / "nothing")
    (folder / "device").symlink_to("/dev/zero")
    listening = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(folder)
    try:
        listening.bind("socket")
    finally:
        os.chdir(here)
    return listening.close
