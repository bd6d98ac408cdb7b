"""Every command has help."""

from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from app.cli.commands import app


def commands(group: typer.Typer, *path: str) -> Iterator[tuple[str, ...]]:
    for command in group.registered_commands:
        assert command.callback
        yield *path, command.name or command.callback.__name__.replace("_", "-")
    for inner in group.registered_groups:
        assert inner.typer_instance
        yield from commands(inner.typer_instance, *path, inner.name or "")


@pytest.mark.parametrize("command", list(commands(app)), ids=" ".join)
def test_every_command_has_help(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0, result.exception
    assert "Usage:" in result.stdout
