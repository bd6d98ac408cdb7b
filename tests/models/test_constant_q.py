"""The constant-Q transform, derivatives over time and the envelope, against librosa and scipy."""

import librosa
import numpy as np
import pytest
import scipy
from pydantic import TypeAdapter

from app.constant_q import ConstantQ
from app.domain import Samples
from app.front_ends import FrontEnd, WindowSpec
from app.models import build
from app.spectra import (
    DELTA_FRAMES,
    Decibels,
    LogFrequency,
    Mel,
    Spectrum,
    Weighting,
    WindowFunction,
)
from tests.models.conftest import frames_of, tones_and_noise

RATE = 22_050
HOP = 512
MELS = Mel(64, 0.0, 8_000.0)


def librosas(bands: ConstantQ, waveform: Samples) -> np.ndarray:
    """Magnitudes, (frames, bands), without the approximation by sparse filters."""
    transform = librosa.cqt(
        waveform,
        sr=RATE,
        hop_length=HOP,
        fmin=bands.pitch_min,
        n_bins=bands.n_bins,
        bins_per_octave=bands.bins_per_octave,
        filter_scale=bands.filter_scale,
        sparsity=0,
        pad_mode="reflect",
        res_type="soxr_vhq",
    )
    return np.abs(transform).T


@pytest.mark.parametrize(
    ("bands", "n_fft", "tolerance"),
    [
        pytest.param(ConstantQ(84, 12, 32.703, 1.0), 16_384, 0.006, id="a piano"),
        pytest.param(ConstantQ(60, 24, 110.0, 1.0), 6_944, 0.004, id="quarter tones"),
        pytest.param(ConstantQ(40, 12, 65.406, 0.5), 4_096, 0.03, id="short filters"),
    ],
)
def test_the_transform_is_librosas(bands: ConstantQ, n_fft: int, tolerance: float):
    """Up to the resampling of librosa, which also reflects another end of the track."""
    waveform = tones_and_noise(RATE)
    front = FrontEnd(RATE, Spectrum((n_fft,), HOP, power=1.0, bands=bands))

    ours, theirs = frames_of(front, waveform), librosas(bands, waveform)

    assert front.shape == (bands.n_bins,)
    assert ours.shape == theirs.shape
    inside = slice(20, -20)
    assert np.max(np.abs(ours - theirs)[inside]) < tolerance * np.max(theirs)
    assert np.mean(np.abs(ours - theirs)[inside]) < tolerance * np.mean(theirs)


def test_tones_of_the_bass_are_told_apart_where_bands_of_one_transform_are_not():
    time = np.arange(2 * RATE) / RATE
    lower, upper = (
        np.sin(2 * np.pi * 65.406 * 2 ** (semitone / 12) * time).astype(np.float32)
        for semitone in (0, 2)
    )
    fronts = {
        "constant Q": Spectrum((8_192,), HOP, power=1.0, bands=ConstantQ(24, 12, 65.406, 1.0)),
        "bands": Spectrum((2_048,), HOP, power=1.0, bands=LogFrequency(24, 12, 65.406)),
    }

    leaks = {}
    for name, spectrum in fronts.items():
        front = FrontEnd(RATE, spectrum)
        own, other = (frames_of(front, each)[20:-20, 0].mean() for each in (lower, upper))
        leaks[name] = other / own

    assert leaks["constant Q"] < 0.1
    assert leaks["bands"] > 0.5


@pytest.mark.parametrize("deltas", [1, 2])
def test_derivatives_are_librosas_deltas_of_the_coefficients(deltas: int):
    waveform = tones_and_noise(RATE)
    plain = Spectrum((1024,), HOP, bands=MELS, log=Decibels(1e-10), cepstrum=20)
    front = FrontEnd(RATE, Spectrum(**{**vars(plain), "deltas": deltas}))

    frames = frames_of(front, waveform)

    coefficients = frames_of(FrontEnd(RATE, plain), waveform)
    expected = np.concatenate(
        [
            coefficients,
            *(
                librosa.feature.delta(coefficients, width=DELTA_FRAMES, order=order, axis=0)
                for order in range(1, deltas + 1)
            ),
        ],
        axis=1,
    )
    assert front.shape == (20 * (1 + deltas),)
    assert frames.shape == expected.shape
    # At the ends librosa extrapolates the coefficients, and we reflect the waveform.
    ends = DELTA_FRAMES // 2
    np.testing.assert_allclose(frames[ends:-ends], expected[ends:-ends], rtol=0, atol=1e-3)


def test_derivatives_of_several_resolutions_are_those_of_each():
    waveform = tones_and_noise(RATE)
    both = FrontEnd(RATE, Spectrum((512, 1024), 256, bands=MELS, log=Decibels(1e-5), deltas=1))

    frames = frames_of(both, waveform)

    assert both.shape == (128, 2)
    for channel, n_fft in enumerate((512, 1024)):
        alone = FrontEnd(RATE, Spectrum((n_fft,), 256, bands=MELS, log=Decibels(1e-5), deltas=1))
        np.testing.assert_allclose(
            frames[..., channel], frames_of(alone, waveform), rtol=0, atol=1e-3
        )


def test_the_envelope_is_the_running_mean_of_the_magnitudes():
    waveform = tones_and_noise(RATE)

    envelope = frames_of(FrontEnd(RATE, envelope=401), waveform)

    padded = np.pad(np.abs(waveform).astype(np.float64), 200, mode="reflect")
    expected = scipy.signal.convolve(padded, np.full(401, 1 / 401), mode="valid")
    np.testing.assert_allclose(envelope, expected, rtol=0, atol=1e-5)


def test_networks_can_stand_behind_them():
    pitches = FrontEnd(RATE, Spectrum((16_384,), HOP, bands=ConstantQ(84, 12, 32.703, 1.0)))
    cepstrum = FrontEnd(
        RATE, Spectrum((1024,), HOP, bands=MELS, log=Decibels(1e-10), cepstrum=20, deltas=2)
    )
    small = {"channels": [4] * 3, "hidden_units": 8}

    for front, bands in ((pitches, 84), (cepstrum, 60)):
        model = build("short_chunk_cnn", n_tags=3, front_end=front, window_samples=66_150, **small)
        assert model.layers[-1].input_shape == (None, 130, bands)
        scores = np.asarray(
            model(np.stack([tones_and_noise(RATE), 0.1 * tones_and_noise(RATE)[::-1]]))
        )
        assert scores.shape == (2, 3)
        assert np.isfinite(scores).all()


def test_data_of_a_manifest_tell_a_transform_from_bands():
    def bands(**more: float) -> object:
        given = {"n_bins": 12, "bins_per_octave": 12, "pitch_min": 440.0, **more}
        spectrum = {"n_fft": [1024], "hop": 256, "bands": given}
        front = {"sample_rate": 16_000, "spectrum": spectrum}
        return TypeAdapter(FrontEnd).validate_python(front).spectrum.bands

    assert bands() == LogFrequency(12, 12, 440.0)
    assert bands(filter_scale=1.0) == ConstantQ(12, 12, 440.0, 1.0)


LOWEST = ConstantQ(84, 12, 32.703, 1.0)
MISTAKES = {
    "no room for the filter": (
        lambda: FrontEnd(RATE, Spectrum((8_192,), HOP, bands=LOWEST)),
        "n_fft: the filter of 32.703 Hz has 11,686 samples; give at least 11686, not 8192",
    ),
    "above half the rate": (
        lambda: FrontEnd(RATE, Spectrum((16_384,), HOP, bands=ConstantQ(102, 12, 32.703, 1.0))),
        "bands: 32.703 to ",
    ),
    "several transforms": (
        lambda: Spectrum((8_192, 16_384), HOP, bands=LOWEST),
        "n_fft: a constant-Q transform has one n_fft",
    ),
    "a weighting": (
        lambda: Spectrum((16_384,), HOP, weighting=Weighting.A, bands=LOWEST),
        "weighting: a constant-Q transform",
    ),
    "a window": (
        lambda: Spectrum((16_384,), HOP, WindowFunction.SYMMETRIC_HANN, bands=LOWEST),
        "window: a constant-Q transform",
    ),
    "a window of another length": (
        lambda: Spectrum((16_384,), HOP, win_length=400, bands=LOWEST),
        "win_length: a constant-Q transform",
    ),
    "no filter": (lambda: ConstantQ(84, 12, 32.703, 0.0), "filter_scale: 0 is not more than 0"),
    "three derivatives": (
        lambda: Spectrum((512,), 256, deltas=3),
        "deltas: 3 is out of range; give 1 to 2",
    ),
    "three channels": (
        lambda: FrontEnd(RATE, channels=3),
        "channels: 3 is not valid; give 1 for mono, or, without a spectrum, 2 for stereo",
    ),
    "a spectrum of stereo": (
        lambda: FrontEnd(RATE, Spectrum((512,), 256), channels=2),
        "channels: 2 is not valid",
    ),
    "an even envelope": (lambda: FrontEnd(RATE, envelope=400), "envelope: 400 is not valid"),
    "an envelope of nothing": (lambda: FrontEnd(RATE, envelope=-1), "envelope: -1 is not valid"),
}


@pytest.mark.parametrize(("make", "message"), MISTAKES.values(), ids=MISTAKES)
def test_an_invalid_front_end_is_refused_with_the_reason(make, message: str):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_window_is_as_long_as_without_derivatives():
    plain, more = (
        WindowSpec(FrontEnd(RATE, Spectrum((512,), 256, bands=MELS, deltas=each)), 100, 50)
        for each in (None, 1)
    )

    assert more.window_samples == plain.window_samples
    assert more.window_shape == (100, 128)
