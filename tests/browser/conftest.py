"""A headless Chromium that opens reports as a reader would: from a file, with everything it does written down."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from wmiwarehouse.report.model import Report

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_INSTALL_SECONDS = 600


@dataclass
class Opened:
    """A page, and what its browser said and asked for meanwhile."""

    page: Page
    said: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def _chromium(lock: Path) -> str | None:
    """Return the path of Chromium; a fresh Debian gets it installed, if this is its administrator."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found or platform.system() != "Linux" or os.geteuid() != 0 or not Path("/etc/debian_version").is_file():
        return found
    with FileLock(lock):  # each worker of a parallel run comes here
        if not shutil.which("chromium"):
            for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
                subprocess.run(
                    ["apt-get", "-q", *command],
                    env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                    capture_output=True,
                    timeout=_INSTALL_SECONDS,
                    check=False,
                )
    return shutil.which("chromium")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api")
    try:
        path = _chromium(tmp_path_factory.getbasetemp().parent / "chromium.lock")
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"Chromium could not be installed: {error}")
    if not path:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Report], Path]:
    """Write a report to a file, once for all tests that look at the same."""
    from wmiwarehouse.report.html import render

    folder = tmp_path_factory.mktemp("reports")
    known: dict[Report, Path] = {}

    def write(report: Report) -> Path:
        if report not in known:
            known[report] = folder / f"{len(known)}.html"
            known[report].write_text(render(report), encoding="utf-8", newline="")
        return known[report]

    return write


@pytest.fixture
def look(browser: Browser, written: Callable[[Report], Path]) -> Iterator[Callable[..., Opened]]:
    """Open a report; what is given besides goes to the browser's context."""
    contexts = []

    def open_(report: Report, *, width: int = 1280, height: int = 900, after: str = "", **options: Any) -> Opened:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.set_default_timeout(10_000)
        opened.page.on("console", lambda message: opened.said.append(f"{message.type}: {message.text}"))
        opened.page.on("pageerror", lambda error: opened.said.append(str(error)))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(written(report).as_uri() + after)
        return opened

    yield open_
    for context in contexts:
        context.close()
