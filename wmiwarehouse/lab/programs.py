"""What Sysmon reads from executables: version resources, and made-up hashes that are always the same."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple


class Program(NamedTuple):
    """What Sysmon reads from an executable's version resource."""

    version: str
    description: str
    product: str
    company: str
    original: str


_WINDOWS = "Microsoft® Windows® Operating System"
_MICROSOFT = "Microsoft Corporation"
_BUILD = "10.0.19041.1 (WinBuild.160101.0800)"


def _windows(description: str, original: str) -> Program:
    return Program(_BUILD, description, _WINDOWS, _MICROSOFT, original)


_UNKNOWN = Program("-", "-", "-", "-", "-")
_PROGRAMS = {
    "wmic.exe": _windows("WMI Commandline Utility", "wmic.exe"),
    "wmiprvse.exe": _windows("WMI Provider Host", "Wmiprvse.exe"),
    "cmd.exe": _windows("Windows Command Processor", "Cmd.Exe"),
    "powershell.exe": _windows("Windows PowerShell", "PowerShell.EXE"),
    "svchost.exe": _windows("Host Process for Windows Services", "svchost.exe"),
    "services.exe": _windows("Services and Controller app", "services.exe"),
    "lsass.exe": _windows("Local Security Authority Process", "lsass.exe"),
    "explorer.exe": _windows("Windows Explorer", "EXPLORER.EXE"),
    "whoami.exe": _windows("whoami - displays logged on user information", "whoami.exe"),
    "calc.exe": _windows("Windows Calculator", "CALC.EXE"),
    "notepad.exe": _windows("Notepad", "NOTEPAD.EXE"),
    "ipconfig.exe": _windows("IP Configuration Utility", "ipconfig.exe"),
    "gpupdate.exe": _windows("Microsoft® Group Policy Update Utility", "GPUpdate.exe"),
    "taskhostw.exe": _windows("Host Process for Windows Tasks", "taskhostw.exe"),
    "rundll32.exe": _windows("Windows host process (Rundll32)", "RUNDLL32.EXE"),
    "conhost.exe": _windows("Console Window Host", "CONHOST.EXE"),
    "backgroundtaskhost.exe": _windows("Background Task Host", "backgroundTaskHost.exe"),
    "runtimebroker.exe": _windows("Runtime Broker", "RuntimeBroker.exe"),
    "dllhost.exe": _windows("COM Surrogate", "dllhost.exe"),
    "searchprotocolhost.exe": _windows("Microsoft Windows Search Protocol Host", "SearchProtocolHost.exe"),
    "wsmprovhost.exe": _windows("Host process for WinRM plug-ins", "wsmprovhost.exe"),
    "ccmexec.exe": Program(
        "5.00.9106.1000", "Host Process for Microsoft Configuration Manager", "Configuration Manager", _MICROSOFT,
        "CcmExec.exe",
    ),
    "chrome.exe": Program("124.0.6367.119", "Google Chrome", "Google Chrome", "Google LLC", "chrome.exe"),
    "outlook.exe": Program("16.0.17531.20140", "Microsoft Outlook", "Microsoft Outlook", _MICROSOFT, "Outlook.exe"),
    "winword.exe": Program("16.0.17531.20140", "Microsoft Word", "Microsoft Office", _MICROSOFT, "WinWord.exe"),
}  # fmt: skip


@lru_cache(maxsize=1024)
def program(image: str) -> Program:
    """Version information of the program at a path."""
    return _PROGRAMS.get(image.rsplit("\\", 1)[-1].lower(), _UNKNOWN)


@lru_cache(maxsize=1024)
def hashes(image: str) -> str:
    """The hashes that Sysmon logs for a path: made up, but always the same."""
    digest = hashlib.sha512(image.lower().encode()).hexdigest().upper()
    return f"SHA1={digest[:40]},MD5={digest[40:72]},SHA256={digest[64:]},IMPHASH={digest[8:40]}"
