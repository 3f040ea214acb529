"""What stands in for pydantic reads what typer would, and leaves it the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from wmiwarehouse import cache
from wmiwarehouse.cli.values import Command, spared


class Colour(StrEnum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


def _told(
    names: Annotated[list[str] | None, typer.Argument()] = None,
    files: Annotated[list[Path] | None, typer.Option("--file")] = None,
    text: Annotated[str | None, typer.Option()] = None,
    folder: Annotated[Path, typer.Option(readable=False)] = Path("here"),
    checked: Annotated[Path | None, typer.Option()] = None,
    there: Annotated[Path | None, typer.Option(exists=True)] = None,
    colour: Annotated[Colour, typer.Option()] = Colour.RED,
    number: Annotated[int, typer.Option(min=1, max=9)] = 3,
    seconds: Annotated[float, typer.Option(min=0.1)] = 300,
    flag: Annotated[bool, typer.Option()] = False,
) -> None:
    typer.echo(repr([names, files, text, folder, checked, there, colour, number, seconds, flag]))


def _run(cls: type[Any] | None, arguments: list[str]) -> tuple[int, str]:
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(cls=cls)(_told)
    found = CliRunner().invoke(alone, arguments)
    return found.exit_code, found.output


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a b --file x --file y",
        "--text 5 --folder nowhere --checked nowhere",
        "--folder tests --checked tests",
        "--there tests",
        "--there nowhere",
        "--colour blue",
        "--colour green",
        "--colour BLUE",
        "--number 4",
        "--number 10",
        "--number x",
        "--seconds 2",
        "--seconds 0",
        "--flag",
        "--nonsense",
        "--text",
        "--help",
    ],
)
def test_it_reads_what_typer_reads(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    assert _run(Command, line.split()) == _run(None, line.split())


@pytest.mark.skipif(os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="may read all")
def test_a_closed_path_is_refused_as_typer_refuses_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.write_text("")
    closed.chmod(0)
    found = _run(Command, ["--checked", str(closed)])
    assert found == _run(None, ["--checked", str(closed)])
    assert found[0] == 2
    assert _run(Command, ["--folder", str(closed)])[0] == 0


def test_a_path_that_cannot_be_read_goes_the_way_of_typer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    code, said = _run(Command, ["--checked", str(Path(__file__))])
    assert code == 2
    assert "not readable" in said


def test_it_is_put_there_once() -> None:
    alone = typer.Typer(add_completion=False)
    alone.command()(_told)
    params = get_command(alone).params
    first = [param.get_runtime_param for param in spared(params)]
    assert [param.get_runtime_param for param in spared(params)] == first


@pytest.mark.parametrize("line", ["list", "show car_2016_03_002", "hunt car_2016_03_002 -w nowhere -f json --since 7d"])
def test_a_command_does_without_pydantic(line: str, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom wmiwarehouse.__main__ import main\n"
        "try:\n    main()\nfinally:\n    sys.stderr.write(f'pydantic: {\"pydantic\" in sys.modules}')"
    )
    environment = os.environ | {cache.VARIABLE: str(tmp_path)}
    said = ""
    for _ in range(2):  # the first one checks the heads of the SQL files
        command = [sys.executable, "-c", code, *line.split()]
        said = subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stderr
    assert "pydantic: False" in said


def test_an_option_for_one_value_that_is_given_twice_is_refused() -> None:
    """Else a hunt for two hosts would answer for the second alone."""
    alone = typer.Typer(add_completion=False)
    alone.command("told", cls=Command)(_told)
    for given in (["--text", "a", "--text", "b"], ["--text=a", "--text=a"], ["--number", "1", "--number=2"]):
        refused = CliRunner().invoke(alone, given)
        assert refused.exit_code == 2
        assert "given 2 times, takes one value" in refused.output
    for given in (["--file", "a", "--file", "b"], ["--flag", "--flag"], ["--text", "a", "--", "--text", "--text"]):
        assert CliRunner().invoke(alone, given).exit_code == 0
