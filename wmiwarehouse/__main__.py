"""Entry of the command ``wmiwh`` and of ``python -m wmiwarehouse``."""

from __future__ import annotations

import sys

from wmiwarehouse.errors import ExitCode


def main() -> None:
    """Run the command line; ends the process with one of :class:`~wmiwarehouse.errors.ExitCode`."""
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


if __name__ == "__main__":
    main()
