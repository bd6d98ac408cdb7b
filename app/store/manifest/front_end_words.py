"""Describes a front end in words."""

from collections.abc import Iterator

from app.constant_q import ConstantQ
from app.front_ends import FrontEnd
from app.spectra import (
    Chroma,
    Decibels,
    Log10,
    LogFrequency,
    Mel,
    MelScale,
    NaturalLog,
    Padding,
    Spectrum,
    Standardisation,
    Weighting,
    WindowFunction,
)

_SCALES = {MelScale.SLANEY: "Slaney's", MelScale.HTK: "HTK's"}
_ENDS = {Padding.REFLECT: "reflected", Padding.ZERO: "padded with zeros"}
_EXPONENTS = {1.0: "magnitudes", 2.0: "power"}


def front_end_words(front: FrontEnd) -> str:
    """Describe the steps from a waveform to frames, in order."""
    return "; ".join(_steps(front))


def _steps(front: FrontEnd) -> Iterator[str]:
    yield f"{'mono' if front.channels == 1 else 'stereo'} at {front.sample_rate:,} Hz"
    if front.standardised:
        yield _standardised(front.standardised, "samples")
    if front.band_pass:
        yield f"band-pass from {front.band_pass.f_min:g} to {front.band_pass.f_max:g} Hz"
    if front.envelope:
        yield f"magnitudes, averaged over {front.envelope:,} samples"
    if front.spectrum is None:
        yield "the samples themselves"
        return
    yield from _spectrum(front.spectrum)


def _spectrum(spectrum: Spectrum) -> Iterator[str]:
    yield from _transform(spectrum)
    yield _EXPONENTS.get(spectrum.power, f"magnitudes to the power of {spectrum.power:g}")
    if spectrum.weighting is not Weighting.NONE:
        yield f"frequencies weighted by the curve {spectrum.weighting.upper()}"
    match spectrum.bands:
        case Mel():
            yield _mel(spectrum.bands)
        case LogFrequency(n_bins, per_octave, pitch_min):
            yield f"{n_bins} bands from {pitch_min:g} Hz up, {per_octave} an octave"
        case Chroma(n_chroma):
            yield f"{n_chroma} pitch classes, all octaves together"
    yield from _log(spectrum.log)
    if spectrum.cepstrum:
        yield f"the first {spectrum.cepstrum} cepstral coefficients"
    if spectrum.deltas:
        yield f"their {' and '.join(('first', 'second')[: spectrum.deltas])} derivatives over time"
    if spectrum.standardised:
        yield _standardised(spectrum.standardised, "all bands")


def _log(log: Log10 | Decibels | NaturalLog | None) -> Iterator[str]:
    match log:
        case Log10(gain):
            yield f"decimal logarithm of {gain:g} times that, plus 1"
        case Decibels(floor):
            yield f"decibels, nothing below {floor:g}"
        case NaturalLog(offset):
            yield f"natural logarithm of that, plus {offset:g}"


def _transform(spectrum: Spectrum) -> Iterator[str]:
    lengths = " and ".join(f"{length:,}" for length in spectrum.n_fft)
    transform = f"Fourier transforms of {lengths} samples"
    if isinstance(spectrum.bands, ConstantQ):
        transform = _constant_q(spectrum.bands)
    ends = f"centred, the track's ends {_ENDS[spectrum.padding]}"
    yield (
        f"{transform} each {spectrum.hop:,} samples, {ends if spectrum.centred else 'not centred'}"
    )
    if spectrum.win_length and spectrum.win_length < spectrum.n_fft[0]:
        yield f"windows of {spectrum.win_length:,} samples, filled up with zeros"
    if spectrum.window is WindowFunction.SYMMETRIC_HANN:
        yield "symmetric Hann windows"


def _constant_q(bands: ConstantQ) -> str:
    scale = "" if bands.filter_scale == 1 else f" by filters {bands.filter_scale:g} times as long"
    return (
        f"constant-Q transforms{scale} to {bands.n_bins} bands from {bands.pitch_min:g} Hz up, "
        f"{bands.bins_per_octave} an octave,"
    )


def _standardised(scale: Standardisation, what: str) -> str:
    if len(scale.mean) > 1:
        return "each band minus its mean and divided by its standard deviation in the training data"
    return f"{what} minus {scale.mean[0]:g}, divided by {scale.deviation[0]:g}"


def _mel(mel: Mel) -> str:
    width = "divided by their width" if mel.by_area else "all equally high"
    return (
        f"{mel.n_mels} mel bands from {mel.f_min:g} to {mel.f_max:g} Hz "
        f"({_SCALES[mel.scale]} formula), {width}"
    )
