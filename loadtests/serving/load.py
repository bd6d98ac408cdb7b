"""The capacity of the service, and its answers below, at and above it.

`python -m loadtests.serving.load [--seconds 4] [--mix cold ...]` starts the service as users do
and uploads 30-second MP3s to it, in three mixes: cold (no track is known), cached (all are), mixed
(half). For each it finds the capacity in a closed loop, then offers shares of it in an open one.
Client and service share the machine.
"""

import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from loadtests.report import out
from loadtests.service import service
from loadtests.serving.load_levels import TRACK_S, loaded, package_model
from loadtests.serving.load_profile import MIXES, Level
from loadtests.serving.load_tables import Measured, publish_all

USERS = (1, 4, 8)
SHARES = (0.1, 0.5, 0.9, 3.0)

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Measure = Callable[[Level, float | None], Measured]


@cli.command()
def main(
    seconds: Annotated[float, typer.Option(help="For how long uploads begin in a level.")] = 4.0,
    mix: Annotated[list[str] | None, typer.Option(help="Mixes to run; all by default.")] = None,
) -> None:
    """Measure and print."""
    mixes = mix or list(MIXES)
    with tempfile.TemporaryDirectory() as name, service() as server:
        folder = Path(name)
        package_model(server, folder)
        with Progress(console=out, transient=True) as progress:
            bar = progress.add_task("", total=len(mixes) * len(USERS + SHARES))

            def measure(level: Level, share: float | None) -> Measured:
                progress.update(bar, description=level.name)
                measured = Measured(level, share, *loaded(server, folder, level))
                progress.advance(bar)
                return measured

            levels = [measured for mix in mixes for measured in _levels(mix, seconds, measure)]
    publish_all(levels, f"{TRACK_S} s of MP3, {seconds:g} s a level")


def _levels(mix: str, seconds: float, measure: Measure) -> Iterator[Measured]:
    run = secrets.token_hex(4)  # a cache that outlives the service knows nothing of this run
    capacity = 0.0
    for users in USERS:
        measured = measure(Level(f"{run} {mix} {users} users", mix, seconds, users=users), None)
        capacity = max(capacity, measured.result.tagged_a_second())
        yield measured
    assert capacity, "no upload was answered"
    for share in SHARES:
        name = f"{run} {mix} {share:.0%}"
        yield measure(Level(name, mix, seconds, rate=share * capacity), share)


if __name__ == "__main__":
    cli()
