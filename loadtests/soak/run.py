"""Stability of the service over minutes of valid and hostile requests.

`python -m loadtests.soak.run [--minutes 10]` sends nine valid requests in ten, and one hostile.
Ctrl-C ends it early, with the figures so far. It ends with status 1 if the service answered with an
internal error, or left something behind. Client and service share the machine.
"""

import asyncio
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import httpx
import numpy as np
import typer

from loadtests.report import Row, out, publish, tally
from loadtests.service import service
from loadtests.soak.load import TIMEOUT_S, Callers, Outcome
from loadtests.soak.watch import Sample, growth, sampled, watch
from testing.server import COMMAND

REST_S = 5.0
"""Seconds after the load, before leftovers are counted."""

CACHE_BYTES = 1_000_000
"""Little, so that it is full, and grows no more, when the warm-up ends."""

ALONE = ("setsid", COMMAND)
"""In a session of its own, so that Ctrl-C ends the soak and not the service under it."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def main(
    minutes: Annotated[float, typer.Option(help="How long.")] = 10.0,
    rate: Annotated[float, typer.Option(help="Requests a second.")] = 6.0,
) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {"TMPDIR": name, "TAGGRAM_CACHE_BYTES": str(CACHE_BYTES)}
        with service(settings, ALONE) as server:
            url, pid = str(server.http.base_url), server.process.pid
            before = sampled(pid, folder)
            out.print(f"{minutes:g} minutes, {rate:g} requests a second; Ctrl-C ends it early")
            outcomes, samples = asyncio.run(_soak(url, pid, folder, minutes * 60, rate))
            after = sampled(pid, folder)
    _publish(outcomes, [before, *samples], after)
    raise typer.Exit(code=1 if _is_harmed(outcomes, before, after) else 0)


async def _soak(
    url: str, pid: int, folder: Path, seconds: float, rate: float
) -> tuple[list[Outcome], list[Sample]]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.call_later(seconds, stop.set)
    samples: list[Sample] = []
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, trust_env=False) as http:
        callers = Callers(http)
        await asyncio.gather(callers.run(rate, stop), watch(pid, folder, stop, samples))
    await asyncio.sleep(REST_S)
    return callers.outcomes, samples


def _is_harmed(outcomes: Sequence[Outcome], before: Sample, after: Sample) -> bool:
    """Whether an answer was a fault of the service, or something is left."""
    answers = {outcome.answer for outcome in outcomes}
    faults = {answer for answer in answers if answer.startswith("5") and "503" not in answer}
    left = after.zombies or after.temporary_files > before.temporary_files
    return bool(faults or left)


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
        [
            growth(samples),
            f"after: {REST_S:g} s after the last request.",
        ],
    )


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
