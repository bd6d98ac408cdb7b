"""Spectra as data: what becomes of the short-time Fourier transform until a network hears it.

STFT -> power -> weighting -> bands -> log -> cepstrum -> standardised
"""

from dataclasses import dataclass
from enum import StrEnum

LARGEST = 2**20
"""No length, number or rate that is meant is larger."""


class MelScale(StrEnum):
    """How mels follow from Hz: Slaney's Auditory Toolbox, or the formula of the HTK book."""

    SLANEY = "slaney"
    HTK = "htk"


class Weighting(StrEnum):
    """What the ear makes of a frequency (IEC 61672-1)."""

    NONE = "none"
    A = "a"
    C = "c"


@dataclass(frozen=True)
class Mel:
    """Triangles that lie evenly on the mel scale.

    Attributes:
        n_mels: Number of bands.
        f_min: Lower edge of the lowest band, in Hz.
        f_max: Upper edge of the highest band, in Hz.
        scale: Which mels.
        by_area: Whether a band is divided by its width (Slaney's norm).
    """

    n_mels: int
    f_min: float
    f_max: float
    scale: MelScale = MelScale.SLANEY
    by_area: bool = True

    def __post_init__(self) -> None:
        check_positive(n_mels=self.n_mels)


@dataclass(frozen=True)
class LogFrequency:
    """Bands that lie evenly on the scale of pitch, as those of a constant-Q transform do.

    Attributes:
        n_bins: Number of bands.
        bins_per_octave: Bands an octave.
        pitch_min: Centre of the lowest band, in Hz.
    """

    n_bins: int
    bins_per_octave: int
    pitch_min: float

    def __post_init__(self) -> None:
        check_positive(n_bins=self.n_bins, bins_per_octave=self.bins_per_octave)
        check_positive(pitch_min=self.pitch_min)


@dataclass(frozen=True)
class Chroma:
    """Pitch classes: all octaves of a note in one band, tuned to A at 440 Hz.

    Attributes:
        n_chroma: Bands an octave, the first being C.
    """

    n_chroma: int

    def __post_init__(self) -> None:
        check_positive(n_chroma=self.n_chroma)


@dataclass(frozen=True)
class Log10:
    """`log10(gain * x + 1)`.

    Attributes:
        gain: What multiplies the power first.
    """

    gain: float

    def __post_init__(self) -> None:
        check_positive(gain=self.gain)


@dataclass(frozen=True)
class Decibels:
    """Decibels of power over 1, clipped at nothing but the floor.

    Attributes:
        floor: The least power that is told apart from none; 1e-10 as a rule.
    """

    floor: float

    def __post_init__(self) -> None:
        check_positive(floor=self.floor)


@dataclass(frozen=True)
class NaturalLog:
    """`ln(x + offset)`.

    Attributes:
        offset: What silence becomes the logarithm of.
    """

    offset: float

    def __post_init__(self) -> None:
        check_positive(offset=self.offset)


@dataclass(frozen=True)
class Standardisation:
    """Each band less its mean and over its deviation, as they are in what a network learnt from.

    Attributes:
        mean: One a band.
        deviation: One a band.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.deviation):
            raise ValueError("standardised: as many means as deviations are needed")
        if not all(deviation > 0 for deviation in self.deviation):
            raise ValueError("standardised: a deviation must be more than 0")


@dataclass(frozen=True)
class Spectrum:
    """What becomes of the short-time Fourier transform, with its periodic Hann window.

    Attributes:
        n_fft: Lengths of the FFT and of its window, in samples: each gives a channel.
        hop: Samples between two frames.
        centred: Whether frame i is centred on sample i * hop, with the track reflected at its ends;
            otherwise it begins there.
        power: The exponent of the magnitude.
        weighting: How frequencies are weighted.
        bands: How frequencies are gathered; none keeps the FFT's own.
        log: How dynamics are compressed.
        cepstrum: So many coefficients of the cosine transform over the bands (DCT-II, orthonormal)
            instead of the bands: with `Mel` and `Decibels` these are MFCCs.
        standardised: Brings bands, or coefficients, to one scale.
    """

    n_fft: tuple[int, ...]
    hop: int
    centred: bool = True
    power: float = 2.0
    weighting: Weighting = Weighting.NONE
    bands: Mel | LogFrequency | Chroma | None = None
    log: Log10 | Decibels | NaturalLog | None = None
    cepstrum: int | None = None
    standardised: Standardisation | None = None

    def __post_init__(self) -> None:
        if not self.n_fft or any(length % 2 for length in self.n_fft):
            raise ValueError("n_fft: one or more even lengths are needed")
        check_positive(n_fft=min(self.n_fft), hop=self.hop, power=self.power)
        if self.cepstrum is not None and not 0 < self.cepstrum <= self._bands:
            raise ValueError(f"cepstrum: {self._bands} bands have 1 to {self._bands} coefficients")
        if self.bands is None and len(set(self.n_fft)) > 1:
            raise ValueError("n_fft: several lengths need bands, to give frames of one height")
        if self.standardised and len(self.standardised.mean) != self.height:
            raise ValueError(f"standardised: {self.height} means and deviations are needed")

    @property
    def height(self) -> int:
        """Numbers a frame and channel."""
        return self.cepstrum or self._bands

    @property
    def filterbank(self) -> int:
        """Numbers of the largest filterbank, with the weights of its frequencies."""
        return (max(self.n_fft) // 2 + 1) * (self._bands if self.bands else 1)

    @property
    def _bands(self) -> int:
        match self.bands:
            case Mel(n_mels=bands) | LogFrequency(n_bins=bands) | Chroma(n_chroma=bands):
                return bands
            case None:
                return self.n_fft[0] // 2 + 1


def check_positive(**numbers: float) -> None:
    """Hold numbers against what can be meant.

    Raises:
        ValueError: One is not more than 0, or larger than `LARGEST`.
    """
    for name, number in numbers.items():
        if not 0 < number < LARGEST:
            raise ValueError(f"{name}: {number:g} is not more than 0 and less than {LARGEST}")
