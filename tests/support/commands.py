"""The commands in this process, and a disk that is full."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.cli import console
from app.cli.commands import app

WIDTH = 200


def taggram(*arguments: object) -> Result:
    """Run `taggram` with these arguments, as on a wide terminal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console.out, "width", WIDTH)
        patch.setattr(console.err, "width", WIDTH)
        return CliRunner().invoke(app, [str(each) for each in arguments])


def refused(*arguments: object) -> str:
    """Return the message of `taggram` for an error that the user can fix."""
    result = taggram(*arguments)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert isinstance(result.exception, SystemExit), "a traceback"
    return result.stderr


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond these bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
