"""What runs a model: the one thing that the rooms above know of it."""

from abc import ABC, abstractmethod

import numpy as np

from app.domain import Backend, ModelRef, Precision, Scores, Waveform, Windows
from app.front_ends import WindowSpec
from app.inference.features import FeatureExtractor, WindowStream


class Engine(ABC):
    """A loaded model, ready to hear.

    Attributes:
        ref: The model.
        backend: What computes it.
        precision: In which arithmetic.
        batch_windows: How many windows at a time suit it.
        window_spec: How it hears.
        extractor: Makes its frames.
    """

    backend: Backend

    def __init__(
        self,
        ref: ModelRef,
        precision: Precision,
        batch_windows: int,
        window_spec: WindowSpec,
        extractor: FeatureExtractor,
    ) -> None:
        self.ref = ref
        self.precision = precision
        self.batch_windows = batch_windows
        self.window_spec = window_spec
        self.extractor = extractor

    @abstractmethod
    def score(self, windows: Windows) -> Scores:
        """Score a batch of windows, of whichever tracks: (windows, tags)."""

    def scores(self, waveform: Waveform) -> Scores:
        """Score a whole track: (windows, tags). One shorter than a window is repeated to fill it.

        Raises:
            ValueError: The waveform is not at the model's sample rate.
        """
        sample_rate = self.window_spec.front.sample_rate
        if waveform.sample_rate != sample_rate:
            raise ValueError(f"{self.ref} hears {sample_rate} Hz, not {waveform.sample_rate} Hz")
        stream = WindowStream(self.extractor, [self.window_spec])
        return np.concatenate(
            [
                self.score(piece[start : start + self.batch_windows])
                for _, piece in stream.pieces(waveform.samples, complete=True)
                for start in range(0, len(piece), self.batch_windows)
            ]
        )

    def warm_up(self) -> None:
        """Hear batches of doubling sizes, so that hardly a kernel is left to be made under load."""
        smaller = (1 << power for power in range(self.batch_windows.bit_length()))
        for size in {*smaller, self.batch_windows}:
            self.score(np.zeros((size, *self.window_spec.window_shape), np.float32))


def windows_of(audio_s: float, window_spec: WindowSpec) -> int:
    """How many windows so many seconds of audio are, one at least."""
    return max(1, round(audio_s / window_spec.window_s))
