"""Turns a waveform into windows, piece by piece while the track is being decoded.

A window is the frames that a network scores, or the stretch of the waveform that these frames
depend on, for engines that compute the frames themselves.
"""

from collections.abc import Collection, Iterator
from typing import Literal, Protocol

import numpy as np

from app.domain import Frames, Samples, Windows
from app.front_ends import FrontEnd, WindowSpec
from app.samples import pad_time
from app.spectra import Padding

FIRST_PIECE_S = 3.5
"""As soon as there is a window of three seconds, cores need not wait for the decoder."""

MIN_PIECE_S, MAX_PIECE_S = 12.0, 96.0
"""Smaller pieces spend more time on calls than on arithmetic; larger ones need megabytes and make
the network wait."""


PADDINGS: dict[Padding, Literal["reflect", "constant"]] = {
    Padding.REFLECT: "reflect",
    Padding.ZERO: "constant",
}
"""NumPy's names."""


class FeatureExtractor(Protocol):
    """Computes frames.

    Attributes:
        front: The front end.
    """

    front: FrontEnd

    def frames(self, track: Samples, first: int, last: int) -> Frames:
        """Compute the frames `first` to `last`, the latter excluded.

        Args:
            track: (samples, *front.sample_shape) at the front end's sample rate, padded beyond its
                ends.
            first: Index of the first frame.
            last: Index behind the last frame.

        Returns:
            (frames, *front.shape) float32.
        """


class WindowStream:
    """The windows of one track, in order, as its samples arrive.

    Models with the same front end share its frames; each cuts its own windows out of them.
    """

    def __init__(self, extractor: FeatureExtractor, window_specs: Collection[WindowSpec]) -> None:
        self._extractor = extractor
        self._made = 0
        self._cutters = [_Cutter(window_spec) for window_spec in window_specs]

    def pieces(self, track: Samples, *, complete: bool) -> Iterator[tuple[WindowSpec, Windows]]:
        """Yield the new windows of the samples so far, in pieces that bound memory.

        A window that ends with the track follows the whole ones if they leave a rest; see
        `WindowSpec`. A complete track that is shorter than a window is filled up to one.

        Args:
            track: All samples so far, (samples,), or (samples, 2) for a stereo front end.
            complete: Whether the track is fully decoded.

        Yields:
            A window spec and its next windows, (windows, frames, bins).
        """
        front = self._extractor.front
        count = front.frames(len(track)) if complete else front.settled_frames(len(track))
        least = _frames(front, MIN_PIECE_S if self._made else FIRST_PIECE_S)
        most = _frames(front, MAX_PIECE_S)
        while count - self._made >= (1 if complete else least):
            last = min(self._made + most, count)
            frames = self._extractor.frames(track, self._made, last)
            self._made = last
            for cutter in self._cutters:
                if len(windows := cutter.cut(frames)):
                    yield cutter.window_spec, windows
        if complete:
            for cutter in self._cutters:
                yield from self._last(track, count, cutter.window_spec)

    def _last(
        self, track: Samples, count: int, window_spec: WindowSpec
    ) -> Iterator[tuple[WindowSpec, Windows]]:
        """Yield the window that ends with the track, or the only one of a shorter track."""
        start, length = window_spec.last_start(count), window_spec.window_frames
        if count < length:
            start, track = 0, window_spec.fill(track)
        if start is not None:
            yield window_spec, self._extractor.frames(track, start, start + length)[np.newaxis]


class WaveformStream:
    """The windows of one track, in order, as stretches of its waveform, as its samples arrive.

    Each stretch has the samples that the frames of its window depend on, those beyond its edges
    too. So these frames are those of the whole track; only at its ends they depend on padding.
    """

    def __init__(self, window_specs: Collection[WindowSpec]) -> None:
        self._made = dict.fromkeys(window_specs, 0)

    def pieces(self, track: Samples, *, complete: bool) -> Iterator[tuple[WindowSpec, Windows]]:
        """Yield the new windows of the samples so far; see `WindowStream.pieces`.

        Yields:
            A window spec and its next windows, (windows, samples, *front.sample_shape): views of
            the track, except at its ends.
        """
        for window_spec in self._made:
            front = window_spec.front
            frames = front.frames(len(track)) if complete else front.settled_frames(len(track))
            count = window_spec.windows(frames)
            most = max(1, int(MAX_PIECE_S / window_spec.hop_s))
            while (made := self._made[window_spec]) < count:
                self._made[window_spec] = last = min(made + most, count)
                first = made * window_spec.hop_frames
                yield window_spec, _stretches(track, window_spec, first, last - made)
            if complete and not count:
                yield window_spec, _stretches(window_spec.fill(track), window_spec, 0, 1)
            elif complete and (start := window_spec.last_start(frames)) is not None:
                yield window_spec, _stretches(track, window_spec, start, 1)


def make_stream(
    extractor: FeatureExtractor | None, window_specs: Collection[WindowSpec]
) -> WindowStream | WaveformStream:
    """Return the windows of one track, as frames, or without an extractor as stretches.

    Args:
        extractor: Computes the frames.
        window_specs: The windows of its models, all of the same front end.
    """
    return WindowStream(extractor, window_specs) if extractor else WaveformStream(window_specs)


def cut_part(front: FrontEnd, track: Samples, first: int, last: int) -> Samples:
    """Return the samples that frames are computed from; those beyond the ends are padded.

    Args:
        front: The front end.
        track: (samples, *front.sample_shape).
        first: Index of the first frame.
        last: Index behind the last frame.
    """
    start = first * front.hop - front.margin
    end = start + (last - 1 - first) * front.hop + front.reach
    return padded_part(track, start, end, front.padding)


def padded_part(track: Samples, start: int, end: int, padding: Padding) -> Samples:
    """Return the samples `start` to `end` of a track that is padded beyond its ends."""
    before, after = max(0, -start), max(0, end - len(track))
    if not before and not after:
        return track[start:end]
    # Reflection does not repeat the last sample, so it needs one more sample than it adds. At the
    # first one this does not matter: a Hann window begins with 0.
    lead = min(1, max(0, start))
    part = track[max(0, start) - lead : end]
    return pad_time(part, before, after, PADDINGS[padding])[lead:]


def _stretches(track: Samples, window_spec: WindowSpec, frame: int, count: int) -> Windows:
    """Return `count` windows, the first of which starts with a frame.

    (windows, samples, *front.sample_shape).
    """
    front, length = window_spec.front, window_spec.reach
    hop = window_spec.hop_frames * front.hop
    start = frame * front.hop - front.margin
    part = padded_part(track, start, start + (count - 1) * hop + length, front.padding)
    return _views(part, length, hop)


class _Cutter:
    """Cuts frames that come in pieces into windows, which may overlap."""

    def __init__(self, window_spec: WindowSpec) -> None:
        self.window_spec = window_spec
        self._rest: Frames | None = None

    def cut(self, piece: Frames) -> Windows:
        """Return the windows that end in this piece; views of it if none began earlier.

        Args:
            piece: (frames, bins), the next frames of the track.

        Returns:
            (windows, frames, bins).
        """
        length, hop = self.window_spec.window_frames, self.window_spec.hop_frames
        frames = piece if self._rest is None else np.concatenate([self._rest, piece])
        count = self.window_spec.windows(len(frames))
        self._rest = frames[count * hop :]
        if not count:
            return frames[:0]
        return _views(frames, length, hop)


def _views(frames: Frames, length: int, hop: int) -> Windows:
    """Return views of `length` frames, or samples, that start a hop apart, (views, length, ...)."""
    views = np.lib.stride_tricks.sliding_window_view(frames, length, axis=0)[::hop]
    return np.moveaxis(views, -1, 1)


def _frames(front: FrontEnd, seconds: float) -> int:
    return round(seconds * front.sample_rate / front.hop)
