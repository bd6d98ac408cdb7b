"""Windows made while a track comes in are those of the whole track, whatever a frame is."""

from functools import cache

import keras
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.constant_q import ConstantQ
from app.domain import Frames, Samples, Windows
from app.front_ends import BandPass, FrontEnd, WindowSpec
from app.inference.features import MAX_PIECE_S, PADDINGS, WaveformStream, WindowStream, make_stream
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.models.front_end import track_frames
from app.samples import ShortTrack
from app.spectra import (
    Decibels,
    Log10,
    Mel,
    Padding,
    Spectrum,
    Standardisation,
    WindowFunction,
)

RATE = 16_000
SYMMETRIC = WindowFunction.SYMMETRIC_HANN
MEL = Mel(96, 0.0, 8000.0)
FRONT = FrontEnd(RATE, Spectrum((512,), 256, bands=MEL, log=Log10(1e4)))
FRONTS = {
    "published": FRONT,
    "stack": FrontEnd(RATE, Spectrum((512, 1024), 256, bands=MEL, log=Log10(1e4))),
    "not centred": FrontEnd(RATE, Spectrum((512,), 200, centred=False, bands=MEL, log=Log10(1e4))),
    "linear": FrontEnd(RATE, Spectrum((256,), 256, power=1.0)),
    "band-passed decibels": FrontEnd(
        RATE, Spectrum((512,), 256, bands=MEL, log=Decibels(1e-3)), BandPass(100.0, 6000.0)
    ),
    "symmetric, zeros": FrontEnd(
        RATE, Spectrum((512,), 256, SYMMETRIC, padding=Padding.ZERO, bands=MEL, log=Log10(1e4))
    ),
    "short windows, zeros, standardised and band-passed": FrontEnd(
        RATE,
        Spectrum((512,), 160, SYMMETRIC, 400, padding=Padding.ZERO, bands=MEL, log=Log10(1e4)),
        BandPass(100.0, 6000.0),
        Standardisation((0.1,), (0.5,)),
    ),
    "tiny windows": FrontEnd(RATE, Spectrum((64,), 16, win_length=4, power=1.0)),
    "cepstrum with derivatives": FrontEnd(
        RATE, Spectrum((512,), 256, bands=MEL, log=Decibels(1e-3), cepstrum=20, deltas=2)
    ),
    "derivatives, not centred": FrontEnd(
        RATE, Spectrum((512,), 256, centred=False, bands=MEL, log=Decibels(1e-3), deltas=1)
    ),
    "constant Q": FrontEnd(
        RATE, Spectrum((1024,), 256, bands=ConstantQ(30, 12, 500.0, 1.0), log=Log10(1e4))
    ),
    "envelope": FrontEnd(RATE, Spectrum((512,), 256, bands=MEL, log=Log10(1e4)), envelope=101),
    "raw envelope": FrontEnd(RATE, envelope=101),
    "raw": FrontEnd(RATE),
    "raw band-passed": FrontEnd(RATE, None, BandPass(0.0, 3000.0)),
    "stereo": FrontEnd(RATE, channels=2),
    "stereo envelope, band-passed": FrontEnd(
        RATE, None, BandPass(0.0, 3000.0), envelope=101, channels=2
    ),
}

PUBLISHED = (187, 187)
WINDOW_SPECS = [PUBLISHED, (187, 94), (10, 10), (10, 3), (2, 1)]
"""Pairs of a window's length and the distance of two, in frames."""
RAW_WINDOW_SPECS = [(6561, 6561), (2187, 1000)]

NOISE = 2e-5
"""Of float32, with sums in another order; log-melgrams reach 5."""

EXAMPLES = settings().max_examples // 2
"""Fewer than elsewhere: a front end computes frames of five kinds of windows for each."""

LENGTHS = st.integers(2048, 60_000)
CUTS = st.lists(st.integers(0, 60_000), max_size=12).map(sorted)


@cache
def extractor(front: FrontEnd) -> TensorFlowFeatureExtractor:
    return TensorFlowFeatureExtractor(front)


@cache
def track(samples: int, channels: int = 1) -> Samples:
    """Sound that differs everywhere, and between channels."""
    random = np.random.RandomState(samples)
    swell = np.linspace(0.01, 1, samples)
    sounds = [swell * random.uniform(-0.5, 0.5, samples) for _ in range(channels)]
    sound = sounds[0] if channels == 1 else np.stack(sounds, axis=1)
    return sound.astype(np.float32)


def repeated(sound: Samples, samples: int) -> Samples:
    """The first samples of a sound that is repeated."""
    return sound[np.arange(samples) % len(sound)]


@cache
def whole_track(front: FrontEnd) -> keras.Model:
    return track_frames(front)


@cache
def whole_frames(front: FrontEnd, samples: int, repeated_to: int) -> Frames:
    sound = repeated(track(samples, front.channels), repeated_to)
    return np.asarray(whole_track(front)(sound[np.newaxis]))[0]


def expected_starts(count: int, frames: tuple[int, int]) -> list[int]:
    """Where windows start in a track with this number of frames."""
    length, hop = frames
    last = count - length
    starts = list(range(0, last + 1, hop))
    return [*starts, last] if 10 * (last - starts[-1]) > hop else starts


def reference(front: FrontEnd, samples: int, frames: tuple[int, int]) -> Windows:
    """The frames of the whole track, cut as the published models cut them, and at its end."""
    shortest = WindowSpec(front, *frames).window_samples
    whole = whole_frames(front, samples, max(samples, shortest))
    starts = expected_starts(len(whole), frames)
    return np.stack([whole[start : start + frames[0]] for start in starts])


def streamed(
    front: FrontEnd, samples: Samples, frames: list[tuple[int, int]], cuts: list[int]
) -> dict[tuple[int, int], list[Windows]]:
    """The pieces that come of a track which comes in up to each of these samples, then whole."""
    stream = WindowStream(extractor(front), [WindowSpec(front, *each) for each in frames])
    pieces = []
    for cut in (cut for cut in cuts if cut <= len(samples)):
        pieces += stream.pieces(samples[:cut].copy(), complete=False)
    pieces += stream.pieces(samples, complete=True)
    found: dict[tuple[int, int], list[Windows]] = {each: [] for each in frames}
    for window_spec, windows in pieces:
        found[window_spec.window_frames, window_spec.hop_frames].append(windows)
    return found


@pytest.mark.parametrize("name", FRONTS)
@settings(max_examples=EXAMPLES)
@given(length=LENGTHS, cuts=CUTS)
def test_windows_are_cut_from_the_frames_of_the_whole_track_for_any_piece_sizes(
    name: str, length: int, cuts: list[int]
) -> None:
    front = FRONTS[name]
    window_specs = RAW_WINDOW_SPECS if front.spectrum is None else WINDOW_SPECS

    sound = track(length, front.channels)
    for frames, pieces in streamed(front, sound, window_specs, cuts).items():
        expected = reference(front, length, frames)
        noise = NOISE * max(1.0, float(np.abs(expected).max()) / 5)
        np.testing.assert_allclose(np.concatenate(pieces), expected, rtol=0, atol=noise)


@pytest.mark.parametrize("name", FRONTS)
@given(length=LENGTHS, cuts=CUTS)
def test_stretches_are_cut_from_the_padded_track_for_any_piece_sizes(
    name: str, length: int, cuts: list[int]
) -> None:
    front = FRONTS[name]
    samples = track(length, front.channels)
    sizes = RAW_WINDOW_SPECS if front.spectrum is None else WINDOW_SPECS
    stream = WaveformStream([WindowSpec(front, *each) for each in sizes])
    pieces = []
    for cut in (cut for cut in cuts if cut <= length):
        pieces += stream.pieces(samples[:cut].copy(), complete=False)
    pieces += stream.pieces(samples, complete=True)

    for window_spec in (WindowSpec(front, *each) for each in sizes):
        stretches = np.concatenate([each for spec, each in pieces if spec == window_spec])
        whole = repeated(samples, max(length, window_spec.window_samples))
        ends = [(front.margin, front.margin), (0, 0)][: whole.ndim]
        padded = np.pad(whole, ends, mode=PADDINGS[front.padding])
        size = (window_spec.window_frames, window_spec.hop_frames)
        starts = [each * front.hop for each in expected_starts(front.frames(len(whole)), size)]
        assert [front.hop * each for each in window_spec.starts(length)] == starts
        expected = [padded[start : start + window_spec.reach] for start in starts]
        np.testing.assert_array_equal(stretches, expected)


@pytest.mark.parametrize("length", [4096, 5001])  # the last frame is centred on the end, or before
@pytest.mark.parametrize("name", ["published", "symmetric, zeros", "tiny windows"])
def test_frames_computed_one_by_one_are_those_of_the_whole_track(name: str, length: int) -> None:
    front = FRONTS[name]
    whole = whole_frames(front, length, length)
    count = front.frames(length)

    assert len(whole) == count
    for frame in (0, 1, count - 2, count - 1):
        alone = extractor(front).frames(track(length), frame, frame + 1)
        noise = NOISE * max(1.0, float(np.abs(whole).max()) / 5)
        np.testing.assert_allclose(alone, whole[frame : frame + 1], rtol=0, atol=noise)


def test_a_track_shorter_than_its_padding_has_frames_if_it_is_padded_with_zeros() -> None:
    front = FRONTS["symmetric, zeros"]

    frames = extractor(front).frames(track(10), 0, 1)

    np.testing.assert_allclose(frames, whole_frames(front, 10, 10), rtol=0, atol=NOISE)


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
        (WINDOW + 18 * 256, 1),
        (WINDOW + 19 * 256, 2),
        (373 * 256 - 1, 2),
        (373 * 256, 2),
        (373 * 256 + 1, 2),
        (5 * 187 * 256 - 256, 5),
        (5 * 187 * 256 + 100, 5),
    ],
)
def test_the_number_of_windows_at_the_edges_matches_the_reference(length: int, count: int) -> None:
    cuts = [length // 3, WINDOW - 1, WINDOW, length - 1]

    windows = np.concatenate(streamed(FRONT, track(length), [PUBLISHED], sorted(cuts))[PUBLISHED])

    assert windows.shape == (count, 187, 96)
    np.testing.assert_allclose(windows, reference(FRONT, length, PUBLISHED), rtol=0, atol=NOISE)


def test_a_long_track_comes_in_pieces_of_bounded_length() -> None:
    seconds = 2.5 * MAX_PIECE_S
    [pieces] = streamed(FRONT, track(round(seconds * RATE)), [(10, 10)], []).values()

    assert len(pieces) == 3
    assert max(map(len, pieces)) * 10 * 256 <= (MAX_PIECE_S + 1) * RATE
    assert sum(map(len, pieces)) == round(seconds * RATE / 2560)


def test_windows_are_made_before_the_track_is_complete() -> None:
    samples = track(256 * 1000)
    stream = WindowStream(extractor(FRONT), [WindowSpec(FRONT, 10, 10)])

    early = [windows for _, windows in stream.pieces(samples[: 256 * 755], complete=False)]
    late = [windows for _, windows in stream.pieces(samples, complete=True)]

    assert sum(map(len, early)) == 75
    assert sum(map(len, early + late)) == 100


def test_stretches_are_cut_before_the_track_is_complete_and_are_views_of_it() -> None:
    samples = track(256 * 1000)
    stream = WaveformStream([WindowSpec(FRONT, 10, 10)])

    [(_, first)] = stream.pieces(samples[: 256 * 15], complete=False)
    [(_, more)] = stream.pieces(samples[: 256 * 755], complete=False)
    [(_, late)] = stream.pieces(samples, complete=True)

    assert [len(each) for each in (first, more, late)] == [1, 74, 25]
    assert np.shares_memory(more, samples), "copies of a long track would need memory"


def test_a_short_track_is_repeated_only_for_the_windows_that_it_does_not_fill() -> None:
    short, long = (100, 100), (900, 450)

    found = streamed(FRONT, track(300 * 256), [short, long], [])

    assert [len(windows) for windows in found[short]] == [3]
    assert [len(windows) for windows in found[long]] == [1]
    for frames, pieces in found.items():
        np.testing.assert_allclose(
            np.concatenate(pieces), reference(FRONT, 300 * 256, frames), rtol=0, atol=NOISE
        )


@pytest.mark.parametrize("stretches", [False, True])
def test_a_short_track_is_padded_with_zeros_if_its_model_asks_for_that(stretches: bool) -> None:
    window_spec = WindowSpec(FRONT, *PUBLISHED, ShortTrack.PAD)
    samples = track(8_000)

    def stream() -> WindowStream | WaveformStream:
        return make_stream(None if stretches else extractor(FRONT), [window_spec])

    [(_, given)] = stream().pieces(samples, complete=True)
    [(_, padded)] = stream().pieces(np.pad(samples, (0, WINDOW - 8_000)), complete=True)

    assert len(given) == 1
    np.testing.assert_array_equal(given, padded)


def test_the_times_of_windows_are_known_from_the_length_of_the_track() -> None:
    window_spec = WindowSpec(FRONT, 187, 187)
    hop_s = 187 * 256 / RATE

    assert window_spec.starts_s(10 * RATE).tolist() == pytest.approx(
        [0, hop_s, 2 * hop_s, (626 - 187) * 256 / RATE]
    )
    assert window_spec.last_s(10 * RATE) == (626 - 187) * 256 / RATE
    assert window_spec.last_s(3 * 187 * 256) is None
    assert window_spec.starts_s(RATE).tolist() == [0]
    assert window_spec.last_s(RATE) is None


@given(name=st.sampled_from(list(FRONTS)), samples=st.integers(2048, 600_000))
@example(name="published", samples=WINDOW + 256)
@example(name="published", samples=WINDOW + 255)
def test_exactly_the_frames_whose_samples_arrived_are_returned(name: str, samples: int) -> None:
    front = FRONTS[name]

    def end(frame: int) -> int:
        return frame * front.hop - front.margin + front.reach

    settled = front.settled_frames(samples)
    assert settled == 0 or end(settled - 1) <= samples < end(settled)
    complete = front.frames(samples)
    assert end(complete - 1) <= samples + front.margin < end(complete)
    assert front.samples(complete) <= samples < front.samples(complete + 1)
