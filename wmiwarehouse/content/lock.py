"""Holds every released version of an analytic still, so that a hit of last year can be told from one of today.

``sql/versions.lock.toml`` has one hash for each ``<id>_v<N>``: of the view's syntax tree and not of its text, so
layout, comments and metadata may change freely. A query that changes needs a new file with a higher version.

    python -m wmiwarehouse.content.lock            check, exit 1 if something does not agree
    python -m wmiwarehouse.content.lock --write    add the hashes of new versions; a locked one is never changed
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wmiwarehouse.content.library import Analytic, Library, RiskView
from wmiwarehouse.content.metadata import ContentError

LOCK_NAME = "versions.lock.toml"

_HEAD = """\
# Hash of each analytic's query. Written by: python -m wmiwarehouse.content.lock --write
# A changed query gets a new file <id>_v<N+1>.sql; no line here is ever changed.
"""


@dataclass(frozen=True)
class Difference:
    """What the lock and the files say differently, by view name."""

    new: Mapping[str, str]
    changed: tuple[str, ...]
    gone: tuple[str, ...]

    def errors(self) -> list[str]:
        """One line for each locked version that is no longer what it was."""
        lines = [
            f"{name}: the query changed, its version did not: restore it and put the change into {_next(name)}.sql"
            for name in self.changed
        ]
        return lines + [f"{name}: is locked, but its file is gone: released versions stay" for name in self.gone]


def fingerprint(analytic: Analytic | RiskView) -> str:
    """Return the SHA-256 of the view's normalised syntax tree; raises :class:`ContentError` if there is none.

    A risk view is held as its file has it: which findings are put into it follows the other versions.
    """
    import sqlglot
    from sqlglot import exp

    sql = analytic.sql if isinstance(analytic, Analytic) else analytic.text
    try:
        statements = sqlglot.parse(sql, dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise ContentError(f"{analytic.path}: is no valid SQL: {str(error).splitlines()[0]}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Create):
        raise ContentError(f"{analytic.path}: expected one statement, create or replace view hunt.{analytic.view}")
    text = statements[0].sql(dialect="duckdb", normalize=True, comments=False)
    return hashlib.sha256(text.encode()).hexdigest()


def compare(library: Library) -> Difference:
    """Compare every version in *library* with its folder's lock file."""
    locked = read(library.folder / LOCK_NAME)
    found = {item.view: fingerprint(item) for item in library.in_hunt}
    return Difference(
        new={name: value for name, value in found.items() if name not in locked},
        changed=tuple(name for name, value in found.items() if locked.get(name, value) != value),
        gone=tuple(name for name in locked if name not in found),
    )


def read(path: Path) -> dict[str, str]:
    """Return the hashes in the lock file *path*; none if there is no file yet."""
    if not path.exists():
        return {}
    try:
        return {name: str(value) for name, value in tomllib.loads(path.read_text(encoding="utf-8")).items()}
    except tomllib.TOMLDecodeError as error:
        raise ContentError(f"{path}: {error}") from None


def write(library: Library) -> tuple[str, ...]:
    """Add the hashes of new versions and return their names; raises :class:`ContentError` if a locked one changed."""
    difference = compare(library)
    if errors := difference.errors():
        raise ContentError("\n".join(errors))
    path = library.folder / LOCK_NAME
    hashes = {**read(path), **difference.new}
    lines = "".join(f'{name} = "{hashes[name]}"\n' for name in sorted(hashes))
    path.write_text(_HEAD + lines, encoding="utf-8")
    return tuple(sorted(difference.new))


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or extend the lock; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m wmiwarehouse.content.lock", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--write", action="store_true", help="add the hashes of new versions")
    parser.add_argument("--folder", type=Path, help="the sql/ folder (default: the installed one)")
    options = parser.parse_args(arguments)
    try:
        library = Library.load(options.folder)
        if options.write:
            for name in write(library):
                sys.stdout.write(f"locked {name}\n")
            return 0
        difference = compare(library)
    except ContentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    errors = difference.errors() + [f"{name}: is new; lock it with --write" for name in difference.new]
    sys.stderr.write("".join(f"{line}\n" for line in errors))
    return 1 if errors else 0


def _next(view: str) -> str:
    stem, _, version = view.rpartition("_v")
    return f"{stem}_v{int(version) + 1}"


if __name__ == "__main__":
    raise SystemExit(main())
