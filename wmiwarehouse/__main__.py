"""Entry of the command ``wmiwh`` and of ``python -m wmiwarehouse``."""

from __future__ import annotations

import os
import sys

from wmiwarehouse.errors import ExitCode


def main() -> None:
    """Run the command line; ends the process with one of :class:`~wmiwarehouse.errors.ExitCode`."""
    _send_nowhere_what_is_closed()
    try:
        from wmiwarehouse.cli.app import app

        app()
    except KeyboardInterrupt:  # while it was still loading: each command has its own net
        sys.stderr.write("wmiwh: interrupted\n")
        sys.exit(ExitCode.INTERRUPTED)
    finally:
        # Of an interrupt in an exec, by which dataclasses are made, Python would end itself with the signal, not with
        # the exit code, until another exec went well.
        exec("")  # noqa: S102


def _send_nowhere_what_is_closed() -> None:
    """Take what a scheduler closed (``>&-``, ``pythonw.exe``) for the null device: it asks for the exit code alone.

    Else the next file that is opened were standard output, here and in the workers.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.fstat(number)
            except OSError:
                os.dup2(nowhere, number)
            setattr(sys, name, os.fdopen(nowhere, "w", encoding="utf-8"))


if __name__ == "__main__":
    main()
