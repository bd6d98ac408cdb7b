"""Describes a front end in words."""

from collections.abc import Iterator

from app.front_ends import FrontEnd
from app.spectra import (
    Chroma,
    Decibels,
    Log10,
    LogFrequency,
    Mel,
    MelScale,
    NaturalLog,
    Spectrum,
    Weighting,
)

_SCALES = {MelScale.SLANEY: "Slaney's", MelScale.HTK: "HTK's"}
_EXPONENTS = {1.0: "magnitudes", 2.0: "power"}


def front_end_words(front: FrontEnd) -> str:
    """Describe the steps from a waveform to frames, in order."""
    return "; ".join(_steps(front))


def _steps(front: FrontEnd) -> Iterator[str]:
    yield f"mono at {front.sample_rate:,} Hz"
    if front.band_pass:
        yield f"band-pass from {front.band_pass.f_min:g} to {front.band_pass.f_max:g} Hz"
    if front.spectrum is None:
        yield "the samples themselves"
        return
    yield from _spectrum(front.spectrum)


def _spectrum(spectrum: Spectrum) -> Iterator[str]:
    lengths = " and ".join(f"{length:,}" for length in spectrum.n_fft)
    centred = "centred, the track's ends reflected" if spectrum.centred else "not centred"
    yield f"Fourier transforms of {lengths} samples each {spectrum.hop:,} samples, {centred}"
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
    match spectrum.log:
        case Log10(gain):
            yield f"decimal logarithm of {gain:g} times that, plus 1"
        case Decibels(floor):
            yield f"decibels, nothing below {floor:g}"
        case NaturalLog(offset):
            yield f"natural logarithm of that, plus {offset:g}"
    if spectrum.cepstrum:
        yield f"the first {spectrum.cepstrum} cepstral coefficients"
    if spectrum.standardised:
        yield "each band minus its mean and divided by its standard deviation in the training data"


def _mel(mel: Mel) -> str:
    width = "divided by their width" if mel.by_area else "all equally high"
    return (
        f"{mel.n_mels} mel bands from {mel.f_min:g} to {mel.f_max:g} Hz "
        f"({_SCALES[mel.scale]} formula), {width}"
    )
