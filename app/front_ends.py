"""Front ends as data: how a waveform becomes the frames that are the input of a network.

    waveform -> standardised -> band-pass -> envelope -> spectrum (see `app.spectra`) -> frames
      -> windows

Without a spectrum the samples themselves are the frames, for sample-level networks, mono or
stereo. The standardisation, the band-pass and the envelope are optional in both cases.
`app.models.front_end` builds layers from this.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.constant_q import ConstantQ
from app.ranges import LARGEST, check_positive
from app.samples import Samples, ShortTrack, sample_shape
from app.spectra import Chroma, LogFrequency, Mel, Padding, Spectrum, Standardisation

Times = npt.NDArray[np.float64]

LARGEST_ARRAY = 2**24
"""The most elements of a window, of its Fourier transforms, or of a filterbank: 64 MiB."""

LEAST_REST = 0.1
"""The longest rest of a track behind its whole windows that is not scored, in hops. A frame more
than whole windows have, as of centred frames, is no reason for a window."""

BAND_PASS_TAPS = 1025
"""Length of the band-pass filter: at 16 kHz its transition bands are about 50 Hz wide."""


@dataclass(frozen=True)
class BandPass:
    """A band-pass filter (linear phase, Hamming window).

    Attributes:
        f_min: Lower edge, in Hz.
        f_max: Upper edge, in Hz.
    """

    f_min: float
    f_max: float


@dataclass(frozen=True)
class FrontEnd:
    """How a waveform becomes frames.

    Attributes:
        sample_rate: In Hz.
        spectrum: How a frame is computed; without it, a frame is a sample.
        band_pass: The filter before the spectrum, if any.
        standardised: The standardisation of the samples before all else, with one mean and one
            deviation, for networks that were trained on samples beyond -1 to 1.
        envelope: The odd number of samples around each over which its magnitude is averaged, if
            the smoothed envelope shall take the place of the samples.
        channels: 1 for mono, 2 for stereo, which needs a network that takes samples.
    """

    sample_rate: int
    spectrum: Spectrum | None = None
    band_pass: BandPass | None = None
    standardised: Standardisation | None = None
    envelope: int | None = None
    channels: int = 1

    def __post_init__(self) -> None:
        check_positive(sample_rate=self.sample_rate)
        if self.channels not in ((1,) if self.spectrum else (1, 2)):
            raise ValueError(
                f"channels: {self.channels} is not valid; give 1 for mono, or, without a spectrum, "
                "2 for stereo"
            )
        if self.envelope is not None and not (0 < self.envelope < LARGEST and self.envelope % 2):
            raise ValueError(
                f"envelope: {self.envelope} is not valid; give an odd number of samples"
            )
        self._check_filters()
        if self.spectrum and self.spectrum.filterbank > LARGEST_ARRAY:
            raise ValueError(
                f"bands, n_fft: the filterbank has {self.spectrum.filterbank:,} elements; at most "
                f"{LARGEST_ARRAY:,} are allowed"
            )
        if self.standardised and len(self.standardised.mean) != 1:
            raise ValueError(
                f"standardised: there are {len(self.standardised.mean)} means and deviations of "
                "the samples; give 1"
            )
        nyquist = self.sample_rate / 2
        for name, edges in self._edges().items():
            if not 0 <= edges[0] < edges[1] <= nyquist:
                raise ValueError(
                    f"{name}: {edges[0]:g} to {edges[1]:g} Hz is not a range within 0 to "
                    f"{nyquist:g} Hz, half the sample rate"
                )

    @property
    def hop(self) -> int:
        """Return the samples between the starts of two frames."""
        return self.spectrum.hop if self.spectrum else 1

    @property
    def work_a_sample(self) -> float:
        """Return the elements that the Fourier transforms compute for each sample; 1 without."""
        return max(1.0, sum(self.spectrum.n_fft) / self.hop) if self.spectrum else 1.0

    @property
    def reach(self) -> int:
        """Return the samples of the (padded) waveform that a frame depends on."""
        return self._length + self._filter - 1 + 2 * self._delta_margin

    @property
    def margin(self) -> int:
        """Return the samples that a track is padded with at each end."""
        centring = self._length // 2 if self.spectrum and self.spectrum.centred else 0
        return centring + self._filter // 2 + self._delta_margin

    @property
    def padding(self) -> Padding:
        """Return how a track is padded at its ends."""
        return self.spectrum.padding if self.spectrum else Padding.REFLECT

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of a frame: `sample_shape`, (bins,), or (bins, resolutions)."""
        if self.spectrum is None:
            return self.sample_shape
        resolutions = len(self.spectrum.n_fft)
        height = self.spectrum.height
        return (height,) if resolutions == 1 else (height, resolutions)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Return the shape of a sample of a track: () if it is mono, or (2,)."""
        return sample_shape(self.channels)

    def samples(self, frames: int) -> int:
        """Return the least number of samples that give `frames` frames."""
        return (frames - 1) * self.hop + self.reach - 2 * self.margin

    def frames(self, samples: int) -> int:
        """Return the number of frames of a whole track of `samples` samples."""
        return max(0, 1 + (samples + 2 * self.margin - self.reach) // self.hop)

    def settled_frames(self, samples: int) -> int:
        """Return the number of frames that don't depend on the padding at the end.

        These frames stay the same if more samples follow.
        """
        return max(0, 1 + (samples + self.margin - self.reach) // self.hop)

    @property
    def _length(self) -> int:
        return self.spectrum.longest_window if self.spectrum else 1

    @property
    def _filter(self) -> int:
        return (BAND_PASS_TAPS if self.band_pass else 1) + (self.envelope or 1) - 1

    @property
    def _delta_margin(self) -> int:
        return self.spectrum.delta_margin if self.spectrum else 0

    def _check_filters(self) -> None:
        match self.spectrum:
            case Spectrum(bands=ConstantQ() as bands, n_fft=(length,)):
                longest = bands.longest_filter(self.sample_rate)
                if length < longest:
                    raise ValueError(
                        f"n_fft: the filter of {bands.pitch_min:g} Hz has {longest:,} samples; "
                        f"give at least {longest}, not {length}"
                    )

    def _edges(self) -> dict[str, tuple[float, float]]:
        edges = {}
        if self.band_pass:
            edges["band_pass"] = (self.band_pass.f_min, self.band_pass.f_max)
        match self.spectrum.bands if self.spectrum else None:
            case Mel(f_min=f_min, f_max=f_max):
                edges["bands"] = (f_min, f_max)
            case LogFrequency(n_bins, bins_per_octave, pitch_min):
                edges["bands"] = (pitch_min, pitch_min * 2 ** (n_bins / bins_per_octave))
            case ConstantQ(edges=band):
                edges["bands"] = band
            case Chroma() | None:
                pass
        return edges


@dataclass(frozen=True)
class WindowSpec:
    """How the frames of a front end are cut into the windows that a model scores.

    Whole windows start a hop apart. A window that ends with the track scores the rest behind them,
    and overlaps with the window before (`python -m loadtests.quality.track_end`).

    Attributes:
        front: The front end.
        window_frames: Length of a window, in frames.
        hop_frames: Frames between the starts of two windows.
        short_track: How a track that is shorter than a window fills one.
    """

    front: FrontEnd
    window_frames: int
    hop_frames: int
    short_track: ShortTrack = ShortTrack.REPEAT

    def __post_init__(self) -> None:
        check_positive(window_frames=self.window_frames, hop_frames=self.hop_frames)
        if self.hop_frames > self.window_frames:
            raise ValueError(
                f"hop_frames: {self.hop_frames} is larger than window_frames, "
                f"{self.window_frames}: frames between two windows would not be analysed"
            )
        elements = max(math.prod(self.window_shape), self.window_samples * self.front.work_a_sample)
        if elements > LARGEST_ARRAY:
            raise ValueError(
                f"window_frames: a window of {self.window_frames:,} frames has {elements:,.0f} "
                f"elements; at most {LARGEST_ARRAY:,} are allowed"
            )

    @property
    def window_shape(self) -> tuple[int, ...]:
        """Return the shape of a window: usually (frames, bins); see `FrontEnd.shape`."""
        return (self.window_frames, *self.front.shape)

    @property
    def window_samples(self) -> int:
        """Return the samples of the shortest waveform that has a window."""
        return self.front.samples(self.window_frames)

    @property
    def reach(self) -> int:
        """Return the samples of the (padded) waveform that a window depends on."""
        return self.window_samples + 2 * self.front.margin

    @property
    def stretch_shape(self) -> tuple[int, ...]:
        """Return the shape of the waveform that a window depends on: (reach, *sample_shape)."""
        return (self.reach, *self.front.sample_shape)

    def windows(self, frames: int) -> int:
        """Return the number of windows in `frames` frames that start a hop apart."""
        return max(0, 1 + (frames - self.window_frames) // self.hop_frames)

    def last_start(self, frames: int) -> int | None:
        """Return the first frame of the window that ends with a track and scores its rest.

        Args:
            frames: Of the whole track.

        Returns:
            The frame; None if the rest is too short, or the track is shorter than a window.
        """
        start = frames - self.window_frames
        rest = start - (self.windows(frames) - 1) * self.hop_frames
        return start if start > 0 and rest > LEAST_REST * self.hop_frames else None

    def whole_windows(self, samples: int) -> int:
        """Return the number of windows of a track without one that ends with it; at least 1."""
        return max(1, self.windows(self.front.frames(samples)))

    def starts(self, samples: int) -> npt.NDArray[np.int64]:
        """Return the first frames of all windows of a track, (windows,).

        Args:
            samples: Of the whole track; one that is shorter than a window has one window.
        """
        starts = np.arange(self.whole_windows(samples), dtype=np.int64) * self.hop_frames
        last = self.last_start(self.front.frames(samples))
        return starts if last is None else np.append(starts, last)

    def starts_s(self, samples: int) -> Times:
        """Return the start of each window of a track in seconds, (windows,); see `starts`."""
        starts_s: Times = self.starts(samples) * np.float64(self.front.hop / self.front.sample_rate)
        return starts_s

    def last_s(self, samples: int) -> float | None:
        """Return when the window starts that ends with a track, in seconds; see `last_start`."""
        last = self.last_start(self.front.frames(samples))
        return None if last is None else last * self.front.hop / self.front.sample_rate

    def fill(self, track: Samples) -> Samples:
        """Return a track of at least a window; see `ShortTrack`."""
        return self.short_track.fill(track, self.window_samples)

    @property
    def window_s(self) -> float:
        """Return the length of a window in seconds."""
        return self.window_frames * self.front.hop / self.front.sample_rate

    @property
    def hop_s(self) -> float:
        """Return the time between the starts of two windows in seconds."""
        return self.hop_frames * self.front.hop / self.front.sample_rate
