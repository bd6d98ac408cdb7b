"""The estimated cost of decoding and scoring a file, for admission control."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

USUAL_SAMPLES = 96_000
"""Samples of all channels in a second of usual music: 48 kHz stereo."""

DECODING_SHARE = 0.1
"""Share of decoding in the cost of such a second; FLAC takes .4 of about 5 ms."""


@dataclass(eq=False)
class Work:
    """The work for one file: decoding records it, admission control plans by it.

    Attributes:
        client: The client that sent the file.
        audio_s: Estimated duration, in seconds: by its size, later by its header.
        load: Cost of a second of it, in seconds of usual audio.
        decoded_s: Duration decoded so far, in seconds.
        longest_s: Longest duration that is decoded, in seconds.
        inferred_share: Returns which share of the decoded audio is scored.
    """

    client: str = ""
    audio_s: float = 0.0
    load: float = 1.0
    decoded_s: float = 0.0
    longest_s: float = math.inf
    inferred_share: Callable[[], float] = field(default=lambda: 1.0)

    def read_header(self, length_s: float | None, sample_rate: int, channels: int) -> None:
        """Refine the estimate by a file's header.

        Args:
            length_s: Its duration in seconds; None if the header has none.
            sample_rate: In Hz.
            channels: The number of channels.
        """
        excess = max(0.0, sample_rate * channels / USUAL_SAMPLES - 1)
        self.load = 1 + DECODING_SHARE * excess
        if length_s is not None:
            self.audio_s = min(length_s, self.longest_s)

    @property
    def announced_s(self) -> float:
        """Return the estimated cost of the file, in seconds of usual audio."""
        return self.audio_s * self.load

    @property
    def done_s(self) -> float:
        """Return the cost so far, in seconds of usual audio."""
        return self.decoded_s * self.load

    @property
    def left_s(self) -> float:
        """Return the estimated cost of the rest, in seconds of usual audio."""
        return max(0.0, self.announced_s - self.done_s * self.inferred_share())
