"""``python -m wmiwarehouse.lab FOLDER``: generate logs by hand, for developers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from wmiwarehouse.lab import FORMATS, generate


def main() -> None:
    """Generate and say what there is."""
    parser = argparse.ArgumentParser(prog="python -m wmiwarehouse.lab", description="Generate Windows logs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--bytes", type=float, help="size to bring the first format to, such as 1e9")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=["evtx"])
    parser.add_argument("--drop-process-id", action="store_true", help="NXLog: lose Sysmon's ProcessId and EventType")
    options = parser.parse_args()
    truth = generate(
        options.folder,
        seed=options.seed,
        days=options.days,
        target_bytes=int(options.bytes) if options.bytes else None,
        formats=options.formats,
        drop_process_id=options.drop_process_id,
    )
    sys.stdout.write(f"{truth.records} events, {len(truth.files)} files, {len(truth.acts)} acts\n")


if __name__ == "__main__":
    main()
