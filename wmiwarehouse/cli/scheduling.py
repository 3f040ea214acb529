"""Named runs for the commands that a scheduler starts: ``--ingested-since``, ``--run``, ``--wait`` and what they do.

A command that is :func:`scheduled` gets these options, and its run as the argument ``run``: that says since when to
look, and is told what was looked at. Whatever becomes of the command, its run is recorded with the exit code.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wmiwarehouse.errors import ExitCode, UsageError, WmiwhError
from wmiwarehouse.output import console

if TYPE_CHECKING:
    from wmiwarehouse.hunting.hunt import Hunt
    from wmiwarehouse.hunting.line import Line
    from wmiwarehouse.lake.runs import Output, Record, Runs
    from wmiwarehouse.report.model import Query

LAST_RUN = "last-run"

IngestedSinceOption = Annotated[
    str | None,
    typer.Option(
        metavar="last-run|TIME", help="Only what rests on a record that came in since the last run, a time, or 1d ago."
    ),
]
RunOption = Annotated[
    str | None,
    typer.Option(
        "--run", metavar="NAME", help="Record this run as NAME, by which last-run goes; else the command's name."
    ),
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait for a run of the same name instead of failing.")]

#: What two runs of one name should have in common: the parameters that choose what is looked for.
_ASKED = ("ids", "technique", "side", "kind", "min_severity", "since", "until", "host", "user", "threshold")


@dataclass
class NamedRun:
    """What a run asks for and what became of it; without a name nothing is recorded."""

    ingested_since: str | None = None
    is_recorded: bool = False
    last: Record | None = None
    """The run of this name before, if there was one."""
    looked_since: datetime | None = None
    ingested_until: datetime | None = None
    analytics: list[dict[str, Any]] = field(default_factory=list)
    """What becomes a :class:`~wmiwarehouse.lake.runs.Ran` if the run is recorded."""
    outputs: list[Output] = field(default_factory=list)
    report: str | None = None
    has_looked: bool = False
    afterwards: Callable[[], None] | None = None
    """Called when the run is recorded, before others of its name may start."""

    def saw(self, hunting: Hunt, lines: Iterable[Line | Query | tuple[str, int, int]]) -> None:
        """Note what *hunting* looked at and what it found: lines of a summary, or (id, version, hits)."""
        if not self.is_recorded:
            return
        if not self.has_looked:
            self.has_looked, self.ingested_until = True, hunting.ingested_until()
            since = hunting.filters.ingested_since
            self.looked_since = datetime.fromisoformat(since) if since else None
        counted = {(one["id"], one["version"]) for one in self.analytics}  # two parts of a batch may hunt for the same
        for line in lines:
            if isinstance(line, tuple):
                found = dict(zip(("id", "version", "hits"), line, strict=True))
            else:
                one: Any = getattr(line, "analytic", line)
                found = {"id": one.id, "version": one.version, "hits": line.hits, "suppressed": line.suppressed or 0}
            if (found["id"], found["version"]) not in counted:
                self.analytics.append(found)


def scheduled(function: Callable[..., ExitCode | None]) -> Callable[..., ExitCode | None]:
    """Add the options of named runs to the command *function*, which is given its :class:`NamedRun` as ``run``."""

    @functools.wraps(function)
    def command(
        *args: Any, ingested_since: str | None = None, run_name: str | None = None, wait: bool = False, **kwargs: Any
    ) -> ExitCode | None:
        name = function.__name__
        with named_run(
            kwargs["warehouse"], name, run_name, ingested_since=ingested_since, wait=wait, asked=_asked(name, kwargs)
        ) as (run, ended):
            code = function(*args, run=run, **kwargs) or ExitCode.DONE
            ended(code)
            return code

    added = {
        "ingested_since": (IngestedSinceOption, None),
        "run_name": (RunOption, None),
        "wait": (WaitOption, False),
    }
    signature = inspect.signature(function, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "run"]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=option)
        for name, (option, default) in added.items()
    ]
    signature = signature.replace(parameters=[*own, *more])
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return command


@contextmanager
def named_run(
    root: Path,
    command: str,
    name: str | None,
    *,
    ingested_since: str | None = None,
    wait: bool = False,
    asked: str = "",
) -> Iterator[tuple[NamedRun, Callable[[ExitCode], None]]]:
    """Yield the run *name* (of the *command*'s name if it asks for the last run) and what to call when it is over.

    While it goes on no other of its name does. However it ends, it is recorded; only one that was told to be over can
    be the last run for the next.
    """
    if ingested_since is not None and not ingested_since.strip():
        raise UsageError("--ingested-since: is empty")
    by_last = ingested_since is not None and ingested_since.strip().lower() == LAST_RUN
    if name is None and not by_last:
        yield NamedRun(ingested_since), lambda _: None
        return
    from wmiwarehouse.lake import clock, runs
    from wmiwarehouse.lake.warehouse import Warehouse

    found = runs.Runs(Warehouse.open(root), command if name is None else name)
    started = clock.now()
    with found.running(command, wait=wait, on_wait=console.note):
        run = NamedRun(None if by_last else ingested_since, is_recorded=True, last=found.last())
        if by_last:
            run.ingested_since = _since_last(found, run.last, asked)
        code: list[ExitCode] = []
        ended: ExitCode | None = ExitCode.FAILED  # what a bug, which goes on with its traceback, ends with
        try:
            yield run, code.append
            ended = code[-1] if code else None
        except WmiwhError as error:
            ended = error.code
            raise
        except KeyboardInterrupt:
            ended = ExitCode.INTERRUPTED
            raise
        finally:
            # One that only looked at something else (--suppressed) is no run that the next could go on from.
            if ended is not None and (run.has_looked or ended not in (ExitCode.DONE, ExitCode.HITS, ExitCode.DAMAGED)):
                _record(found, run, command, asked, started, ended)


def _record(found: Runs, run: NamedRun, command: str, asked: str, started: datetime, code: ExitCode) -> None:
    from wmiwarehouse.lake import clock
    from wmiwarehouse.lake.runs import Ran, Record

    record = Record(
        number=0,
        name=found.name,
        command=command,
        asked=asked,
        started=started,
        finished=max(started, clock.now()),
        ingested_since=run.looked_since,
        ingested_until=run.ingested_until,
        analytics=tuple(Ran(**one) for one in run.analytics),
        outputs=tuple(run.outputs),
        report=run.report,
        exit_code=int(code),
    )
    try:
        found.append(record)
        if run.afterwards:
            run.afterwards()
    except WmiwhError as error:
        if code in (ExitCode.DONE, ExitCode.HITS, ExitCode.DAMAGED):
            raise
        console.warn(f"{error}; this run is not recorded")  # what it failed of is said already


def _since_last(found: Runs, last: Record | None, asked: str) -> str | None:
    from wmiwarehouse.lake.runs import after

    if last is None or last.ingested_until is None:
        console.note(f"no earlier run {found.name} came to its end here: everything is new")
        return None
    if last.asked != asked:
        console.warn(
            f"the last run {found.name} asked for something else ({last.asked or 'everything'}): what it left out and "
            "came in before is not shown now. Give each hunt a name of its own: --run NAME"
        )
    return after(last.ingested_until).isoformat()


def _asked(command: str, given: Mapping[str, Any]) -> str:
    """Return what *command* was told to look for, in one line."""
    parts = [command]
    for name in _ASKED:
        value = given.get(name)
        if value:
            texts = sorted(map(str, value)) if isinstance(value, list | tuple) else [str(value)]
            parts.append(" ".join(texts) if name == "ids" else f"--{name.replace('_', '-')} {','.join(texts)}")
    return " ".join(parts)
