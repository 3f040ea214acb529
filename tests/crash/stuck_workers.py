"""``wmiwh`` with workers that never come back to their parent: a parser in an endless loop."""

from __future__ import annotations

import sys
from multiprocessing.connection import Connection
from typing import Any

from wmiwarehouse.__main__ import main
from wmiwarehouse.pipeline import worker

_plain = worker.main


def _loop(*_: Any) -> None:
    sys.stderr.write("stuck\n")
    sys.stderr.flush()
    while True:
        pass


def stuck_main(connection: Connection, folder: str, name: str, functions: str) -> None:
    worker.Worker.do = _loop  # type: ignore[method-assign, assignment]
    _plain(connection, folder, name, functions)


if __name__ == "__main__":
    worker.main = stuck_main
    main()
