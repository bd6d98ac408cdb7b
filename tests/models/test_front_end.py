from pathlib import Path

import keras
import librosa
import numpy as np
import pytest

from app.audio.limits import AudioLimits
from app.domain import FrontEnd, Samples
from app.models.front_end import framed_melgram, melgram
from tests.audio.sounds import decoded

FRONT_END = FrontEnd(
    sample_rate=16_000, n_fft=512, hop=256, n_mels=96, f_min=0.0, f_max=8_000.0, log_gain=1e4
)
OTHER_FRONT_END = FrontEnd(
    sample_rate=22_050, n_fft=1024, hop=512, n_mels=128, f_min=30.0, f_max=11_025.0, log_gain=1e3
)


def powers(front_end: FrontEnd, waveform: Samples) -> np.ndarray:
    """(frames, mels), before the logarithm."""
    framed = framed_melgram(front_end)
    mels = keras.Model(framed.input, framed.get_layer("mel").output)
    centred = np.pad(waveform, front_end.n_fft // 2, mode="reflect")
    return np.asarray(mels(centred[np.newaxis, :, np.newaxis]))[0, :, :, 0]


def librosas_powers(front_end: FrontEnd, waveform: Samples) -> np.ndarray:
    mels: np.ndarray = librosa.feature.melspectrogram(
        y=waveform,
        sr=front_end.sample_rate,
        n_fft=front_end.n_fft,
        hop_length=front_end.hop,
        n_mels=front_end.n_mels,
        fmin=front_end.f_min,
        fmax=front_end.f_max,
        pad_mode="reflect",
    )
    return mels.T


def assert_same_powers(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.shape == theirs.shape
    assert np.max(np.abs(ours - theirs)) / np.max(theirs) < 1e-6


def tones_and_noise(rate: int) -> Samples:
    random = np.random.RandomState(5)
    time = np.arange(3 * rate) / rate
    tones = sum(np.sin(2 * np.pi * hertz * time) for hertz in (55.0, 440.0, 1234.5, 7000.0))
    return (0.2 * tones + 0.05 * random.standard_normal(len(time))).astype(np.float32)


@pytest.mark.parametrize("front_end", [FRONT_END, OTHER_FRONT_END], ids=["published", "other"])
def test_tones_in_noise_give_librosas_mel_powers(front_end: FrontEnd):
    waveform = tones_and_noise(front_end.sample_rate)

    assert_same_powers(powers(front_end, waveform), librosas_powers(front_end, waveform))


def test_a_real_song_gives_librosas_mel_powers(clip: Path):
    waveform = decoded(clip, AudioLimits(FRONT_END.sample_rate, 0.5, 60.0))

    assert_same_powers(powers(FRONT_END, waveform), librosas_powers(FRONT_END, waveform))


def test_the_published_mel_powers_come_out(golden: Path):
    with np.load(golden / "musicnn_audio_golden.npz") as expected:
        assert_same_powers(powers(FRONT_END, expected["waveform"]), expected["mel_power_reflect"])


def test_the_published_log_melgram_comes_out(golden: Path):
    with np.load(golden / "musicnn_audio_golden.npz") as expected:
        logs = melgram(FRONT_END)(expected["waveform"][np.newaxis])[0]

        np.testing.assert_allclose(logs, expected["logmel_f32"], rtol=0, atol=1e-5)


def test_the_log_melgram_is_librosas_as_the_models_were_trained_on_it():
    waveform = tones_and_noise(FRONT_END.sample_rate)
    expected = np.log10(1e4 * librosas_powers(FRONT_END, waveform) + 1)

    logs = melgram(FRONT_END)(waveform[np.newaxis])[0]

    np.testing.assert_allclose(logs, expected, rtol=0, atol=1e-5)


def test_silence_is_zero_and_full_scale_stays_finite():
    # In float16, as the wheel has it, power above 6.55 overflows.
    loud = np.sign(tones_and_noise(FRONT_END.sample_rate))
    assert np.max(powers(FRONT_END, loud)) > 6.55

    graph = melgram(FRONT_END)

    assert np.all(np.isfinite(graph(loud[np.newaxis])))
    assert np.all(np.asarray(graph(np.zeros((1, 16_000), np.float32))) == 0)


def test_a_frame_hears_only_its_own_surroundings():
    # Decibels clipped at the loudest frame of a track, as kapre's ready-made layer has them, would
    # change quiet frames with every loud one.
    quiet = 0.01 * tones_and_noise(FRONT_END.sample_rate)
    loud_end = quiet.copy()
    loud_end[-16_000:] *= 100
    graph = melgram(FRONT_END)

    before, after = graph(quiet[np.newaxis])[0], graph(loud_end[np.newaxis])[0]

    untouched = (len(quiet) - 16_000) // FRONT_END.hop - 1
    np.testing.assert_array_equal(before[:untouched], after[:untouched])


def test_a_part_of_a_track_with_its_margins_gives_the_frames_of_the_whole():
    waveform = tones_and_noise(FRONT_END.sample_rate)
    first, last, margin = 20, 60, FRONT_END.n_fft // 2
    whole = np.asarray(melgram(FRONT_END)(waveform[np.newaxis])[0])

    part = waveform[first * FRONT_END.hop - margin : (last - 1) * FRONT_END.hop + margin]
    frames = framed_melgram(FRONT_END)(part[np.newaxis, :, np.newaxis])[0]

    np.testing.assert_allclose(frames, whole[first:last], rtol=0, atol=1e-6)
