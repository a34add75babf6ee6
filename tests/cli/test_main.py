"""The frame of the command line: help, exit codes, and what becomes of errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from cli.rig import PROGRAM, Installation, guestlist, person, program_environment
from typer.testing import CliRunner

from guestlist.cli import exits
from guestlist.cli.main import COMMANDS, _Group
from guestlist.model import errors

_BOOM = """
import guestlist.cli.main as main
def boom() -> None:
    row = "someone@example.com"
    {}
main.app.command()(boom)
main.run()
"""


def _boom(statement: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _BOOM.format(statement), "boom"]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=program_environment(**environment))


def test_help_lists_every_command_and_exit_code() -> None:
    told = guestlist("--help")
    assert told.exit_code == 0
    for commands in COMMANDS.values():
        for command in commands:
            assert command.__name__ in told.stdout
    for code, meaning in exits.EXIT_CODES.items():
        assert f"{code:>3}  {meaning}" in told.stdout


@pytest.mark.parametrize("command", [command.__name__ for commands in COMMANDS.values() for command in commands])
def test_every_command_has_help(command: str) -> None:
    told = guestlist(command, "--help")
    assert told.exit_code == 0
    assert f"guestlist {command}" in told.stdout


def _loaded(heavy: tuple[str, ...], *arguments: str) -> str:
    """Which of these modules a command has loaded when it ends, as it tells on stderr."""
    watched = (
        f"import sys, atexit; heavy = {heavy};"
        "atexit.register(lambda: print([name for name in heavy if name in sys.modules], file=sys.stderr));"
    )
    command = [sys.executable, "-c", watched + PROGRAM[2], *arguments]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=program_environment())
    assert ended.returncode == 0, (arguments, ended.stderr)
    return ended.stderr


def test_help_and_validation_load_neither_polars_nor_an_sdk(installation: Installation) -> None:
    installation.segment()
    heavy = ("polars", "google.ads", "facebook_business", "sqlalchemy", "pyarrow", "airflow")
    for arguments in (["--help"], ["validate"], ["schema"], ["pools"]):
        assert _loaded(heavy, *arguments) == "[]\n", arguments


def test_prepare_loads_neither_the_ledger_nor_what_delivers(installation: Installation, tmp_path: Path) -> None:
    installation.segment()
    installation.people([person(number) for number in range(50)])
    heavy = ("polars", "sqlalchemy", "structlog", "google.ads", "facebook_business", "airflow")
    assert _loaded(heavy, "prepare", "vips", "--out", str(tmp_path / "out"), "--json") == "['polars']\n"


def test_the_version() -> None:
    told = guestlist("--version")
    assert told.exit_code == 0
    assert told.stdout.startswith("guestlist 0.")


@pytest.mark.parametrize(
    "arguments", [(), ("nonsense",), ("sync",), ("sync", "vips", "--nonsense"), ("preview", "vips", "--rows", "0")]
)
def test_wrong_usage_is_exit_2(arguments: tuple[str, ...]) -> None:
    assert guestlist(*arguments).exit_code == 2


def _all(kind: type[errors.GuestlistError]) -> list[type[errors.GuestlistError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _all(child))]


@pytest.mark.parametrize("kind", [found for found in _all(errors.GuestlistError) if found.__module__ == errors.__name__])
def test_every_error_ends_in_one_red_line_and_its_own_exit_code(kind: type[errors.GuestlistError]) -> None:
    app = typer.Typer(cls=_Group)

    @app.command()
    def failing() -> None:
        raise kind("it is [broken]: mend it " + "x" * 200, segment="vips")

    @app.callback()
    def several() -> None:
        pass

    result = CliRunner().invoke(app, ["failing"])
    assert result.exit_code == kind.exit_code
    assert result.exit_code in exits.EXIT_CODES
    assert result.stdout == ""
    assert result.stderr == f"it is [broken]: mend it {'x' * 200} [segment vips]\n"


def test_the_documented_codes_are_those_of_the_error_tree() -> None:
    raised = {kind.exit_code for kind in _all(errors.GuestlistError)} | {exits.OK, exits.CONFIG, exits.INTERRUPTED}
    assert set(exits.EXIT_CODES) == raised


def test_an_unexpected_error_is_one_line_without_any_value() -> None:
    ended = _boom("raise KeyError(row)")
    assert ended.returncode == exits.UNEXPECTED
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "unexpected KeyError at guestlist/cli/main.py:" in ended.stderr
    assert "GUESTLIST_DEBUG=1" in ended.stderr
    assert "someone" not in ended.stderr


def test_debug_shows_the_traceback_without_local_variables() -> None:
    ended = _boom("len(row) / 0", GUESTLIST_DEBUG="1")
    assert ended.returncode == exits.UNEXPECTED
    assert "Traceback" in ended.stderr
    assert "ZeroDivisionError" in ended.stderr
    assert "someone" not in ended.stderr


def test_ctrl_c_is_exit_130() -> None:
    ended = _boom("raise KeyboardInterrupt")
    assert ended.returncode == exits.INTERRUPTED
    assert "Traceback" not in ended.stderr
