"""Effects of an overload: on accepted and refused uploads, and on those after it.

`python -m loadtests.serving.drill [--seconds 60]` starts the service as users do and uploads new
30-second MP3s. It finds the capacity, then offers half of it (normal load), ten times as much, and
half again at once. At last a single client sends ten times the capacity while others send a fifth
of it. Each upload but the flooder's has its own address. Client and service share the machine.
"""

import secrets
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from loadtests.report import Row, out, publish
from loadtests.service import service
from loadtests.serving.health_probe import Health
from loadtests.serving.load_levels import TRACK_S, loaded, package_model
from loadtests.serving.load_profile import OK, REFUSALS, Level, Result, latencies, percentile
from testing.server import Server

USERS = 4
NORMAL, OVERLOAD = 0.5, 10.0
OTHERS = 0.2
"""What the others send while one floods, of the capacity."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Drill:
    """Levels of load on one service.

    Attributes:
        rows: What came of them.
        is_good: Whether every upload got tags or a refusal, and health was always answered.
    """

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._run = secrets.token_hex(4)
        self.rows: list[Row] = []
        self.is_good = True

    def level(
        self, name: str, seconds: float, users: int = 0, rate: float = 0.0, flooders: float = 0.0
    ) -> Result:
        """Offer a load, and keep a row about it."""
        out.print(f"{name}, {seconds:g} s", highlight=False)
        level = Level(f"{self._run} {name}", "cold", seconds, users, rate, flooders)
        result, _, health = loaded(self._server, self._folder, level)
        self.is_good &= not (result.failed or health.errors)
        self.rows.append(_row(name, level, result, health))
        return result


@cli.command()
def main(
    seconds: Annotated[float, typer.Option(help="How long the overload lasts.")] = 60.0,
) -> None:
    """Measure and print."""
    short_s = max(5.0, seconds / 4)
    with tempfile.TemporaryDirectory() as name, service() as server:
        package_model(server, Path(name))
        drill = Drill(server, Path(name))
        peak = drill.level("capacity", short_s, users=USERS).tagged_a_second()
        before = drill.level("normal", short_s, rate=NORMAL * peak)
        drill.level("overload", seconds, rate=OVERLOAD * peak)
        after = drill.level("after it", short_s, rate=NORMAL * peak)
        rate = (OVERLOAD + OTHERS) * peak
        flooders = OVERLOAD / (OVERLOAD + OTHERS)
        flooded = drill.level("one floods", short_s, rate=rate, flooders=flooders)
    publish(
        "drill",
        f"{TRACK_S} s of MP3, {seconds:g} s of overload",
        drill.rows,
        [
            f"Normal again {_recovery_s(before, after):.1f} s after the overload: from then on no "
            "upload is later than the latest before it.",
            f"While one floods, {_served(flooded):.1%} of the others' uploads are tagged.",
            "Latencies count from the moment that each upload was due.",
        ],
    )
    raise typer.Exit(code=0 if drill.is_good else 1)


def _row(name: str, level: Level, result: Result, health: Health) -> Row:
    tagged, refused = result.of(OK), result.of(*REFUSALS)
    service_s = [upload.stages["total"] for upload in refused]
    return {
        "load": name,
        "offered/s": level.rate,
        "tagged/s": result.tagged_a_second(level.seconds),
        "answers": result.answers,
        "tagged p50 s": percentile(latencies(tagged), 50),
        "p99 s": percentile(latencies(tagged), 99),
        "refused p50 s": percentile(latencies(refused), 50),
        "p99 s ": percentile(latencies(refused), 99),
        "in the service": percentile(service_s, 99),
        "health p99 ms": percentile(health.milliseconds, 99),
        "health errors": health.errors,
        "client cores": result.client_cores,
    }


def _recovery_s(before: Result, after: Result) -> float:
    """When the last upload was due that was refused, or later than any before the overload."""
    latest = max(latencies(before.of(OK)))
    late = [
        upload.due_s
        for upload in after.uploads
        if upload.answer != OK or upload.ended_s - upload.due_s > latest
    ]
    return max(late, default=0.0)


def _served(flooded: Result) -> float:
    others = [upload.answer == OK for upload in flooded.uploads if not upload.flooders]
    return sum(others) / len(others)


if __name__ == "__main__":
    cli()
