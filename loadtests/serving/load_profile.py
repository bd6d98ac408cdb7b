"""Types that the two processes of a load test exchange: a level of load, and its outcome."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

from loadtests.report import tally

OK, OVERLOADED, LIMITED = "200", "503", "429"
REFUSALS = (OVERLOADED, LIMITED)
MIXES = {"cold": 0.0, "cached": 1.0, "mixed": 0.5}
"""The share of the uploads that the service has analysed before."""


@dataclass(frozen=True)
class Level:
    """A level of load.

    Attributes:
        name: Unlike any other's; new tracks are made of it.
        mix: One of `MIXES`.
        seconds: For how long uploads begin.
        users: Of a closed loop: each uploads again as soon as it is answered.
        rate: Of an open loop: uploads a second, whatever is answered.
        flooders_share: Of the uploads; they are one client's, each of the others is another's.
    """

    name: str
    mix: str
    seconds: float
    users: int = 0
    rate: float = 0.0
    flooders_share: float = 0.0


@dataclass(frozen=True)
class Upload:
    """The outcome of one upload.

    Attributes:
        due_s: When it should have left, counted from the level's beginning.
        sent_s: When it left.
        ended_s: When its answer was complete.
        answer: Its status, or the error.
        flooders: Whether it was the flooder's.
        cached: Whether it was answered from the cache.
        stages: Seconds by stage, as `Server-Timing` names them.
    """

    due_s: float
    sent_s: float
    ended_s: float
    answer: str
    flooders: bool
    cached: bool
    stages: dict[str, float]


@dataclass(frozen=True)
class Result:
    """What came of a level.

    Attributes:
        uploads: In the order of their ends.
        client_cores: Cores that the client kept busy, on average.
    """

    uploads: list[Upload]
    client_cores: float

    def to_json(self) -> str:
        """For the pipe between the processes; without line breaks."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        fields = json.loads(text)
        return cls([Upload(**upload) for upload in fields["uploads"]], fields["client_cores"])

    def of(self, *answers: str) -> list[Upload]:
        """The uploads that were answered so."""
        return [upload for upload in self.uploads if upload.answer in answers]

    def tagged_a_second(self, least_s: float = 0.0) -> float:
        """Return tracks tagged per second, until the last one or for `least_s` if longer."""
        tagged = self.of(OK)
        return len(tagged) / max(least_s, tagged[-1].ended_s) if tagged else 0.0

    @property
    def answers(self) -> str:
        """How many there were of each answer."""
        return tally(upload.answer for upload in self.uploads)

    @property
    def cached(self) -> int:
        """How many were answered from the cache."""
        return sum(upload.cached for upload in self.uploads)

    @property
    def failed(self) -> bool:
        """Whether any upload got something else than tags or a refusal."""
        return any(upload.answer not in (OK, *REFUSALS) for upload in self.uploads)


def latencies(uploads: Sequence[Upload]) -> list[float]:
    """Seconds from the moment that each was due, including a late start."""
    return [upload.ended_s - upload.due_s for upload in uploads]


def percentile(values: Sequence[float], percent: float) -> float | None:
    """One of the values, none of none."""
    if not values:
        return None
    return round(float(np.percentile(values, percent, method="inverted_cdf")), 6)
