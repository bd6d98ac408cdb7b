"""Networks on raw samples: SampleCNN and its successors."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec

import keras
import numpy as np
import pytest

from app.domain import Scores, Windows
from app.models.architectures import (
    clmr,
    cnnsa_sample_cnn,
    multi_level_multi_scale,
    musicnn_waveform,
    sample_cnn,
    sample_cnn_res,
    sample_cnn_rese,
)
from app.models.architectures import sample_cnn_se as zoo

pytestmark = pytest.mark.thorough

N_TAGS = 50
SAMPLES = 59_049
PIECE = 16_384
"""The window of the smaller scale of the multi-scale network."""
TOLERANCE = 1e-4

Network = Callable[..., keras.Model]

kim = sample_cnn_rese.sample_cnn_rese
many_scales = multi_level_multi_scale.multi_level_multi_scale
NETWORKS: dict[str, Network] = {
    "sample_cnn": sample_cnn.sample_cnn,
    "sample_cnn_se": zoo.sample_cnn_se,
    "sample_cnn_res": sample_cnn_res.sample_cnn_res,
    "sample_cnn_rese": kim,
    "sample_cnn_rese, not residual": partial(kim, residual=False),
    "sample_cnn_rese, basic": partial(kim, residual=False, squeeze=False),
    "clmr": clmr.clmr,
    "clmr, mlp": partial(clmr.clmr, hidden_units=512),
    "multi_level_multi_scale": many_scales,
    "musicnn_waveform": musicnn_waveform.musicnn_waveform,
}
FRONT_ENDS = {
    sample_cnn: 16_000,
    zoo: 16_000,
    sample_cnn_res: 22_050,
    sample_cnn_rese: 22_050,
    clmr: 22_050,
    multi_level_multi_scale: 22_050,
}
SMALL: dict[str, tuple[Network, int]] = {
    "sample_cnn": (partial(sample_cnn.sample_cnn, channels=(4, 5, 6, 4)), 27),
    "sample_cnn_se": (partial(zoo.sample_cnn_se, channels=(4, 5, 5, 4), hidden_units=6), 27),
    "sample_cnn_res": (partial(sample_cnn_res.sample_cnn_res, channels=(4, 5, 5, 6)), 81),
    "sample_cnn_rese": (partial(kim, channels=(4, 5, 5, 6)), 81),
    "clmr": (partial(clmr.clmr, channels=(4, 5, 6, 4), hidden_units=6), 27),
    "multi_level_multi_scale": (
        partial(
            many_scales, scales=((3, 81), (2, 32)), channels=(4, 5, 6), hidden_units=(6,), levels=2
        ),
        81,
    ),
    "musicnn_waveform": (
        partial(musicnn_waveform.musicnn_waveform, channels=(4, 5), mid_channels=6, hidden_units=7),
        78,
    ),
    "cnnsa_sample_cnn": (
        partial(cnnsa_sample_cnn.cnnsa_sample_cnn, channels=(4, 5, 6), dimension=8),
        27,
    ),
}
"""Networks that are built in no time, and the samples that leave them one frame."""

small = pytest.mark.parametrize(("network", "samples"), SMALL.values(), ids=SMALL)


def windows_of(samples: int) -> Windows:
    """Soft noise, loud noise, a chord, and silence before a square wave."""
    random = np.random.RandomState(3)
    time = np.arange(samples)
    return np.stack(
        [
            0.02 * random.standard_normal(samples),
            random.standard_normal(samples),
            np.sin(0.05 * time) + 0.5 * np.sin(0.31 * time),
            np.sign(np.sin(0.013 * time)) * (time > samples // 2),
        ]
    ).astype(np.float32)


def parameters(variables: Sequence[keras.Variable]) -> int:
    return sum(int(np.prod(variable.shape)) for variable in variables)


def scored(network: keras.Model, windows: Windows) -> Scores:
    return np.asarray(network(windows))


def scores_of(network: keras.Model, windows: Windows) -> np.ndarray:
    """The input of the last layer for the windows."""
    return np.asarray(keras.Model(network.input, network.get_layer("tags").input)(windows))


def shaken(network: keras.Model, windows: Windows) -> keras.Model:
    """With weights far from the zeros and ones at the start; scores of the windows are apart."""
    random = np.random.RandomState(5)
    for variable in network.weights:
        values = random.uniform(0.3, 1.2, variable.shape)
        if variable.path.endswith("kernel"):
            signs = random.choice([-1, 1], variable.shape)
            values *= signs / np.sqrt(np.prod(variable.shape[:-1]))
        variable.assign(values)
    tags = network.get_layer("tags")
    kernel, _ = tags.get_weights()
    logits = scores_of(network, windows) @ kernel
    spread = np.std(logits, axis=0)
    tags.set_weights([kernel / spread, -np.mean(logits, axis=0) / spread])
    assert np.min(np.ptp(scored(network, windows), axis=0)) > 0.2
    return network


# size


@pytest.mark.parametrize(
    ("name", "trainable", "statistics", "embedding"),
    [
        ("sample_cnn", 1_869_874, 5_888, 512),
        ("sample_cnn_se", 6_951_858, 14_592, 512),
        ("sample_cnn_res", 4_920_882, 13_056, 1_024),
        ("sample_cnn_rese", 26_980_146, 13_056, 1_024),
        ("sample_cnn_rese, not residual", 24_742_706, 6_912, 1_024),
        ("sample_cnn_rese, basic", 2_683_442, 6_912, 1_024),
        ("musicnn_waveform", 5_377_082, 3_692, 500),
        ("clmr", 2_368_512 + 512 * 50 + 50, 5_888, 512),
        ("clmr, mlp", 2_368_512 + 512 * 512 + 512 + 512 * 50 + 50, 5_888, 512),
    ],
)
def test_a_network_has_exactly_the_published_parameters(
    name: str, trainable: int, statistics: int, embedding: int
):
    network = NETWORKS[name](N_TAGS, (SAMPLES,))

    kept = [each for each in network.weights if "moving_" in each.path]
    assert parameters(network.trainable_variables) == trainable
    assert parameters(kept) == statistics
    assert network.get_layer("tags").input.shape == (None, embedding)


def test_clmrs_encoder_has_exactly_the_published_parameters():
    encoder = clmr.clmr_encoder((SAMPLES,))

    assert parameters(encoder.trainable_variables) == 2_368_512
    assert encoder.output_shape == (None, 512)


def test_the_multi_scale_network_has_the_parameters_that_its_parts_add_up_to():
    network = many_scales(N_TAGS, (SAMPLES,))

    def net(grain: int, depth: int) -> int:
        widths = [1, 128, 128, 128, *[256] * (depth - 4), 512, 512]
        kernels = [grain] * depth + [1]
        pairs = zip(kernels, widths[:-1], widths[1:], strict=True)
        return sum(kernel * before * after + 3 * after for kernel, before, after in pairs)

    assert SAMPLES == 3**10
    assert PIECE == 2**14
    features = 2 * (256 + 512 + 512)
    classifier = features * 512 + 512 + 512 * 512 + 512 + 512 * N_TAGS + N_TAGS
    assert parameters(network.trainable_variables) == net(3, 10) + net(2, 14) + classifier
    assert parameters(network.trainable_variables) == 5_290_930


@pytest.mark.parametrize(
    ("module", "rate"), FRONT_ENDS.items(), ids=[each.__name__ for each in FRONT_ENDS]
)
def test_a_frame_is_a_sample_and_a_window_has_the_published_length(module, rate: int):
    assert module.FRONT_END.sample_rate == rate
    assert module.FRONT_END.shape == ()
    assert module.WINDOW_SAMPLES == SAMPLES


# parity


def twins():
    pytest.importorskip("torch", reason="PyTorch, for the twins, is not installed")
    from tests.models.architectures.torch_twins import sample_level

    return sample_level


def assert_same_scores(
    twin, network: keras.Model, layers, *, tag_gain: float, conv_gain: float = 1
) -> None:
    """The factor of the kernels makes the scores of a random network cover all of 0..1."""
    from tests.models.architectures.torch_twins.filling import (
        assert_scores_differ,
        filled,
        paired,
        twin_scores,
    )

    filled(twin, seed=1, tag_gain=tag_gain)
    for tensor in twin.state_dict().values():
        if tensor.ndim == 3:
            tensor.mul_(conv_gain)
    windows = windows_of(SAMPLES)
    expected = twin_scores(twin, windows)

    scores = scored(paired(twin, network, layers), windows)

    assert_scores_differ(expected)
    np.testing.assert_allclose(scores, expected, rtol=0, atol=TOLERANCE)


def test_sample_cnn_scores_as_its_twin_with_the_keys_of_the_released_weights():
    assert_same_scores(
        twins().SampleCNN(N_TAGS),
        sample_cnn.sample_cnn(N_TAGS, (SAMPLES,)),
        sample_cnn.TORCH_LAYERS,
        tag_gain=0.3,
    )


def test_sample_cnn_se_scores_as_its_twin_with_the_keys_of_the_released_weights():
    assert_same_scores(
        twins().SampleCNNSE(N_TAGS),
        zoo.sample_cnn_se(N_TAGS, (SAMPLES,)),
        zoo.TORCH_LAYERS,
        tag_gain=0.003,
    )


@pytest.mark.parametrize(
    ("hidden_units", "layers"),
    [(0, clmr.TORCH_LAYERS), (512, clmr.TORCH_LAYERS | {"model.0": "hidden", "model.2": "tags"})],
    ids=["linear", "mlp"],
)
def test_clmr_scores_as_its_twin_with_the_keys_of_the_released_weights(hidden_units: int, layers):
    assert_same_scores(
        twins().Contrastive(N_TAGS, hidden_units),
        clmr.clmr(N_TAGS, (SAMPLES,), hidden_units),
        layers,
        tag_gain=0.5,
    )


@pytest.mark.parametrize(
    ("residual", "squeeze", "conv_gain", "tag_gain"),
    [
        pytest.param(False, False, 1, 0.3, id="basic"),
        pytest.param(False, True, 1.2, 1, id="se"),
        pytest.param(True, False, 1, 0.003, id="res"),
        pytest.param(True, True, 1, 0.003, id="rese"),
    ],
)
def test_the_networks_of_kim_et_al_score_as_their_twins(
    residual: bool, squeeze: bool, conv_gain: float, tag_gain: float
):
    assert_same_scores(
        twins().Kim(N_TAGS, residual, squeeze),
        kim(N_TAGS, (SAMPLES,), residual, squeeze),
        twins().KIM_LAYERS,
        tag_gain=tag_gain,
        conv_gain=conv_gain,
    )


def test_the_multi_scale_network_scores_as_its_twin():
    assert_same_scores(
        twins().MultiScale(N_TAGS),
        many_scales(N_TAGS, (SAMPLES,)),
        twins().MULTI_SCALE_LAYERS,
        tag_gain=0.2,
    )


def test_musicnn_on_raw_samples_scores_as_its_twin():
    twins()
    from tests.models.architectures.torch_twins.musicnn_waveform import LAYERS, MusiCNNWaveform

    assert_same_scores(
        MusiCNNWaveform(N_TAGS),
        musicnn_waveform.musicnn_waveform(N_TAGS, (SAMPLES,)),
        LAYERS,
        tag_gain=0.3,
    )


def test_a_window_of_musicnn_on_raw_samples_has_three_seconds():
    assert 3 * musicnn_waveform.FRONT_END.sample_rate == musicnn_waveform.WINDOW_SAMPLES


def test_sample_cnn_res_is_sample_cnn_rese_without_its_excitations():
    windows = windows_of(81)
    rese, res = (SMALL[name][0](3, (81,)) for name in ("sample_cnn_rese", "sample_cnn_res"))
    weights = {each.path: each.numpy() for each in shaken(res, windows).weights}
    for variable in rese.weights:
        if variable.path in weights:
            variable.assign(weights[variable.path])
        elif variable.path.endswith("_excite/bias"):
            variable.assign(np.full(variable.shape, 100))  # the sigmoid of it is 1

    np.testing.assert_allclose(scored(rese, windows), scored(res, windows), rtol=0, atol=1e-5)


def test_clmrs_probe_gets_the_embedding_of_its_encoder():
    windows = windows_of(27)
    encoder, network = clmr.clmr_encoder((27,), (4, 5, 6, 4)), SMALL["clmr"][0](3, (27,))
    weights = {each.path: each.numpy() for each in shaken(network, windows).weights}
    probe = {"hidden/kernel", "hidden/bias", "tags/kernel", "tags/bias"}
    assert {each.path for each in encoder.weights} == set(weights) - probe
    for variable in encoder.weights:
        variable.assign(weights[variable.path])

    features = scored(encoder, windows)

    assert np.max(np.ptp(features, axis=0)) > 0.1
    hidden = np.maximum(features @ weights["hidden/kernel"] + weights["hidden/bias"], 0)
    logits = hidden @ weights["tags/kernel"] + weights["tags/bias"]
    np.testing.assert_allclose(
        scored(network, windows), 1 / (1 + np.exp(-logits)), rtol=0, atol=1e-5
    )


# pieces of a window


@pytest.fixture(scope="module")
def of_pieces() -> tuple[keras.Model, Windows, Scores]:
    """A network with three pieces of 32 in 99 samples, windows, and its scores."""
    network = many_scales(3, (99,), scales=((2, 32),), channels=(4, 5, 6), hidden_units=(6,))
    windows = windows_of(99)
    return network, windows, scored(shaken(network, windows), windows)


def test_the_order_of_the_pieces_of_a_window_does_not_matter(
    of_pieces: tuple[keras.Model, Windows, Scores],
):
    network, windows, scores = of_pieces
    pieces = windows[:, :96].reshape(-1, 3, 32)
    turned = np.concatenate([pieces[:, ::-1].reshape(-1, 96), windows[:, 96:]], axis=1)

    np.testing.assert_allclose(scored(network, turned), scores, rtol=0, atol=1e-5)


@pytest.mark.parametrize("piece", [0, 1, 2])
def test_every_piece_of_a_window_changes_the_scores(
    piece: int, of_pieces: tuple[keras.Model, Windows, Scores]
):
    network, windows, scores = of_pieces
    changed = windows.copy()
    changed[:, piece * 32 : piece * 32 + 32] = 3

    assert np.all(np.max(np.abs(scored(network, changed) - scores), axis=1) > 0.001)


def test_an_incomplete_piece_at_the_end_of_a_window_is_ignored(
    of_pieces: tuple[keras.Model, Windows, Scores],
):
    network, windows, scores = of_pieces
    changed = windows.copy()
    changed[:, 96:] = 3

    np.testing.assert_array_equal(scored(network, changed), scores)


# inputs of a network


@small
def test_every_weight_has_a_readable_unique_name(network: Network, samples: int):
    paths = [variable.path for variable in network(3, (samples,)).weights]

    layer = r"(conv|mid)_\d+(_bn)?|block_\d+(_\w+)?|hidden(_bn|_\d)?|pooler|tags"
    names = rf"(scale_\d+_)?({layer})"
    parts = "kernel|bias|gamma|beta|moving_mean|moving_variance"
    assert len(set(paths)) == len(paths)
    assert [path for path in paths if not re.fullmatch(f"{names}/({parts})", path)] == []


@small
def test_a_window_scores_the_same_in_any_batch(network: Network, samples: int):
    windows = windows_of(samples)
    built = shaken(network(3, (samples,)), windows)

    alone = np.concatenate([scored(built, window[np.newaxis]) for window in windows])

    np.testing.assert_allclose(scored(built, windows), alone, rtol=0, atol=TOLERANCE)


@small
def test_a_longer_window_needs_no_other_weights(network: Network, samples: int):
    shapes = {each.path: each.shape for each in network(3, (samples,)).weights}

    longer = network(3, (7 * samples + 1,))

    assert {each.path: each.shape for each in longer.weights} == shapes
    assert scored(longer, windows_of(7 * samples + 1)).shape == (4, 3)


@small
def test_a_window_that_is_too_short_is_refused(network: Network, samples: int):
    network(3, (samples,))

    with pytest.raises(ValueError, match="window"):
        network(3, (samples // 3,))


@small
def test_a_window_of_a_spectrogram_is_refused(network: Network, samples: int):
    with pytest.raises(ValueError, match="window"):
        network(3, (samples, 96))


@small
def test_an_empty_list_of_tags_is_refused(network: Network, samples: int):
    with pytest.raises(ValueError, match="units"):
        network(0, (samples,))


@pytest.mark.parametrize("levels", [0, -1, 10])
def test_levels_that_a_network_does_not_have_are_refused(levels: int):
    with pytest.raises(ValueError, match="levels: "):
        sample_cnn_res.sample_cnn_res(3, (SAMPLES,), levels=levels)
    with pytest.raises(ValueError, match="levels: "):
        many_scales(3, (81,), scales=((3, 81),), levels=levels)


@pytest.mark.parametrize("scale", [(3, 80), (3, 27), (1, 1), (0, 81), (-3, 81)])
def test_a_scale_without_a_frame_left_is_refused(scale: tuple[int, int]):
    with pytest.raises(ValueError, match="scales: "):
        many_scales(3, (81,), scales=(scale,))


@small
def test_scores_stay_float32_if_the_rest_is_bf16(network: Network, samples: int):
    windows = windows_of(samples)
    exact = shaken(network(3, (samples,)), windows)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        rough = network(3, (samples,))
    finally:
        keras.config.set_dtype_policy(policy)
    for variable, weights in zip(rough.weights, exact.get_weights(), strict=True):
        variable.assign(weights)

    assert rough(windows).dtype == "float32"
    fine, coarse = (scores_of(each, windows) for each in (exact, rough))
    assert coarse.dtype == "bfloat16"
    np.testing.assert_allclose(coarse.astype(np.float32), fine, rtol=0, atol=0.03 * np.max(fine))


@pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed")
@small
def test_openvino_scores_as_keras_does(network: Network, samples: int):
    from app.inference.keras_conversion import convert
    from app.networks.core import core

    windows = windows_of(samples)
    built = shaken(network(3, (samples,)), windows)
    expected = scored(built, windows)

    compiled = core().compile_model(convert(built), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    for count in (1, len(windows)):
        np.testing.assert_allclose(
            compiled(windows[:count])[0], expected[:count], rtol=0, atol=TOLERANCE
        )
