"""The tables of `loadtests.serving.load`: answers, stages, and the resources used."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.report import Row, publish
from loadtests.serving.health_probe import Health
from loadtests.serving.load_profile import (
    OK,
    REFUSALS,
    Level,
    Result,
    Upload,
    latencies,
    percentile,
)
from testing.process_usage import Usage

PERCENTS = (50, 95, 99)


@dataclass(frozen=True)
class Measured:
    """A level of load with all that was seen meanwhile.

    Attributes:
        level: What was wanted.
        share: Of the capacity; a closed loop has none.
        result: What came of it.
        usage: What the service used.
        health: How `/health/live` was answered.
    """

    level: Level
    share: float | None
    result: Result
    usage: Usage
    health: Health

    @property
    def load(self) -> str:
        """As `4 users`, or `50%` of the capacity."""
        users = self.level.users
        return f"{users} user{'s' * (users > 1)}" if self.share is None else f"{self.share:.0%}"


def publish_all(levels: Sequence[Measured], what: str) -> None:
    """Print and keep all tables."""
    closed = [measured for measured in levels if measured.share is None]
    opened = [measured for measured in levels if measured.share is not None]
    publish(
        "load-closed",
        f"Closed loop, users without pause: {what}",
        [_closed_row(measured) for measured in closed],
        ["The highest tagged/s of a mix is its capacity."],
    )
    publish(
        "load-open",
        f"Open loop, by the clock, at shares of the capacity: {what}",
        [_open_row(measured) for measured in opened],
        [
            "Latencies count from the moment that each upload was due; p50 to p99 are of the "
            "tagged (200). Of few uploads p99 is the highest.",
        ],
    )
    publish(
        "load-answers",
        "Open loop: how many of each answer, and how many came from the cache",
        [_answers_row(measured) for measured in opened],
    )
    publish(
        "load-stages",
        "Open loop, s by stage of Server-Timing, of the tagged; a stage that was skipped is 0",
        [row for measured in opened for row in _stage_rows(measured)],
    )
    publish(
        "load-health",
        "Meanwhile: /health/live, asked every 50 ms",
        [_health_row(measured) for measured in levels],
    )
    publish(
        "load-usage",
        "Meanwhile: cores kept busy (1 is one core), highest memory (PSS) of all processes",
        [_usage_row(measured) for measured in levels],
        [
            "decoders are all processes below the server's. late p99: uploads left so long after "
            "they were due, as the client had no time for them or no free connection.",
        ],
    )


def _percentiles(uploads: Sequence[Upload]) -> dict[str, float | None]:
    seconds = latencies(uploads)
    return {f"p{percent} s": percentile(seconds, percent) for percent in PERCENTS}


def _closed_row(measured: Measured) -> Row:
    result = measured.result
    return {
        "mix": measured.level.mix,
        "users": measured.level.users,
        "tagged/s": result.tagged_a_second(),
        **_percentiles(result.of(OK)),
        "answers": result.answers,
        "cached": result.cached,
    }


def _open_row(measured: Measured) -> Row:
    result = measured.result
    return {
        "mix": measured.level.mix,
        "load": measured.load,
        "due/s": measured.level.rate,
        "tagged/s": result.tagged_a_second(measured.level.seconds),
        **_percentiles(result.of(OK)),
        "refused p99 s": percentile(latencies(result.of(*REFUSALS)), 99),
    }


def _answers_row(measured: Measured) -> Row:
    return {
        "mix": measured.level.mix,
        "load": measured.load,
        "answers": measured.result.answers,
        "cached": measured.result.cached,
    }


def _stage_rows(measured: Measured) -> list[Row]:
    tagged = measured.result.of(OK)
    stages = list(dict.fromkeys(stage for upload in tagged for stage in upload.stages))
    return [
        {
            "mix": measured.level.mix,
            "load": measured.load,
            "": f"p{percent}",
            **{
                stage: percentile([upload.stages.get(stage, 0.0) for upload in tagged], percent)
                for stage in stages
            },
        }
        for percent in PERCENTS
    ]


def _health_row(measured: Measured) -> Row:
    milliseconds = measured.health.milliseconds
    return {
        "mix": measured.level.mix,
        "load": measured.load,
        "asked": len(milliseconds),
        "errors": measured.health.errors,
        "p50 ms": percentile(milliseconds, 50),
        "p99 ms": percentile(milliseconds, 99),
        "max ms": percentile(milliseconds, 100),
    }


def _usage_row(measured: Measured) -> Row:
    usage, result = measured.usage, measured.result
    late = [upload.sent_s - upload.due_s for upload in result.uploads]
    return {
        "mix": measured.level.mix,
        "load": measured.load,
        "server": usage.server_cores,
        "decoders": usage.decoder_cores,
        "client": result.client_cores,
        "late p99 s": percentile(late, 99),
        "peak MiB": round(usage.peak_mib),
    }
