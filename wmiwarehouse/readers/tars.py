"""Finds the members of a tar archive in one pass forward, as a compressed one has to be read.

Not with :mod:`tarfile`, which takes a damaged header for the archive's end without a word, reads a name of any length
into memory, and keeps every member that it has seen.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from wmiwarehouse.readers.unpack import PackedError, Spent

BLOCK = 512
_LONGEST_NAME = 1 << 16
_LONGEST_PAX = 1 << 20
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_OTHERS = {
    tarfile.LNKTYPE: "a hard link inside an archive",
    tarfile.SYMTYPE: "a link inside an archive, not followed",
    tarfile.CHRTYPE: "a device inside an archive",
    tarfile.BLKTYPE: "a device inside an archive",
    tarfile.FIFOTYPE: "a pipe inside an archive",
}


@dataclass(frozen=True)
class TarMember:
    """One member, the stream standing at its first byte; or what is wrong where the name is empty."""

    name: str
    start: int
    size: int
    reason: str = ""
    """Why it is not read; empty for an ordinary file."""
    is_damage: bool = False


def is_tar(head: bytes) -> bool:
    """Whether *head* is the header of a tar archive's first member."""
    return _header(head[:BLOCK]) is not None


def members(stream: Spent) -> Iterator[TarMember]:
    """Yield every member of the archive that *stream* stands at the beginning of, folders left out."""
    name, size, position = "", -1, 0
    while True:
        is_whole = stream.skip_to(position)
        info, damage, has_mark = _next_header(stream)
        if damage is not None:
            behind = "members are not read, up to the next whole one" if info else "nothing can be read"
            yield TarMember("", damage, 0, f"from byte {damage:,} on {behind}", True)
            name, size = "", -1
        elif info is None and not (is_whole and has_mark):
            yield TarMember("", stream.at, 0, f"cut off at byte {stream.at:,}: members behind it are not there", True)
        if info is None:
            return
        position = stream.at + _padded(info.size)
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
            if info.size > (_LONGEST_NAME if info.type == tarfile.GNUTYPE_LONGNAME else _LONGEST_PAX):
                raise PackedError(f"a name of {info.size:,} bytes at byte {stream.at:,}")
            data = stream.read(info.size)
            if info.type == tarfile.GNUTYPE_LONGNAME:
                name = data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
            else:
                fields = _pax(data)
                name = fields.get("path", name)
                size = int(fields["size"]) if fields.get("size", "").isdecimal() else size
                if any(field.startswith("GNU.sparse.") for field in fields):
                    name, size = fields.get("GNU.sparse.name", name), -2
            continue
        if info.type in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
            continue
        kind, is_sparse = info.type, size == -2 or info.type == tarfile.GNUTYPE_SPARSE
        length = size if size >= 0 else info.size
        position = stream.at + _padded(length)
        member = name or info.name
        name, size = "", -1
        if is_sparse:
            yield TarMember(member, stream.at, 0, "a sparse file in a tar archive: unpack it first", True)
            if kind == tarfile.GNUTYPE_SPARSE:
                return  # how much of it follows stands in blocks of its own
        elif kind in _REGULAR and not member.endswith("/"):
            yield TarMember(member, stream.at, length)
        elif kind in _OTHERS:
            position = stream.at
            yield TarMember(member, stream.at, 0, _OTHERS[kind])


def _header(block: bytes) -> tarfile.TarInfo | None:
    if len(block) < BLOCK:
        return None
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return None
    return info if info.size >= 0 and (info.name or info.type not in _REGULAR) else None


def _next_header(stream: Spent) -> tuple[tarfile.TarInfo | None, int | None, bool]:
    """Return the next header, None at the end; where damage before it begins; whether there is an end mark before it.

    What follows an end mark is read too: somebody may have put two archives behind each other.
    """
    damage, zeros = None, 0
    while block := stream.read(BLOCK):
        if not block.strip(b"\0"):
            zeros += 1
        elif info := _header(block):
            return info, damage, zeros > 0
        elif damage is None:
            damage = stream.at - len(block) - (BLOCK if zeros == 1 else 0)
    return None, damage, zeros > 0


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _pax(data: bytes) -> dict[str, str]:
    """Read ``length name=value`` lines; what is none ends the reading."""
    fields: dict[str, str] = {}
    position = 0
    while (space := data.find(b" ", position, position + 20)) != -1 and data[position:space].isdigit():
        end = position + int(data[position:space])
        name, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not equals or end <= space:
            break
        fields[name.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        position = end
    return fields
