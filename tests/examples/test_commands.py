"""Every command that README, docs and examples show is run as it is written, in a folder with the demo's logs.

What cannot run here stands in a list with its reason. A command that is new and neither runs nor is listed fails, and
so does an entry of the lists that no page shows any more.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wmiwarehouse.cli.app import app
from wmiwarehouse.lab import generate

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
PROGRAMS = (
    r"wmiwh|duckdb|python|pip|make|uv|py|timesketch_importer|systemctl|systemd-analyze|schtasks|crontab|\.venv\S*"
)

# Beginning of a command -> why it is not run here.
NOT_RUN = {
    "make ": "makes environments and runs all tests; `.ci/run` is what runs them",
    "py -3 ": "Windows",
    ".venv\\": "Windows",
    "schtasks ": "Windows",
    "uv ": "downloads",
    "pip install ": "downloads",
    "systemctl ": "starts a service; test_schedules.py has the units checked",
    "timesketch_importer ": "another program's",
    ".venv/bin/pytest ": "runs tests, and writes what they compare with",
    "sudo ": "changes the machine",
    "wmiwh shell": "a shell that waits for its user; with input it is run",
}
# Beginning of a command -> how it may end, where that is not 0 alone.
ENDS = {"wmiwh batch hunts.toml": (4, 0)}  # 4 the first time: the demo's hits are new
# What stands for something of the reader's own, and the demo has under another name.
STANDS_FOR = ("workstation6 0x551686", "61bb3bffd5")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the commands are written for a POSIX shell")


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it, with what is typed into it."""

    page: str
    line: int
    text: str
    typed: str = ""
    inline: bool = False

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def shown(page: Path) -> Iterator[Shown]:
    """Yield the commands of *page*: behind ``$`` in blocks, each line of ``sh`` blocks, and in backquotes."""
    name, fence, going_on = page.relative_to(ROOT).as_posix(), None, ""
    found: list[Shown] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            fence = line.strip().strip("`") if fence is None else None
        elif fence is None:
            codes = [code for code in re.findall(r"`([^`]+)`", line) if re.match(rf"(?:{PROGRAMS})(?:\s|\\)", code)]
            found += [Shown(name, number, code, inline=True) for code in codes]
        elif fence in ("", "console", "sh"):
            if fence == "" and line.startswith("D ") and found:  # typed into the shell above
                before = found.pop()
                found.append(Shown(name, before.line, before.text, f"{before.typed}{line[2:]}\n"))
                continue
            text = line.removeprefix("$ ") if line.startswith("$ ") else line if fence == "sh" else ""
            if fence == "" and re.match(r"make ", line):
                text = line
            text = going_on + re.sub(r"(?<=\S)\s{2,}#.*$|^\s*#.*$", "", text).strip()
            going_on = text.removesuffix("\\") if text.endswith("\\") else ""
            if text and not going_on:
                found.append(Shown(name, number, text))
    assert not going_on, f"{name}: ends in the middle of a command"
    yield from found


SHOWN = [command for page in PAGES for command in shown(page)]


def is_pattern(command: Shown) -> bool:
    """Whether it shows how a command is built and not one: ``wmiwh ingest PATH...``, or only its name."""
    words = re.sub(r"'[^']*'|\"[^\"]*[^\".][^\"]*\"(?<!\.\.\.\")", "''", command.text)
    if re.search(r"(?<![\w.])[A-Z][A-Z_]+(?:=\S*)?(?:[./]|\b)|\[|\.\.\.", words):
        return True
    return command.inline and len(command.text.split()) <= 2


def why_not_run(command: Shown) -> str | None:
    """Return why *command* is in the list, None if it is to run."""
    if "<" in command.text and command.text.startswith("wmiwh shell"):
        return None
    return next((why for beginning, why in NOT_RUN.items() if f"{command.text} ".startswith(beginning)), None)


def to_run() -> dict[str, list[Shown]]:
    """Return the commands of each page, each once, in their order: a later one may need what an earlier one made."""
    found: dict[str, dict[str, Shown]] = {}
    for command in SHOWN:
        if not why_not_run(command) and not is_pattern(command):
            found.setdefault(command.page, {}).setdefault(command.text, command)
    return {page: list(once.values()) for page, once in found.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with logs in ``triage`` and ``drop``, the examples, and programs of this checkout on the PATH."""
    folder = tmp_path_factory.mktemp("reader")
    generate(folder / "made")
    shutil.move(folder / "made" / "evtx", folder / "triage")
    shutil.copytree(folder / "triage" / "WS01", folder / "drop" / "WS01")
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "examples" / "hunts.toml", folder)
    programs = folder / ".programs"
    programs.mkdir()
    for name, start in (("wmiwh", "-m wmiwarehouse "), ("python", "")):
        path = programs / name
        path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {start}"$@"\n')
        path.chmod(0o755)
    return folder


def run(folder: Path, text: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder / ".programs"), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {
        **{"PATH": path, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "WMIWH_WAREHOUSE": "case42"},
        **{"HOME": str(folder), "TZ": "UTC"},
    }
    return subprocess.run(
        text, shell=True, cwd=folder, env=environment, input=typed, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def names(folder: Path) -> dict[str, str]:
    """What the demo has in place of the pages' own; the first command of README makes the warehouse."""
    made = run(folder, "wmiwh ingest ./triage -w case42")
    assert made.returncode == 0, made.stderr
    shutil.copy(ROOT / "examples" / "wmiwh.toml", folder / "case42")  # the reader's own settings
    earlier = run(folder, "wmiwh report -o old/")
    assert earlier.returncode == 0, earlier.stderr
    query = "select host || ' ' || logon_id as session, event_uid from hunt.report_remote_execution limit 1"
    found: dict[str, Any] = json.loads(run(folder, f'wmiwh sql "{query}" -f json').stdout)[0]
    return dict(zip(STANDS_FOR, (found["session"], found["event_uid"][:10]), strict=True))


@pytest.mark.parametrize("page", to_run())
def test_the_commands_of_a_page_run(folder: Path, names: dict[str, str], page: str) -> None:
    for command in to_run()[page]:
        text = command.text
        for stood, stands in names.items():
            text = text.replace(stood, stands)
        text = re.sub(r"\bW(?=/|\s|$)", "case42", text)
        said = run(folder, text, command.typed)
        ends = next((codes for beginning, codes in ENDS.items() if command.text.startswith(beginning)), (0,))
        assert said.returncode in ends, f"{command}\n{said.stdout[-2000:]}\n{said.stderr[-2000:]}"
        assert "Traceback" not in said.stderr, command


def test_patterns_name_what_there_is() -> None:
    """A command, and options of it, that exist."""
    from typer.main import get_command

    commands: dict[str, Any] = getattr(get_command(app), "commands")  # noqa: B009 - a group, which typer hides
    looked = 0
    for command in SHOWN:
        words = command.text.split()
        if words[0] != "wmiwh" or not is_pattern(command) or words[1].startswith("-"):
            continue
        assert words[1] in commands, command
        known = {name for option in commands[words[1]].params for name in (*option.opts, *option.secondary_opts)}
        options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", command.text))
        assert options <= known, command
        looked += 1
    assert looked > 10


def test_the_lists_are_of_use() -> None:
    texts = [f"{command.text} " for command in SHOWN]
    later = ("sudo ", "schtasks ", "systemctl ")  # pages may show them or not
    for beginning in NOT_RUN:
        assert beginning in later or any(text.startswith(beginning) for text in texts), beginning
    for beginning in ENDS:
        assert any(text.startswith(beginning) for text in texts), beginning
    for stood in STANDS_FOR:
        assert any(stood in text for text in texts), stood


def test_commands_are_found_and_told_apart(tmp_path: Path) -> None:
    """The collector itself: what it overlooks nobody runs."""
    page = ROOT / "README.md"
    found = {command.text for command in shown(page)}
    assert "wmiwh hunt lateral_movement -w case42" in found
    assert "make demo" in found
    (typed,) = [command.typed for command in shown(page) if command.text.startswith("duckdb ")]
    assert typed.count(";") == 2
    assert is_pattern(Shown("p", 1, "wmiwh ingest PATH...", inline=True))
    assert is_pattern(Shown("p", 1, "wmiwh hunt", inline=True))
    assert is_pattern(Shown("p", 1, 'wmiwh sql "SELECT ..."', inline=True))
    assert not is_pattern(Shown("p", 1, "wmiwh hunt"))
    assert not is_pattern(Shown("p", 1, "wmiwh report -o report.xlsx", inline=True))
    assert not is_pattern(Shown("p", 1, "wmiwh sql 'select X from HOST'"))
