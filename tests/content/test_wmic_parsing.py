"""What is read out of a wmic command line: whom it was aimed at, what should run there, as whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Row = dict[str, Any]
Lake = Callable[[list[Row]], duckdb.DuckDBPyConnection]
Fetch = Callable[[duckdb.DuckDBPyConnection, str], list[Row]]


@pytest.mark.parametrize(
    ("line", "targets"),
    [
        ("wmic /node:srv os", ["srv"]),
        ("WMIC /NODE:srv os", ["srv"]),
        ("wmic -node:srv os", ["srv"]),
        ("wmic/node:srv/user:x os", ["srv"]),
        ("wmic /node: srv os", ["srv"]),
        ("wmic /node : srv os", ["srv"]),
        ('wmic /node:"srv1","srv2", srv3 os', ["srv1", "srv2", "srv3"]),
        ('wmic /node:"srv1,srv2 , srv3" os', ["srv1", "srv2", "srv3"]),
        ("wmic /node:'srv1','srv2' os", ["srv1", "srv2"]),
        (r'cmd /c "wmic /node:\"srv1\" os"', ["srv1"]),
        (r'cmd /c "wmic os /node:srv1"', ["srv1"]),
        ("wmic /node:@hosts.txt os", ["@hosts.txt"]),
        (r'wmic /node:@"C:\my hosts.txt" os', [r"@C:\my hosts.txt"]),
        (r'wmic /node:"@C:\my hosts.txt" os', [r"@C:\my hosts.txt"]),
        ("wmic /node:a /node:b,c os", ["a", "b", "c"]),
        ("wmic /node:fe80::1%%4 os", ["fe80::1%%4"]),
        ("wmic /node:&quot;srv&quot; os", ["srv"]),
        ("wmic /node:%COMPUTERNAME% os", ["%COMPUTERNAME%"]),
        ('wmic "/node:srv" os', ["srv"]),
        ('wmic /node:"srv os', ["srv"]),
        ("wmic /node:srv&whoami", ["srv"]),
        ("wmic /node: /user:x os", None),
        ("wmic /node:", None),
        ('wmic /node:nb process call create "cmd /c echo /node:nc && calc.exe"', ["nb"]),
        (r'cmd /c "wmic process call create \"x /node:a\" /node:b"', ["b"]),
        (r'wmic process call create "dir C:\" /node:"srv"', ["srv"]),
        ('wmic process call create "wmic /node:a os"', ["a"]),
        ("curl http://node:8080/", None),
        ("tool --node:x", None),
        ("node.exe server.js", None),
        ("", None),
        (None, None),
    ],
)
def test_targets(line: str | None, targets: list[str] | None, lake: Lake, fetch: Fetch) -> None:
    (row,) = fetch(lake([{"is": "sysmon 1", "command_line": "<null>" if line is None else line}]), "process_creation")
    assert row["targets"] == targets


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("process call create calc.exe", "calc.exe"),
        ("process call create calc.exe ", "calc.exe"),
        ("PROCESS  CALL\tCREATE   calc.exe", "calc.exe"),
        ('process call create "cmd /c dir, then"', "cmd /c dir, then"),
        (r'process call create "cmd /c \"C:\a b\x.exe\" -y"', r'cmd /c "C:\a b\x.exe" -y'),
        (r'process call create "cmd /c dir C:\"', "cmd /c dir C:\\"),
        (r'cmd /c "wmic process call create \"net user\""', "net user"),
        ('cmd /c "wmic process call create calc.exe"', "calc.exe"),
        ("process call create 'cmd /c whoami'", "cmd /c whoami"),
        ("process call create calc.exe /node:srv /user:x", "calc.exe"),
        (r"process call create calc.exe, c:\temp", "calc.exe"),
        ('process call create cmd.exe /c "whoami /all"', 'cmd.exe /c "whoami /all"'),
        (r"process call create \\srv\share\x.exe", r"\\srv\share\x.exe"),
        ('shadowcopy call create "ClientAccessible", "C:\\"', "ClientAccessible"),
        ('process call create "a\nb"', "a\nb"),
        ("process call create &quot;calc.exe&quot;", "calc.exe"),
        ('process call create "powershell.exe -enc SQBFAFgAI', "powershell.exe -enc SQBFAFgAI"),
        (r'cmd /c "wmic process call create \"net user', "net user"),
        ("process call create 'cmd /c who", "cmd /c who"),
        ('process call create "', None),
        ('process call create"calc"', None),
        ('process call create ""', None),
        ("process call create", None),
        ("process list", None),
    ],
)
def test_remote_command(line: str, command: str | None, lake: Lake, fetch: Fetch) -> None:
    (row,) = fetch(lake([{"is": "4688", "command_line": f"wmic /node:srv {line}"}]), "process_creation")
    assert row["remote_command"] == command


@pytest.mark.parametrize(
    ("line", "user"),
    [
        (r"/user:DOM\x /password:Secret1", r"DOM\x"),
        (r'/user:"DOM\x" /password:"Secret1"', r"DOM\x"),
        (r"/user:'DOM\x'", r"DOM\x"),
        (r"-USER : x@corp.example", "x@corp.example"),
        (r"/user:x/password:Secret1", "x"),
        (r"/user:x-password:Secret1", "x"),
        (r"/user:x:Secret1", "x"),
        (r'/user:"x:Secret1"', "x"),
        (r'/user:"x /password:Secret1', "x"),
        (r"/user:\"x\" /password:\"Secret1\"", "x"),
        (r"/user:&quot;x&quot;", "x"),
        ("/user: /password:Secret1", None),
        ('/user:"" /password:Secret1', None),
        ("/user: -password:Secret1", None),
        ("/password:Secret1", None),
        ("net user x Secret1 /add", None),
    ],
)
def test_explicit_user(line: str, user: str | None, lake: Lake, fetch: Fetch) -> None:
    (row,) = fetch(lake([{"is": "4688", "command_line": f"wmic {line} /node:srv os"}]), "process_creation")
    assert row["explicit_user"] == user


NAMES = st.text(alphabet="abcXYZ019._$\\@", min_size=1, max_size=8)
QUOTES = st.sampled_from(["", '"', "'", '\\"'])
GAPS = st.sampled_from(["", " ", "  "])


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, quote=QUOTES, gap=GAPS, before=st.booleans(), mark=st.sampled_from("/-"))
def test_a_password_is_never_taken_for_a_user(
    name: str, quote: str, gap: str, before: bool, mark: str, lake: Lake, fetch: Fetch
) -> None:
    password = f"{mark}password{gap}:{gap}{quote}Secret1{quote}"
    user = f"{mark}user{gap}:{gap}{quote}{name}{quote}"
    line = f"wmic {password} {user} os" if before else f"wmic {user} {password} os"
    (row,) = fetch(lake([{"is": "4688", "command_line": line}]), "process_creation")
    assert "Secret1" not in (row["explicit_user"] or "")
