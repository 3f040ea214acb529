"""Archives and odd files: what is recognised, what is skipped and why, and that nothing is ever written or followed."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.pipeline.surveyor import shapes
from wmiwarehouse.projection.compiler import Projection
from wmiwarehouse.readers import containers, jsonlines, zips
from wmiwarehouse.readers.containers import Place, Step
from wmiwarehouse.readers.model import Outcome, each
from wmiwarehouse.readers.recognise import Candidate, Skipped, files, recognise

FORMATS = shapes(Projection())
LINE = (
    json.dumps({"EventTime": "2024-05-06 01:02:03", "Hostname": "WS01", "EventID": 1, "SourceName": "x"}).encode()
    + b"\n"
)


def found(path: Path) -> list[Candidate | Skipped]:
    return list(recognise(path, FORMATS))


def only(path: Path) -> Candidate | Skipped:
    (one,) = found(path)
    return one


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def lines_of(place: Place) -> list[int]:
    with place.open() as stream:
        survey = jsonlines.survey(stream, divisible=place.divisible)
    numbers = []
    for part in survey.slices:
        with place.open(part.start) as stream:
            numbers += [number for number, _ in each(jsonlines.read(stream, part, Outcome()))]
    return numbers


@pytest.mark.parametrize("name", ["Security.evtx", "notes.txt", "log.json", "x.zip", "none"])
def test_content_counts_and_not_the_name(tmp_path: Path, log: Any, name: str) -> None:
    evtx = only(put(tmp_path / name, bytes(log.data)))
    assert isinstance(evtx, Candidate)
    assert evtx.format == "evtx"
    nxlog = only(put(tmp_path / name, LINE))
    assert isinstance(nxlog, Candidate)
    assert nxlog.format == "nxlog"
    packed = only(put(tmp_path / name, gzip.compress(LINE)))
    assert isinstance(packed, Candidate)
    assert packed.place == replace(Place(tmp_path / name), steps=(Step("gzip"),), most=containers.ALWAYS_ALLOWED)
    assert isinstance(only(put(tmp_path / name, b"Dear diary,\n")), Skipped)


def test_a_text_file_named_evtx_says_so(tmp_path: Path) -> None:
    one = only(put(tmp_path / "Security.evtx", b"not a log at all\n"))
    assert isinstance(one, Skipped)
    assert not one.damaged
    assert "its name says EVTX, its content does not" in one.reason


@pytest.mark.parametrize(
    ("data", "reason", "damaged"),
    [
        (b"", "empty", False),
        (b'{"a": 1}\n{"b": 2}\n', "of no known event log format", False),
        (b"[1, 2]\n", "of no known event log format", False),
        (b"\x00" * 100, "not an event log", False),
        (b"PK\x03\x04 and no archive", "damaged zip archive: the list of its members", True),
        (b"\x1f\x8b\x08 and no archive", "damaged gzip", True),
        (b"\x1f\x8b", "the gzip stream is cut off", True),
    ],
)
def test_what_is_no_log(tmp_path: Path, data: bytes, reason: str, damaged: bool) -> None:
    one = only(put(tmp_path / "file", data))
    assert isinstance(one, Skipped)
    assert reason in one.reason
    assert one.damaged == damaged


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + LINE,
        b"\r\n\r\n" + LINE,
        b'{"EventTime": broken\n' + LINE,
        b'{"first": "of another kind"}\n' + LINE,
        b'me":"WS01","EventID":1}\n' + LINE,
        LINE.strip(),
        LINE[:-6],
    ],
    ids=[
        "BOM",
        "blank lines first",
        "broken first line",
        "other first line",
        "cut first line",
        "no line end",
        "cut last line",
    ],
)
def test_nxlog_is_recognised_in_spite_of(tmp_path: Path, data: bytes) -> None:
    one = only(put(tmp_path / "log", data))
    assert isinstance(one, Candidate), one
    assert one.format == "nxlog"


def test_a_damaged_file_header_is_still_a_log(tmp_path: Path, log: Any) -> None:
    log.put("8s", 0, b"\0" * 8)
    assert isinstance(only(put(tmp_path / "log", bytes(log.data))), Candidate)


def test_every_member_is_a_source(tmp_path: Path, log: Any) -> None:
    path = zipped(
        tmp_path / "logs.zip",
        {
            "a/Security.evtx": bytes(log.data),
            "../../x.json": LINE,
            "readme.txt": b"hello",
            "inner.zip": b"PK\x03\x04",
            "folder/": b"",
        },
    )
    places = {one.place.member: one for one in found(path)}
    assert {name: type(one) for name, one in places.items()} == {
        "a/Security.evtx": Candidate, "../../x.json": Candidate, "readme.txt": Skipped, "inner.zip": Skipped,
    }  # fmt: skip
    assert places["../../x.json"].place.text == f"{path}!../../x.json"
    assert lines_of(places["../../x.json"].place) == [1]
    inner = places["inner.zip"]
    assert isinstance(inner, Skipped)
    assert inner.reason.startswith("damaged zip archive: the list of its members")
    assert inner.damaged
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_two_sources(tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("log", LINE)
        archive.writestr("log", LINE * 3)
    assert [lines_of(one.place) for one in found(path)] == [[1], [1, 2, 3]]
    assert [one.place.text for one in found(path)] == [f"{path}!log", f"{path}!log#2"]


def test_logs_in_a_shape_that_is_not_read_are_not_called_something_else(tmp_path: Path, log: Any) -> None:
    """A gap must not pass for "no event logs here"."""
    evtx = bytes(log.data)
    shapes = {
        "carved": evtx[4096:],
        "x.evtx": bytes(70_000),
    }
    for name, content in shapes.items():
        one = only(put(tmp_path / name, content))
        assert isinstance(one, Skipped), name
        assert one.damaged, name
    assert isinstance(only(put(tmp_path / "late", bytes(4096 + 65_536) + evtx[4096 + 65_536 :])), Candidate)


def test_an_encrypted_member(tmp_path: Path) -> None:
    path = zipped(tmp_path / "logs.zip", {"open": LINE, "closed": LINE})
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(magic, data.index(magic) + 1) + offset
        struct.pack_into("<H", data, at, struct.unpack_from("<H", data, at)[0] | 1)
    opened, closed = found(put(path, bytes(data)))
    assert isinstance(opened, Candidate)
    assert isinstance(closed, Skipped)
    assert (closed.reason, closed.damaged) == ("encrypted: unpack it first", True)


def test_a_corrupt_member_costs_itself(tmp_path: Path) -> None:
    path = zipped(tmp_path / "logs.zip", {"bad": LINE, "good": LINE}, zipfile.ZIP_STORED)
    data = path.read_bytes().replace(b"WS01", b"WS02", 1)
    bad, good = found(put(path, data))
    assert isinstance(bad, Skipped)
    assert bad.damaged
    assert "CRC" in bad.reason
    assert isinstance(good, Candidate)


def test_an_unknown_compression(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "logs.zip", {"log": LINE}).read_bytes())
    for magic, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", data, data.index(magic) + offset, 99)
    one = only(put(tmp_path / "logs.zip", bytes(data)))
    assert isinstance(one, Skipped)
    assert one.damaged


@pytest.mark.parametrize("keep", [0.3, 0.9, 1.0])
def test_a_truncated_gzip_gives_what_it_has(tmp_path: Path, keep: float) -> None:
    """The checksum at the end is missing, or more; everything before the break counts."""
    noise = "".join(
        f'{{"EventTime":"{i}","Hostname":"h","EventID":{i * 7919 % 9973}}}\n' for i in range(20_000)
    ).encode()
    packed = gzip.compress(noise, 1)
    one = only(put(tmp_path / "log.gz", packed[: int(len(packed) * keep) - 4]))
    assert isinstance(one, Candidate)
    with one.place.open() as stream:
        survey = jsonlines.survey(stream, divisible=False)
    assert ["cannot be read to its end" in problem.reason for problem in survey.problems] == [True]
    numbers = lines_of(one.place)
    assert numbers == list(range(1, len(numbers) + 1))
    # Deflate works in blocks; all but about the last of them must be there.
    assert len(numbers) > 20_000 * keep * 0.85


@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_a_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(containers, "MOST_EXPANSION", 20)
    monkeypatch.setattr(containers, "ALWAYS_ALLOWED", 100_000)
    content = LINE + b" " * 5_000_000 + b"\n"
    path = (
        put(tmp_path / "bomb", gzip.compress(content))
        if kind == "gzip"
        else zipped(tmp_path / "bomb", {"log": content})
    )
    one = only(path)
    assert isinstance(one, Candidate)
    with one.place.open() as stream:
        survey = jsonlines.survey(stream, divisible=False)
    assert survey.size < 3_000_000
    assert any("times its packed size" in problem.reason for problem in survey.problems)
    assert lines_of(one.place) == [1]


def test_opening_at_an_offset(tmp_path: Path) -> None:
    data = bytes(range(256)) * 2000
    member = next(zips.members(io.BytesIO(zipped(tmp_path / "zip", {"m": data}).read_bytes())))
    step = Step("zip", member.start, member.packed, member.method, member.crc)
    for place in (
        Place(put(tmp_path / "plain", data)),
        Place(put(tmp_path / "gz", gzip.compress(data)), steps=(Step("gzip"),)),
        Place(tmp_path / "zip", "m", (step,)),
        Place(put(tmp_path / "part", b"before" + data + b"behind"), steps=(Step("part", 6, len(data)),)),
    ):
        with place.open(300_001) as stream:
            assert stream.read(10) == data[300_001:300_011]


@pytest.mark.skipif(os.name == "nt", reason="no FIFO on Windows")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    one = only(tmp_path / "pipe")
    assert isinstance(one, Skipped)
    assert one.reason == "not a regular file"


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_folders_are_walked_without_their_links(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    put(tmp_path / "a" / "b" / "one", LINE)
    put(tmp_path / "a" / "two", LINE)
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a" / "loop")
    (tmp_path / "a" / "gone").symlink_to(tmp_path / "nowhere")
    walked = list(files([tmp_path / "a", tmp_path / "a" / "two", tmp_path]))
    assert [path.name for path in walked] == ["one", "up", "gone", "loop", "two"]
    link = only(tmp_path / "a" / "b" / "up")
    assert isinstance(link, Skipped)
    assert link.reason == "a link to a folder, not followed"
    reasons = [one.reason for name in ("gone", "loop") if isinstance(one := only(tmp_path / "a" / name), Skipped)]
    assert len(reasons) == 2
    assert all("cannot be read" in reason for reason in reasons)


@pytest.mark.skipif(os.name == "nt", reason="file names are Unicode on Windows")
def test_names_of_any_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(b"log-\xff'\n\".json")
    one = only(put(tmp_path / name, LINE))
    assert isinstance(one, Candidate)
    assert one.place.text == f"{tmp_path}/log-\\xff'\\x0a\".json"
    assert one.place.text.encode()


def test_a_folder_that_cannot_be_listed_does_not_end_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    put(tmp_path / "open", LINE)
    plain = Path.iterdir

    def iterdir(self: Path) -> Any:
        if self.name == "closed":
            raise PermissionError(13, "Permission denied")
        return plain(self)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert [path.name for path in files([tmp_path])] == ["closed", "open"]
    one = only(tmp_path / "closed")
    assert isinstance(one, Skipped)
    assert one.damaged


def test_reading_never_holds_more_than_it_is_asked_for(tmp_path: Path) -> None:
    place = Place(put(tmp_path / "gz", gzip.compress(b"x" * 1_000_000)), steps=(Step("gzip"),))
    with place.open() as stream:
        assert 0 < len(stream.read(1000)) <= 1000
        assert isinstance(stream, io.RawIOBase)
