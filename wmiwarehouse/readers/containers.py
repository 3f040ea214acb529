"""Says where a source lies, a file or something packed in one, and opens it, always as a stream.

A place is small and can be sent to another process, which opens it without looking through the archive again. Names
inside archives are only ever text: nothing is written under them.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from wmiwarehouse.readers import tars, zips
from wmiwarehouse.readers.unpack import Bounded, Gzip, PackedError, Part, Zstd

#: What a damaged or foreign archive raises while it is opened or read.
DAMAGE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)

#: What comes out may be this many times larger than what is packed; real logs stay below 60.
MOST_EXPANSION = 500
#: Nobody's disk or day is lost by this much, however small it was packed: a nearly empty EVTX is mostly zeros.
ALWAYS_ALLOWED = 64 << 20
#: Of a whole archive; each member has its own limit too, but a bomb has many members.
ALWAYS_ALLOWED_IN_ALL = 1 << 30

Kind = Literal["gzip", "zstd", "zip", "tar"]
_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)
_FOREIGN = (
    (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"Rar!\x1a\x07", "RAR"),
    (b"MSCF\0\0\0\0", "Windows cabinet"), (b"MSWIM\0\0\0", "Windows image"),
)  # fmt: skip

# What a name could play tricks with on a screen or in a list: control characters, line ends, directions, what cannot be
# seen, bytes that are no text. A backslash that would then look like the beginning of an escape is doubled.
_TRICKS = r"[\0-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
_ESCAPES = r"x[0-9a-f]{2}|u[0-9a-f]{4}"
_TO_ESCAPE = re.compile(rf"{_TRICKS}|\\+(?={_ESCAPES}|{_TRICKS})")
#: Where a backslash stands between folders it is none: \\x86 is a common one.
_TO_ESCAPE_IN_PATH = _TO_ESCAPE if os.sep == "/" else re.compile(_TRICKS)
_ESCAPED = re.compile(rf"(\\+)({_ESCAPES})")


@dataclass(frozen=True)
class Step:
    """One step from a file to what is packed in it; *start* and *size* are what is looked at there."""

    kind: Literal["gzip", "zstd", "zip", "part"]
    start: int = 0
    size: int = 0
    method: int = 0
    crc: int = 0


@dataclass(frozen=True)
class Place:
    """Where a source lies: a file, and the way to the member within it if the file is an archive."""

    path: Path
    member: str = ""
    """Names of members from outside to inside, with ``!`` between them."""
    steps: tuple[Step, ...] = ()
    spool: Path | None = None
    """The file that the steps start from, where *path* can only be read forward."""
    most: int = 0
    """How many bytes may come out; 0 for as many as there are."""

    @property
    def text(self) -> str:
        """What stands in ``source_file``: the absolute path, then ``!member``; what could not be shown as escapes."""
        path = _TO_ESCAPE_IN_PATH.sub(_escape, str(self.path))
        return f"{path}!{_TO_ESCAPE.sub(_escape, self.member)}" if self.member else path

    @property
    def container(self) -> bool:
        """Whether it lies in an archive."""
        return bool(self.steps)

    @property
    def divisible(self) -> bool:
        """Whether parts of it can be read on their own."""
        return all(step.kind == "part" for step in self.steps)

    def open(self, offset: int = 0) -> BinaryIO:
        """Open the bytes of the source from *offset* on; raises one of :data:`DAMAGE`."""
        stream: BinaryIO = (self.spool or self.path).open("rb")
        try:
            for step in self.steps:
                stream = _opened(stream, step)
            if self.divisible:
                stream.seek(offset)
                return stream
            if self.most:
                stream = Bounded(stream, self.most, f"grows to more than {MOST_EXPANSION} times its packed size")
            while offset and (skipped := stream.read(min(offset, 1 << 20))):
                offset -= len(skipped)
        except BaseException:
            stream.close()
            raise
        return stream


def _opened(stream: BinaryIO, step: Step) -> BinaryIO:
    if step.kind == "gzip":
        return Gzip(stream)
    if step.kind == "zstd":
        return Zstd(stream)
    if step.kind == "zip":
        return zips.opened(stream, step.start, step.size, step.method, step.crc)
    return Part(stream, step.start, step.size)


def _escape(match: re.Match[str]) -> str:
    found = match[0]
    if found[0] == "\\":
        return found * 2
    code = ord(found)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"  # a byte that is not UTF-8
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def unescaped(text: str) -> str:
    """Return the name that is listed as *text*."""

    def named(match: re.Match[str]) -> str:
        backslashes, escape = "\\" * (len(match[1]) // 2), match[2]
        if len(match[1]) % 2 == 0:
            return backslashes + escape
        code = int(escape[1:], 16)
        return backslashes + chr(code + 0xDC00 if escape[0] == "x" and code >= 0x80 else code)

    return _ESCAPED.sub(named, text)


def kind_of(head: bytes) -> Kind | None:
    """Return which archive begins with *head*; None for what is none."""
    found = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    return found or ("tar" if tars.is_tar(head) else None)


def foreign(head: bytes) -> str | None:
    """Return the name of a kind of archive that is not read."""
    return next((name for magic, name in _FOREIGN if head.startswith(magic)), None)


def allowed(packed: int) -> int:
    """Return how many bytes may come out of *packed* ones."""
    return max(packed * MOST_EXPANSION, ALWAYS_ALLOWED)


def allowed_in_all(path: Path) -> int:
    """Return how many bytes may come out of all members of the archive at *path*; raises ``OSError``."""
    return max(path.stat().st_size * MOST_EXPANSION, ALWAYS_ALLOWED_IN_ALL)


__all__ = ["DAMAGE", "PackedError", "Place", "Step"]
