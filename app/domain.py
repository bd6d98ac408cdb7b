"""What the rooms hand one another. Plain, frozen, without behaviour that needs a library."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""(samples,), mono, nominally within -1..1."""

Frames = npt.NDArray[np.float32]
"""(frames, bins) as a rule; (frames,) of raw audio, (frames, bins, channels) of stacks."""

Windows = npt.NDArray[np.float32]
"""(windows, *window): the frames that a network hears at a time."""

Scores = npt.NDArray[np.float32]
"""(windows, tags), each within 0..1."""

Peaks = npt.NDArray[np.int8]
"""(PEAK_PAIRS, 2): the least and the greatest sample of equal stretches of a whole track."""

PEAK_PAIRS = 1_000
"""As many as a screen has points to draw them on."""

PEAK_FULL_SCALE = 127
"""The peak of a sample of 1; of -1 it is the negative."""


class Decoders(StrEnum):
    """Which decoder libraries an operator allows."""

    ALL = "all"
    SOUNDFILE = "soundfile"


class Backend(StrEnum):
    """What computes a network."""

    OPENVINO = "openvino"
    TENSORFLOW = "tensorflow"


class Precision(StrEnum):
    """What the network's arithmetic is done in; sums are float32 in any case."""

    BF16 = "bf16"
    FLOAT32 = "float32"


class Confidence(StrEnum):
    """How sure models are of what they heard."""

    HIGH = "high"
    LOW = "low"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Waveform:
    """Decoded audio.

    Attributes:
        samples: Mono samples.
        sample_rate: In Hz.
    """

    samples: Samples
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
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
    """What identifies a taggram: whose audio, heard by which model, computed how exactly."""

    track_id: str
    model: ModelRef
    precision: Precision


@dataclass(frozen=True, eq=False)
class Taggram:
    """What one model heard in one track, window by window: the result that all others derive from.

    Attributes:
        key: Whose audio, heard by which model.
        duration_s: Length of the track, as it was decoded.
        window_s: Length of a window.
        hop_s: Time between two windows' starts.
        scores: (windows, raw tags), rows in time order, columns in the model's order.
        peaks: The track's waveform, for drawing it.
        announced_s: Of a damaged file, how long it should be; None of one that is whole.
    """

    key: TaggramKey
    duration_s: float
    window_s: float
    hop_s: float
    scores: Scores
    peaks: Peaks
    announced_s: float | None = None


@dataclass(frozen=True)
class Stretch:
    """A part of a track in which a tag is heard, with its mean score there."""

    start_s: float
    end_s: float
    score: float


class Level(StrEnum):
    """What is suggested: a tag of the vocabulary, or a genre where no subgenre fits as well."""

    TAG = "tag"
    GENRE = "genre"


@dataclass(frozen=True)
class Suggestion:
    """A tag that describes the track, and the moments that support it, best first.

    Attributes:
        tag: Its name in the vocabulary.
        label: How it is shown, in English.
        level: Whether it is a tag or a genre.
        score: Over the whole track.
        heard_at: The moments.
    """

    tag: str
    label: str
    level: Level
    score: float
    heard_at: tuple[Stretch, ...]


@dataclass(frozen=True)
class ShownTag:
    """A suggestion as it was shown; one that was not accepted was rejected."""

    tag: str
    score: float
    accepted: bool


@dataclass(frozen=True)
class Feedback:
    """Suggestions and what became of them.

    Attributes:
        id: The page's own name for it: sent again, it is the same one.
        track_id: SHA-256 of the file, in hex.
        models: Those that were asked.
        vocabulary: Its name.
        vocabulary_version: Its version.
        pooling: How windows became a track.
        confidence: How sure the models were.
        shown: In the order in which they were shown.
        added: What the artist chose beside them.
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
