"""A Ctrl-C that Python would lose is noted, and raised where it is looked for."""

from __future__ import annotations

import signal
import threading

import pytest

from wmiwarehouse.cli import interrupts


@pytest.fixture(autouse=True)
def as_in_a_command() -> None:
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        pytest.skip("this process does not hear Ctrl-C")


def test_one_is_raised_where_it_is_looked_for() -> None:
    with interrupts.noted() as look:
        look()
        signal.raise_signal(signal.SIGINT)  # in a callback of Python's own this would be lost
        with pytest.raises(KeyboardInterrupt):
            look()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_is_raised_where_it_comes() -> None:
    with interrupts.noted():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_who_hears_it_in_another_way_still_does() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.noted() as look:
            signal.raise_signal(signal.SIGINT)
            look()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_is_changed() -> None:
    seen: list[object] = []

    def work() -> None:
        with interrupts.noted() as look:
            look()
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
