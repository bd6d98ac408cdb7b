"""Windows made while a track comes in are those of the whole track."""

from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain import FrontEnd, Samples, Windows
from app.inference.melgrams import MAX_PIECE_WINDOWS, Framing, MelgramStream
from app.inference.tensorflow_melgrams import TensorFlowMelgrams
from app.models.front_end import melgram

FRONT = FrontEnd(
    sample_rate=16_000, n_fft=512, hop=256, n_mels=96, f_min=0.0, f_max=8000.0, log_gain=1e4
)
PUBLISHED = (187, 187)
FRAMINGS = [PUBLISHED, (187, 94), (10, 10), (10, 3), (6, 11), (2, 1)]
"""Pairs of a window's length and the distance of two, in frames."""

NOISE = 3e-6
"""Of float32, where sums are done in another order; melgrams reach 5."""

each_framing = pytest.mark.parametrize("frames", FRAMINGS, ids=str)

LENGTHS = st.integers(FRONT.n_fft, 60_000)
CUTS = st.lists(st.integers(0, 60_000), max_size=12).map(sorted)


@cache
def melgrams(frames: tuple[int, int]) -> TensorFlowMelgrams:
    return TensorFlowMelgrams(Framing(FRONT, *frames))


@cache
def track(samples: int) -> Samples:
    """Sound that differs everywhere."""
    random = np.random.RandomState(samples)
    swell = np.linspace(0.01, 1, samples)
    return (swell * random.uniform(-0.5, 0.5, samples)).astype(np.float32)


def reference(samples: Samples, frames: tuple[int, int]) -> Windows:
    """The melgram of the whole track, cut as the published models cut it."""
    length, hop = frames
    shortest = (length - 1) * FRONT.hop
    if len(samples) < shortest:
        samples = np.concatenate([samples] * (shortest // len(samples) + 1))[:shortest]
    whole = np.asarray(melgram(FRONT)(samples[np.newaxis]))[0]
    starts = range(0, len(whole) - length + 1, hop)
    return np.stack([whole[start : start + length] for start in starts])


def streamed(samples: Samples, frames: tuple[int, int], cuts: list[int]) -> list[Windows]:
    """The pieces that come of a track which comes in up to each of these samples, then whole."""
    stream = MelgramStream(melgrams(frames))
    pieces = []
    for cut in (cut for cut in cuts if cut <= len(samples)):
        pieces += stream.pieces(samples[:cut].copy(), complete=False)
    return [*pieces, *stream.pieces(samples, complete=True)]


@each_framing
@settings(deadline=None, max_examples=25)
@given(length=LENGTHS, cuts=CUTS)
def test_however_a_track_comes_in_its_windows_are_the_same(
    frames: tuple[int, int], length: int, cuts: list[int]
) -> None:
    samples = track(length)

    windows = np.concatenate(streamed(samples, frames, cuts))

    at_once = np.concatenate(streamed(samples, frames, []))
    assert windows.shape == at_once.shape
    np.testing.assert_allclose(windows, at_once, rtol=0, atol=NOISE)


@each_framing
@settings(deadline=None, max_examples=10)
@given(length=LENGTHS, cuts=CUTS)
def test_windows_are_cut_out_of_the_whole_tracks_melgram(
    frames: tuple[int, int], length: int, cuts: list[int]
) -> None:
    windows = np.concatenate(streamed(track(length), frames, cuts))

    np.testing.assert_allclose(windows, reference(track(length), frames), rtol=0, atol=NOISE)


WINDOW = 186 * 256


@pytest.mark.parametrize(
    ("length", "count"),
    [
        (257, 1),
        (8_000, 1),
        (WINDOW // 2, 1),
        (WINDOW - 1, 1),
        (WINDOW, 1),
        (WINDOW + 1, 1),
        (WINDOW + 256, 1),
        (373 * 256 - 1, 1),
        (373 * 256, 2),
        (373 * 256 + 1, 2),
        (5 * 187 * 256 - 256, 5),
        (5 * 187 * 256 + 100, 5),
    ],
)
def test_at_the_edges_of_a_window_there_are_as_many_as_in_the_reference(
    length: int, count: int
) -> None:
    cuts = [length // 3, WINDOW - 1, WINDOW, length - 1]

    windows = np.concatenate(streamed(track(length), PUBLISHED, sorted(cuts)))

    assert windows.shape == (count, 187, 96)
    np.testing.assert_allclose(windows, reference(track(length), PUBLISHED), rtol=0, atol=NOISE)


def test_a_long_track_comes_in_pieces_of_bounded_length() -> None:
    samples = track(256 * 1_000)

    pieces = streamed(samples, (10, 10), [])

    assert {len(piece) for piece in pieces[:-1]} == {MAX_PIECE_WINDOWS}
    assert sum(map(len, pieces)) == 100
    np.testing.assert_allclose(
        np.concatenate(pieces), reference(samples, (10, 10)), rtol=0, atol=NOISE
    )


def test_windows_are_made_before_the_track_is_complete() -> None:
    stream, samples = MelgramStream(melgrams((10, 10))), track(256 * 100)

    early = list(stream.pieces(samples[: 256 * 75], complete=False))
    late = list(stream.pieces(samples, complete=True))

    assert sum(map(len, early)) == 7
    assert sum(map(len, early + late)) == 10


FRAMES = st.tuples(st.integers(1, 200), st.integers(1, 200))


@settings(deadline=None, max_examples=300)
@given(frames=FRAMES, samples=st.integers(0, 600_000))
@example(frames=PUBLISHED, samples=WINDOW + 256)
@example(frames=PUBLISHED, samples=WINDOW + 255)
def test_no_window_is_promised_whose_samples_are_not_there_and_none_is_held_back(
    frames: tuple[int, int], samples: int
) -> None:
    framing = Framing(FRONT, *frames)

    count = framing.count(samples, complete=False)

    assert count == 0 or framing.span(0, count)[1] <= samples
    assert framing.span(0, count + 1)[1] > samples


@settings(deadline=None, max_examples=300)
@given(frames=FRAMES, samples=st.integers(1, 600_000))
def test_a_complete_track_has_the_windows_that_its_frames_fill(
    frames: tuple[int, int], samples: int
) -> None:
    length, hop = frames
    starts = range(0, 1 + samples // FRONT.hop - length + 1, hop)

    assert Framing(FRONT, *frames).count(samples, complete=True) == len(starts)


@settings(deadline=None, max_examples=100)
@given(frames=FRAMES, first=st.integers(0, 50), more=st.integers(1, 40))
def test_windows_take_no_more_samples_than_their_frames_have(
    frames: tuple[int, int], first: int, more: int
) -> None:
    length, hop = frames
    start, end = Framing(FRONT, *frames).span(first, first + more)

    assert end - start == FRONT.n_fft + FRONT.hop * ((more - 1) * hop + length - 1)
    assert start == FRONT.hop * first * hop - FRONT.n_fft // 2
