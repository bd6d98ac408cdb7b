"""Stability of the service over minutes of valid and hostile requests, at half of its capacity.

`python -m loadtests.soak.run [--minutes 10]` sends nine valid requests in ten, and one hostile.
First it measures how many requests a second the service answers at most; it then sends half of
that. Ctrl-C ends it early, with the figures so far. It ends with status 1 if the service answered
with an internal error or left something behind, or if, in a soak of an hour, memory, descriptors or
processes grew. Client and service share the machine. The service has the environment of the
command, such as MALLOC_ARENA_MAX.
"""

import asyncio
import signal
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import httpx
import numpy as np
import typer

from loadtests.report import Row, out, publish, tally
from loadtests.service import service
from loadtests.soak.load import TIMEOUT_S, Callers, Outcome
from loadtests.soak.watch import (
    BLOCK,
    DESCRIPTORS,
    EVERY_S,
    MEMORY,
    PROCESSES,
    Sample,
    sampled,
    trends,
    watch,
)
from testing.server import COMMAND
from testing.trends import CONFIDENCE_PERCENT, Trend

REST_S = 5.0
"""Seconds after the load, before leftovers are counted."""

CACHE_BYTES = 1_000_000
"""Little, so that it is full, and grows no more, when the warm-up ends."""

SATURATION_S = 20.0
"""How long the rate of the service is measured."""

LIMITS = {MEMORY: 20.0, DESCRIPTORS: 5.0, PROCESSES: 1.0}
"""How far each may move after the warm-up: the largest less the smallest of its blocks."""

JUDGED_HOURS = 0.5
"""A soak that goes on for that long after the warm-up, as one of an hour does, is judged."""

ALONE = ("setsid", COMMAND)
"""In a session of its own, so that Ctrl-C ends the soak and not the service under it."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def main(
    minutes: Annotated[float, typer.Option(help="How long.")] = 10.0,
    rate: Annotated[
        float | None, typer.Option(help="Requests a second; by default half of what is measured.")
    ] = None,
) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {"TMPDIR": name, "TAGGRAM_CACHE_BYTES": str(CACHE_BYTES)}
        with service(settings, ALONE) as server:
            url, pid = str(server.http.base_url), server.process.pid
            before = sampled(pid, folder)
            outcomes, samples = asyncio.run(_soak(url, pid, folder, minutes * 60, rate))
            after = sampled(pid, folder)
    _publish(outcomes, [before, *samples], after)
    is_harmed = _is_harmed(outcomes, before, after) or _is_unstable(trends(samples))
    raise typer.Exit(code=1 if is_harmed else 0)


async def _soak(
    url: str, pid: int, folder: Path, seconds: float, rate: float | None
) -> tuple[list[Outcome], list[Sample]]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    samples: list[Sample] = []
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, trust_env=False) as http:
        callers = Callers(http)
        await callers.prepare()
        if rate is None:
            highest = await callers.saturate(SATURATION_S)
            rate = highest / 2
            out.print(f"The service answers {highest:.1f} requests a second at most.")
        out.print(f"{seconds / 60:g} minutes, {rate:.1f} requests a second; Ctrl-C ends it early")
        loop.add_signal_handler(signal.SIGINT, stop.set)
        loop.call_later(seconds, stop.set)
        await asyncio.gather(callers.run(rate, stop), watch(pid, folder, stop, samples))
    await asyncio.sleep(REST_S)
    return callers.outcomes, samples


def _is_harmed(outcomes: Sequence[Outcome], before: Sample, after: Sample) -> bool:
    """Whether an answer was a fault of the service, or something is left."""
    answers = {outcome.answer for outcome in outcomes}
    faults = {answer for answer in answers if answer.startswith("5") and "503" not in answer}
    left = after.zombies or after.temporary_files > before.temporary_files
    return bool(faults or left)


def _is_unstable(fitted: Mapping[str, Trend]) -> bool:
    """Whether something was watched for long enough, and moved by more than it may."""
    return any(
        trend.hours >= JUDGED_HOURS and trend.spread > LIMITS[name]
        for name, trend in fitted.items()
    )


def _publish(outcomes: Sequence[Outcome], samples: Sequence[Sample], after: Sample) -> None:
    sorts = dict.fromkeys(outcome.what for outcome in outcomes)
    publish(
        "soak-answers",
        f"Soak: {len(outcomes)} requests in {samples[-1].at_s - samples[0].at_s:.0f} s",
        [_answers(what, [o for o in outcomes if o.what == what]) for what in sorts],
        [f"5xx: {tally(o.answer for o in outcomes if o.answer.startswith('5')) or 'none'}."],
    )
    publish(
        "soak-held",
        "Soak: what the service held",
        [
            _held("memory, MiB", [sample.rss_mib for sample in samples], after.rss_mib),
            *(
                _held(name.replace("_", " "), _each(samples, name), getattr(after, name))
                for name in ("descriptors", "processes", "zombies", "temporary_files")
            ),
        ],
        [f"after: {REST_S:g} s after the last request."],
    )
    _publish_trends(trends(samples))


def _publish_trends(fitted: Mapping[str, Trend]) -> None:
    if not fitted:
        out.print("It was too short to say whether anything grows.")
        return
    minutes = fitted[MEMORY].hours * 60
    moved = [name for name, trend in fitted.items() if trend.spread > LIMITS[name]]
    publish(
        "soak-trends",
        f"Soak: growth in the {minutes:.0f} minutes after the warm-up",
        [_trend(name, trend) for name, trend in fitted.items()],
        [
            f"More than allowed: {', '.join(moved) or 'nothing'}.",
            f"Least squares over the lowest of each {BLOCK * EVERY_S:g} s; {CONFIDENCE_PERCENT} % "
            "intervals by a bootstrap of moving blocks.",
        ],
    )


def _trend(name: str, trend: Trend) -> Row:
    return {
        "what": name,
        "growth an hour": trend.per_hour,
        "from": trend.low,
        "to": trend.high,
        "largest - smallest": trend.spread,
        "allowed": LIMITS[name],
    }


def _answers(what: str, outcomes: Sequence[Outcome]) -> Row:
    seconds = [outcome.seconds for outcome in outcomes]
    return {
        "request": what,
        "sent": len(outcomes),
        "p50 s": float(np.percentile(seconds, 50)),
        "p99 s": float(np.percentile(seconds, 99)),
        "answers": tally(outcome.answer for outcome in outcomes),
    }


def _held(name: str, values: Sequence[float], after: float) -> Row:
    quarter = max(1, len(values) // 4)
    return {
        "what": name,
        "before": values[0],
        "second quarter": float(np.median(values[quarter : 2 * quarter] or values)),
        "last quarter": float(np.median(values[-quarter:])),
        "most": max(values),
        "after": after,
    }


def _each(samples: Sequence[Sample], name: str) -> list[float]:
    return [float(getattr(sample, name)) for sample in samples]


if __name__ == "__main__":
    cli()
