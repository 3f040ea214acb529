"""What is masked, what is left alone, and that no text takes long: whoever writes a log could make it so."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from wmiwarehouse.report.model import Evidence
from wmiwarehouse.report.secrets import mask, masked

SECRET = "S3cr3t!"
HIDDEN = (
    r"wmic /node:X /user:CORP\adm /password:{} process call create calc",
    r"wmic /node:X /user:adm /pass^word:{} process call create calc",
    r'wmic /node:X /p"assw"ord:"{}" process call create calc',
    r'wmic /node:X "/password:{} 2nd" process call create calc',
    r"wmic /node:X /password:'{} 2nd' process list",
    r"wmic /node:X /password:&quot;{} 2nd&quot; process list",
    "net user /add backdoor {}",
    r'"C:\Windows\System32\Wbem\WMIC.exe" /node:X process call create "net user /add backdoor {}"',
    r"C:\Windows\system32\net1 user backdoor {} /add",
    'net.exe user "back door" "{} 2nd" /add /y',
    r"net use \\srv\c$ {} /user:CORP\adm",
    r"net use Z: \\srv\c$ /user:CORP\adm {}",
    r'net use * "\\srv\share x$" /user:adm {}',
    "cmdkey /add:srv /user:adm /pass:{}",
    r"psexec \\srv -u CORP\adm -p {} cmd",
    r'PsExec64.exe -accepteula \\srv -u adm -p "{}" cmd.exe',
    "schtasks /create /s srv /u adm /p {} /tn x /tr calc /sc once",
    "schtasks /create /s srv /tn x /tr calc /ru adm /rp {} /sc once",
    '$c = ConvertTo-SecureString "{}" -AsPlainText -Force',
    "ConvertTo-SecureString -AsPlainText -Force '{}'",
    "ConvertTo-SecureString -String {} -AsPlainText -Force",
    '(New-Object Net.NetworkCredential("adm","{}"))',
    "New-Object PSCredential('adm', '{}')",
    "$password = '{}'; Invoke-WmiMethod -Credential $cred",
    '$pass="{}"',
    r"sc.exe \\srv config svc obj= CORP\adm password= {}",
    "sqlcmd -S srv -U sa -P {} -Q x",
    "winrs -r:srv -u:adm -p:{} cmd",
    "echo {} | runas /user:adm cmd",
    "https://adm:{}@srv/x",
    "wmiexec.py corp/adm:{}@10.0.0.1",
    "winexe -U corp/adm%{} //10.0.0.1 cmd",
    "Server=x;User Id=sa;Pwd={};Database=y",
    '{{"user": "x", "password": "{}"}}',
)
LEFT = (
    "net user bob /domain",
    "net user bob * /add",
    r"net use \\srv\c$ * /user:adm",
    "net use",
    r"runas /user:CORP\adm /savecred cmd.exe",
    r"C:\Windows\System32\svchost.exe -k netsvcs -p -s Winmgmt",
    r"C:\Windows\system32\svchost.exe -k DcomLaunch -p",
    r"cmd.exe /Q /c cd  1> \\127.0.0.1\ADMIN$\__1619425227.894209 2>&1",
    "powershell -nop -w hidden -enc SQBFAFgAKABOAGUAdwAtAE8AYgBqAGUAYwB0ACkA",
    "mkdir -p a/b",
    "dir %windir%",
    "ConvertTo-SecureString $plain -AsPlainText -Force",
    'wmic /node:X /user:CORP\\adm process call create "cmd /c whoami"',
    "Passwords can be reset at noon",
)
HOSTILE = (
    "net user " * 20_000,
    "net use x " * 20_000,
    r"net use \\a " * 20_000,
    '/password:"' * 20_000,
    '\\"/pass' * 20_000,
    "&quot;/password:&quot;" * 10_000,
    "-u x " * 20_000,
    "psexec -p " * 20_000,
    "a/b:" * 20_000,
    "$pwd" * 40_000,
    "ConvertTo-SecureString -a " * 10_000,
    "PSCredential('" * 20_000,
    "echo a " * 20_000,
    ":" * 100_000 + "@",
    "p\"^'" * 40_000,
    "-U aaaa" * 20_000 + "%",
)


@pytest.mark.parametrize("line", HIDDEN)
def test_a_password_is_masked_and_the_rest_of_the_line_stays(line: str) -> None:
    found = mask(line.format(SECRET))
    assert SECRET not in found
    assert "***" in found
    assert "2nd" not in found  # of a quoted value all goes
    words = line.split()[:2]
    assert all(word in found for word in words if "{" not in word and "ass" not in word), found


@pytest.mark.parametrize("line", LEFT)
def test_what_is_no_password_is_as_it_was(line: str) -> None:
    assert mask(line) == line


@pytest.mark.parametrize("line", HIDDEN)
def test_masking_twice_changes_nothing(line: str) -> None:
    once = mask(line.format(SECRET))
    assert mask(once) == once


def test_the_user_and_the_command_stay() -> None:
    found = mask(rf"wmic /node:X /user:CORP\adm /password:{SECRET} process call create calc.exe")
    assert found == r"wmic /node:X /user:CORP\adm /password:*** process call create calc.exe"


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20])
def test_no_text_takes_long(text: str) -> None:
    start = time.process_time()
    mask(text)
    assert time.process_time() - start < 3


def test_names_of_files_stay_as_they_are() -> None:
    evidence = Evidence(
        side="host",
        time=datetime(2024, 1, 1, tzinfo=UTC),
        host="WS01",
        log="Sysmon 1",
        what=f"cmdkey /pass:{SECRET}",
        event_uid="00",
        source_file="logs/password=today.evtx",
        source_record=1,
    )
    found = masked(evidence)
    assert found.what == "cmdkey /pass:***"
    assert found.source_file == evidence.source_file
