"""The files for schedulers are what their schedulers take, and all start the same command."""

from __future__ import annotations

import datetime as dt
import os
import re
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path, PureWindowsPath

import pytest

from wmiwarehouse.content.metadata import _cron

EXAMPLES = Path(__file__).parents[2] / "examples"
COMMAND = ["batch", "hunts.toml", "--log-file", "--stats"]
UNITS = ("wmiwh-hunt.service", "wmiwh-hunt.timer")
# What a started system has and a container need not have.
TARGETS = ("basic", "network", "paths", "shutdown", "slices", "sockets", "sysinit", "time-set", "time-sync", "timers")


def is_the_command(words: list[str]) -> bool:
    """Whether *words* start the batch with a log and its figures; where the log is differs."""
    log = words.index("--log-file") + 1
    return words[:log] + words[log + 1 :] == COMMAND and words[log].endswith("wmiwh.jsonl")


def verify(folder: Path, *changes: tuple[str, str]) -> str:
    """Return what ``systemd-analyze verify`` says of the units after *changes*, in a system that is only a folder."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not on this machine")
    units, program = folder / "etc/systemd/system", folder / "opt/wmiwarehouse/bin/wmiwh"
    units.mkdir(parents=True, exist_ok=True)
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for target in TARGETS:
        (units / f"{target}.target").write_text(f"[Unit]\nDescription={target}\n")
    for name in UNITS:
        text = (EXAMPLES / "systemd" / name).read_text(encoding="utf-8")
        for old, new in changes:
            text = text.replace(old, new)
        (units / name).write_text(text, encoding="utf-8")
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={folder}", *UNITS],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return said.stderr or ("" if said.returncode == 0 else f"exit {said.returncode}")


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    said = verify(tmp_path)
    if "unrecognized option" in said:
        pytest.skip("this systemd-analyze cannot verify units of another root")
    assert said == ""
    assert "Unknown key" in verify(tmp_path, ("Nice=", "Nyce=")), "it would tell"
    assert "calendar" in verify(tmp_path, ("02:17:00", "25:17:00"))
    assert "not executable" in verify(tmp_path, ("bin/wmiwh ", "bin/wmihw "))


def test_what_the_service_starts() -> None:
    text = (EXAMPLES / "systemd" / "wmiwh-hunt.service").read_text(encoding="utf-8")
    (line,) = re.findall(r"(?m)^ExecStart=(.+)$", text)
    assert is_the_command(shlex.split(line)[1:])
    assert re.findall(r"(?m)^SuccessExitStatus=(.+)$", text) == ["4 5"]


FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def cron_problem(line: str) -> str | None:
    """Return what cron would not take about *line* of a file in /etc/cron.d: five fields, a user, a command."""
    parts = line.split(None, 6)
    if len(parts) < 7:
        return "five fields, a user and a command are wanted"
    _cron(" ".join(parts[:5]))
    for field, (low, high) in zip(parts[:5], FIELDS, strict=True):
        for item in field.split(","):
            found = re.fullmatch(r"(?:\*|(\d+)(?:-(\d+))?)(?:/([1-9]\d*))?", item)
            if not found or any(not low <= int(number) <= high for number in found.groups()[:2] if number):
                return f"{item}: not a number from {low} to {high}, a range, * or a step"
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", parts[5]):
        return f"{parts[5]}: no name of a user"
    if re.search(r"(?<!\\)%", parts[6]):
        return "a bare % is a line break to cron"
    return None


def test_cron_takes_the_line() -> None:
    path = EXAMPLES / "cron" / "wmiwh-hunt.cron"
    text = path.read_bytes().decode("ascii")
    assert text.endswith("\n"), "cron leaves out a last line without an end"
    assert "\r" not in text
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    settings = [line for line in lines if re.match(r"[A-Z]+=", line)]
    (line,) = [line for line in lines if line not in settings]
    assert settings == ["SHELL=/bin/sh", "MAILTO=root"]
    assert cron_problem(line) is None
    for old, new in (("17 2", "61 2"), ("17 2", "17"), (" wmiwh cd", " Wm!wh cd"), ("hunts.toml", "%F.toml")):
        assert cron_problem(line.replace(old, new, 1)), "it would tell"
    words = shlex.split(line.split(None, 6)[6])
    assert words[:3] == ["cd", "/srv/wmiwh", "&&"]
    assert is_the_command(words[4:])


def test_cron_takes_the_line_that_sends_the_mail() -> None:
    text = (EXAMPLES / "nightly" / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"(?ms)^```cron\n(.+?)^```", text)
    assert cron_problem(block.strip()) is None
    assert len(block.splitlines()) == 1


@pytest.mark.skipif(os.name != "posix", reason="cron's shell")
@pytest.mark.parametrize(("code", "is_sent"), [(0, False), (1, True), (4, True), (5, True), (130, True)])
def test_which_mails_are_sent(tmp_path: Path, code: int, is_sent: bool) -> None:
    text = (EXAMPLES / "nightly" / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"(?ms)^```cron\n(.+?)^```", text)
    command = block.split(None, 6)[6].replace("\\%", "%").replace("sendmail -t", "cat")
    mail = tmp_path / "out" / dt.datetime.now(dt.UTC).strftime("%Y-%m-%d") / "mail.txt"
    mail.parent.mkdir(parents=True)
    mail.write_text(f"To: root\nSubject: wmiwh nightly: 3 new hits; exit code {code}\n\nthe text: exit code 4\n")
    said = subprocess.run(
        ["/bin/sh", "-c", command.replace("/srv/wmiwh", str(tmp_path))], capture_output=True, text=True, check=False
    )
    assert said.stdout == (mail.read_text() if is_sent else "")


NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
BOOLEAN, DURATION = r"true|false", r"P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?"
# What the published schema says of the elements that we use: their children with the patterns of their texts, and
# whether these have an order. https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema
SCHEMA: dict[str, tuple[bool, dict[str, str | None]]] = {
    "Task": (False, dict.fromkeys(("RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"))),
    "RegistrationInfo": (False, {"Description": r".+", "Author": r".+", "URI": r".+"}),
    "Triggers": (False, {"CalendarTrigger": None}),
    "CalendarTrigger": (
        True,
        {
            "Enabled": BOOLEAN,
            "StartBoundary": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?",
            "EndBoundary": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?",
            "Repetition": None,
            "ExecutionTimeLimit": DURATION,
            "RandomDelay": DURATION,
            "ScheduleByDay": None,
        },
    ),
    "ScheduleByDay": (False, {"DaysInterval": r"[1-9]\d{0,2}"}),
    "Principals": (False, {"Principal": None}),
    "Principal": (False, {"UserId": r"S-1-5-19", "RunLevel": r"LeastPrivilege|HighestAvailable"}),
    "Settings": (
        False,
        {
            **dict.fromkeys(("DisallowStartIfOnBatteries", "StopIfGoingOnBatteries", "StartWhenAvailable"), BOOLEAN),
            **dict.fromkeys(("RunOnlyIfNetworkAvailable", "AllowStartOnDemand", "WakeToRun", "Enabled"), BOOLEAN),
            "MultipleInstancesPolicy": r"Parallel|Queue|IgnoreNew|StopExisting",
            "ExecutionTimeLimit": DURATION,
            "Priority": r"\d|10",
        },
    ),
    "Actions": (False, {"Exec": None}),
    "Exec": (False, {"Command": r".+", "Arguments": r".+", "WorkingDirectory": r".+"}),
}


def task_problem(element: ET.Element) -> str | None:
    """Return what the schema does not allow in *element*."""
    name = element.tag.removeprefix(NAMESPACE)
    if name not in SCHEMA:
        return f"{name}: unknown, or of another namespace"
    has_order, children = SCHEMA[name]
    names = [child.tag.removeprefix(NAMESPACE) for child in element]
    if unknown := set(names) - children.keys():
        return f"{name}: {unknown} does not belong there"
    if len(set(names)) < len(names):
        return f"{name}: twice the same"
    if has_order and names != [child for child in children if child in names]:
        return f"{name}: {names} is not in the schema's order"
    for child, child_name in zip(element, names, strict=True):
        pattern = children[child_name]
        problem = None
        if pattern is None:
            problem = task_problem(child)
        elif len(child) or not re.fullmatch(pattern, child.text or ""):
            problem = f"{child_name}: {child.text!r}"
        if problem:
            return problem
    return None


def test_task_scheduler_takes_the_task() -> None:
    text = (EXAMPLES / "windows" / "wmiwh-hunt.xml").read_bytes().decode("ascii")
    task = ET.fromstring(text)
    assert (task.tag, task.get("version")) == (f"{NAMESPACE}Task", "1.3")
    assert task_problem(task) is None
    for old, new in (
        ("<Enabled>true</Enabled>", "<Enabled>yes</Enabled>"),
        ("PT4H", "4h"),
        ("<RandomDelay>PT5M</RandomDelay>", ""),
        ("IgnoreNew", "Ignore"),
        ("<DaysInterval>1</DaysInterval>", "<DaysInterval>1</DaysInterval><At/>"),
        ("mit/task", "mit/other"),
    ):
        changed = text.replace(old, new)
        if old.startswith("<RandomDelay>"):  # behind its place
            changed = changed.replace("</CalendarTrigger>", f"{old}</CalendarTrigger>")
        assert task_problem(ET.fromstring(changed)), f"it would tell: {old}"
    (principal,) = task.iter(f"{NAMESPACE}Principal")
    (actions,) = task.iter(f"{NAMESPACE}Actions")
    assert principal.get("id") == actions.get("Context")
    given = {element.tag.removeprefix(NAMESPACE): element.text or "" for element in actions.iter()}
    assert is_the_command(given["Arguments"].split())
    assert PureWindowsPath(given["Command"]).is_relative_to(given["WorkingDirectory"])
    # Without a declaration both `schtasks /XML` and PowerShell's Register-ScheduledTask read it: the latter refuses one
    # that says UTF-8, since it has the text as UTF-16 by then.
    assert not text.startswith("<?xml")
