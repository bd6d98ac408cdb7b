"""Spectra as data: the steps from the short-time Fourier transform to the input of a network.

STFT -> power -> weighting -> bands -> log -> cepstrum -> deltas -> standardised

With a constant-Q transform its filters take the place of the STFT.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.constant_q import ConstantQ
from app.ranges import check_positive

DELTA_FRAMES = 9
"""Frames that a derivative is computed from, as `librosa.feature.delta` does."""
MAX_DELTAS = 2


class WindowFunction(StrEnum):
    """A Hann window: periodic, as for spectral analysis, or symmetric, as essentia's."""

    PERIODIC_HANN = "periodic_hann"
    SYMMETRIC_HANN = "symmetric_hann"


class Padding(StrEnum):
    """The samples before and after a track: its reflection at the ends, or silence."""

    REFLECT = "reflect"
    ZERO = "zero"


class MelScale(StrEnum):
    """The formula from Hz to mel: Slaney's Auditory Toolbox, or the HTK book."""

    SLANEY = "slaney"
    HTK = "htk"


class Weighting(StrEnum):
    """The frequency weighting (IEC 61672-1)."""

    NONE = "none"
    A = "a"
    C = "c"


@dataclass(frozen=True)
class Mel:
    """Triangular bands, evenly spaced on the mel scale.

    Attributes:
        n_mels: Number of bands.
        f_min: Lower edge of the lowest band, in Hz.
        f_max: Upper edge of the highest band, in Hz.
        scale: The mel scale.
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
    """Bands that are evenly spaced in pitch, like those of a constant-Q transform.

    Attributes:
        n_bins: Number of bands.
        bins_per_octave: Number of bands in an octave.
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
    """Pitch classes: one band for all octaves of a note, tuned to A at 440 Hz.

    Attributes:
        n_chroma: Number of bands in an octave, the first of which is C.
    """

    n_chroma: int

    def __post_init__(self) -> None:
        check_positive(n_chroma=self.n_chroma)


@dataclass(frozen=True)
class Log10:
    """`log10(gain * x + 1)`.

    Attributes:
        gain: The factor of the power.
    """

    gain: float

    def __post_init__(self) -> None:
        check_positive(gain=self.gain)


@dataclass(frozen=True)
class Decibels:
    """Decibels of power relative to 1, with a floor and without a limit of the dynamic range.

    Attributes:
        floor: The lower limit of the power, usually 1e-10.
    """

    floor: float

    def __post_init__(self) -> None:
        check_positive(floor=self.floor)


@dataclass(frozen=True)
class NaturalLog:
    """`ln(x + offset)`.

    Attributes:
        offset: Added before the logarithm, so that silence has one.
    """

    offset: float

    def __post_init__(self) -> None:
        check_positive(offset=self.offset)


@dataclass(frozen=True)
class Standardisation:
    """`(x - mean) / deviation`, usually with those of the training data.

    Attributes:
        mean: The mean of each band, or a single one of all.
        deviation: The standard deviation of each band, or a single one of all.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.deviation):
            raise ValueError(
                f"standardised: there are {len(self.mean)} means and {len(self.deviation)} "
                "deviations; give equally many"
            )
        if not all(deviation > 0 for deviation in self.deviation):
            raise ValueError("standardised: a deviation is not more than 0")


@dataclass(frozen=True)
class Spectrum:
    """How frames are computed from the short-time Fourier transform.

    Attributes:
        n_fft: Lengths of the FFT, in samples; each gives a channel. Of a constant-Q transform, the
            room for its longest filter.
        hop: Samples between the starts of two frames.
        window: The window function.
        win_length: Length of the window, in samples, if it is shorter than the (only) FFT, which is
            filled up with zeros.
        centred: Whether frame i is centred on sample i * hop, with the track padded at its ends;
            otherwise it begins there.
        padding: How the track is padded, if frames are centred.
        power: The exponent of the magnitude.
        weighting: The frequency weighting.
        bands: The filterbank, or the constant-Q transform; without it, the bins of the FFT are the
            bands.
        log: The compression of the dynamic range.
        cepstrum: The number of coefficients of the cosine transform over the bands (DCT-II,
            orthonormal) that replace the bands: MFCCs with `Mel` and `Decibels`.
        deltas: The number of derivatives over time that follow the bands or coefficients in a
            frame: 1 for the first, 2 for the second too.
        standardised: The standardisation of all numbers of a frame.
    """

    n_fft: tuple[int, ...]
    hop: int
    window: WindowFunction = WindowFunction.PERIODIC_HANN
    win_length: int | None = None
    centred: bool = True
    padding: Padding = Padding.REFLECT
    power: float = 2.0
    weighting: Weighting = Weighting.NONE
    bands: Mel | LogFrequency | Chroma | ConstantQ | None = None
    log: Log10 | Decibels | NaturalLog | None = None
    cepstrum: int | None = None
    deltas: int | None = None
    standardised: Standardisation | None = None

    def __post_init__(self) -> None:
        if not self.n_fft or any(length % 2 for length in self.n_fft):
            raise ValueError(
                f"n_fft: {list(self.n_fft)} is not valid; give one or more even lengths"
            )
        check_positive(n_fft=min(self.n_fft), hop=self.hop, power=self.power)
        self._check_window()
        if self.cepstrum is not None and not 0 < self.cepstrum <= self._bands:
            raise ValueError(
                f"cepstrum: {self.cepstrum} coefficients are not possible; {self._bands} bands "
                f"have 1 to {self._bands}"
            )
        if self.deltas is not None and not 0 < self.deltas <= MAX_DELTAS:
            raise ValueError(f"deltas: {self.deltas} is out of range; give 1 to {MAX_DELTAS}")
        if isinstance(self.bands, ConstantQ):
            self._check_constant_q()
        if self.bands is None and len(set(self.n_fft)) > 1:
            raise ValueError("n_fft: several lengths need bands, for frames of the same height")
        if self.standardised and len(self.standardised.mean) not in {1, self.height}:
            raise ValueError(
                f"standardised: there are {len(self.standardised.mean)} means and deviations; "
                f"give {self.height}, or 1 for all"
            )

    @property
    def height(self) -> int:
        """Return the number of values in a frame and channel."""
        return (self.cepstrum or self._bands) * (1 + (self.deltas or 0))

    @property
    def filterbank(self) -> int:
        """Return the number of weights in the largest filterbank."""
        if isinstance(self.bands, ConstantQ):
            return 2 * max(self.n_fft) * self._bands
        return (max(self.n_fft) // 2 + 1) * (self._bands if self.bands else 1)

    @property
    def longest_window(self) -> int:
        """Return the samples that a frame is computed from."""
        return self.win_length or max(self.n_fft)

    @property
    def delta_margin(self) -> int:
        """Return the samples before and after a frame that its derivatives depend on."""
        return DELTA_FRAMES // 2 * self.hop if self.deltas else 0

    def _check_constant_q(self) -> None:
        without_effect = {
            "n_fft": len(self.n_fft) > 1,
            "win_length": self.win_length is not None,
            "window": self.window is not WindowFunction.PERIODIC_HANN,
            "weighting": self.weighting is not Weighting.NONE,
        }
        for name, given in without_effect.items():
            if given:
                raise ValueError(
                    f"{name}: a constant-Q transform has one n_fft and filters of its own, without "
                    f"win_length, window and weighting; change or leave out {name}"
                )

    def _check_window(self) -> None:
        if self.win_length is not None:
            if len(self.n_fft) > 1:
                raise ValueError(
                    f"win_length: {self.win_length} is possible with one n_fft only; leave it out"
                )
            if self.win_length % 2 or not 0 < self.win_length <= self.n_fft[0]:
                raise ValueError(
                    f"win_length: {self.win_length} is not valid; give an even length of at most "
                    f"n_fft, {self.n_fft[0]}"
                )
        if self.padding is not Padding.REFLECT and not self.centred:
            raise ValueError(
                f"padding: {self.padding.value!r} has no effect on frames that are not centred; "
                "leave it out"
            )

    @property
    def _bands(self) -> int:
        match self.bands:
            case Mel(n_mels=bands) | LogFrequency(n_bins=bands) | Chroma(n_chroma=bands):
                return bands
            case ConstantQ(n_bins=bands):
                return bands
            case None:
                return self.n_fft[0] // 2 + 1
