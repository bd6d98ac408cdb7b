"""Front ends as data: how a waveform becomes the frames that a network hears.

    waveform -> band-pass -> spectrum (see `app.spectra`) -> frames -> windows

Only the band-pass may stand without a spectrum: then the samples themselves are the frames, as
sample-level networks want them. `app.models.front_end` makes layers of it.
"""

import math
from dataclasses import dataclass

from app.spectra import Chroma, LogFrequency, Mel, Spectrum, check_positive

LARGEST_ARRAY = 2**24
"""Numbers of a window, of its Fourier transforms, or of a filterbank; 64 MiB."""

BAND_PASS_TAPS = 1025
"""Length of the band-pass filter: at 16 kHz its edges are some 50 Hz wide."""


@dataclass(frozen=True)
class BandPass:
    """Lets the frequencies between two edges through (linear phase, Hamming window).

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
        spectrum: What a frame is; without it, a sample.
        band_pass: What is let through before.
    """

    sample_rate: int
    spectrum: Spectrum | None = None
    band_pass: BandPass | None = None

    def __post_init__(self) -> None:
        check_positive(sample_rate=self.sample_rate)
        if self.spectrum and self.spectrum.filterbank > LARGEST_ARRAY:
            raise ValueError(
                f"bands, n_fft: the filters are {self.spectrum.filterbank:,} numbers; at most "
                f"{LARGEST_ARRAY:,} are computed"
            )
        nyquist = self.sample_rate / 2
        for name, edges in self._edges().items():
            if not 0 <= edges[0] < edges[1] <= nyquist:
                raise ValueError(
                    f"{name}: {edges[0]:g} to {edges[1]:g} Hz is no part of 0 to {nyquist:g} Hz, "
                    "half the sample rate"
                )

    @property
    def hop(self) -> int:
        """Samples between two frames."""
        return self.spectrum.hop if self.spectrum else 1

    @property
    def work_a_sample(self) -> float:
        """Numbers that the Fourier transforms give for each sample; 1 without them."""
        return max(1.0, sum(self.spectrum.n_fft) / self.hop) if self.spectrum else 1.0

    @property
    def reach(self) -> int:
        """Samples of a (padded) waveform that a frame is made of."""
        return self._length + self._filter - 1

    @property
    def margin(self) -> int:
        """Samples that are reflected at each end of a track."""
        centring = self._length // 2 if self.spectrum and self.spectrum.centred else 0
        return centring + self._filter // 2

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a frame: () for a sample, (bins,), or (bins, channels)."""
        if self.spectrum is None:
            return ()
        channels = len(self.spectrum.n_fft)
        return (self.spectrum.height,) if channels == 1 else (self.spectrum.height, channels)

    def samples(self, frames: int) -> int:
        """The fewest samples that give `frames` frames."""
        return (frames - 1) * self.hop + self.reach - 2 * self.margin

    def frames(self, samples: int) -> int:
        """How many frames a whole track of so many samples has."""
        return max(0, 1 + (samples + 2 * self.margin - self.reach) // self.hop)

    def settled_frames(self, samples: int) -> int:
        """How many of them stay as they are when more samples come, as no reflection is in them."""
        return max(0, 1 + (samples + self.margin - self.reach) // self.hop)

    @property
    def _length(self) -> int:
        return max(self.spectrum.n_fft) if self.spectrum else 1

    @property
    def _filter(self) -> int:
        return BAND_PASS_TAPS if self.band_pass else 1

    def _edges(self) -> dict[str, tuple[float, float]]:
        edges = {}
        if self.band_pass:
            edges["band_pass"] = (self.band_pass.f_min, self.band_pass.f_max)
        match self.spectrum.bands if self.spectrum else None:
            case Mel(f_min=f_min, f_max=f_max):
                edges["bands"] = (f_min, f_max)
            case LogFrequency(n_bins, bins_per_octave, pitch_min):
                edges["bands"] = (pitch_min, pitch_min * 2 ** (n_bins / bins_per_octave))
            case Chroma() | None:
                pass
        return edges


@dataclass(frozen=True)
class WindowSpec:
    """How a model hears: the frames of its front end, a window of them at a time.

    Attributes:
        front: Waveform to frames.
        window_frames: Length of a window.
        hop_frames: Distance of two windows' starts.
    """

    front: FrontEnd
    window_frames: int
    hop_frames: int

    def __post_init__(self) -> None:
        check_positive(window_frames=self.window_frames, hop_frames=self.hop_frames)
        if self.hop_frames > self.window_frames:
            raise ValueError("hop_frames: what lies between two windows would not be heard")
        numbers = max(math.prod(self.window_shape), self.window_samples * self.front.work_a_sample)
        if numbers > LARGEST_ARRAY:
            raise ValueError(
                f"window_frames: a window of {self.window_frames:,} frames is {numbers:,.0f} "
                f"numbers; at most {LARGEST_ARRAY:,} are computed"
            )

    @property
    def window_shape(self) -> tuple[int, ...]:
        """(frames, bins) as a rule; see `FrontEnd.shape`."""
        return (self.window_frames, *self.front.shape)

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
