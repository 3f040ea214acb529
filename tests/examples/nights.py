"""The logs of two days as they come in over three nights, for the example in ``examples/nightly``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from wmiwarehouse.lab.evtx_writer import EvtxWriter
from wmiwarehouse.lab.model import to_ticks
from wmiwarehouse.lab.scenario import Scenario
from wmiwarehouse.lab.sinks import EvtxFolder
from wmiwarehouse.lab.world import START, host_folder

#: The workstation that an attacker moved from; it was off the network when its log of the first day was collected.
LATE = "WS01"
#: A server whose whole log is collected every night, what came the night before too.
WHOLE = "FS01"


def deliver(folder: Path) -> list[Path]:
    """Write what is dropped on each of three nights into a folder of its own, and return the folders."""
    folders = [folder / f"night-{number}" for number in (1, 2, 3)]
    sinks = [EvtxFolder(night, "logs", EvtxWriter) for night in folders]
    first_day_ends = to_ticks(START + dt.timedelta(days=1))
    for event in Scenario(seed=1, days=2).events(None, lambda: 0):
        host, is_first_day = host_folder(event.host), event.ticks < first_day_ends
        if not is_first_day:
            nights = [2]
        elif host == LATE:
            nights = [3]
        else:
            nights = [1, 2] if host == WHOLE else [1]
        for night in nights:
            sinks[night - 1].write(event)
    for sink in sinks:
        sink.close()
    return folders
