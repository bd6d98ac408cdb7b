"""The interface of all engines: a loaded model that scores windows."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from app.domain import Backend, ModelRef, Outputs, Precision, Waveform, Windows
from app.front_ends import WindowSpec
from app.inference.features import FeatureExtractor, make_stream


class Engine(ABC):
    """A loaded model that is ready for inference.

    Attributes:
        ref: The model.
        backend: The library that runs it.
        precision: The arithmetic that it uses.
        batch_windows: Its preferred batch size, in windows.
        window_spec: Its windows.
        extractor: Computes its frames; None if the engine computes them from the waveform.
        embedding: The width of the embedding that follows its scores; 0 without.
        backbone: For a head, the model with the embedding that is its input instead of frames.
        input_shape: The shape of its input for one window.
        overlaps: Whether it may score two batches at the same time, and is faster so.
    """

    backend: Backend
    embedding: int = 0
    backbone: ModelRef | None = None
    overlaps: bool = False

    def __init__(
        self,
        ref: ModelRef,
        precision: Precision,
        batch_windows: int,
        window_spec: WindowSpec,
        extractor: FeatureExtractor | None,
    ) -> None:
        self.ref = ref
        self.precision = precision
        self.batch_windows = batch_windows
        self.window_spec = window_spec
        self.extractor = extractor
        self.input_shape = window_spec.window_shape

    @abstractmethod
    def score(self, windows: Windows) -> Outputs:
        """Score a batch of windows, which may belong to several tracks.

        Args:
            windows: (windows, *input_shape) float32.

        Returns:
            (windows, tags + embedding) float32.
        """

    def scores(self, waveform: Waveform) -> Outputs:
        """Score a whole track; `WindowSpec` says where its windows start.

        Returns:
            (windows, tags + embedding) float32.

        Raises:
            ValueError: The waveform is not at the model's sample rate.
        """
        return np.concatenate([self.score(batch) for batch in self._batches(waveform)])

    def mean(self, waveform: Waveform) -> Outputs:
        """Return the mean of a track's whole windows, as golden scores are computed.

        Returns:
            (tags + embedding,) float32.

        Raises:
            ValueError: As for `scores`.
        """
        scores = [self.score(batch) for batch in self._whole_batches(waveform)]
        mean: Outputs = np.concatenate(scores).mean(axis=0)
        return mean

    def _whole_batches(self, waveform: Waveform) -> Iterator[Windows]:
        """Yield the windows of a track in batches, without one that ends with the track."""
        left = self.window_spec.whole_windows(len(waveform.samples))
        for batch in self._batches(waveform):
            if left:
                yield batch[:left]
            left -= len(batch[:left])

    def _batches(self, waveform: Waveform) -> Iterator[Windows]:
        """Yield the windows of a whole track, in batches."""
        sample_rate = self.window_spec.front.sample_rate
        if waveform.sample_rate != sample_rate:
            raise ValueError(
                f"{self.ref}: the waveform has {waveform.sample_rate} Hz; expected {sample_rate} Hz"
            )
        stream = make_stream(self.extractor, [self.window_spec])
        for _, piece in stream.pieces(waveform.samples, complete=True):
            for start in range(0, len(piece), self.batch_windows):
                yield piece[start : start + self.batch_windows]

    def warm_up(self) -> None:
        """Score batches of doubling sizes, so that few kernels are compiled under load."""
        smaller = (1 << power for power in range(self.batch_windows.bit_length()))
        for size in {*smaller, self.batch_windows}:
            self.score(np.zeros((size, *self.input_shape), np.float32))


def windows_of(audio_s: float, window_spec: WindowSpec) -> int:
    """Return the number of windows in `audio_s` seconds of audio, at least one."""
    return max(1, round(audio_s / window_spec.window_s))
