"""Presets of front ends compared with their definitions, computed in float64.

The front end computes in float32. The rounding of a Fourier transform is relative to the largest
value of its frame, so bands that are not far below it agree to 1e-5, and the logarithm of any band
to some 1e-5. A periodic window, for comparison, changes it by .3, and reflected ends by 1.6.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from app.audio.limits import AudioLimits
from app.domain import Samples, Windows
from app.errors import ManifestError, SetupError
from app.front_ends import FrontEnd, WindowSpec
from app.inference.features import WindowStream
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.store.importers.front_ends.presets import FOLDER, presets, read_front_end
from app.store.manifest.manifest import Window
from testing.sounds import decoded
from tests.support.essentia_mels import RATE, essentia_mels, essentia_powers


def maest_mels(waveform: Samples) -> np.ndarray:
    return (essentia_mels(waveform) - 2.06755686098554) / (2 * 1.268292820667291)


def itself(waveform: Samples) -> np.ndarray:
    return waveform


PRESETS = {
    "essentia-musicnn": (essentia_mels, 187, 93),
    "discogs-effnet": (essentia_mels, 128, 62),
    "maest-30s": (maest_mels, 1876, 1875),
    "maest-20s": (maest_mels, 1256, 1250),
    "maest-10s": (maest_mels, 626, 625),
    "maest-5s": (maest_mels, 316, 313),
    "yamnet": (itself, 15_600, 7_680),
}
"""By preset: its frames, the length of a window and the hop, in frames."""


@pytest.fixture(scope="module")
def synthetic() -> Samples:
    """Tones in noise that swells from silence, 61 s: two windows of the longest preset."""
    random, time = np.random.RandomState(5), np.arange(61 * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * hertz * time) for hertz in (55.0, 440.0, 1234.5, 7000.0))
    swell = np.linspace(0, 1, len(time)) ** 2
    return (swell * (0.2 * tones + 0.05 * random.standard_normal(len(time)))).astype(np.float32)


@cache
def extractor(front: FrontEnd) -> TensorFlowFeatureExtractor:
    return TensorFlowFeatureExtractor(front)


def windows_of(preset: str, waveform: Samples) -> Windows:
    """The whole windows as the service makes them, (windows, frames, ...)."""
    spec = read_front_end(preset)
    assert spec.window
    window_spec = WindowSpec(spec.front_end, spec.window.frames, spec.window.hop_frames)
    stream = WindowStream(extractor(spec.front_end), [window_spec])
    pieces = [*stream.pieces(waveform[: len(waveform) // 2], complete=False)]
    pieces += stream.pieces(waveform, complete=True)
    windows = np.concatenate([windows for _, windows in pieces])
    return windows[: window_spec.whole_windows(len(waveform))]


def assert_windows_are(
    frames: Callable[[Samples], np.ndarray], length: int, hop: int, preset: str, waveform: Samples
) -> None:
    ours = windows_of(preset, waveform)
    theirs = np.lib.stride_tricks.sliding_window_view(frames(waveform), length, axis=0)[::hop]
    theirs = np.moveaxis(theirs, -1, 1)

    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=3e-5)


@pytest.mark.parametrize("preset", PRESETS)
def test_windows_of_a_preset_are_those_of_its_definition(preset: str, synthetic: Samples):
    frames, length, hop = PRESETS[preset]
    assert_windows_are(frames, length, hop, preset, synthetic)


@pytest.mark.parametrize("preset", ["essentia-musicnn", "maest-5s"])
def test_windows_of_a_real_song_are_those_of_the_definition(preset: str, clip: Path):
    frames, length, hop = PRESETS[preset]
    song = decoded(clip, AudioLimits(RATE, 0.5, 60.0))
    assert_windows_are(frames, length, hop, preset, song)


@pytest.mark.parametrize("preset", sorted({*PRESETS} - {"yamnet"}))
def test_mel_powers_of_a_real_song_are_those_of_the_definition_to_1e_5(preset: str, clip: Path):
    song = decoded(clip, AudioLimits(RATE, 0.5, 60.0))
    front = read_front_end(preset).front_end
    assert front.spectrum
    powers = replace(front, spectrum=replace(front.spectrum, log=None, standardised=None))

    expected = essentia_powers(song)
    ours = extractor(powers).frames(song, 0, len(expected))

    within_30_decibels = expected > 1e-3 * expected.max(axis=1, keepdims=True)
    np.testing.assert_allclose(ours[within_30_decibels], expected[within_30_decibels], rtol=1e-5)


def test_all_presets_are_tested():
    assert set(presets()) == {*PRESETS, "waveform"}


def test_a_waveform_has_windows_of_the_networks_own_length():
    spec = read_front_end("waveform")

    assert spec.front_end == FrontEnd(RATE)
    assert spec.window is None


def test_a_file_has_the_form_of_a_preset(tmp_path: Path):
    path = tmp_path / "own.toml"
    path.write_bytes((FOLDER / "maest-5s.toml").read_bytes())

    assert read_front_end(str(path)) == read_front_end("maest-5s")

    path.write_text(path.read_text().split("[window]")[0])
    assert read_front_end(str(path)).window is None
    assert read_front_end("maest-5s").window == Window(frames=316, hop_frames=313)


@pytest.mark.parametrize("name", ["vggish", "", "../front_ends/yamnet", "presets", "yamnet "])
def test_an_unknown_preset_is_refused_with_the_known_ones(name: str):
    with pytest.raises(SetupError) as refused:
        read_front_end(name)

    assert repr(name) in str(refused.value)
    assert "discogs-effnet, essentia-musicnn, maest-10s" in str(refused.value)


MISTAKES = {
    "unknown window": ('"symmetric_hann"', '"hamming"', "front_end.spectrum.window: "),
    "unknown padding": ('"zero"', '"edge"', "front_end.spectrum.padding: "),
    "unknown key": ("hop = 256", "hop = 256\nhopp = 256", "front_end.spectrum.hopp: "),
    "window beyond the transform": (
        "hop = 256",
        "hop = 256\nwin_length = 514",
        "front_end.spectrum: win_length: 514",
    ),
    "window that is not a number": (
        "hop = 256",
        'hop = 256\nwin_length = "long"',
        "front_end.spectrum.win_length: ",
    ),
    "padding that is not used": ("hop = 256", "hop = 256\ncentred = false", "padding: 'zero'"),
    "deviation of nothing": ("[2.536585641334582]", "[0.0]", "standardised: a deviation"),
    "mean that is not a number": ("[2.06755686098554]", "[nan]", "standardised.mean.0: "),
    "too many means": ("[2.06755686098554]", "[2.0, 2.0]", "2 means and 1 deviations"),
    "hop beyond the window": ("hop_frames = 313", "hop_frames = 317", "hop_frames: 317"),
    "no hop": ("hop_frames = 313", "", "window.hop_frames: "),
    "endless window": ("frames = 316", "frames = 1048575", "window_frames: "),
    "no front end": ("[front_end", "[other", "front_end: "),
    "other tables": ("[window]", "[windows]", "windows: "),
    "broken TOML": ("[window]", "[window", "line "),
}


@pytest.mark.parametrize(("old", "new", "where"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_file_is_refused_with_its_place(
    old: str, new: str, where: str, tmp_path: Path
):
    path = tmp_path / "own.toml"
    text = (FOLDER / "maest-5s.toml").read_text()
    assert old in text
    path.write_text(text.replace(old, new))

    with pytest.raises(ManifestError) as refused:
        read_front_end(str(path))

    assert str(refused.value).startswith(f"{path}: ")
    assert where in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path):
    (tmp_path / "folder.toml").mkdir()

    for name in ("nowhere.toml", "folder.toml"):
        path = tmp_path / name
        with pytest.raises(SetupError, match=f"{path}: the front end can't be read: "):
            read_front_end(str(path))
