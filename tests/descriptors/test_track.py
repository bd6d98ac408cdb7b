"""All descriptors of a track, and its page."""

from html import unescape

import numpy as np
import pytest

from app.domain import Samples
from testing.known_tracks import RATE, beats, chords

pytest.importorskip("pyloudnorm", reason="the extra `descriptors` is not installed")
from app.descriptors.figures.canvas import Excerpt
from app.descriptors.figures.tempo import draw_tempo
from app.descriptors.page import draw_track, make_page
from app.descriptors.track import measure_descriptors
from app.report.html import render

FIGURES = {
    *("waveform", "dft", "stft", "spectral_envelope", "log_mel", "mfcc", "mel_scale"),
    *("weighting_curves", "magnitude_histograms", "cqt", "chroma_stft", "chroma_cqt", "cens"),
    *("tempogram", "fourier_tempogram", "spectral_rolloff", "spectral_centroid"),
}


def test_a_track_is_described():
    music = np.tile(chords(9, minor=True), 4)
    track = beats(100, len(music) / RATE) + music

    described = measure_descriptors(track, RATE)

    assert described.duration_s == pytest.approx(12.8)
    assert described.tempo.bpm == pytest.approx(100, rel=0.01)
    assert described.key
    assert (described.key.tonic, described.key.mode) == ("A", "minor")
    assert described.loudness.integrated_lufs
    assert described.spectrum


@pytest.fixture(autouse=True)
def _no_gufuncs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No function of librosa that numba compiles to a gufunc may be called.

    numba caches such a function and its wrapper in two files. If two processes compile them at the
    same time, the files may be of different ones, and every later call is a segmentation fault.
    """

    def refuse(self: object, *args: object, **options: object) -> None:
        raise AssertionError(f"{self} is called")

    monkeypatch.setattr("numba.np.ufunc.gufunc.GUFunc.__call__", refuse)


@pytest.mark.parametrize("samples", [1, 100, RATE])
def test_silence_of_any_length_is_described(samples: int):
    described = measure_descriptors(np.zeros(samples, np.float32), RATE)

    assert (described.key, described.spectrum, described.tempo.bpm) == (None, None, None)
    assert described.onsets_per_s == 0


@pytest.mark.parametrize(
    ("track", "rate", "problem"),
    [
        (np.zeros(0, np.float32), RATE, "shape"),
        (np.zeros((2, 100), np.float32), RATE, "shape"),
        (np.full(100, np.nan, np.float32), RATE, "finite"),
        (np.zeros(100, np.float32), 8_000, "8000 Hz"),
    ],
)
def test_a_wrong_waveform_is_refused(track: Samples, rate: int, problem: str):
    with pytest.raises(ValueError, match=problem):
        measure_descriptors(track, rate)


def test_the_page_has_every_number():
    track = beats(100, 8)
    described = measure_descriptors(track, RATE)
    pictures = {"Tempo": draw_tempo(Excerpt.of(track, RATE), described.tempo)}

    page = render(make_page("<song>", described, pictures))

    assert page.count("<svg") == 2
    assert "&lt;song&gt;" in page
    assert "100.0 beats/min" in page
    assert "Contrast, 400–800 Hz (dB)" in page


@pytest.mark.thorough  # draws 17 figures
def test_the_page_has_every_figure():
    track = beats(100, 8)
    described = measure_descriptors(track, RATE)
    pictures = draw_track(track, described)

    page = render(make_page("song", described, pictures))

    named = [each for several in pictures.values() for each in several]
    assert {each.name for each in named} == FIGURES
    assert page.count("<svg") == len(FIGURES)
    assert all(each.picture.title in unescape(page) for each in named)


def test_a_short_track_has_no_figures():
    track = beats(100, 3)

    with pytest.raises(ValueError, match=r"has 3.0 s; its figures need 7 s"):
        draw_track(track, measure_descriptors(track, RATE))
