"""What a network attended to: its weights against NumPy, over time, and as a picture."""

import io

import keras
import numpy as np
import pytest
from PIL import Image

from app.errors import SetupError
from app.front_ends import WindowSpec
from app.models import architectures, network, variables
from app.models.architectures import cnnsa_musicnn
from app.models.front_end import track_frames
from app.probing.attention import Attention, Explainer, Explanation, of_class_token
from app.probing.attention_picture import draw_attention
from app.store.manifest.manifest import Manifest, read_store
from app.store.registry.loading import load
from app.store.storage.store import Store
from testing.random_models import publish_random, sounds

HEADS = 8


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("attentive"))
    small = {"channels": 2, "dimension": 32}
    publish_random(store, "cnnsa_musicnn", "attentive", small)
    publish_random(store, "sample_cnn", "without", {"channels": [4] * 11})
    return store


@pytest.fixture(scope="module")
def manifest(store: Store) -> Manifest:
    return read_store(store)["attentive"]


@pytest.fixture(scope="module")
def explanation(store: Store, manifest: Manifest, track: np.ndarray) -> Explanation:
    return Explainer(store, manifest).explain(track)


@pytest.fixture(scope="module")
def track(manifest: Manifest) -> np.ndarray:
    """Three windows, none like another, as int16."""
    samples = manifest.front_end.samples(3 * manifest.window.frames)
    return (sounds(manifest.window_spec)[:4].ravel()[:samples] * 20_000).astype(np.int16)


def test_attention_is_that_of_the_class_token_in_the_last_block_as_numpy_computes_it(
    store: Store, manifest: Manifest, track: np.ndarray, explanation: Explanation
):
    model = load(store, manifest).network
    front, length = manifest.front_end, manifest.window_spec.window_frames
    frames = np.asarray(track_frames(front)(track[np.newaxis] / np.float32(2**15)))[0]
    windows = np.stack([frames[start : start + length] for start in (0, length, 2 * length)])
    layers = [model.get_layer(f"block_2_{part}").output for part in ("query", "key")]
    query, key = (np.asarray(each) for each in keras.Model(model.input, layers)(windows))

    width = query.shape[-1] // HEADS
    of_heads = []
    for head in range(HEADS):
        part = slice(head * width, (head + 1) * width)
        logits = key[:, :, part] @ query[:, 0, part, np.newaxis] / np.sqrt(width)
        weights = np.exp(logits[..., 0])
        of_heads.append(weights / weights.sum(axis=1, keepdims=True))
    expected = np.mean(of_heads, axis=0)[:, 1:]
    expected /= expected.mean(axis=1, keepdims=True)

    assert explanation.attention.shape == (3, length)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(explanation.attention, expected, rtol=0, atol=1e-3)
    np.testing.assert_allclose(explanation.scores, model(windows), rtol=0, atol=1e-4)


@pytest.mark.thorough
@pytest.mark.parametrize("name", [n for n, each in architectures().items() if each.attention])
def test_every_network_with_attention_names_layers_that_have_it(name: str):
    known = architectures()[name]
    window_spec = WindowSpec(known.front_end, known.window_frames, known.window_frames)
    built = network(name, 2, window_spec, {})

    *_, last = (layer for layer in built.layers if layer.name.endswith(known.attention))

    _, heads, tokens, others = last.output.shape
    assert tokens == others > heads > 1
    assert last.output.shape[-1] - 1 <= window_spec.window_frames
    assert not variables(keras.Model(last.input, last.output)), "it only reads them"


def made(manifest: Manifest, attention: Attention) -> Explanation:
    scores = np.zeros((len(attention), len(manifest.tags.names)), np.float32)
    times_s = [number * manifest.window_spec.hop_s for number in range(len(scores))]
    return Explanation(manifest, times_s, scores, attention)


def test_moments_are_joined_and_sorted_by_their_attention(manifest: Manifest):
    attention = np.full((1, 40), 0.5, np.float32)
    attention[0, [3, 4, 20, 39]] = [4, 6, 7, 2]
    explanation = made(manifest, attention)
    length = manifest.window_spec.window_s / 40

    moments = explanation.moments(0)

    assert [(moment.start_s, moment.end_s) for moment in moments] == [
        pytest.approx((20 * length, 21 * length)),
        pytest.approx((3 * length, 5 * length)),
        pytest.approx((39 * length, 40 * length)),
    ]
    assert [moment.attention for moment in moments] == [7, 5, 2]


def test_where_windows_overlap_their_mean_attention_counts(manifest: Manifest):
    frames = manifest.window.frames
    overlapping = manifest.model_copy(
        update={"window": manifest.window.model_copy(update={"hop_frames": frames // 2})}
    )
    attention = np.array([[1, 1, 1, 1], [3, 3, 0, 0]], np.float32)

    over_time = made(overlapping, attention).over_time()

    np.testing.assert_allclose(over_time, [1, 1, 2, 2, 0, 0])


def test_the_picture_is_a_png_with_a_row_for_each_tag(explanation: Explanation):
    few, more = (
        draw_attention(explanation, explanation.manifest.tags.names[:n], explanation.scores[:, :n])
        for n in (3, 9)
    )

    heights = [Image.open(io.BytesIO(png)).height for png in (few, more)]

    assert heights[1] - heights[0] == pytest.approx(6 * 0.28 * 220, abs=4)


def test_a_model_without_attention_is_refused_with_those_that_have_it(store: Store):
    with pytest.raises(SetupError, match="without/1: its architecture sample_cnn has no"):
        Explainer(store, read_store(store)["without"])


def planted(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows of noise, tags, and the frame at which the tagged half has a short tone."""
    random = np.random.RandomState(seed)
    windows = random.standard_normal((count, 128, 32)).astype(np.float32)
    starts = random.randint(16, 104, count)
    for window, start in zip(windows[1::2], starts[1::2], strict=True):
        window[start : start + LENGTH, 20:24] += 3
    return windows, np.arange(count)[:, np.newaxis] % 2, starts


LENGTH = 8
"""Of the planted tone, in frames."""


@pytest.mark.thorough
def test_a_network_that_learned_a_short_tone_attends_to_it():
    keras.utils.set_random_seed(1)
    built = cnnsa_musicnn.cnnsa_musicnn(1, (128, 32), channels=2, dimension=32)
    built.compile(keras.optimizers.Adam(2e-3), "binary_crossentropy")
    windows, tags, _ = planted(512, seed=0)
    built.fit(windows, tags, batch_size=32, epochs=5, verbose=0)
    windows, tags, starts = planted(64, seed=9)

    attending = keras.Model(
        built.input, [built.get_layer("block_2_attention").output, built.output]
    )
    weights, scores = map(np.asarray, attending(windows))

    assert np.mean((scores > 0.5) == tags) > 0.95
    attention = of_class_token(weights)[1::2]
    inside = np.array(
        [
            row[start : start + LENGTH].mean()
            for row, start in zip(attention, starts[1::2], strict=True)
        ]
    )
    assert np.mean(inside > 1.1) > 0.9
