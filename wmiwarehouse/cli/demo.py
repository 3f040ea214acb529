"""``wmiwh demo``: the whole way on generated logs, for a first look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wmiwarehouse.cli import options
from wmiwarehouse.errors import ExitCode, UsageError
from wmiwarehouse.output import console


@options.command
def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new or empty folder; gets logs/, warehouse/ and report.html.")
    ],
    seed: Annotated[int, typer.Option(help="Another seed makes another set of logs.")] = 1,
    fmt: options.FormatOption = None,
) -> ExitCode:
    """Generate the logs of an invented attack, ingest them, and compare what is found with what was staged.

    \b
    Example:
      wmiwh demo try-it
      (open try-it/report.html in a browser)
      wmiwh hunt xql_wmic_remote_exec -w try-it/warehouse
    """
    import pyarrow as pa

    from wmiwarehouse.cli import report
    from wmiwarehouse.cli.ingest import run
    from wmiwarehouse.demo import score, score_facts
    from wmiwarehouse.hunting.hunt import open_hunt
    from wmiwarehouse.lab import generate
    from wmiwarehouse.lake.warehouse import Warehouse
    from wmiwarehouse.output.formats import emit
    from wmiwarehouse.report import files
    from wmiwarehouse.report.options import ReportOptions

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty; name a new folder")
    logs, warehouse = folder / "logs", folder / "warehouse"
    truth = generate(logs, seed=seed, copies=True)
    console.note(f"{truth.records:,} events of {len(truth.hosts)} hosts over two days in {logs}")
    console.note(f"what was staged in them: {logs / 'truth.json'}")
    summary = run([logs / "evtx", logs / "copies"], Warehouse.create(warehouse))
    problems = len(summary.problems)
    console.note(f"{summary.records:,} records read into {warehouse} in {summary.seconds:.1f} s, {problems} problems")
    where = options.with_warehouse(warehouse)
    library = options.load_library()
    with open_hunt(warehouse, library) as hunting:
        hunting.prepare(list(library.newest.values()))
        by_record = score(hunting, truth)
        scores = sorted([*by_record, *score_facts(hunting, truth)], key=lambda s: s.analytic)
        wanted = ReportOptions(environment="Invented network of wmiwh demo", where=where)
        made = report.build(hunting, library, warehouse, wanted)
    counts = ("found", "attacks", "benign", "context", "missed", "unexpected")
    shares = ("precision", "recall")
    columns = {name: pa.array([getattr(s, name) for s in scores], pa.int64()) for name in counts}
    columns |= {name: pa.array([_share(getattr(s, name)) for s in scores], pa.string()) for name in shares}
    emit(pa.table({"analytic": [s.analytic for s in scores], **columns}), fmt=fmt)
    console.note("benign: what administrators did on purpose in these logs, and looks the same to the analytic")
    console.note("context: what is true of every working day; precision counts benign and unexpected as false alarms")
    (path,) = files.write(made, files.Target(files.Format.HTML, folder / "report.html"), force=False)
    console.note(f"written up for people: {path}")
    console.note(f"next: wmiwh hunt{where} · wmiwh hunt xql_wmic_remote_exec{where}")
    return ExitCode.DONE if not any(s.missed or s.unexpected for s in by_record) else ExitCode.FAILED


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
