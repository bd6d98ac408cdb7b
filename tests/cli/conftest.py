"""Commands as their users run them: in this process, if a new one would show nothing more."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.cli import console
from app.cli.commands import app

Taggram = Callable[..., Result]
"""Runs `taggram` with these arguments, and settings by their names."""

Refused = Callable[..., str]
"""Runs `taggram`, which has to end with one line that says why; returns that line."""


@pytest.fixture
def taggram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Taggram:
    """Runs in an empty folder, with none of the settings of the test run itself."""
    for name in list(os.environ):
        if name.startswith("TAGGRAM_") or name in {"HOST", "PORT"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console.out, "width", 200)

    def run(*arguments: str | Path, answer: str | None = None, **settings: str) -> Result:
        command = [str(each) for each in arguments]
        return CliRunner().invoke(app, command, answer, settings, catch_exceptions=False)

    return run


@pytest.fixture
def refused(taggram: Taggram, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Runs it; `serve` too, which must not begin to serve, nor log for this process."""
    monkeypatch.setattr("app.cli.serve.log_json_to_stderr", lambda level: None)
    monkeypatch.setattr("app.cli.serve._run", lambda *_: pytest.fail("it serves"))

    def run(*arguments: str | Path, **settings: str) -> str:
        result = taggram(*arguments, **settings)
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        (line,) = filter(str.strip, result.stderr.splitlines())
        assert line.startswith("taggram: ")
        return line

    return run
