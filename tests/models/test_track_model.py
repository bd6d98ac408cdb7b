import numpy as np
import pytest

from app.domain import Samples
from app.models.track_model import WINDOWS_PER_STEP
from app.store.manifest.manifest import Manifest
from app.store.registry.golden import golden_waveform
from app.store.registry.loading import TrackModel
from tests.models.conftest import TOLERANCE, Published

NAMES = (
    "mtt-vgg",
    *(
        pytest.param(name, marks=pytest.mark.thorough)
        for name in ("msd-musicnn", "msd-vgg", "mtt-musicnn")
    ),
)
LONGEST = 2 * WINDOWS_PER_STEP + 1


def samples_of(model: TrackModel, windows: int) -> int:
    """The fewest samples that give this number of windows."""
    window_spec = model.manifest.window_spec
    return window_spec.front.samples(
        window_spec.window_frames + (windows - 1) * window_spec.hop_frames
    )


def window_scores(model: TrackModel, waveform: Samples) -> np.ndarray:
    return np.asarray(model.graph(waveform[np.newaxis])["windows"])


@pytest.fixture(scope="module")
def waveform(manifests: dict[str, Manifest]) -> Samples:
    """Long enough for `LONGEST` windows, and no two windows alike."""
    golden = manifests["msd-musicnn"].golden.model_copy(update={"seconds": 60.0})
    fade = np.linspace(0.05, 1.0, 60 * 16_000, dtype=np.float32)
    return golden_waveform(golden, manifests["msd-musicnn"].front_end) * fade


@pytest.mark.parametrize("name", NAMES)
def test_a_windows_scores_do_not_depend_on_what_follows_in_the_track(
    name: str, published: Published, waveform: Samples
):
    model = published(name)
    whole = window_scores(model, waveform[: samples_of(model, LONGEST) + 2 * 256])

    assert whole.shape == (LONGEST, 50)
    assert np.min(np.ptp(whole, axis=0)) > 0, "else all windows sound alike and nothing is tested"
    for windows in (1, WINDOWS_PER_STEP - 1, WINDOWS_PER_STEP, WINDOWS_PER_STEP + 1):
        # Two hops more than needed: the end is reflected, and must not reach the last window.
        part = window_scores(model, waveform[: samples_of(model, windows) + 2 * 256])
        np.testing.assert_allclose(part, whole[:windows], rtol=0, atol=TOLERANCE)


def test_a_windows_scores_do_not_depend_on_what_precedes_it_in_the_track(
    published: Published, waveform: Samples
):
    model = published("mtt-vgg")
    hop = model.manifest.window_spec.hop_frames * model.manifest.front_end.hop
    track = waveform[: samples_of(model, 4)]
    other_start = track.copy()
    other_start[:hop] = 0.3 * np.random.RandomState(2).standard_normal(hop)

    before, after = window_scores(model, track), window_scores(model, other_start)

    np.testing.assert_allclose(after[2:], before[2:], rtol=0, atol=TOLERANCE)
    assert np.max(np.abs(after[0] - before[0])) > 0.01


@pytest.mark.parametrize(
    "windows",
    [
        *(1, WINDOWS_PER_STEP),
        *(pytest.param(count, marks=pytest.mark.thorough) for count in (2, WINDOWS_PER_STEP + 1)),
    ],
)
def test_a_rest_is_scored_by_a_window_that_ends_with_the_track(
    windows: int, published: Published, waveform: Samples
):
    model = published("mtt-vgg")
    exactly, one_more = (samples_of(model, count) for count in (windows, windows + 1))

    whole = window_scores(model, waveform[:exactly])
    with_rest = window_scores(model, waveform[: one_more - 1])

    assert len(whole) == windows
    assert len(window_scores(model, waveform[: exactly + 18 * 256])) == windows
    assert len(window_scores(model, waveform[: exactly + 19 * 256])) == windows + 1
    assert len(with_rest) == windows + 1
    alone = window_scores(model, waveform[: one_more - 256][-samples_of(model, 1) :])
    # Its first frame is not reflected, unlike that of the same samples as a track.
    np.testing.assert_allclose(with_rest[-1:], alone, rtol=0, atol=0.02)


def test_the_mean_is_the_mean_of_the_windows(published: Published, waveform: Samples):
    expected = published("mtt-vgg").graph(waveform[np.newaxis, : 10 * 16_000])

    np.testing.assert_allclose(
        expected["mean"], np.mean(expected["windows"], axis=0), rtol=0, atol=1e-6
    )
