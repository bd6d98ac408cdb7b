"""Window functions, their length, padding and standardised samples, compared with scipy.

The expected values are computed in float64 and the front end's in float32, so they differ by up to
some millionths of the largest one.
"""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Frames, Samples
from app.front_ends import BAND_PASS_TAPS, BandPass, FrontEnd
from app.models.front_end import part_frames, track_frames
from app.spectra import Mel, Padding, Spectrum, Standardisation, WindowFunction

RATE = 16_000
SYMMETRIC = WindowFunction.SYMMETRIC_HANN


def noise(samples: int) -> Samples:
    return np.random.RandomState(samples).uniform(-0.5, 0.5, samples).astype(np.float32)


def frames_of(front: FrontEnd, waveform: Samples) -> Frames:
    return np.asarray(track_frames(front)(waveform[np.newaxis]))[0]


def powers_by_scipy(
    padded: np.ndarray, n_fft: int, win_length: int, hop: int, *, symmetric: bool
) -> np.ndarray:
    """(frames, bins), without padding."""
    window = scipy.signal.windows.hann(win_length, sym=symmetric)
    parts = np.lib.stride_tricks.sliding_window_view(padded.astype(np.float64), win_length)[::hop]
    return np.abs(scipy.fft.rfft(parts * window, n_fft)) ** 2


def assert_same(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Relative to the largest number there is."""
    assert ours.shape == theirs.shape
    assert np.max(np.abs(ours - theirs)) < 1e-5 * np.max(np.abs(theirs))


PADDINGS = {
    "zeros": (True, Padding.ZERO, "constant"),
    "reflected": (True, Padding.REFLECT, "reflect"),
    "not centred": (False, Padding.REFLECT, None),
}


@pytest.mark.parametrize("window", WindowFunction)
@pytest.mark.parametrize(("n_fft", "win_length"), [(512, None), (512, 400), (64, 4)])
@pytest.mark.parametrize(("centred", "padding", "mode"), PADDINGS.values(), ids=PADDINGS)
def test_powers_are_those_of_scipys_windows_and_transform(
    window: WindowFunction, n_fft, win_length, centred, padding, mode
):
    waveform, length = noise(5_000), win_length or n_fft
    spectrum = Spectrum(
        (n_fft,), 160, window, win_length=win_length, centred=centred, padding=padding
    )

    padded = np.pad(waveform, length // 2, mode=mode) if centred else waveform
    expected = powers_by_scipy(padded, n_fft, length, 160, symmetric=window is SYMMETRIC)

    assert_same(frames_of(FrontEnd(RATE, spectrum), waveform), expected)


def test_several_transforms_have_a_symmetric_window_each():
    waveform, bands = noise(5_000), Mel(12, 0.0, 8_000.0)
    both = Spectrum((256, 512), 128, SYMMETRIC, padding=Padding.ZERO, bands=bands)

    frames = frames_of(FrontEnd(RATE, both), waveform)

    for channel, n_fft in enumerate(both.n_fft):
        alone = Spectrum((n_fft,), 128, SYMMETRIC, padding=Padding.ZERO, bands=bands)
        assert_same(frames[..., channel], frames_of(FrontEnd(RATE, alone), waveform))


def test_a_track_shorter_than_its_padding_has_frames_if_it_is_padded_with_zeros():
    waveform = noise(10)
    spectrum = Spectrum((512,), 4, SYMMETRIC, padding=Padding.ZERO)

    frames = frames_of(FrontEnd(RATE, spectrum), waveform)

    expected = powers_by_scipy(np.pad(waveform, 256), 512, 512, 4, symmetric=True)
    assert len(frames) == 3
    assert_same(frames, expected)


def test_samples_are_standardised_before_all_else():
    waveform = noise(5_000)
    sixteen_bits = Standardisation((0.25,), (1 / 32_768,))
    scaled = (waveform.astype(np.float64) - 0.25) * 32_768

    np.testing.assert_allclose(
        frames_of(FrontEnd(RATE, standardised=sixteen_bits), waveform), scaled, rtol=1e-5, atol=0.01
    )
    powers = FrontEnd(RATE, Spectrum((64,), 32, centred=False), standardised=sixteen_bits)
    expected = powers_by_scipy(scaled, 64, 64, 32, symmetric=False)
    assert_same(frames_of(powers, waveform), expected)


def test_silence_around_a_track_is_standardised_like_the_track():
    waveform = noise(1_000)
    scale = Standardisation((0.25,), (0.5,))
    spectrum = Spectrum((64,), 32, padding=Padding.ZERO)

    padded = (np.pad(waveform, 32) - 0.25) / 0.5
    expected = powers_by_scipy(padded, 64, 64, 32, symmetric=False)
    assert_same(frames_of(FrontEnd(RATE, spectrum, standardised=scale), waveform), expected)


def test_a_single_mean_and_deviation_standardise_all_bands():
    waveform, bands = noise(5_000), Mel(12, 0.0, 8_000.0)
    scale = Standardisation((2.0,), (0.5,))
    plain = FrontEnd(RATE, Spectrum((512,), 256, bands=bands))
    single = FrontEnd(RATE, Spectrum((512,), 256, bands=bands, standardised=scale))

    assert_same(frames_of(single, waveform), (frames_of(plain, waveform) - 2.0) / 0.5)


@st.composite
def front_ends(draw: st.DrawFn, band_pass: BandPass | None = None) -> FrontEnd:
    n_fft = 2 * draw(st.integers(1, 64))
    centred = draw(st.booleans())
    spectrum = Spectrum(
        (n_fft,),
        hop=draw(st.integers(1, 150)),
        window=draw(st.sampled_from(WindowFunction)),
        win_length=draw(st.none() | st.integers(1, n_fft // 2).map(lambda half: 2 * half)),
        centred=centred,
        padding=draw(st.sampled_from(Padding)) if centred else Padding.REFLECT,
    )
    return FrontEnd(RATE, spectrum, band_pass)


def samples_of_frame(front: FrontEnd, frame: int) -> tuple[int, int]:
    """The first sample that a frame depends on, and the one behind the last."""
    spectrum = front.spectrum
    assert spectrum
    length = spectrum.win_length or spectrum.n_fft[0]
    start = frame * spectrum.hop - (length // 2 if spectrum.centred else 0)
    taps = BAND_PASS_TAPS // 2 if front.band_pass else 0
    return start - taps, start + length + taps


@given(front=front_ends() | front_ends(BandPass(100.0, 1_000.0)), samples=st.integers(0, 4_000))
def test_frames_are_counted_by_the_samples_that_they_depend_on(front: FrontEnd, samples: int):
    margin = -samples_of_frame(front, 0)[0]
    frames, settled = front.frames(samples), front.settled_frames(samples)

    assert front.margin == margin
    for count, end in ((frames, samples + margin), (settled, samples)):
        assert count == 0 or samples_of_frame(front, count - 1)[1] <= end
        assert samples_of_frame(front, count)[1] > end
    if frames:
        assert front.samples(frames) <= samples < front.samples(frames + 1)


@given(front=front_ends(), frame=st.integers(0, 9))
def test_a_frame_depends_on_the_samples_of_its_window_alone(front: FrontEnd, frame: int):
    first, end = (front.margin + sample for sample in samples_of_frame(front, frame))
    padded = np.full((1, 9 * front.hop + front.reach, 1), np.nan, np.float32)
    padded[:, first:end] = 1

    frames = np.asarray(part_frames(front)(padded))[0]

    assert len(frames) == 10
    assert np.isfinite(frames[frame]).all()
    assert np.isnan(np.delete(frames, frame, axis=0)).all(), "a window is longer than counted"
