"""Waveform to windows of log-melgram, piece by piece while a track is still being decoded."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.domain import FrontEnd, Samples, Windows

MIN_PIECE_WINDOWS, MAX_PIECE_WINDOWS = 4, 32
"""Smaller pieces cost more in calls than in arithmetic; larger ones need half a megabyte a window
and let the network wait."""


@dataclass(frozen=True)
class Framing:
    """How a model hears: all models with the same framing share the work.

    Attributes:
        front: Waveform to melgram.
        window_frames: Length of a window.
        hop_frames: Distance of two windows' starts.
    """

    front: FrontEnd
    window_frames: int
    hop_frames: int

    @property
    def window_samples(self) -> int:
        """The shortest waveform that has a window."""
        return self.front.samples(self.window_frames)

    @property
    def window_s(self) -> float:
        """Length of a window in seconds."""
        return self.window_frames * self.front.hop / self.front.sample_rate

    @property
    def hop_s(self) -> float:
        """Time between two windows' starts in seconds."""
        return self.hop_frames * self.front.hop / self.front.sample_rate

    def count(self, samples: int, *, complete: bool) -> int:
        """How many windows can be made of the first `samples` samples of a track.

        While more may come, a window must not reach into the margin that a track's end gets.
        """
        margin = 0 if complete else self.front.n_fft // 2
        frames = 1 + (samples - margin) // self.front.hop
        return max(0, 1 + (frames - self.window_frames) // self.hop_frames)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where the samples that the windows `first` up to `last` need begin and end."""
        margin = self.front.n_fft // 2
        frame = (last - 1) * self.hop_frames + self.window_frames - 1
        return (
            first * self.hop_frames * self.front.hop - margin,
            frame * self.front.hop + margin,
        )


class Melgrams(Protocol):
    """Makes windows of log-melgram.

    Attributes:
        framing: How.
    """

    framing: Framing

    def make(self, track: Samples, first: int, last: int) -> Windows:
        """The windows `first` up to `last`; beyond a track's ends is its reflection."""


class MelgramStream:
    """The windows of one track, in order, as its samples arrive."""

    def __init__(self, melgrams: Melgrams) -> None:
        self._melgrams = melgrams
        self._made = 0

    def pieces(self, track: Samples, *, complete: bool) -> Iterator[Windows]:
        """Yield the windows that can be made by now, in pieces that bound memory.

        A track that is complete and shorter than a window is repeated to fill it, as the reference
        does; a trailing partial window is dropped.

        Args:
            track: All of its samples so far.
            complete: Whether no more will come.
        """
        framing = self._melgrams.framing
        if complete and len(track) < framing.window_samples:
            track = np.resize(track, framing.window_samples)
        count = framing.count(len(track), complete=complete)
        while count - self._made >= (1 if complete else MIN_PIECE_WINDOWS):
            last = min(self._made + MAX_PIECE_WINDOWS, count)
            windows = self._melgrams.make(track, self._made, last)
            self._made = last
            yield windows
