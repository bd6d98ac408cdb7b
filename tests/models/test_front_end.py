"""Front ends compared with librosa, scipy and published values."""

from pathlib import Path

import keras
import librosa
import numpy as np
import pytest
import scipy

from app.audio.limits import AudioLimits
from app.domain import Samples
from app.front_ends import BAND_PASS_TAPS, BandPass, FrontEnd
from app.models.front_end import part_frames
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
)
from testing.sounds import decoded
from tests.models.conftest import frames_of, tones_and_noise

RATE = 16_000
SLANEY = Mel(96, 0.0, 8_000.0)
PUBLISHED = FrontEnd(RATE, Spectrum((512,), 256, bands=SLANEY, log=Log10(1e4)))


def stft(waveform: Samples, n_fft: int, hop: int, *, center: bool = True) -> np.ndarray:
    """librosa's, (bins, frames)."""
    return librosa.stft(waveform, n_fft=n_fft, hop_length=hop, pad_mode="reflect", center=center)


def librosas_mels(spectrum: np.ndarray, rate: int, bands: Mel) -> np.ndarray:
    """(frames, mels) of a power or magnitude spectrogram, (bins, frames)."""
    filters = librosa.filters.mel(
        sr=rate,
        n_fft=2 * (len(spectrum) - 1),
        n_mels=bands.n_mels,
        fmin=bands.f_min,
        fmax=bands.f_max,
        htk=bands.scale is MelScale.HTK,
        norm="slaney" if bands.by_area else None,
    )
    return (filters @ spectrum).T


def assert_same(ours: np.ndarray, theirs: np.ndarray, tolerance: float = 1e-5) -> None:
    """Relative to the largest number there is."""
    assert ours.shape == theirs.shape
    assert np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)) < tolerance


MELS = {
    "published": (RATE, 512, 256, SLANEY, 2.0),
    "of Won et al.": (RATE, 512, 256, Mel(128, 0.0, 8_000.0, MelScale.HTK, by_area=False), 2.0),
    "22.05 kHz": (22_050, 1024, 512, Mel(128, 30.0, 11_025.0), 2.0),
    "HTK by area": (RATE, 1024, 160, Mel(64, 60.0, 7_600.0, MelScale.HTK), 2.0),
    "Slaney, not by area": (RATE, 512, 256, Mel(40, 0.0, 8_000.0, by_area=False), 2.0),
    "of magnitudes": (RATE, 512, 256, SLANEY, 1.0),
}


@pytest.mark.parametrize(("rate", "n_fft", "hop", "bands", "power"), MELS.values(), ids=MELS)
def test_mel_bands_are_librosas(rate: int, n_fft: int, hop: int, bands: Mel, power: float):
    waveform = tones_and_noise(rate)
    front = FrontEnd(rate, Spectrum((n_fft,), hop, power=power, bands=bands))

    expected = librosas_mels(np.abs(stft(waveform, n_fft, hop)) ** power, rate, bands)

    assert_same(frames_of(front, waveform), expected)


def test_a_real_song_gives_the_mel_powers_of_librosa(clip: Path):
    waveform = decoded(clip, AudioLimits(RATE, 0.5, 60.0))
    front = FrontEnd(RATE, Spectrum((512,), 256, bands=SLANEY))

    powers = np.abs(stft(waveform, 512, 256)) ** 2
    assert_same(frames_of(front, waveform), librosas_mels(powers, RATE, SLANEY))


def test_the_published_mel_powers_and_log_melgram_are_reproduced(golden: Path):
    powers = FrontEnd(RATE, Spectrum((512,), 256, bands=SLANEY))
    with np.load(golden / "musicnn_audio_golden.npz") as expected:
        assert_same(frames_of(powers, expected["waveform"]), expected["mel_power_reflect"])
        logs = frames_of(PUBLISHED, expected["waveform"])
        np.testing.assert_allclose(logs, expected["logmel_f32"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("power", [1.0, 2.0])
@pytest.mark.parametrize("centred", [True, False])
def test_without_bands_frames_are_librosas_stft(power: float, centred: bool):
    waveform = tones_and_noise()
    front = FrontEnd(RATE, Spectrum((512,), 200, centred=centred, power=power))

    expected = np.abs(stft(waveform, 512, 200, center=centred)) ** power

    assert front.shape == (257,)
    assert_same(frames_of(front, waveform), expected.T)


LOGS = {
    "log10": (Log10(1e4), 2.0, lambda x: np.log10(1 + 1e4 * x)),
    "decibels": (Decibels(1e-10), 2.0, lambda x: librosa.power_to_db(x, amin=1e-10, top_db=None)),
    "decibels of magnitudes": (
        Decibels(1e-10),
        1.0,
        lambda x: librosa.amplitude_to_db(x, amin=1e-5, top_db=None),
    ),
    "natural": (NaturalLog(1e-6), 2.0, lambda x: np.log(x + 1e-6)),
}


@pytest.mark.parametrize(("log", "power", "expected"), LOGS.values(), ids=LOGS)
def test_dynamics_are_compressed_as_librosa_and_numpy_do(log, power, expected):
    waveform = tones_and_noise()
    waveform[RATE:] *= 1e-4  # quiet enough to meet the floors and offsets

    spectrum = Spectrum((512,), 256, power=power, bands=SLANEY)
    plain = frames_of(FrontEnd(RATE, spectrum), waveform)
    logs = frames_of(
        FrontEnd(RATE, Spectrum((512,), 256, power=power, bands=SLANEY, log=log)), waveform
    )

    np.testing.assert_allclose(logs, expected(plain), rtol=1e-5, atol=1e-4)


def test_decibels_are_not_clipped_below_the_loudest_frame():
    waveform = tones_and_noise()
    waveform[RATE:] = 0
    decibels = frames_of(
        FrontEnd(RATE, Spectrum((512,), 256, bands=SLANEY, log=Decibels(1e-10))), waveform
    )

    assert decibels.min() == pytest.approx(-100)
    assert decibels.max() > -20


@pytest.mark.parametrize(
    ("weighting", "curve"),
    [(Weighting.A, librosa.A_weighting), (Weighting.C, librosa.C_weighting)],
)
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_frequencies_are_weighted_as_in_librosas_perceptual_weighting(weighting, curve, power):
    waveform = tones_and_noise()
    log = Decibels(1e-20)
    front = FrontEnd(RATE, Spectrum((512,), 256, power=power, weighting=weighting, log=log))

    levels = librosa.amplitude_to_db(np.abs(stft(waveform, 512, 256)), amin=1e-10, top_db=None)
    with np.errstate(divide="ignore"):  # at 0 Hz
        expected = levels.T + curve(librosa.fft_frequencies(sr=RATE, n_fft=512))

    audible = slice(2, None)  # librosa cuts the curves at -80 dB
    np.testing.assert_allclose(
        frames_of(front, waveform)[:, audible], expected[:, audible], rtol=0, atol=0.05
    )


@pytest.mark.parametrize(
    ("weighting", "decibels"),
    [
        (Weighting.A, {100: -19.1, 200: -10.9, 1000: 0.0, 4000: 1.0}),
        (Weighting.C, {100: -0.3, 200: 0.0, 1000: 0.0, 4000: -0.8}),
    ],
)
def test_the_weightings_are_those_of_the_standard(weighting: Weighting, decibels):
    """IEC 61672-1, table 3."""
    n_fft = 3200  # a bin each 5 Hz
    log = Decibels(1e-20)
    plain, weighted = (
        frames_of(
            FrontEnd(RATE, Spectrum((n_fft,), 1600, weighting=each, log=log)), tones_and_noise()
        )
        for each in (Weighting.NONE, weighting)
    )

    for hertz, expected in decibels.items():
        bin_ = hertz // 5
        assert (weighted - plain)[:, bin_] == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("coefficients", [13, 40])
def test_the_cepstrum_of_mel_decibels_is_librosas_mfcc(coefficients: int):
    waveform = tones_and_noise()
    bands = Mel(64, 0.0, 8_000.0)
    log = Decibels(1e-10)
    front = FrontEnd(RATE, Spectrum((512,), 256, bands=bands, log=log, cepstrum=coefficients))

    mels = librosas_mels(np.abs(stft(waveform, 512, 256)) ** 2, RATE, bands)
    decibels = librosa.power_to_db(mels.T, top_db=None)
    expected = librosa.feature.mfcc(S=decibels, n_mfcc=coefficients)

    assert front.shape == (coefficients,)
    np.testing.assert_allclose(frames_of(front, waveform), expected.T, rtol=0, atol=1e-2)


def test_standardised_bands_are_what_scipy_calls_z_scores():
    waveform = tones_and_noise()
    plain = frames_of(PUBLISHED, waveform)
    scale = Standardisation(
        tuple(map(float, plain.mean(axis=0))), tuple(map(float, plain.std(axis=0)))
    )
    spectrum = Spectrum((512,), 256, bands=SLANEY, log=Log10(1e4), standardised=scale)

    scores = frames_of(FrontEnd(RATE, spectrum), waveform)

    np.testing.assert_allclose(scores, scipy.stats.zscore(plain, axis=0), rtol=0, atol=1e-3)


LOG_FREQUENCY = LogFrequency(n_bins=72, bins_per_octave=12, pitch_min=65.406)


def test_a_tone_is_in_the_bin_of_its_pitch_as_in_librosas_constant_q_transform():
    front = FrontEnd(22_050, Spectrum((4096,), 512, bands=LOG_FREQUENCY))
    time = np.arange(22_050) / 22_050
    for semitone in range(12, 72, 7):
        hertz = 65.406 * 2 ** (semitone / 12)
        waveform = (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)

        transform = librosa.cqt(
            waveform, sr=22_050, fmin=65.406, n_bins=72, bins_per_octave=12, pad_mode="reflect"
        )

        magnitudes = frames_of(front, waveform)[5:-5].mean(axis=0)
        assert magnitudes.argmax() == np.abs(transform)[:, 5:-5].mean(axis=1).argmax() == semitone


def test_log_frequency_bands_are_normal_in_octaves():
    """The windows of scipy's log-normal density that kapre describes, an eighth of a bin wide.

    kapre divides by a power of the frequency that is a little higher, which leans them by a
    thousandth.
    """
    waveform = tones_and_noise(22_050)
    front = FrontEnd(22_050, Spectrum((4096,), 512, bands=LOG_FREQUENCY))

    frequencies = np.fft.rfftfreq(4096, 1 / 22_050)[1:]
    centres = 65.406 * 2 ** (np.arange(72) / 12)
    spread = 0.125 / 12 * np.log(2)
    filters = scipy.stats.lognorm.pdf(frequencies[:, np.newaxis], spread, scale=centres)
    filters /= filters.sum(axis=0)
    powers = np.abs(stft(waveform, 4096, 512)[1:]) ** 2

    assert_same(frames_of(front, waveform), powers.T @ filters, 2e-3)


@pytest.mark.parametrize("n_chroma", [12, 24])
def test_pitch_classes_are_librosas_chroma(n_chroma: int):
    waveform = tones_and_noise(22_050)
    front = FrontEnd(22_050, Spectrum((4096,), 512, bands=Chroma(n_chroma)))

    powers = np.abs(stft(waveform, 4096, 512)) ** 2
    expected = librosa.feature.chroma_stft(
        S=powers, sr=22_050, n_chroma=n_chroma, norm=None, tuning=0.0
    )

    assert front.shape == (n_chroma,)
    assert_same(frames_of(front, waveform), expected.T)


BANDS = {
    "band": (BandPass(300.0, 3_000.0), [300.0, 3_000.0], False),
    "low": (BandPass(0.0, 1_000.0), [1_000.0], True),
    "high": (BandPass(1_000.0, 8_000.0), [1_000.0], False),
}


@pytest.mark.parametrize(("band", "edges", "pass_zero"), BANDS.values(), ids=BANDS)
def test_a_band_pass_is_scipys_filter(band: BandPass, edges: list[float], pass_zero: bool):
    waveform = tones_and_noise()
    margin = BAND_PASS_TAPS // 2

    taps = scipy.signal.firwin(BAND_PASS_TAPS, edges, pass_zero=pass_zero, fs=RATE)
    padded = np.pad(waveform, margin, mode="reflect").astype(np.float64)
    expected = scipy.signal.convolve(padded, taps, mode="valid")

    assert_same(frames_of(FrontEnd(RATE, None, band), waveform), expected)


def test_a_band_pass_precedes_the_spectrum_and_one_as_wide_as_the_rate_changes_nothing():
    waveform = tones_and_noise()
    narrow = FrontEnd(RATE, PUBLISHED.spectrum, BandPass(300.0, 3_000.0))
    wide = FrontEnd(RATE, PUBLISHED.spectrum, BandPass(0.0, 8_000.0))

    plain, cut, same = (frames_of(front, waveform) for front in (PUBLISHED, narrow, wide))

    np.testing.assert_allclose(same[3:-3], plain[3:-3], rtol=0, atol=1e-4)
    mels = librosa.mel_frequencies(98, fmin=0.0, fmax=8_000.0)[1:-1]
    outside = (mels < 200) | (mels > 3_300)
    inside = (mels > 400) & (mels < 2_700)
    np.testing.assert_allclose(cut[3:-3, inside], plain[3:-3, inside], rtol=0, atol=0.02)
    assert cut[3:-3, outside].max() < 0.3 < plain[3:-3, outside].max()


def test_raw_audio_is_unchanged():
    waveform = tones_and_noise()

    np.testing.assert_array_equal(frames_of(FrontEnd(RATE), waveform), waveform)


def test_resolutions_are_stacked_as_channels_around_the_same_moments():
    waveform = tones_and_noise()
    lengths = (512, 1024, 2048)
    stack = FrontEnd(RATE, Spectrum(lengths, 256, bands=SLANEY, log=Log10(1e4)))

    frames = frames_of(stack, waveform)

    assert stack.shape == (96, 3)
    for channel, n_fft in enumerate(lengths):
        alone = FrontEnd(RATE, Spectrum((n_fft,), 256, bands=SLANEY, log=Log10(1e4)))
        np.testing.assert_allclose(
            frames[..., channel], frames_of(alone, waveform), rtol=0, atol=1e-4
        )


def test_silence_is_zero_and_full_scale_stays_finite():
    # In float16, as the wheel has it, power above 6.55 overflows.
    loud = np.sign(tones_and_noise())
    assert np.max(frames_of(FrontEnd(RATE, Spectrum((512,), 256, bands=SLANEY)), loud)) > 6.55

    assert np.all(np.isfinite(frames_of(PUBLISHED, loud)))
    assert np.all(frames_of(PUBLISHED, np.zeros(RATE, np.float32)) == 0)


def test_frames_are_float32_even_if_the_network_computes_in_less():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        frames = frames_of(PUBLISHED, tones_and_noise())
    finally:
        keras.config.set_dtype_policy("float32")

    np.testing.assert_allclose(frames, frames_of(PUBLISHED, tones_and_noise()), rtol=0, atol=1e-4)


def test_a_frame_depends_only_on_its_neighbourhood():
    # Decibels clipped at the loudest frame of a track, as kapre's ready-made layer has them, would
    # change quiet frames with every loud one.
    quiet = 0.01 * tones_and_noise()
    loud_end = quiet.copy()
    loud_end[-RATE:] *= 100

    before, after = frames_of(PUBLISHED, quiet), frames_of(PUBLISHED, loud_end)

    untouched = (len(quiet) - RATE) // PUBLISHED.hop - 1
    np.testing.assert_allclose(before[:untouched], after[:untouched], rtol=0, atol=1e-4)


def test_a_part_of_a_track_with_its_margins_gives_the_frames_of_the_whole():
    waveform = tones_and_noise()
    first, last, margin = 20, 60, PUBLISHED.margin
    whole = frames_of(PUBLISHED, waveform)

    part = waveform[first * PUBLISHED.hop - margin : (last - 1) * PUBLISHED.hop + margin]
    frames = part_frames(PUBLISHED)(part[np.newaxis, :, np.newaxis])[0]

    np.testing.assert_allclose(frames, whole[first:last], rtol=0, atol=1e-4)


MISTAKES = {
    "odd n_fft": (lambda: Spectrum((511,), 256), "n_fft"),
    "no n_fft": (lambda: Spectrum((), 256), "n_fft"),
    "window beyond the transform": (
        lambda: Spectrum((512,), 256, win_length=514),
        "win_length: 514 is not valid; give an even length of at most n_fft, 512",
    ),
    "odd window": (lambda: Spectrum((512,), 256, win_length=401), "win_length: 401"),
    "no window": (lambda: Spectrum((512,), 256, win_length=0), "win_length: 0"),
    "window below nothing": (lambda: Spectrum((512,), 256, win_length=-2), "win_length: -2"),
    "one window of several transforms": (
        lambda: Spectrum((512, 1024), 256, win_length=400, bands=SLANEY),
        "win_length: 400 is possible with one n_fft only",
    ),
    "padding of frames that are not centred": (
        lambda: Spectrum((512,), 256, centred=False, padding=Padding.ZERO),
        "padding: 'zero' has no effect on frames that are not centred",
    ),
    "no hop": (lambda: Spectrum((512,), 0), "hop"),
    "several without bands": (lambda: Spectrum((512, 1024), 256), "n_fft"),
    "no bands": (lambda: Mel(0, 0.0, 8_000.0), "n_mels"),
    "above half the rate": (
        lambda: FrontEnd(RATE, Spectrum((512,), 256, bands=Mel(96, 0.0, 8_001.0))),
        "bands: 0 to 8001 Hz",
    ),
    "log bands above half the rate": (
        lambda: FrontEnd(RATE, Spectrum((512,), 256, bands=LogFrequency(96, 12, 65.4))),
        "bands: ",
    ),
    "upside down": (lambda: FrontEnd(RATE, None, BandPass(800.0, 80.0)), "band_pass"),
    "not a number": (lambda: FrontEnd(RATE, None, BandPass(float("nan"), 80.0)), "band_pass"),
    "coefficients without bands for them": (
        lambda: Spectrum((512,), 256, bands=SLANEY, cepstrum=97),
        "cepstrum: 97 coefficients are not possible; 96 bands have 1 to 96",
    ),
    "another number of means": (
        lambda: Spectrum(
            (512,), 256, bands=SLANEY, standardised=Standardisation((0.0,) * 95, (1.0,) * 95)
        ),
        "standardised: there are 95 means and deviations; give 96, or 1 for all",
    ),
    "a mean without a deviation": (
        lambda: Standardisation((0.0, 0.0), (1.0,)),
        "standardised: there are 2 means and 1 deviations",
    ),
    "several means of the samples": (
        lambda: FrontEnd(RATE, standardised=Standardisation((0.0, 0.0), (1.0, 1.0))),
        "standardised: there are 2 means and deviations of the samples; give 1",
    ),
    "no deviation": (lambda: Standardisation((0.0,), (0.0,)), "standardised"),
    "gain of nothing": (lambda: Log10(0.0), "gain"),
    "rate of nothing": (lambda: FrontEnd(0), "sample_rate"),
}


@pytest.mark.parametrize(("make", "message"), MISTAKES.values(), ids=MISTAKES)
def test_an_invalid_front_end_is_refused_with_the_reason(make, message: str):
    with pytest.raises(ValueError, match=message):
        make()
