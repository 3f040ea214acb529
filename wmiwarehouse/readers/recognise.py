"""Says what a file is by its content, never by its name, and lists what lies in the paths that the user gave."""

from __future__ import annotations

import itertools
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import orjson

from wmiwarehouse.readers import containers, documents, evtx, xml
from wmiwarehouse.readers.archives import Archive, Unread
from wmiwarehouse.readers.containers import Place
from wmiwarehouse.readers.model import Outcome
from wmiwarehouse.readers.shapes import Layout, Shape, Shapes
from wmiwarehouse.readers.text import decoded, encoding_of
from wmiwarehouse.readers.unpack import Spent

_HEAD = 1 << 16
_PARSED = 4 << 20  # a longer line is judged by the names in it
_LINES_TRIED = 50
_SAMPLES = 50
_CHUNK = b"ElfChnk\0"
_CHUNKS_TRIED = 1_024
#: Collections of logs lie in repositories; cloned without Git LFS they are folders full of these.
_POINTER = "version https://git-lfs.github.com/spec/v1\n"
#: Names that only exports of Windows events have, whatever wrote them: a log that is not read must not pass for none.
_SIGNS = re.compile(
    r'"(?:event_?id|event_?code|event_?record_?id|record_?number|event_?data|winlog(?:\.\w+)*)"\s*:|^EventCode=\d',
    re.IGNORECASE | re.MULTILINE,
)


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
    layout: Layout


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


def recognise(path: Path, shapes: Shapes, spool: Path | None = None) -> Iterator[Candidate | Skipped]:
    """Yield what *path* holds: one source for a plain file, one for each member of an archive.

    What must be unpacked for it lies in files in the folder *spool*, as long as its owner leaves them there.
    """
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
        archive = Archive(path, partial(_may_be_log, shapes=shapes), spool)
        for found in archive.places():
            if isinstance(found, Unread):
                yield Skipped(found.place, found.reason, found.damaged)
                continue
            answer = _recognise(found, shapes)
            if isinstance(answer, Candidate):
                archive.keep()
            yield answer
    except OSError as error:
        yield Skipped(Place(path), f"cannot be read: {error.strerror or error}", damaged=True)


def _recognise(place: Place, shapes: Shapes) -> Candidate | Skipped:
    try:
        with place.open() as stream:
            return _recognise_content(place, stream, shapes)
    except containers.DAMAGE as error:
        return Skipped(place, f"cannot be read: {error}", damaged=True)


def _recognise_content(place: Place, source: BinaryIO, shapes: Shapes) -> Candidate | Skipped:
    stream = Spent(source)
    head = stream.read(_HEAD)
    if not head:
        return Skipped(place, "empty")
    if head.startswith(evtx.MAGIC) or head[4096:].startswith(_CHUNK):
        return _evtx(place, shapes)  # where only the file's header is damaged, the survey says so
    if head.startswith(_CHUNK):
        return Skipped(place, "EVTX chunks without a file header are not read", damaged=True)
    encoding = encoding_of(head)
    text = decoded(head, encoding)
    if xml.begins(text):
        return _xml(place, text, encoding, shapes)
    if shape := shapes.text(text):
        return Candidate(place, shape.name, Layout("text", encoding, shape))
    return _recognise_json(place, head, encoding, stream, shapes)


def _further(stream: Spent) -> bytes:
    try:
        return stream.read(1 << 16)
    except containers.DAMAGE:
        return b""  # zeros that an archive holds more of than it may: nothing that anybody misses


def _may_be_log(head: bytes, name: str, shapes: Shapes) -> bool:
    """Whether something that begins with *head* may turn out to be a log: is it worth to be unpacked?"""
    if head.startswith((evtx.MAGIC, _CHUNK)) or _CHUNK in head or name.lower().endswith(".evtx"):
        return True
    encoding = encoding_of(head)
    text = decoded(head, encoding)
    stands_in = xml.stands_in(text) or shapes.text(text, anywhere=True) is not None
    return xml.begins(text) or stands_in or _may_be_json(text, encoding, shapes)


def _xml(place: Place, text: str, encoding: str, shapes: Shapes) -> Candidate | Skipped:
    shape = shapes.reader("xml")
    if shape is None:
        return Skipped(place, "events in XML, which no format is for", damaged=True)
    return Candidate(place, shape.name, Layout("xml", xml.declared_encoding(text) or encoding, shape))


def _evtx(place: Place, shapes: Shapes) -> Candidate:
    shape = shapes.reader("evtx") or Shape("evtx", "evtx")
    return Candidate(place, shape.name, Layout("evtx", shape=shape))


def _recognise_damaged_evtx(place: Place, head: bytes, stream: Spent, shapes: Shapes) -> Candidate | Skipped:
    """Look for a whole chunk further on in a binary file whose beginning says nothing."""
    data, looked = head, 0
    while data and looked < _CHUNKS_TRIED:
        while len(data) < 4096 + 65_536 and (more := _further(stream)):
            data += more
        if data[4096:].startswith(_CHUNK):
            return _evtx(place, shapes)
        data, looked = data[65_536:], looked + 1
    if place.text.lower().endswith(".evtx"):
        return Skipped(place, "named EVTX, but no EVTX header or chunk is in it", damaged=True)
    return Skipped(place, "not an event log: neither EVTX nor JSON nor event XML")


def _recognise_json(place: Place, head: bytes, encoding: str, stream: Spent, shapes: Shapes) -> Candidate | Skipped:
    """Tell JSON lines from other arrangements, and of which format the first record is that is of any."""
    text = decoded(head, encoding)
    if not _may_be_json(text, encoding, shapes):
        if xml.stands_in(text):
            return _xml(place, text, encoding, shapes)
        return _no_log(place, head, encoding, stream, shapes)
    is_lines = encoding == "utf-8" and _begins_a_line(text) and _is_in_lines(text)
    cause, is_clear = "", True
    if is_lines:
        lines, head = _first_lines(head, stream)
        for line in lines:
            if len(line) > _PARSED:
                if shape := shapes.likely(line[:_PARSED].decode("utf-8", "replace")):
                    return Candidate(place, shape.name, Layout("lines", shape=shape))
                is_clear = False
                continue
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                cause, is_clear = cause or str(error), False
                continue
            if shape := shapes.of(record):
                return Candidate(place, shape.name, Layout("lines", shape=shape))
    layout, outcome = Layout("documents", encoding, lists=shapes.lists), Outcome()
    is_clear = is_lines and is_clear
    parsed: list[bool] = []
    with place.open() as again:
        for value, found in itertools.islice(documents.samples(again, layout, outcome), _SAMPLES):
            if shape := shapes.of(value) if value is not None else shapes.likely(found[:_PARSED]):
                return Candidate(place, shape.name, Layout("documents", encoding, shape, shapes.lists))
            parsed.append(value is not None)
    is_clear = is_clear or (bool(parsed) and all(parsed) and not outcome.problems)
    # Records that can be read say what they are; of others the names in their text do.
    if not is_clear and (shape := shapes.likely(text)):
        if is_lines:
            return Candidate(place, shape.name, Layout("lines", shape=shape))
        return Candidate(place, shape.name, Layout("documents", encoding, shape, shapes.lists))
    if b"\0" in head and encoding == "utf-8":
        return _no_log(place, head[:_HEAD], encoding, stream, shapes)
    if not is_clear and xml.stands_in(text):
        return _xml(place, text, encoding, shapes)
    is_log = shapes.names_a_key(text) or bool(_SIGNS.search(text))
    is_unparsed = cause and not is_clear
    reason = f"JSON that cannot be parsed: {cause}" if is_unparsed else "JSON, but of no known event log format"
    return Skipped(place, reason, damaged=is_log)


def _may_be_json(text: str, encoding: str, shapes: Shapes) -> bool:
    if text.lstrip()[:1] in ("{", "["):
        return True
    return (encoding == "utf-8" and _begins_a_line(text)) or ("{" in text and shapes.names_a_key(text))


def _begins_a_line(text: str) -> bool:
    """Whether a JSON object begins a line of *text*; a log that was cut begins in the middle of one."""
    return any(line.lstrip().startswith("{") for line in text.split("\n", _LINES_TRIED)[:_LINES_TRIED])


def _is_in_lines(text: str) -> bool:
    """Whether *text* may have one object a line: in an array that was written so, commas stand behind them."""
    lines = [line.strip() for line in text.split("\n", _LINES_TRIED)[:_LINES_TRIED]]
    return not text.lstrip().startswith("[") and not any(line[:1] == "{" and line[-2:] == "}," for line in lines)


def _no_log(place: Place, head: bytes, encoding: str, stream: Spent, shapes: Shapes) -> Candidate | Skipped:
    if b"\0" in head and encoding == "utf-8":
        return _recognise_damaged_evtx(place, head, stream, shapes)
    text = decoded(head, encoding)
    if shape := shapes.text(text, anywhere=True):
        return Candidate(place, shape.name, Layout("text", encoding, shape))
    if text.startswith(_POINTER):
        return Skipped(place, "only a pointer to the file, which Git LFS keeps elsewhere: git lfs pull", damaged=True)
    if _SIGNS.search(text):
        return Skipped(place, "text of what seem to be Windows events, in no form that is read", damaged=True)
    named = " (its name says EVTX, its content does not)" if place.text.lower().endswith(".evtx") else ""
    return Skipped(place, f"not an event log: neither EVTX nor JSON nor event XML{named}")


def _first_lines(head: bytes, stream: Spent) -> tuple[Iterable[bytes], bytes]:
    """Return the first whole lines that are not blank, and what was read for it."""
    pieces, size = [head], len(head)
    while b"\n" not in pieces[-1] and size < documents.LONGEST and (more := stream.read(1 << 20)):
        pieces.append(more)
        size += len(more)
    head = b"".join(pieces)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    is_cut = size >= _HEAD and b"\n" in text
    complete = text[: text.rfind(b"\n")] if is_cut else text
    return (line for line in complete.split(b"\n") if line.strip()), head
