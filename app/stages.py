"""The stages of a request and a clock for them, for `Server-Timing` and the metrics."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class Stage(StrEnum):
    """A stage of the data path, in order.

    Decoding, waiting for the device and inference overlap, as inference begins before decoding
    ends. Their times add up to more than the time of the request.
    """

    RECEIVE = "receive"
    DECODE = "decode"
    QUEUE = "queue"
    INFER = "infer"
    DERIVE = "derive"


class StageClock:
    """The seconds that a request spent in each stage; repeated stages add up."""

    def __init__(self) -> None:
        self.seconds: dict[Stage, float] = {}

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Measure the time of the body, also if it raises."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.add(stage, time.monotonic() - start)

    def join(self, other: "StageClock") -> None:
        """Add the times of another clock."""
        for stage, seconds in other.seconds.items():
            self.add(stage, seconds)

    def add(self, stage: Stage, seconds: float) -> None:
        """Add a time to a stage."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
