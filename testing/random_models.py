"""Models of every architecture with random weights that still separate sounds.

A network as Keras initialises it gives nearly the same scores for all sounds, so comparing them
would prove nothing. So its last layer is scaled to spread the scores of the sounds here.
"""

from collections.abc import Mapping

import keras
import numpy as np

from app.domain import Samples
from app.front_ends import WindowSpec
from app.models import architectures, network, variables
from app.models.front_end import track_frames
from app.store.manifest.manifest import Manifest, ModelSpec
from app.store.registry.publishing import publish
from app.store.storage.store import Store

TAGS = tuple(f"tag {number}" for number in range(50))
SOUNDS = 6
SEED = 20260101

SETTLED = {"cnnsa_sample_cnn": 30}
"""The passes over the sounds in which batch norms learn their statistics. Otherwise the tokens of
this network are small beside the sinusoids of their positions, and its scores are float noise."""


def publish_random(
    store: Store, architecture: str, name: str, arguments: Mapping[str, object] | None = None
) -> Manifest:
    """Publish a model of an architecture, with the front end and window of its publication."""
    known = architectures()[architecture]
    window_spec = WindowSpec(known.front_end, known.window_frames, known.window_frames)
    spec = ModelSpec.model_validate(
        {
            "name": name,
            "summary": "Random weights.",
            "architecture": {"name": architecture, "arguments": arguments or {}},
            "front_end": window_spec.front,
            "window": {"frames": window_spec.window_frames, "hop_frames": window_spec.hop_frames},
            "tags": {"family": "random", "names": TAGS},
            "source": {"description": "Random.", "url": "", "licence": "MIT", "citation": ""},
        }
    )
    return publish(store, spec, random_weights(architecture, window_spec, arguments or {}))


def random_weights(
    architecture: str, window_spec: WindowSpec, arguments: Mapping[str, object]
) -> dict[str, np.ndarray]:
    """By the path of each variable."""
    keras.utils.set_random_seed(SEED)
    model = network(architecture, len(TAGS), window_spec, arguments)
    frames = np.asarray(track_frames(window_spec.front)(sounds(window_spec)))
    windows = frames[:, : window_spec.window_frames]
    for _ in range(SETTLED.get(architecture, 0)):
        model(windows, training=True)
    _spread(model, windows)
    return {path: np.array(variable) for path, variable in variables(model).items()}


def sounds(window_spec: WindowSpec) -> Samples:
    """Tones and noise, none like another, (sounds, samples), each as long as a window.

    In stereo, (sounds, samples, 2), the right channel has another sound than the left one.
    """
    random = np.random.RandomState(SEED)
    time = np.arange(window_spec.window_samples) / window_spec.front.sample_rate
    tones = [
        np.sin(2 * np.pi * hertz * time) * np.exp(-decay * (time % 0.5))
        for hertz, decay in zip(
            random.uniform(80, 3_000, SOUNDS), random.uniform(0, 6, SOUNDS), strict=True
        )
    ]
    noise = random.standard_normal((SOUNDS, len(time))) * random.uniform(0.01, 0.3, (SOUNDS, 1))
    mono = (0.3 * np.array(tones) + noise).astype(np.float32)
    return mono if window_spec.front.channels == 1 else np.stack([mono, mono[::-1]], axis=-1)


def _spread(model: keras.Model, frames: np.ndarray) -> None:
    """Give every last layer weights with which the scores of these windows differ."""
    for layer in model.layers:
        if layer.name != "tags" and not isinstance(layer, keras.Model):
            continue
        [given] = layer._inbound_nodes[-1].input_tensors  # in this model, not in its own
        inside = np.asarray(keras.Model(model.input, given)(frames))
        if isinstance(layer, keras.Model):
            _spread(layer, inside)
        else:
            layer.set_weights(_last_layer(inside.astype(np.float64), layer.units))


def _last_layer(embedding: np.ndarray, tags: int) -> list[np.ndarray]:
    """Kernel and bias with which each tag's logits over these vectors have a spread of 1.5."""
    random = np.random.RandomState(SEED)
    kernel = random.standard_normal((embedding.shape[1], tags))
    logits = embedding @ kernel
    kernel *= 1.5 / logits.std(axis=0)
    bias = random.standard_normal(tags) - (embedding @ kernel).mean(axis=0)
    return [kernel.astype(np.float32), bias.astype(np.float32)]
