"""Networks without filters that hardly affect scores against the same networks with them."""

from pathlib import Path

import numpy as np
import pytest

from app.audio.limits import AudioLimits
from app.domain import Scores
from app.models import architectures
from app.store.manifest.manifest import Manifest, read_store
from app.store.registry.golden import FOLDING_TOLERANCE, golden_waveform
from app.store.registry.loading import TrackModel, load
from app.store.storage.store import Store
from testing.sounds import decoded
from tests.models.conftest import Published, fill
from tests.models.test_folding import SMALL, TOLERANCE, Small, differ, random_weights, windows_of

WINDOW_BOUND = 0.01
POOLED_BOUND = 0.003
TOP = 5
SECONDS = (20, pytest.param(60, marks=pytest.mark.thorough))

FOLDED = ("mtt-musicnn", pytest.param("mtt-vgg", marks=pytest.mark.thorough))
"""Published models with negligible filters."""


@pytest.fixture(scope="module")
def bounded(store: Path) -> Published:
    """Loads a published model as the service does."""
    models = Store(store)
    return lambda name: load(models, read_store(models)[name], exact=False)


def scores_of(model: TrackModel, samples: np.ndarray) -> Scores:
    return np.asarray(model.graph(samples[np.newaxis])["windows"])


def best(scores: Scores) -> list[int]:
    """The best tags of a track."""
    return np.argsort(-scores.mean(axis=0), kind="stable")[:TOP].tolist()


# published models


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("name", FOLDED)
def test_a_song_is_scored_within_the_bounds(
    name: str,
    seconds: int,
    bounded: Published,
    published: Published,
    song: Path,
    ambient_song: Path,
):
    smaller, exact = bounded(name), published(name)
    for path in (song, ambient_song):
        samples = decoded(path, AudioLimits(16_000, 0.5, 600.0))[: 16_000 * seconds]
        given, expected = scores_of(smaller, samples), scores_of(exact, samples)

        assert np.max(np.ptp(expected, axis=0)) > 0.05
        np.testing.assert_allclose(given, expected, rtol=0, atol=WINDOW_BOUND)
        np.testing.assert_allclose(given.mean(0), expected.mean(0), rtol=0, atol=POOLED_BOUND)
        assert best(given) == best(expected)


@pytest.mark.parametrize("name", FOLDED)
def test_a_published_model_has_fewer_filters_as_the_service_loads_it(
    name: str, bounded: Published, published: Published
):
    smaller, exact = bounded(name).network, published(name).network

    assert smaller.count_params() < (0.8 if name == "mtt-musicnn" else 0.97) * exact.count_params()


# any weights


def filters_of(small: Small) -> dict[str, list[tuple[int, float]]]:
    """The second filter of each layer, and of the first layer the last one too."""
    filters = {layer: [(1, 0.5)] for layer in small.filters}
    first = next(iter(filters))
    filters[first].append((small.filters[first] - 1, -0.25))
    return filters


@pytest.mark.parametrize("small", SMALL.values(), ids=SMALL)
def test_a_negligible_filter_gives_its_mean_output_for_every_input(small: Small):
    whole = small.network()
    weights, filters = random_weights(whole, seed=2), filters_of(small)
    arguments, fewer = architectures()[small.architecture].folded(weights, small.shape, filters)
    for layer, replaced in filters.items():
        for number, mean in replaced:
            weights[f"{layer}_bn/gamma"][number] = 0
            weights[f"{layer}_bn/beta"][number] = mean
    fill(whole, weights)
    folded = small.network(**arguments)
    fill(folded, fewer)

    windows = windows_of(small, seed=2)
    expected = np.asarray(whole(windows))

    assert differ(expected)
    np.testing.assert_allclose(folded(windows), expected, rtol=0, atol=TOLERANCE)


def test_the_layers_that_a_manifest_may_name_are_those_that_are_folded():
    layers = {
        name: architectures()[name].folded_layers(small.shape) for name, small in SMALL.items()
    }

    assert layers == {name: tuple(small.filters) for name, small in SMALL.items()}


@pytest.mark.parametrize("small", SMALL.values(), ids=SMALL)
@pytest.mark.parametrize(
    ("filters", "problem"),
    [
        ({"conv_9": [(0, 1.0)]}, "conv_9 is not"),
        ({"last": [(99, 1.0)]}, "there is no filter 99"),
    ],
)
def test_a_filter_that_the_network_lacks_is_refused_with_its_name(
    filters: dict[str, list[tuple[int, float]]], problem: str, small: Small
):
    weights = random_weights(small.network(), seed=6)
    last = list(small.filters)[-1]
    filters = {last if layer == "last" else layer: each for layer, each in filters.items()}

    with pytest.raises(ValueError, match=problem):
        architectures()[small.architecture].folded(weights, small.shape, filters)


# manifests


def golden_change(exact: TrackModel, smaller: TrackModel, manifest: Manifest) -> float:
    """How much the mean scores of the golden input change."""
    samples = golden_waveform(manifest.golden, manifest.front_end)
    means = (scores_of(model, samples).mean(axis=0) for model in (exact, smaller))
    return float(np.abs(np.subtract(*means)).max())


@pytest.mark.parametrize("name", FOLDED)
def test_the_golden_scores_change_by_less_than_the_golden_check_allows(
    name: str, bounded: Published, published: Published
):
    exact = published(name)

    assert golden_change(exact, bounded(name), exact.manifest) < FOLDING_TOLERANCE
