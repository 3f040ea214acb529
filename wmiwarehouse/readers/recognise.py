"""Says what a file is by its content, never by its name, and lists what lies in the paths that the user gave."""

from __future__ import annotations

import codecs
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from wmiwarehouse.readers import containers, evtx
from wmiwarehouse.readers.containers import Place

_HEAD = 1 << 16
_LONGEST_FIRST_LINE = 32 << 20
_LINES_TRIED = 50
_CHUNK = b"ElfChnk\0"
_CHUNKS_TRIED = 1_024


@dataclass(frozen=True)
class Skipped:
    """A file that is not read, and why; *damaged* if it is, or seems to be, an event log all the same."""

    place: Place
    reason: str
    damaged: bool = False


@dataclass(frozen=True)
class Candidate:
    """A source that one of the formats can read."""

    place: Place
    format: str


#: Format name to groups of keys: a JSON record is of a format if it has one key of each group.
JsonFormats = Mapping[str, Sequence[Sequence[str]]]


def files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield every file in *paths*, folders recursively in name order, each once; links to folders are not followed."""
    seen: set[Path] = set()
    for given in paths:
        resolved = given.resolve()
        found = _walk(resolved) if resolved.is_dir() else iter((resolved,))
        for path in found:
            if path not in seen:
                seen.add(path)
                yield path


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        yield folder  # recognised as what it is: a folder that cannot be read
        return
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry)
        else:
            yield entry


def recognise(path: Path, formats: JsonFormats) -> Iterator[Candidate | Skipped]:
    """Yield what *path* holds: one source for a plain file, one for each member of an archive."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode) and path.is_symlink():
            yield Skipped(Place(path), "a link to a folder, not followed")
            return
        if stat.S_ISDIR(mode):
            yield Skipped(Place(path), "folder cannot be read", damaged=True)
            return
        if not stat.S_ISREG(mode):
            yield Skipped(Place(path), "not a regular file")
            return
        for found in containers.places(path):
            if isinstance(found, Place):
                yield _recognise(found, formats)
            else:
                yield Skipped(found[0], found[1], damaged=True)
    except OSError as error:
        yield Skipped(Place(path), f"cannot be read: {error.strerror or error}", damaged=True)


def _recognise(place: Place, formats: JsonFormats) -> Candidate | Skipped:
    try:
        with place.open() as stream:
            head = stream.read(_HEAD)
            if not head:
                return Skipped(place, "empty")
            if head.startswith(evtx.MAGIC):
                return Candidate(place, "evtx")
            if head[4096:].startswith(_CHUNK):
                return Candidate(place, "evtx")  # only the file header is damaged: the survey says so
            if head.startswith((containers.ZIP_MAGIC, containers.GZIP_MAGIC)) and place.container:
                return Skipped(place, "an archive inside an archive: unpack it first", damaged=True)
            if head.startswith(_CHUNK):
                return Skipped(place, "EVTX chunks without a file header are not read", damaged=True)
            return _recognise_json(place, head, stream, formats)
    except containers.DAMAGE as error:
        return Skipped(place, f"cannot be read: {error}", damaged=True)


def _recognise_damaged_evtx(place: Place, head: bytes, stream: BinaryIO) -> Candidate | Skipped:
    """Look for a whole chunk further on in a binary file whose beginning says nothing."""
    data, looked = head, 0
    while data and looked < _CHUNKS_TRIED:
        while len(data) < 4096 + 65_536 and (more := stream.read(1 << 16)):
            data += more
        if data[4096:].startswith(_CHUNK):
            return Candidate(place, "evtx")
        data, looked = data[65_536:], looked + 1
    if place.text.lower().endswith(".evtx"):
        return Skipped(place, "named EVTX, but no EVTX header or chunk is in it", damaged=True)
    return Skipped(place, "not an event log: neither EVTX nor JSON lines")


def _recognise_json(place: Place, head: bytes, stream: BinaryIO, formats: JsonFormats) -> Candidate | Skipped:
    for encoding, mark in (("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE)):
        if head.startswith(mark):
            is_log = _names_a_key(head.decode(encoding, "replace").encode("utf-8", "replace"), formats)
            return Skipped(place, "UTF-16 text is not read: convert it to UTF-8", damaged=is_log)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"[") and _names_a_key(text, formats):
        return Skipped(place, "a JSON array is not read: write one object per line", damaged=True)
    # A log that was rotated or cut begins in the middle of a line.
    if not any(line.lstrip().startswith(b"{") for line in text.split(b"\n", _LINES_TRIED)[:_LINES_TRIED]):
        if b"\0" in head:
            return _recognise_damaged_evtx(place, head, stream)
        named = " (its name says EVTX, its content does not)" if place.text.lower().endswith(".evtx") else ""
        return Skipped(place, f"not an event log: neither EVTX nor JSON lines{named}")
    while b"\n" not in text and len(text) < _LONGEST_FIRST_LINE and (more := stream.read(1 << 20)):
        text += more
    complete = text[: text.rfind(b"\n")] if b"\n" in text else text
    cause = ""
    for line in complete.split(b"\n")[:_LINES_TRIED]:
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            cause = cause or str(error)
            continue
        if name := _format_of(record, formats):
            return Candidate(place, name)
    guess = next(
        (name for name, keys in formats.items() if all(any(f'"{k}"'.encode() in text for k in g) for g in keys)), None
    )
    if guess:
        return Candidate(place, guess)
    if cause:
        return Skipped(place, f"JSON that cannot be parsed: {cause}", damaged=_names_a_key(text, formats))
    return Skipped(place, "JSON, but of no known event log format", damaged=_names_a_key(text, formats))


def _names_a_key(text: bytes, formats: JsonFormats) -> bool:
    """Whether *text* looks like an event log that is not in a shape that is read."""
    return any(f'"{key}"'.encode() in text for keys in formats.values() for group in keys for key in group)


def _format_of(record: object, formats: JsonFormats) -> str | None:
    if not isinstance(record, dict):
        return None
    return next(
        (name for name, keys in formats.items() if all(any(key in record for key in group) for group in keys)), None
    )
