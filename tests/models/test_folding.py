"""Networks without their constant filters against the same networks with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice

import keras
import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from app.domain import Windows
from app.models import architectures
from app.models.folding import LANES, Array, add_phases, best_phases, constant_outputs
from tests.models.conftest import Published, Unfolded, fill
from tests.support.published import MODELS

TOLERANCE = 1e-4

ACTIVE, NO_KERNEL, NO_GAIN = "active", "no kernel", "no gain"
Filters = Mapping[str, list[str]]
"""For each layer the state of each filter."""


@dataclass(frozen=True)
class Small:
    """A network small enough to build many times."""

    architecture: str
    arguments: dict[str, object]
    filters: dict[str, int]
    """Of each layer that is folded."""

    def network(self, **others: object) -> keras.Model:
        return architectures()[self.architecture].network(**{**self.arguments, **others})

    @property
    def shape(self) -> tuple[int, int]:
        return self.arguments["window"]  # type: ignore[return-value]


SMALL = {
    "musicnn": Small(
        "musicnn",
        {
            "n_tags": 3,
            "window": (21, 10),
            "timbral_channels": (5, 4),
            "temporal_channels": (3, 4, 2),
            "mid_channels": 4,
            "hidden_units": 6,
        },
        {"timbral_4": 5, "timbral_7": 4, "temporal_128": 3, "temporal_64": 4, "temporal_32": 2},
    ),
    "vgg": Small(
        "vgg",
        {
            "n_tags": 3,
            "window": (32, 16),
            "pools": ((2, 1, 2, 1), (2, 2, 2, 2), (3, 3, 2, 2), (2, 2, 2, 2), (1, 1, 1, 1)),
            "channels": (4, 5, 3, 4, 3),
        },
        {"conv_1": 4, "conv_2": 5, "conv_3": 3, "conv_4": 4},
    ),
}


def random_weights(network: keras.Model, seed: int) -> dict[str, Array]:
    """As after training; scores cover all of 0..1 with them."""
    random = np.random.RandomState(seed)

    def weights(name: str, shape: tuple[int, ...]) -> Array:
        if name == "moving_variance":
            return random.uniform(0.5, 2, shape)
        if name == "gamma":
            return random.uniform(0.5, 2, shape) * random.choice([-1, 1], shape)
        if name == "bias":
            return random.uniform(-0.5, 1.5, shape)  # mostly above 0: few filters are silent
        inputs = np.prod(shape[:-1]) if name == "kernel" else 1
        return random.standard_normal(shape) * np.sqrt(1 / inputs)

    return {
        variable.path: weights(variable.path.rpartition("/")[2], tuple(variable.shape)).astype(
            np.float32
        )
        for variable in network.weights
    }


def deafened(weights: Mapping[str, Array], filters: Filters) -> dict[str, Array]:
    """The weights with some filters made constant."""
    deaf = {path: array.copy() for path, array in weights.items()}
    for layer, fates in filters.items():
        for place, fate in enumerate(fates):
            if fate == NO_KERNEL:
                deaf[f"{layer}/kernel"][..., place] = 0
            elif fate == NO_GAIN:
                deaf[f"{layer}_bn/gamma"][place] = 0
    return deaf


def windows_of(small: Small, seed: int) -> Windows:
    """Random ones, silence, and ones that have sound at one edge only."""
    random = np.random.RandomState(seed)
    return np.concatenate([random.uniform(0, 4, (3, *small.shape)), edges(small.shape)]).astype(
        np.float32
    )


def edges(shape: tuple[int, int]) -> Windows:
    """Windows that are silent but for their first or last frame, or lowest or highest band."""
    windows = np.zeros((5, *shape), np.float32)
    windows[0, 0], windows[1, -1], windows[2, :, 0], windows[3, :, -1] = 4, 4, 4, 4
    return windows


def scored(small: Small, filters: Filters, seed: int) -> tuple[Array, Array]:
    """Scores of a network with these filters, and of the folded one."""
    whole = small.network()
    weights = deafened(random_weights(whole, seed), filters)
    fill(whole, weights)
    arguments, fewer = architectures()[small.architecture].folded(weights, small.shape, {})
    folded = small.network(**arguments)
    fill(folded, fewer)
    windows = windows_of(small, seed)
    return np.asarray(whole(windows)), np.asarray(folded(windows))


def differ(scores: Array) -> bool:
    """Whether not all windows sound alike, in which case nothing is tested."""
    return bool(np.max(np.ptp(scores, axis=0)) > 0.001)


@st.composite
def filters_of(draw: st.DrawFn, small: Small) -> Filters:
    """One filter of each layer is always active."""
    fates = st.sampled_from([ACTIVE, NO_KERNEL, NO_GAIN])
    return {
        layer: draw(st.permutations([ACTIVE, *(draw(fates) for _ in range(count - 1))]))
        for layer, count in small.filters.items()
    }


# published models


@pytest.mark.parametrize("name", MODELS)
def test_a_published_model_scores_music_as_before_its_folding(
    name: str, published: Published, unfolded: Unfolded, music_windows: Windows
):
    expected = np.asarray(unfolded(name)(music_windows))

    assert np.max(np.ptp(expected, axis=0)) > 0.05
    np.testing.assert_allclose(
        published(name).network(music_windows), expected, rtol=0, atol=TOLERANCE
    )


@pytest.mark.parametrize("name", MODELS)
def test_a_published_model_scores_the_edges_of_a_window_as_before_its_folding(
    name: str, published: Published, unfolded: Unfolded
):
    windows = edges(unfolded(name).input_shape[1:])
    expected = np.asarray(unfolded(name)(windows))

    assert np.max(np.ptp(expected, axis=0)) > 0.01
    np.testing.assert_allclose(published(name).network(windows), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", MODELS)
def test_a_published_model_is_smaller_for_its_folding(
    name: str, published: Published, unfolded: Unfolded
):
    share = {"msd-musicnn": 0.3, "msd-vgg": 0.45}.get(name, 0.7)

    assert published(name).network.count_params() < share * unfolded(name).count_params()


def test_nine_tenths_of_the_timbral_filters_of_msd_musicnn_are_constant(unfolded: Unfolded):
    weights = {each.path: each.numpy() for each in unfolded("msd-musicnn").weights}

    constant = [
        np.count_nonzero(~np.isnan(constant_outputs(weights, f"timbral_{h}"))) for h in (38, 67)
    ]

    assert constant == [204 - 23, 204 - 14]


# any weights


@pytest.mark.parametrize("fates", [[ACTIVE], [ACTIVE, NO_GAIN, ACTIVE, NO_KERNEL]])
@pytest.mark.parametrize("small", SMALL.values(), ids=SMALL)
def test_a_folded_network_scores_the_same(small: Small, fates: list[str]):
    filters = {layer: list(islice(cycle(fates), n)) for layer, n in small.filters.items()}

    whole, folded = scored(small, filters, seed=1)

    assert differ(whole)
    np.testing.assert_allclose(folded, whole, rtol=0, atol=TOLERANCE)


@pytest.mark.thorough
@pytest.mark.parametrize("name", SMALL)
def test_whichever_filters_are_constant_the_folded_network_scores_the_same(name: str):
    small = SMALL[name]

    # Without shrinking, which would build networks for minutes.
    @settings(max_examples=8, phases=(Phase.explicit, Phase.generate))
    @given(filters=filters_of(small), seed=st.integers(0, 2**31))
    def property_(filters: Filters, seed: int) -> None:
        whole, folded = scored(small, filters, seed)
        assume(differ(whole))
        np.testing.assert_allclose(folded, whole, rtol=0, atol=TOLERANCE)

    property_()


LAYERS = [
    pytest.param(
        *(name, layer, fate), marks=pytest.mark.thorough if number or fate == NO_GAIN else ()
    )
    for name, small in SMALL.items()
    for number, layer in enumerate(small.filters)
    for fate in (NO_KERNEL, NO_GAIN)
]
"""By default the first layer of each network."""


@pytest.mark.parametrize(("name", "layer", "fate"), LAYERS)
def test_a_layer_all_of_whose_filters_are_constant_folds_too(name: str, layer: str, fate: str):
    small = SMALL[name]

    whole, folded = scored(small, {layer: [fate] * small.filters[layer]}, seed=2)

    assert differ(whole) == (name == "musicnn"), "all input of vgg goes through every layer"
    np.testing.assert_allclose(folded, whole, rtol=0, atol=TOLERANCE)


def test_a_filter_is_constant_only_if_its_input_does_not_matter():
    weights = random_weights(SMALL["vgg"].network(), seed=3)
    deaf = deafened(weights, {"conv_2": [ACTIVE, NO_KERNEL, NO_GAIN, ACTIVE, ACTIVE]})
    deaf["conv_2/bias"][1] = -1  # which the relu makes 0

    given = constant_outputs(deaf, "conv_2")

    np.testing.assert_array_equal(np.isnan(given), [True, False, False, True, True])
    gain = deaf["conv_2_bn/gamma"][1] / np.sqrt(deaf["conv_2_bn/moving_variance"][1] + 1e-3)
    shift = deaf["conv_2_bn/beta"][1] - gain * deaf["conv_2_bn/moving_mean"][1]
    assert given[1] == pytest.approx(shift, abs=1e-6)
    assert given[2] == pytest.approx(deaf["conv_2_bn/beta"][2], abs=1e-6)


# phases


@pytest.fixture(scope="module")
def one_phase() -> tuple[dict[str, Array], Windows, Array]:
    """Weights of a small musicnn, windows, and its scores."""
    small = SMALL["musicnn"]
    network = small.network()
    weights, windows = random_weights(network, seed=4), windows_of(small, seed=4)
    fill(network, weights)
    scores = np.asarray(network(windows))
    assert differ(scores)
    return weights, windows, scores


@pytest.mark.parametrize(
    "phases",
    [2, LANES, *(pytest.param(n, marks=pytest.mark.thorough) for n in range(3, LANES))],
)
def test_a_temporal_convolution_gives_the_same_for_any_phase_count(
    phases: int, one_phase: tuple[dict[str, Array], Windows, Array]
):
    weights, windows, expected = one_phase
    counts = [phases, LANES + 1 - phases, 1 + phases // 2]
    for layer, count in zip(("temporal_128", "temporal_64", "temporal_32"), counts, strict=True):
        weights = weights | add_phases(weights, layer, count)
    network = SMALL["musicnn"].network(temporal_phases=counts)
    fill(network, weights)

    np.testing.assert_allclose(network(windows), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("length", [32, 64, 128])
def test_filters_that_fill_the_vectors_compute_one_frame_at_a_time(length: int):
    assert [best_phases(length, filters) for filters in (LANES, 2 * LANES, 3 * LANES)] == [1, 1, 1]


@pytest.mark.parametrize("length", [32, 64, 128])
def test_a_few_filters_compute_as_many_frames_at_a_time_as_fill_a_vector(length: int):
    assert [best_phases(length, filters) for filters in (1, 2, 4, 8)] == [16, 8, 4, 2]
