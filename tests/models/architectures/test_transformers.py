"""CNNSA with three front ends, Music Tagging Transformer and SpecTNT."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import pytest

from app.domain import Windows
from app.models.architectures import (
    cnnsa,
    cnnsa_musicnn,
    cnnsa_sample_cnn,
    music_tagging_transformer,
    spectnt,
)
from app.models.blocks.attention import attend

pytestmark = pytest.mark.thorough

TOLERANCE = 1e-4
N_TAGS = 50
MELS = 128

Network = Callable[..., keras.Model]

SMALL = {
    "cnnsa": lambda n_tags=4: cnnsa.cnnsa(n_tags, (24, 20)),
    "cnnsa_musicnn": lambda n_tags=4: cnnsa_musicnn.cnnsa_musicnn(n_tags, (24, 20), 2, 16),
    "music_tagging_transformer": lambda n_tags=4: (
        music_tagging_transformer.music_tagging_transformer(
            n_tags, (24, 16), dimension=16, channels=8
        )
    ),
    "spectnt": lambda n_tags=4: spectnt.spectnt(n_tags, (24, 12), channels=8, dimension=16),
}
"""Networks that are built in no time."""

small = pytest.mark.parametrize("network", SMALL.values(), ids=SMALL)


def windows_of(shape: Sequence[int], count: int = 3, seed: int = 1) -> Windows:
    """Each has a spectrum and a course of its own, and noise; one is louder than the other."""
    random = np.random.RandomState(seed)
    frames, bins = shape
    parts = ((count, 1, bins), (count, frames, 1), (count, frames, bins))
    levels = np.linspace(-2, 3, count).reshape(count, 1, 1)
    return sum((random.standard_normal(part) for part in parts), start=levels).astype(np.float32)


def parameters(variables: Sequence[keras.Variable]) -> int:
    return sum(int(np.prod(variable.shape)) for variable in variables)


# size


def test_cnnsa_has_exactly_the_published_parameters():
    network = cnnsa.cnnsa(N_TAGS, (cnnsa.FRONT_END.frames(cnnsa.WINDOW_SAMPLES), MELS))

    assert parameters(network.trainable_variables) == 10_521_652


@pytest.mark.parametrize(
    ("dimension", "expected"), [(256, 4_567_732), (64, 1_108_852)], ids=["teacher", "student"]
)
def test_music_tagging_transformer_has_exactly_the_published_parameters(
    dimension: int, expected: int
):
    network = music_tagging_transformer.music_tagging_transformer(
        N_TAGS,
        (
            music_tagging_transformer.FRONT_END.frames(music_tagging_transformer.WINDOW_SAMPLES),
            MELS,
        ),
        dimension=dimension,
    )

    assert parameters(network.trainable_variables) == expected


def encoder_parameters(width: int) -> int:
    """Two blocks, the pooler and 50 tags."""
    attention = 4 * (width * width + width)
    dense = 8 * width * width + 5 * width
    pooler = width * width + width
    return 2 * (attention + dense + 4 * width) + pooler + width * N_TAGS + N_TAGS


def test_cnnsa_behind_musicnn_has_the_parameters_that_its_parts_add_up_to():
    network = cnnsa_musicnn.cnnsa_musicnn(N_TAGS, (256, 96))

    tall = sum(height * (7 + 2 * 3 + 4 * 1) for height in (int(0.9 * 96), int(0.4 * 96)))
    filters = 16 * (tall + 165 + 2 * 129 + 4 * 65 + 8 * 33)
    branches = 2 + filters + 3 * 29 * 16
    tokens = 29 * 16 * 512 + 3 * 512
    expected = branches + tokens + encoder_parameters(512)
    assert parameters(network.trainable_variables) == expected == 6_882_452


def test_cnnsa_behind_sample_cnn_has_the_parameters_that_its_parts_add_up_to():
    network = cnnsa_sample_cnn.cnnsa_sample_cnn(N_TAGS, (65_610,))

    pairs = ((1, 64), (64, 64), (64, 128), (128, 128), (128, 128))
    convolutions = sum(3 * before * after + 3 * after for before, after in pairs)
    convolutions += 7 * 128 * 512 + 3 * 512
    expected = convolutions + encoder_parameters(512)
    assert parameters(network.trainable_variables) == expected == 7_190_258


def test_spectnt_has_the_parameters_that_its_parts_add_up_to():
    network = spectnt.spectnt(N_TAGS, (spectnt.FRONT_END.frames(spectnt.WINDOW_SAMPLES), MELS))

    width, features, steps, blocks = (
        128,
        96,
        spectnt.FRONT_END.frames(spectnt.WINDOW_SAMPLES) // 4,
        3,
    )
    norm = 2 * width
    first, second = 3 * 3 * width + width, 3 * 3 * width * width + width
    front = 2 + 2 * (first + norm) + second + norm  # one channel; the shortcut is a convolution too
    trained = (1 + MELS) * width + steps * width + width
    attention = norm + 3 * width * features + features * width + width
    dense = norm + 4 * width * width + 4 * width + 4 * width * width + width
    bridge = width * width + width
    block = 2 * (attention + dense) + 2 * bridge
    expected = front + trained + blocks * block + width * N_TAGS + N_TAGS
    assert parameters(network.trainable_variables) == expected


@pytest.mark.parametrize(
    ("module", "seconds", "frames"),
    [(cnnsa, 15, 938), (music_tagging_transformer, 10, 431), (spectnt, 4.54, 196)],
)
def test_a_window_has_the_published_length(module, seconds: float, frames: int):
    samples = int(seconds * module.FRONT_END.sample_rate)

    assert (
        module.FRONT_END.frames(samples) == module.FRONT_END.frames(module.WINDOW_SAMPLES) == frames
    )
    assert module.FRONT_END.shape == (MELS,)


# parity


def twin_of(module, seed: int, tag_gain: float = 1.0):
    """Random; `filled` makes trained vectors nearly zero, but each of them should matter."""
    from tests.models.architectures.torch_twins.filling import filled, torch

    filled(module, seed, tag_gain)
    random = np.random.RandomState(seed)
    with torch.no_grad():
        for _, vectors in module.named_parameters(recurse=False):
            vectors.copy_(torch.from_numpy(random.standard_normal(tuple(vectors.shape))))
    return module


def assert_same_scores(twin, network: keras.Model, layers, windows: Windows | None = None) -> None:
    from tests.models.architectures.torch_twins.filling import (
        assert_scores_differ,
        paired,
        twin_scores,
    )

    windows = windows_of(network.input_shape[1:]) if windows is None else windows
    expected = twin_scores(twin, windows)

    scores = np.asarray(paired(twin, network, layers)(windows))

    assert_scores_differ(expected)
    np.testing.assert_allclose(scores, expected, rtol=0, atol=TOLERANCE)


def twins():
    pytest.importorskip("torch", reason="PyTorch, for the twins, is not installed")
    from tests.models.architectures.torch_twins import transformers

    return transformers


def test_cnnsa_scores_as_its_twin_with_the_keys_of_the_released_weights():
    assert_same_scores(
        twin_of(twins().CNNSA(N_TAGS), seed=1),
        cnnsa.cnnsa(N_TAGS, (cnnsa.FRONT_END.frames(cnnsa.WINDOW_SAMPLES), MELS)),
        cnnsa.TORCH_LAYERS,
    )


def test_cnnsa_behind_musicnn_scores_as_its_twin_with_the_keys_of_the_released_code():
    frames = cnnsa_musicnn.FRONT_END.frames(cnnsa_musicnn.WINDOW_SAMPLES)

    assert frames == 256
    assert_same_scores(
        twin_of(twins().CNNSAMusiCNN(N_TAGS), seed=5),
        cnnsa_musicnn.cnnsa_musicnn(N_TAGS, (frames, 96)),
        cnnsa_musicnn.TORCH_LAYERS,
    )


def test_cnnsa_behind_sample_cnn_scores_as_its_twin_with_the_keys_of_the_released_code():
    twin = twin_of(twins().CNNSASampleCNN(N_TAGS), seed=6)
    network = cnnsa_sample_cnn.cnnsa_sample_cnn(N_TAGS, (cnnsa_sample_cnn.WINDOW_SAMPLES,))
    time = np.arange(cnnsa_sample_cnn.WINDOW_SAMPLES)
    noise = np.random.RandomState(1).standard_normal((3, len(time)))
    windows = noise * [[0.1], [0.3], [1.0]] + np.sin(np.outer((0.02, 0.2, 1.0), time))

    assert network.get_layer("block_2_attention").output.shape == (None, 8, 271, 271)
    assert_same_scores(twin, network, cnnsa_sample_cnn.TORCH_LAYERS, windows.astype(np.float32))


@pytest.mark.parametrize("dimension", [256, 64], ids=["teacher", "student"])
def test_music_tagging_transformer_scores_as_its_twin_with_the_keys_of_the_released_weights(
    dimension: int,
):
    assert_same_scores(
        twin_of(twins().MusicTaggingTransformer(N_TAGS, dimension), seed=2),
        music_tagging_transformer.music_tagging_transformer(
            N_TAGS,
            (
                music_tagging_transformer.FRONT_END.frames(
                    music_tagging_transformer.WINDOW_SAMPLES
                ),
                MELS,
            ),
            dimension=dimension,
        ),
        music_tagging_transformer.TORCH_LAYERS,
    )


def test_spectnt_scores_as_its_twin():
    assert_same_scores(
        twin_of(
            twins().SpecTNT(N_TAGS, steps=49, bins=MELS, width=128, features=96),
            seed=3,
            tag_gain=0.25,
        ),
        spectnt.spectnt(N_TAGS, (spectnt.FRONT_END.frames(spectnt.WINDOW_SAMPLES), MELS)),
        twins().SPECTNT_LAYERS,
    )


# their inputs


@small
def test_a_windows_scores_do_not_depend_on_what_else_is_in_the_batch(network: Network):
    model = network()
    windows = windows_of(model.input_shape[1:])

    alone = [np.asarray(model(windows[i : i + 1])) for i in range(len(windows))]

    assert np.min(np.ptp(alone, axis=0)) > 1e-4
    np.testing.assert_allclose(model(windows), np.concatenate(alone), rtol=0, atol=1e-6)


@small
@pytest.mark.parametrize("n_tags", [1, 7])
def test_the_number_of_scores_is_the_number_of_tags(network: Network, n_tags: int):
    assert network(n_tags).output_shape == (None, n_tags)


@small
def test_a_network_computes_in_bf16_and_scores_in_float32(network: Network):
    whole = network()
    windows = windows_of(whole.input_shape[1:])
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        fast = network()
    finally:
        keras.config.set_dtype_policy("float32")
    fast.set_weights(whole.get_weights())

    scores = fast(windows)

    assert {layer.compute_dtype for layer in fast.layers if "block_1" in layer.name} == {"bfloat16"}
    assert scores.dtype == "float32"
    np.testing.assert_allclose(scores, whole(windows), rtol=0, atol=0.03)


@small
def test_a_network_is_read_back_from_a_file(network: Network, tmp_path: Path):
    model = network()
    windows = windows_of(model.input_shape[1:])

    model.save(tmp_path / "network.keras")

    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(windows), model(windows))


# invalid arguments


def test_cnnsa_refuses_more_bands_than_its_strides_reduce_to_one():
    with pytest.raises(ValueError, match="129 bands become 2; expected 1"):
        cnnsa.cnnsa(N_TAGS, (938, 129))


def test_music_tagging_transformer_refuses_a_window_with_more_tokens_than_positions():
    build = music_tagging_transformer.music_tagging_transformer

    assert build(2, (4 * 512, 8), dimension=8, channels=2).output_shape == (None, 2)
    with pytest.raises(ValueError, match="there are 514 tokens; expected at most 513"):
        build(2, (4 * 513, 8), dimension=8, channels=2)


@pytest.mark.parametrize("window", [(3, 128), (431, 7)])
def test_music_tagging_transformer_refuses_a_window_of_which_pooling_leaves_nothing(
    window: tuple[int, int],
):
    with pytest.raises(ValueError, match="the window is too small"):
        music_tagging_transformer.music_tagging_transformer(N_TAGS, window)


def test_spectnt_refuses_a_window_of_which_pooling_leaves_nothing():
    with pytest.raises(ValueError, match="the window is too small"):
        spectnt.spectnt(N_TAGS, (3, MELS))


def test_spectnt_refuses_features_that_its_heads_cannot_share():
    with pytest.raises(ValueError, match="96 features can't be divided among 5 heads"):
        spectnt.spectnt(N_TAGS, (8, 8), temporal_heads=5)


# attention


def test_a_token_gets_the_value_whose_key_matches_its_query_in_each_head_by_itself():
    directions = 50 * np.eye(3, dtype=np.float32)
    keys = np.tile(directions, 2)[np.newaxis]
    queries = np.concatenate([directions[[1, 2, 0]], directions[[2, 2, 1]]], axis=1)[np.newaxis]
    values = np.random.RandomState(4).standard_normal((1, 3, 6)).astype(np.float32)

    gathered = np.asarray(attend(queries, keys, values, heads=2))[0]

    np.testing.assert_allclose(gathered[:, :3], values[0, [1, 2, 0], :3], atol=1e-6)
    np.testing.assert_allclose(gathered[:, 3:], values[0, [2, 2, 1], 3:], atol=1e-6)
