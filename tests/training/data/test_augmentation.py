"""Augmentation changes a window as it says, and always in the same way for a seed."""

import multiprocessing
import random
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyroomacoustics
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.errors import SetupError
from app.store.manifest.tables import validate
from app.training.data.augmentation import Augmentation
from app.training.data.augmenter import SINGLE, STACKED, Augmenter
from testing.synthetic_music import make_track
from tests.support.commands import files_of_at_most, taggram

RATE = 16_000
SECOND = np.arange(RATE) / RATE
NOISE = np.random.default_rng(0).normal(0, 0.1, 4 * RATE).astype(np.float32)
CLICK = np.eye(1, 2 * RATE, 100, dtype=np.float32)[0]
NEVER = dict.fromkeys(STACKED, 0.0)
ALWAYS = dict.fromkeys(STACKED, 1.0)


def changed(name: str, samples: np.ndarray, seed: int = 0, **ranges: object) -> np.ndarray:
    return Augmenter(Augmentation(**ranges), RATE).alone(name, samples, seed)


def digest(seed: int) -> str:
    window = NOISE.copy()
    return sha256(Augmenter(Augmentation(**ALWAYS), RATE)(window, seed).tobytes()).hexdigest()


def decibels(before: np.ndarray, after: np.ndarray, low: float, high: float) -> float:
    """What became of a band between two frequencies in Hz."""
    spectra = [np.abs(np.fft.rfft(samples)) ** 2 for samples in (before, after)]
    bins = np.fft.rfftfreq(len(before), 1 / RATE)
    inside = (bins >= low) & (bins < high)
    return 10 * np.log10(spectra[1][inside].sum() / spectra[0][inside].sum())


@pytest.mark.parametrize("name", [name for name in SINGLE if name not in {"noise", "pitch"}])
def test_channels_change_alike(name: str) -> None:
    sounds = [NOISE, 0.5 * NOISE[::-1].copy()]

    stereo = changed(name, np.stack(sounds, axis=1))

    alone = [changed(name, each) for each in sounds]
    np.testing.assert_allclose(stereo, np.stack(alone, axis=1), atol=1e-6)


def test_the_pitch_of_both_channels_shifts_by_the_same_semitones() -> None:
    tones = [np.sin(2 * np.pi * hertz * SECOND).astype(np.float32) for hertz in (400, 800)]

    left, right = changed("pitch", np.stack(tones, axis=1)).T

    peaks = [np.argmax(np.abs(np.fft.rfft(each * np.hanning(RATE)))) for each in (left, right)]
    assert peaks[1] == pytest.approx(2 * peaks[0], rel=0.01)
    assert peaks[0] != pytest.approx(400, rel=0.04)


def test_each_channel_has_its_own_noise() -> None:
    left, right = (changed("noise", np.stack([NOISE] * 2, axis=1)) - NOISE[:, np.newaxis]).T

    assert abs(np.corrcoef(left, right)[0, 1]) < 0.05
    assert np.std(left) == pytest.approx(np.std(right), rel=0.05)


def test_a_seed_gives_the_same_in_any_order_thread_and_process() -> None:
    seeds = list(range(12))
    alone = [digest(seed) for seed in seeds]
    assert len(set(alone)) == len(seeds)
    assert [digest(seed) for seed in reversed(seeds)] == alone[::-1]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(digest, seeds)) == alone
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(digest, seeds)) == alone


def test_the_global_random_state_has_no_effect_and_is_not_changed() -> None:
    alone = [digest(seed) for seed in range(8)]
    ended = threading.Event()

    def draw() -> None:
        while not ended.is_set():
            random.random(), np.random.random()

    other = threading.Thread(target=draw)
    other.start()
    try:
        assert [digest(seed) for seed in range(8)] == alone
    finally:
        ended.set()
        other.join(300)
    states = random.getstate(), np.random.get_state()[1].tolist()
    digest(0)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states


def test_the_process_s_setting_of_room_threads_has_no_effect_and_is_not_changed() -> None:
    alone = changed("reverb", NOISE)
    before = pyroomacoustics.constants.get("num_threads")
    pyroomacoustics.constants.set("num_threads", 3)
    try:
        assert np.array_equal(changed("reverb", NOISE), alone)
        assert pyroomacoustics.constants.get("num_threads") == 3
    finally:
        pyroomacoustics.constants.set("num_threads", before)


@given(
    samples=arrays(np.float32, st.integers(1, 3_000), elements=st.floats(-1, 1, width=32)),
    seed=st.integers(0, 2**63 - 1),
)
def test_any_window_keeps_its_length_and_is_not_modified(samples: np.ndarray, seed: int) -> None:
    before = samples.copy()
    after = Augmenter(Augmentation(**ALWAYS), RATE)(samples, seed)
    assert after.shape == samples.shape
    assert after.dtype == np.float32
    assert np.isfinite(after).all()
    assert np.array_equal(samples, before)


def test_with_zero_probabilities_nothing_is_changed() -> None:
    assert np.array_equal(Augmenter(Augmentation(**NEVER), RATE)(NOISE, 1), NOISE)


@pytest.mark.parametrize("name", STACKED)
def test_a_change_is_applied_with_its_probability(name: str) -> None:
    chances = {**NEVER, name: 0.25}
    augmenter = Augmenter(Augmentation(**chances, delay_s=(0.001, 0.01)), RATE)
    window = NOISE[:500]
    came = sum(not np.array_equal(augmenter(window, seed), window) for seed in range(400))
    assert 70 <= came <= 130


def test_changes_are_combined_in_a_random_order() -> None:
    only = {**NEVER, "delay": 1.0, "gain": 1.0}
    augmenter = Augmenter(Augmentation(**only, delay_s=(0.5, 0.5), delay_gain=(0.5, 0.5)), RATE)
    echoes = []
    for seed in range(12):
        augmented = augmenter(CLICK, seed)
        echoes.append(augmented[100 + RATE // 2] / augmented[100])
    # The echo is half as loud if it is applied last, and otherwise as the fade has it.
    last = [bool(np.isclose(echo, 0.5)) for echo in echoes]
    assert {True, False} == set(last)


def test_polarity_negates_the_samples() -> None:
    assert np.array_equal(changed("polarity", NOISE), -NOISE)


def test_a_high_pass_removes_low_frequencies() -> None:
    after = changed("high_pass", NOISE, high_pass_hz=(1_000, 1_000))
    assert decibels(NOISE, after, 230, 270) == pytest.approx(-24, abs=2)
    assert decibels(NOISE, after, 4_000, 7_000) == pytest.approx(0, abs=0.5)


def test_a_low_pass_removes_high_frequencies() -> None:
    after = changed("low_pass", NOISE, low_pass_hz=(1_000, 1_000))
    assert decibels(NOISE, after, 3_500, 4_500) < -24
    assert decibels(NOISE, after, 50, 250) == pytest.approx(0, abs=0.5)


def test_both_kinds_of_filters_are_drawn() -> None:
    lows = [decibels(NOISE, changed("filters", NOISE, seed), 20, 80) for seed in range(12)]
    assert min(lows) < -10
    assert max(lows) > -1


@pytest.mark.parametrize("semitones", [1, 5, 12])
def test_pitch_moves_by_semitones_up_and_down(semitones: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.tile(SECOND, 4)).astype(np.float32)
    moved = []
    for seed in range(8):
        after = changed("pitch", tone, seed, pitch_semitones=(semitones, semitones))
        peak = np.argmax(np.abs(np.fft.rfft(after))) / 4
        moved.append(12 * np.log2(peak / 440))
    assert np.abs(moved) == pytest.approx(semitones, abs=0.1)
    assert {-1, 1} == set(np.sign(moved))


def test_an_echo_has_the_drawn_delay_and_level() -> None:
    after = changed("delay", CLICK, delay_s=(0.3, 0.3), delay_gain=(0.4, 0.4))
    assert np.flatnonzero(after).tolist() == [100, 100 + int(0.3 * RATE)]
    assert after[[100, 100 + int(0.3 * RATE)]] == pytest.approx([1, 0.4])


@pytest.mark.parametrize("ratio", [0, 10, 40])
def test_noise_has_the_drawn_signal_to_noise_ratio(ratio: float) -> None:
    noise = changed("noise", NOISE, noise_snr_db=(ratio, ratio)) - NOISE
    assert 20 * np.log10(NOISE.std() / noise.std()) == pytest.approx(ratio, abs=0.3)
    assert abs(np.corrcoef(noise, NOISE)[0, 1]) < 0.02


def test_silence_stays_silent() -> None:
    assert not changed("noise", np.zeros(RATE, np.float32)).any()


def test_reverberation_decays_and_faster_with_soft_walls() -> None:
    def late(absorption: float) -> float:
        after = changed("reverb", CLICK, reverb_absorption=(absorption, absorption))
        return float(np.square(after[100 + RATE // 10 :]).sum() / np.square(after).sum())

    assert 0 < late(0.6) < late(0.3) < late(0.1) < 1


def test_reverberation_keeps_the_loudness() -> None:
    levels = [changed("reverb", NOISE, seed).std() / NOISE.std() for seed in range(6)]
    assert min(levels) > 0.7
    assert max(levels) < 1.4


def test_gain_fades_between_two_levels() -> None:
    for seed in range(8):
        curve = 20 * np.log10(changed("gain", np.ones(RATE, np.float32), seed))
        assert curve.min() >= -20.01
        assert curve.max() <= 0.01
        steps = np.diff(curve[::500])
        assert (steps > -0.001).all() or (steps < 0.001).all()
        assert abs(curve[-1] - curve[0]) > 0.1


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ({"wobble": 1}, "wobble"),
        ({"polarity": 1.5}, "polarity"),
        ({"delay_s": [0.5, 0.2]}, "give the lower end first"),
        ({"pitch_semitones": [1, 13]}, "pitch_semitones"),
    ],
)
def test_invalid_values_of_a_recipe_are_named(written: dict[str, object], named: str) -> None:
    with pytest.raises(SetupError, match=named):
        validate(Augmentation, written, "recipe.yaml")


def test_a_filter_beyond_the_audio_is_refused() -> None:
    with pytest.raises(SetupError, match="low_pass_hz: 4000 Hz is not below 4000 Hz"):
        Augmenter(Augmentation(), 8_000)


# --- `taggram data listen`


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.mp3"
    soundfile.write(path, *make_track(["trance"], seed=3, seconds=12))
    return path


def augmented(*arguments: object) -> tuple[int, str]:
    result = taggram("data", "listen", *arguments)
    return result.exit_code, " ".join(result.output.split())


def test_listen_writes_before_and_after(song: Path, tmp_path: Path) -> None:
    code, output = augmented(song, "--to", tmp_path / "to")
    assert code == 0, output
    files = {path.stem: soundfile.read(path)[0] for path in (tmp_path / "to/song").iterdir()}
    assert files.keys() == {"original", *SINGLE, "stack_1", "stack_2", "stack_3"}
    assert {len(samples) for samples in files.values()} == {10 * RATE}
    assert np.allclose(files["polarity"], -files["original"], atol=1e-4)
    assert all(
        not np.array_equal(files["original"], files[name]) for name in files.keys() - {"original"}
    )


def test_listen_continues_after_a_broken_file_and_reports_it(song: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF nothing")
    code, output = augmented(broken, tmp_path / "gone.wav", song, "--to", tmp_path / "to")
    assert code == 1
    assert "broken.wav: " in output
    assert "gone.wav: can't be read: No such file" in output
    assert (tmp_path / "to/song/original.flac").is_file()


def test_listen_refuses_two_files_of_one_name(song: Path, tmp_path: Path) -> None:
    code, output = augmented(song, song.with_suffix(".wav"), "--to", tmp_path / "to")
    assert code == 1
    assert "2 files are called 'song'" in output
    assert not (tmp_path / "to").exists()


def test_listen_reports_a_full_disk_and_leaves_no_partial_file(song: Path, tmp_path: Path) -> None:
    with files_of_at_most(120_000):  # more than the song has, and less than its FLAC
        code, output = augmented(song, "--to", tmp_path / "to")
    assert code == 1
    assert "original.flac: it can't be written" in output
    assert not list((tmp_path / "to/song").iterdir())
