"""What a host numbers: process ids, logon ids, ephemeral ports, GUIDs."""

from __future__ import annotations

import random

_FOREVER = 1 << 62
_FIRST_PORT = 49700  # below are the fixed ports of services


class Identifiers:
    """Gives out identifiers as Windows does: process ids come back, logon ids never do."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._pid = 400
        self._busy: dict[int, int] = {}
        self._logon_id = rng.randrange(0x20000, 0x80000)
        self._port = rng.randrange(_FIRST_PORT, 52000)

    def pid(self, at: int) -> int:
        """A process id that is free at this time (ticks), taken until it is released."""
        while True:
            self._pid += 4 * self._rng.randrange(1, 24)
            if self._pid > 65000:
                self._pid = 600 + 4 * self._rng.randrange(100)
            if self._busy.get(self._pid, 0) <= at:
                self._busy[self._pid] = _FOREVER
                return self._pid

    def release(self, pid: int, at: int) -> None:
        """Free a process id from a time (ticks) on."""
        self._busy[pid] = at

    def release_all(self) -> None:
        """Free every process id, as a reboot does."""
        self._busy.clear()

    def logon_id(self) -> int:
        """A logon id that the host has not used."""
        self._logon_id += self._rng.randrange(0x40, 0x4000)
        return self._logon_id

    def port(self) -> int:
        """The next ephemeral source port."""
        self._port += self._rng.randrange(1, 4)
        if self._port > 65535:
            self._port = _FIRST_PORT + self._rng.randrange(100)
        return self._port

    def guid(self) -> bytes:
        """A random GUID, as stored."""
        return self._rng.randbytes(16)
