"""What a file costs to decode and to hear, as far as it is known by now."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

USUAL_SAMPLES = 96_000
"""Of all channels in a second of music: 48 kHz stereo."""

DECODING_SHARE = 0.1
"""What decoding such a second costs, of all that is done for it; FLAC takes .4 of some 5 ms."""


@dataclass(eq=False)
class Work:
    """What is done for one file: decoding notes it here, admission plans by it.

    Attributes:
        client: For whom.
        audio_s: How much audio it seems to hold; the header says more than the size.
        load: What a second of it costs, in seconds of usual audio.
        decoded_s: How much is decoded.
        longest_s: No file is read further.
        inferred_share: Tells how much of what is decoded the models are done with.
    """

    client: str = ""
    audio_s: float = 0.0
    load: float = 1.0
    decoded_s: float = 0.0
    longest_s: float = math.inf
    inferred_share: Callable[[], float] = field(default=lambda: 1.0)

    def read_header(self, length_s: float | None, sample_rate: int, channels: int) -> None:
        """Take over what a file's header says; the length is none where it says nothing."""
        more = max(0.0, sample_rate * channels / USUAL_SAMPLES - 1)
        self.load = 1 + DECODING_SHARE * more
        if length_s is not None:
            self.audio_s = min(length_s, self.longest_s)

    @property
    def announced_s(self) -> float:
        """What it should cost, in seconds of usual audio."""
        return self.audio_s * self.load

    @property
    def done_s(self) -> float:
        """What it did cost by now."""
        return self.decoded_s * self.load

    @property
    def left_s(self) -> float:
        """What it will still cost."""
        return max(0.0, self.announced_s - self.done_s * self.inferred_share())
