"""``wmiwh tune``: what an analytic's hits have in common, and what suppressions would hide."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wmiwarehouse.cli import options, suppressed
from wmiwarehouse.errors import ExitCode, UsageError
from wmiwarehouse.output import console

if TYPE_CHECKING:
    import pyarrow as pa

    from wmiwarehouse.content.library import Analytic, Library
    from wmiwarehouse.hunting.hidden import Hidden
    from wmiwarehouse.hunting.hunt import Hunt
    from wmiwarehouse.hunting.tuning import Tuning
    from wmiwarehouse.output.formats import Format

_LOUD = ("high", "critical")
_MOVEMENT = "lateral_movement"


@options.command
def tune(
    what: Annotated[
        str | None, typer.Argument(metavar="[ID|FILE]", help="An analytic; with --test a file of settings.")
    ] = None,
    warehouse: options.WarehouseOption = options.DEFAULT_WAREHOUSE,
    test: Annotated[
        bool, typer.Option("--test", help="What each suppression of the warehouse, or of FILE, would hide.")
    ] = False,
    top: Annotated[int, typer.Option(min=1, max=1000, help="Values of each column.")] = 5,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    host: options.HostOption = None,
    user: options.UserOption = None,
    fmt: options.FormatOption = None,
    output: options.OutputOption = None,
    force: options.ForceOption = False,
) -> ExitCode:
    """Tune an analytic: the commonest values among its hits, and a suppression of the commonest to paste.

    \b
    Examples:
      wmiwh tune wmi_subscription -w case42
      wmiwh tune wmiprvse_children --since 30d --top 10 -o values.csv
      wmiwh tune --test -w case42
      wmiwh tune --test candidate.toml -w case42

    Suppressions stand in wmiwh.toml in the warehouse's folder and work at once. The proposed one is refused there until
    reason, author and the day on which it ends are filled in. Nothing is written by this command.

    Exit: 0 done, 2 unknown id, bad filter or settings, 3 no warehouse or no data.
    """
    library = options.load_library()
    from wmiwarehouse.hunting import unknown
    from wmiwarehouse.hunting.filters import Filters
    from wmiwarehouse.hunting.hunt import open_hunt
    from wmiwarehouse.hunting.selection import select

    if not test and what is None:
        raise UsageError("name an analytic (wmiwh list has them), or try the suppressions: wmiwh tune --test")
    chosen = None if test or what is None else select(library, [what])[0]
    with open_hunt(warehouse, library, Filters(since, until, host, user)) as hunting:
        for doubt in unknown.doubts(hunting):
            console.warn(doubt)
        if chosen is not None:
            _values(hunting, library, chosen, top, fmt, output, force=force, where=options.with_warehouse(warehouse))
        else:
            _test(hunting, library, warehouse, what, fmt, output, force=force)
    return ExitCode.DONE


def _values(
    hunting: Hunt,
    library: Library,
    analytic: Analytic,
    top: int,
    fmt: Format | None,
    output: Path | None,
    *,
    force: bool,
    where: str,
) -> None:
    from wmiwarehouse.hunting import suggest
    from wmiwarehouse.output.formats import Format, emit

    line = hunting.line(analytic)
    table = suggest.values(hunting, analytic, top)
    on_screen = fmt in (None, Format.TABLE) and output is None
    if table.num_rows or fmt or output:
        emit(_screen(table) if on_screen else table, fmt=fmt, output=output, force=force)
    console.note(
        f"{suppressed.counted(line.hits, 'hit')} of {analytic.id}{' under the filters' if hunting.filters else ''}"
    )
    suppressed.tell([line], hunting.tuning, f"wmiwh hunt {analytic.id} --suppressed{where}")
    made = suggest.suggestion(hunting, analytic) if line.hits else None
    if made is None:
        console.note(
            line.seen.sentence if not line.hits else "the hits have nothing in common by which to suppress them"
        )
        return
    if on_screen:
        typer.echo()
    # Rows for another program stay alone on stdout.
    typer.echo(f"# to be filled in, for wmiwh.toml\n{made.text}", nl=False, err=not on_screen and output is None)
    candidate = _tuning(hunting, library, made.tables)
    for one in suggest.tried(hunting, library, candidate):
        console.note(
            f"this would hide {suppressed.counted(one.hits, 'hit')} of {analytic.id}, also later ones like them"
        )
        if one.movements:
            console.warn(f"{_part(one.movements)}: look at them before you paste it: wmiwh hunt {_MOVEMENT}{where}")
        else:
            console.note("none of them is part of a lateral movement")
    console.note(f"next: look at them, fill in the empty places, then: wmiwh tune --test{where}")


def _tuning(hunting: Hunt, library: Library, tables: dict[str, Any]) -> Tuning:
    from datetime import date

    from wmiwarehouse.lake.settings import Settings

    filled = {"reason": "proposed", "author": "nobody", "expires": date.max, "id": "proposed"}
    settings = Settings.of({"suppress": [one | filled for one in tables["suppress"]]})
    return hunting.tuning_of(settings)


def _test(
    hunting: Hunt,
    library: Library,
    warehouse: Path,
    file: str | None,
    fmt: Format | None,
    output: Path | None,
    *,
    force: bool,
) -> None:
    from wmiwarehouse.hunting import suggest
    from wmiwarehouse.lake.settings import FILE_NAME, Settings
    from wmiwarehouse.output.formats import Format, emit

    path = Path(file) if file else warehouse / FILE_NAME
    if file is None and not path.exists():
        raise UsageError(f"{path} does not exist: no suppression to test; wmiwh tune ID proposes one")
    tuning = hunting.tuning_of(Settings.read(path), path)
    if not tuning.rules:
        console.note(f"{path}: has no suppression and no known administration")
        return
    tried = suggest.tried(hunting, library, tuning)
    table = suppressed.table(tried)
    if table.num_rows or fmt or output:
        on_screen = fmt in (None, Format.TABLE) and output is None
        emit(suppressed.screen(table) if on_screen else table, fmt=fmt, output=output, force=force)
    for rule in tuning.rules:
        _tell_rule(rule.id, rule.said, [one for one in tried if one.rule.id == rule.id])
    suppressed.tell_expired(tuning)
    if file:
        console.note(f"tried: {path}. In force is {warehouse / FILE_NAME} alone")


def _tell_rule(name: str, said: str, tried: list[Hidden]) -> None:
    """Say of one rule what nobody should miss."""
    if not tried:
        console.note(f"{name}: hides nothing in this warehouse ({said})")
        return
    moves = sum(one.hits for one in tried if one.analytic.id == _MOVEMENT)
    if moves:
        console.warn(f"{name}: hides {suppressed.counted(moves, 'lateral movement')} ({said})")
    loud = [one for one in tried if one.analytic.metadata.severity in _LOUD and one.analytic.id != _MOVEMENT]
    if loud:
        listed = ", ".join(f"{one.analytic.id} {one.hits:,}" for one in loud[:3])
        more = f" and {len(loud) - 3} more analytics" if loud[3:] else ""
        console.warn(f"{name}: hides hits of high severity: {listed}{more}")
    part = max(one.movements for one in tried)
    if part and not moves:
        console.warn(f"{name}: {_part(part)}")


def _part(moves: int) -> str:
    return f"what it hides is part of {suppressed.counted(moves, 'lateral movement')}"


def _screen(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, Any] = {name: table.column(name) for name in ("column", "hits")}
    columns["share"] = [f"{share:.0%}" for share in table.column("share").to_pylist()]
    columns |= {name: table.column(name) for name in ("hosts", "value")}
    return pa.table(columns)
