"""Data types that the packages exchange: frozen, and without behaviour that needs a library."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""(samples,), mono, or (samples, 2), stereo, nominally within -1..1."""

Frames = npt.NDArray[np.float32]
"""(frames, bins); (frames,) or (frames, 2) for raw audio; (frames, bins, resolutions) for several
FFT lengths."""

Windows = npt.NDArray[np.float32]
"""(windows, *window): the frames of each window, the input of a network; or for engines that
compute the frames, (windows, samples) or in stereo (windows, samples, 2)."""

Times = npt.NDArray[np.float64]
"""(windows,), in seconds."""

Scores = npt.NDArray[np.float32]
"""(windows, tags), each within 0..1."""

Outputs = npt.NDArray[np.float32]
"""(windows, tags + embedding): the scores, then the embedding of a model that has one."""

Peaks = npt.NDArray[np.int8]
"""(PEAK_PAIRS, 2): the minimum and maximum sample of equal stretches of a track."""

PEAK_PAIRS = 1_000
"""About the width of a drawn waveform in pixels."""

PEAK_FULL_SCALE = 127
"""The peak value of a sample of 1; a sample of -1 has the negative value."""


class Decoders(StrEnum):
    """The decoder libraries that an operator allows."""

    ALL = "all"
    SOUNDFILE = "soundfile"


class Backend(StrEnum):
    """The inference engine that runs a network."""

    OPENVINO = "openvino"
    TENSORFLOW = "tensorflow"


class Precision(StrEnum):
    """The arithmetic precision of a network.

    With `int8` only the largest layers compute in 8 bits (`app.inference.quantisation`), where sums
    are exact. All other sums are float32.
    """

    BF16 = "bf16"
    INT8 = "int8"
    FLOAT32 = "float32"


class EngineCheck(StrEnum):
    """The result of trying an engine with the golden input of a model.

    A `slow` engine computes the published scores, but fewer seconds of audio per second than a
    service needs. A `failed` one can't be built or run.
    """

    PASSED = "passed"
    SLOW = "slow"
    FAILED = "failed"
    WRONG_SCORES = "wrong_scores"


class Confidence(StrEnum):
    """The confidence that a track is music that the models know."""

    HIGH = "high"
    LOW = "low"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Waveform:
    """Decoded audio.

    Attributes:
        samples: (samples,) float32, mono, or (samples, 2), stereo.
        sample_rate: In Hz.
    """

    samples: Samples
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Return the length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, order=True)
class ModelRef:
    """A published model: a name and the version that its scores belong to."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class TaggramKey:
    """The identity of a taggram: the track, the model and the precision."""

    track_id: str
    model: ModelRef
    precision: Precision


@dataclass(frozen=True, eq=False)
class Taggram:
    """The scores of one model for each window of one track.

    Attributes:
        key: The track, the model and the precision.
        duration_s: Length of the decoded track, in seconds.
        window_s: Length of a window, in seconds.
        hop_s: Time between the starts of two windows, in seconds.
        scores: (windows, raw tags) float32, rows in time order, columns in the model's order.
        peaks: (PEAK_PAIRS, 2) int8, the track's waveform, for drawing it.
        announced_s: For a damaged file, the duration in its header, in seconds; otherwise None.
        last_s: The start of the last window, in seconds, if it ends with the track and so starts
            less than a hop after the one before; otherwise None.
        embedding: The mean embedding over the windows, (dimensions,) float32, if the engine has
            one and the taggram comes from an inference; caches in Redis leave it out.
    """

    key: TaggramKey
    duration_s: float
    window_s: float
    hop_s: float
    scores: Scores
    peaks: Peaks
    announced_s: float | None = None
    last_s: float | None = None
    embedding: Samples | None = None

    @property
    def starts_s(self) -> Times:
        """Return the start of each window in seconds, (windows,)."""
        starts_s: Times = np.arange(len(self.scores), dtype=np.float64) * self.hop_s
        if self.last_s is not None:
            starts_s[-1] = self.last_s
        return starts_s


@dataclass(frozen=True)
class Stretch:
    """A part of a track that supports a tag.

    Attributes:
        start_s: Its start, in seconds.
        end_s: Its end, in seconds.
        score: The tag's mean score in it.
    """

    start_s: float
    end_s: float
    score: float


class Level(StrEnum):
    """Whether a suggestion is a tag of the vocabulary, or a genre if no subgenre fits as well."""

    TAG = "tag"
    GENRE = "genre"


@dataclass(frozen=True)
class Suggestion:
    """A tag that describes the track, and the moments that support it, best first.

    Attributes:
        tag: Its name in the vocabulary.
        label: Its English display name.
        level: Whether it is a tag or a genre.
        score: Its score over the whole track.
        heard_at: The moments that support it.
    """

    tag: str
    label: str
    level: Level
    score: float
    heard_at: tuple[Stretch, ...]


@dataclass(frozen=True)
class ShownTag:
    """A suggestion that was shown, and whether it was accepted or rejected."""

    tag: str
    score: float
    accepted: bool


@dataclass(frozen=True)
class Feedback:
    """An artist's feedback on suggestions.

    Attributes:
        id: Chosen by the page; feedback sent again has the same id.
        track_id: SHA-256 of the file, in hex.
        models: The models of the suggestions.
        vocabulary: The name of the vocabulary.
        vocabulary_version: The version of the vocabulary.
        pooling: How the scores of windows became the score of the track.
        confidence: The confidence of the suggestions.
        shown: The suggestions, in the order in which they were shown.
        added: Tags that the artist added.
    """

    id: UUID
    track_id: str
    models: tuple[ModelRef, ...]
    vocabulary: str
    vocabulary_version: str
    pooling: str
    confidence: Confidence
    shown: tuple[ShownTag, ...]
    added: tuple[str, ...]


class Outcome(StrEnum):
    """What became of a recommended curator who was sent a track."""

    SENT = "sent"
    DECLINED = "declined"
    FEEDBACK = "feedback"
    AGREED = "agreed"
    SHARED = "shared"


@dataclass(frozen=True)
class CuratorOutcome:
    """What became of one recommended curator.

    Attributes:
        curator_id: The platform's id.
        position: The place in the list that the artist saw, from 1.
        propensity: The probability with which the curator was recommended, above 0.
        outcome: What became of it so far.
        track_id: SHA-256 of the track that was sent; None if unknown.
    """

    curator_id: str
    position: int
    propensity: float
    outcome: Outcome
    track_id: str | None


@dataclass(frozen=True)
class RecommendationFeedback:
    """What became of the curators that were recommended to an artist.

    Attributes:
        id: Chosen by the client; feedback on recommendations with the same id counts once.
        recommendation_id: The id in the answer that recommended the curators.
        recommender: What recommended them.
        artist_id: The platform's id.
        outcomes: The outcomes, each curator once.
    """

    id: UUID
    recommendation_id: UUID
    recommender: ModelRef
    artist_id: str
    outcomes: tuple[CuratorOutcome, ...]
