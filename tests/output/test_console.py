"""stderr: one plain line a message, and progress only where somebody watches."""

from __future__ import annotations

import io
import sys

import pytest

from wmiwarehouse.errors import ExitCode, NoDataError, UsageError, WmiwhError
from wmiwarehouse.output import console


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_errors_are_one_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.fail(WmiwhError("a\x1b[2J\nb [red]c[/]")) is ExitCode.FAILED
    assert console.fail(UsageError("no such id")) is ExitCode.USAGE
    assert console.fail(NoDataError("no warehouse")) is ExitCode.NO_DATA
    assert console.fail("plain") is ExitCode.FAILED
    console.warn("careful")
    lines = ["a\\x1b[2J\\nb [red]c[/]", "no such id", "no warehouse", "plain", "warning: careful"]
    assert capsys.readouterr() == ("", "".join(f"wmiwh: {line}\n" for line in lines))


def test_exit_codes_are_the_contract() -> None:
    assert [code.value for code in ExitCode] == [0, 1, 2, 3, 4, 5, 130]


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("Reading", 10) as bar:
        bar.update(5, "1 of 2 files")
    assert capsys.readouterr() == ("", "")


def test_progress_shows_and_clears(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with console.progress("Reading", 10) as bar:
        bar.update(5, "[red]evil\x07.evtx[/]")
    shown = terminal.getvalue()
    assert "[red]evil\\x07.evtx[/]" in shown
    assert "50%" in shown
    assert "\x07" not in shown


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    console.note("lost")
