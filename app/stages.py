"""The stages of a request and a clock for them: what `Server-Timing` and the histograms show."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class Stage(StrEnum):
    """A stage of the data path, in its order.

    Decoding, waiting for the device and inference overlap: a track is heard while the rest of it is
    being decoded, so that they add up to more than the request took.
    """

    RECEIVE = "receive"
    DECODE = "decode"
    QUEUE = "queue"
    INFER = "infer"
    DERIVE = "derive"


class StageClock:
    """Seconds that one request spent in each stage; a stage entered twice adds up."""

    def __init__(self) -> None:
        self.seconds: dict[Stage, float] = {}

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Time the body, also where it fails."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.add(stage, time.monotonic() - start)

    def join(self, other: "StageClock") -> None:
        """Add all that another clock measured."""
        for stage, seconds in other.seconds.items():
            self.add(stage, seconds)

    def add(self, stage: Stage, seconds: float) -> None:
        """Add a time measured elsewhere."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
