"""What every test shares: a cache folder of this run's own, nothing of which outlives it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest

from wmiwarehouse import cache


@pytest.hookimpl(wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Iterator[None]:
    """Let all processes of this run, which inherit the variable, keep what they work out in one place."""
    if not hasattr(session.config, "workerinput"):
        os.environ[cache.VARIABLE] = tempfile.mkdtemp(prefix="wmiwh-cache-")
    yield


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Remove it when the last process has ended."""
    yield
    if not hasattr(session.config, "workerinput"):
        shutil.rmtree(os.environ.pop(cache.VARIABLE), ignore_errors=True)
