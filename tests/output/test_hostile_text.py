"""Logs and file names written by an attacker, through every command and format: nothing acts, nothing is lost.

The logs are NXLog lines in which every text is hostile, in a file and a folder with hostile names. What a terminal
gets must hold no control character but the line end and nothing that hides or turns text; what a machine reads must
hold the very text that was logged.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import re
import shlex
import sys
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wmiwarehouse.__main__ import main
from wmiwarehouse.cli.event import _data
from wmiwarehouse.output import console, escape
from wmiwarehouse.readers.containers import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEXTS = {
    "csi": "\x1b[38;5;201mred\x1b[2J\x1b[1;1H",
    "osc": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x07\x1b]52;c;ZXZpbA==\x07\x1b]0;owned\x07",
    "c1": "\x9b31m\x90q\x9c\x9d0;t\x9c\x85",
    "markup": "[red]x[/] [link=https://evil.example]y[/link] [/] :smile: [@click=app.quit]z[/]",
    "equals": "=cmd|'/c calc'!A0",
    "plus": "+1+1",
    "minus": "-1+1",
    "at": "@SUM(1+1)",
    "tab": "\t=1+1",
    "return": "\r=1+1",
    "wide equals": "\uff1d1+1",
    "wide at": "\uff20SUM(1)",
    "marked": "'=1+1",
    "lines": "one\n=two\r\nthree\x0bfour\x0c\u2028\u2029five",
    "turned": "gnp\u202eexe\u202c\u2066a\u2069\u200f\u061c",
    "hidden": "ad\u200bmin\u200d\ufeff\xad\u2060\u3164\U000e0041\ufe0f",
    "nul": "a\x00b",
    "markdown": "| a | `b` **c** [l](javascript:alert(1)) ![i](http://e.example) ~~s~~ \\| <!-- \n| x | y |\n# h\n- i",
    "html": '<script>alert(1)</script><img src=x onerror="alert(1)"> &lt;b&gt; https://evil.example www.evil.example',
    "quotes": '",",\'"x""\n"',
    "shell": "$(touch owned); `id` 'x' \"y\" && z",
    "word": "A" * 20_000,
    "wide word": "\u00e9\u65e5" * 5_000,
}
TEXTS["all"] = " ".join(text for text in TEXTS.values() if len(text) < 1_000)
#: Windows allows none of this in a name; elsewhere a name is any bytes but "/" and NUL.
NAME = "logs" if os.name == "nt" else "=\x1b[2J\x1b]52;c;eA==\x07[red]\u202e\x9b|<script>\n'\t\""
SECURITY = "Microsoft-Windows-Security-Auditing"
LOGON_ID = "0x551686"
SHELL = TEXTS["shell"].lower()  # as the column "host" has it
# The terminal's own verbs, and what hides or reorders text.
DANGEROUS = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
# What the progress bar itself sends to move and clear its line.
OWN = re.compile(r"\x1b\[(?:\?25[lh]|[0-9]?[AK]|[0-9;]*m)|\r")


def record(number: int, **data: Any) -> dict[str, Any]:
    time = f"01:{number // 60:02}:{number % 60:02}"
    return {
        "EventTime": f"2024-05-06 {time}",
        "@timestamp": f"2024-05-06T{time}.000Z",
        "EventReceivedTime": f"2024-05-06 {time}",
        "Hostname": "WS01",
        "EventID": 4688,
        "SourceName": SECURITY,
        "Channel": "Security",
        "RecordNumber": 1000 + number,
        **data,
    }


def records() -> Iterator[dict[str, Any]]:
    number = 0
    for text in TEXTS.values():
        names = {"SubjectUserName": text, "SubjectDomainName": text, "SubjectLogonId": LOGON_ID}
        for data in (
            {
                "Hostname": text,
                "NewProcessName": "C:\\Windows\\System32\\wbem\\WMIC.exe",
                "CommandLine": f'wmic /node:"{text}" process call create "{text}"',
                **names,
            },
            {
                "NewProcessName": "C:\\x\\" + text,
                "ParentProcessName": "C:\\Windows\\System32\\wbem\\WmiPrvSE.exe",
                "CommandLine": text,
                **names,
            },
            {
                "EventID": 4624,
                "TargetUserName": text,
                "TargetDomainName": text,
                "TargetLogonId": LOGON_ID,
                "LogonType": 3,
                "IpAddress": text,
                "WorkstationName": text,
            },
            {"EventID": 9999, "Channel": text, "SourceName": text, text: text, "Inner": {text: [text]}},
        ):
            yield record(number, **data)
            number += 1
    # Two computers with one short name that is hostile itself.
    for domain in ("a", "b"):
        yield record(number, Hostname=f"\x1b[2Jtwin\u202e.{domain}.example", CommandLine="x")
        number += 1
    yield record(number, CommandLine="deep", Deep=_deep(3_000))


def _deep(depth: int) -> Any:
    value: Any = "\x1b[2J"
    for _ in range(depth):
        value = {"a": value}
    return value


class Stream(io.TextIOWrapper):
    """A terminal or a pipe that keeps what it got."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    @property
    def got(self) -> bytes:
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue()


@dataclass
class Said:
    code: int
    raw: bytes
    err: str
    out: str = field(init=False)

    def __post_init__(self) -> None:
        self.out = "" if self.raw.startswith(b"PAR1") else self.raw.decode()


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[..., Said]]:
    patch = pytest.MonkeyPatch()
    patch.setenv("TERM", "xterm-256color")
    patch.setenv("COLUMNS", "120")
    patch.delenv("NO_COLOR", raising=False)
    patch.delenv("WMIWH_WAREHOUSE", raising=False)

    @functools.cache  # a hunt takes a second; nothing here changes the warehouse after its ingest
    def said(terminal: bool, *arguments: str) -> Said:
        out, err = Stream(terminal=terminal), Stream(terminal=terminal)
        with pytest.MonkeyPatch.context() as streams:
            streams.setattr(sys, "argv", ["wmiwh", *arguments])
            streams.setattr(sys, "stdout", out)
            streams.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as end:
                main()
        return Said(int(end.value.code or 0), out.got, err.got.decode())

    yield lambda *arguments, terminal=False: said(terminal, *map(str, arguments))
    patch.undo()


@dataclass
class Case:
    logs: Path
    warehouse: Path
    ingest: Said


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, run: Callable[..., Said]) -> Case:
    folder = tmp_path_factory.mktemp("hostile")
    logs, warehouse = folder / "logs", folder / NAME
    logs.mkdir()
    # json's own encoder does not go as deep as the deepest record.
    sys.setrecursionlimit((limit := sys.getrecursionlimit()) + 20_000)
    try:
        lines = [json.dumps(one) for one in records()]
    finally:
        sys.setrecursionlimit(limit)
    (logs / f"{NAME}.json").write_text("\n".join([*lines, "\x1b[2J[red] no JSON\u202e"]) + "\n", encoding="utf-8")
    (logs / f"{NAME}.txt").write_text("no log")
    if sys.platform.startswith("linux"):
        line = json.dumps(record(0, Hostname="bytes"))
        Path(os.fsdecode(os.fsencode(logs) + b"/bytes\xff\x1b[2J.json")).write_text(line + "\n")
    said = run("ingest", logs, "-w", warehouse, terminal=True)
    assert said.code == 5, said.err
    return Case(logs, warehouse, said)


def assert_harmless(text: str) -> None:
    bad = {f"{ord(c):#x}" for c in text if c != "\n" and unicodedata.category(c) in DANGEROUS}
    assert not bad, [line for line in text.split("\n") if any(unicodedata.category(c) in DANGEROUS for c in line)][:3]


def assert_nothing_acts(said: Said) -> None:
    """What a terminal got holds only what our own drawing sends there."""
    for text in (said.out, said.err):
        # What is ours never holds these parameters or verbs.
        assert not re.search(r"\x1b(?!\[)|\x1b\[38;5;20|\x1b\[\??[0-9;]*[^0-9;?mAKlh]", text)
        assert_harmless(OWN.sub("", text))


# Each once on a terminal; {name} stands for an event's id, {logs} for the log's name.
COMMANDS = (
    ("sources",),
    ("sources", "--problems"),
    ("sources", "-f", "csv"),
    ("hunt",),
    ("hunt", "xql_wmic_remote_exec", "--host", "\x1b[2Jnowhere\u202e"),
    ("hunt", "wmiprvse_children"),
    ("hunt", "wmiprvse_children", "-f", "csv"),
    ("hunt", "wmiprvse_children", "-f", "json"),
    ("hunt", "wmiprvse_children", "-f", "markdown"),
    ("session", "ws01", LOGON_ID),
    ("session", TEXTS["all"].lower(), LOGON_ID),
    ("session", "\x1b[2jtwin\u202e", LOGON_ID),
    ("session", "nowhere\x1b[2J", LOGON_ID),
    ("stack", "user_name", "command_line", "--of", "process_creation"),
    ("stack", "channel", "source_file", "--of", "events", "--host", "\x9b2J"),
    ("coverage",),
    ("coverage", "--analytic", "xql_wmic_remote_exec"),
    ("event", "{all}"),
    ("event", "{remote}"),
    ("event", "{deep}"),
    ("event", "{other}"),
    ("sql", "select command_line, source_file from events order by record_id limit 40"),
    ("sql", 'select 1 as "\x1b[2J=\u202e", \'\x9b\' as "[red]|<b>"'),
    ("sql", 'select 1 as "\x1b[2J=\u202e", \'\x9b\' as "[red]|<b>"', "-f", "csv"),
    ("sql", 'select "\x1b[2J\u202e" from events'),
    ("sql", "select $a", "-p", "\x1b[2J\u202e=1"),
    ("sql", "\x1b[2J\u202e"),
    ("verify", "--sources"),
    ("forget", "\x1b[2J\u202e"),
    # What is wrong about names that a shell put in the place of a "*".
    ("event", "\x1b[2J\u202e"),
    ("ingest", "no\x1b]52;c;eA==\x07such\u202e\nfile"),
    ("hunt", "no\x1b[2J\u202eid"),
    ("hunt", "--since", "\x9b2J"),
    ("hunt", "--\x1b[2J\u202e"),
    ("hunt", "-f", "\x1b[2J\u202e"),
    ("stack", "\x1b[2J\u202e"),
    ("stack", "user_name", "--of", "\x1b[2J\u202e"),
    ("sources", "-o", "no\x1b[2J\u202efolder/x.csv"),
    ("sources", "-o", "x.\x1b[2J\u202e"),
    ("\x1b[2J\u202e",),
)


@pytest.fixture(scope="module")
def uids(case: Case, run: Callable[..., Said]) -> dict[str, str]:
    """Ids of events by the hostile text that is in them."""
    found: dict[str, str] = {}
    said = run("hunt", "wmiprvse_children", "-w", case.warehouse, "-f", "json")
    by_text = {row["command_line"]: row["event_uid"] for row in json.loads(said.out)}
    found |= {name: by_text[text] for name, text in TEXTS.items()}
    assert len(set(found.values())) == len(TEXTS)
    (remote,) = json.loads(run("hunt", "xql_wmic_remote_exec", "-w", case.warehouse, "-f", "json", "--host", SHELL).out)
    found["remote"] = remote["event_uid"]
    columns = ("event_uid", "channel", "command_line")
    table = pa.concat_tables(
        pq.read_table(file, columns=list(columns)) for file in (case.warehouse / "lake").glob("*/events/*.parquet")
    )
    for row in table.to_pylist():
        found |= {"other": row["event_uid"]} if row["channel"] == TEXTS["all"] else {}
        found |= {"deep": row["event_uid"]} if row["command_line"] == "deep" else {}
    return found


def test_ingest(case: Case) -> None:
    said = case.ingest
    assert_nothing_acts(said)
    assert f"{len(list(records())) + sys.platform.startswith('linux'):,} records of" in said.err
    assert f"line {len(list(records())) + 1}: not a JSON object" in said.err
    if os.name != "nt":
        assert Place(Path(NAME)).text in said.err


@pytest.mark.parametrize("command", COMMANDS, ids=ascii)
def test_on_a_terminal(
    command: tuple[str, ...], case: Case, uids: dict[str, str], run: Callable[..., Said], monkeypatch: Any
) -> None:
    monkeypatch.chdir(case.logs)
    arguments = [uids[part[1:-1]] if part.startswith("{") else part for part in command]
    where = ["-w", case.warehouse] if command[0].isalpha() else []
    said = run(*arguments, *where, terminal=True)
    assert_nothing_acts(said)
    assert said.out or said.err
    assert "Traceback" not in said.err
    assert said.code in (0, 2, 5)


@pytest.mark.parametrize("fmt", ["table", "markdown", "json", "ndjson"])
def test_formats_for_people_and_json_are_harmless_in_a_pipe_too(case: Case, run: Callable[..., Said], fmt: str) -> None:
    said = run("hunt", "wmiprvse_children", "-w", case.warehouse, "-f", fmt)
    assert said.code == 0
    assert_harmless(said.out)
    assert_harmless(said.err)


def test_every_format_has_the_very_text(case: Case, run: Callable[..., Said], tmp_path: Path) -> None:
    def rows(fmt: str) -> bytes:
        said: Said = run("hunt", "wmiprvse_children", "-w", case.warehouse, "-f", fmt)
        assert said.code == 0
        return said.raw

    found = json.loads(rows("json"))
    assert {row["command_line"] for row in found} >= set(TEXTS.values())
    assert {row["user_name"] for row in found} >= set(TEXTS.values())
    assert {row["source_file"] for row in found} == {Place(case.logs / f"{NAME}.json").text}
    assert [json.loads(line) for line in rows("ndjson").decode().removesuffix("\n").split("\n")] == found
    table = pq.read_table(io.BytesIO(rows("parquet")))
    assert table.column("command_line").to_pylist() == [row["command_line"] for row in found]
    assert table.column("user_name").to_pylist() == [row["user_name"] for row in found]
    read = list(csv.DictReader(io.StringIO(rows("csv").decode(), newline="")))
    assert len(read) == len(found)
    for cell, row in zip(read, found, strict=True):
        for name in ("command_line", "user_name", "process_name", "source_file", "host"):
            assert cell[name] == escape.spreadsheet(row[name] or "")
            assert not FORMULA.match(cell[name])


def test_markdown_stays_one_table(case: Case, run: Callable[..., Said], read_markdown: Callable[[str], Any]) -> None:
    found = json.loads(run("hunt", "wmiprvse_children", "-w", case.warehouse, "-f", "json").out)
    document = run("hunt", "wmiprvse_children", "-w", case.warehouse, "-f", "markdown").out
    seen = read_markdown(document)
    assert seen.tags == {"table", "thead", "tbody", "tr", "th", "td"}
    names, *shown = seen.rows
    assert names == list(found[0])
    column = names.index("command_line")
    assert [row[column] for row in shown] == [escape.visible(row["command_line"]).strip() for row in found]


def test_suggested_commands_are_no_trap(case: Case, uids: dict[str, str], run: Callable[..., Said]) -> None:
    """A host may be called ``$(...)``: whoever pastes the next command must not run it."""

    def suggested(*arguments: str) -> list[str]:
        err = OWN.sub("", run(*arguments, "-w", case.warehouse, terminal=True).err)
        return shlex.split(next(line for line in err.split("\n") if line.startswith("next: ")))

    words = suggested("event", uids["remote"])
    assert words[1:5] == ["wmiwh", "session", SHELL, LOGON_ID]
    if os.name != "nt":
        assert words[6] == escape.visible(str(case.warehouse))
    words = suggested("coverage")
    assert words[-4:-2] == ["--host", escape.visible(TEXTS["tab"])]


def test_an_event_shows_its_text_and_forges_no_heading(
    case: Case, uids: dict[str, str], run: Callable[..., Said]
) -> None:
    out = OWN.sub("", run("event", uids["all"], "-w", case.warehouse, terminal=True).out)
    assert "[red]x[/]" in out
    headings = {line.strip("─ ") for line in out.split("\n") if line.startswith("──")}
    assert headings == {"event", "event data", "source", "problems of this source", "stands in"}


@pytest.mark.parametrize("depth", [100, 300, 500, 800, 3_000])
@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")])
def test_data_of_any_depth_is_shown(depth: int, opening: str, closing: str) -> None:
    facts = _data('{"a":' + opening * depth + '"\x1b"' + closing * depth + ',"b":"\x1b"}')
    assert facts
    assert all(isinstance(value, str) for _, value in facts)


def test_progress_shows_a_name_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Stream(terminal=True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "300")
    for text in TEXTS.values():
        with console.progress(text[:80], 10) as bar:
            bar.update(5, text[:80])
    shown = terminal.got.decode()
    assert_nothing_acts(Said(0, b"", shown))
    assert "[red]x[/] [link=" in shown
