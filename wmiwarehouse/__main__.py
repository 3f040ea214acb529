"""Entry of the command ``wmiwh`` and of ``python -m wmiwarehouse``."""

from __future__ import annotations

from wmiwarehouse.cli.app import app


def main() -> None:
    """Run the command line; ends the process with one of :class:`~wmiwarehouse.errors.ExitCode`."""
    app()


if __name__ == "__main__":
    main()
