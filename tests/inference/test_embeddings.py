"""Engines whose outputs end in the embedding: the input of the network's last layer."""

from pathlib import Path
from typing import Literal

import keras
import numpy as np
import pytest

from app.domain import Precision, Waveform
from app.errors import SetupError
from app.inference.frozen_features import make_extractor
from app.inference.selection import EnginePreference, choose
from app.inference.tensorflow_engine import TensorFlowEngine
from app.inference.waveform_engine import WaveformEngine
from app.store.manifest.manifest import read_store
from app.store.registry.golden import golden_waveform
from app.store.registry.loading import TrackModel, add_embedding, find_embedding, load
from app.store.registry.publishing import publish
from app.store.storage.store import Store
from tests.support import tiny


@pytest.mark.parametrize("backend", ["openvino", "tensorflow"])
def test_outputs_are_the_scores_and_then_the_embedding(
    tmp_path: Path, backend: Literal["openvino", "tensorflow"]
) -> None:
    store = Store(tmp_path)
    publish(store, tiny.spec(), tiny.weights())
    (manifest,) = read_store(store).values()
    model = load(store, manifest)
    windows = np.random.RandomState(0).uniform(0, 3, (2, *manifest.window_spec.window_shape))
    expected = keras.Model(model.network.input, find_embedding(model))(windows)
    extractor = make_extractor(manifest.front_end)

    engines = [
        choose(store, manifest, extractor, EnginePreference(backend, "float32", embedding=each))
        for each in (False, True)
    ]
    plain, outputs = (engine.score(windows.astype(np.float32)) for engine in engines)

    assert [engine.embedding for engine in engines] == [0, 32]
    np.testing.assert_allclose(outputs[:, :-32], plain, atol=1e-5)
    np.testing.assert_allclose(outputs[:, -32:], expected, atol=1e-4)


def test_a_gpu_engine_returns_the_embedding_too(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store, tiny.spec(), tiny.weights())
    (manifest,) = read_store(store).values()
    model = add_embedding(load(store, manifest))
    front = manifest.front_end
    waveform = Waveform(golden_waveform(manifest.golden, front), front.sample_rate)

    engine = WaveformEngine(model, Precision.FLOAT32)
    expected = TensorFlowEngine(model, Precision.FLOAT32, make_extractor(front))

    assert engine.embedding == expected.embedding == 32
    np.testing.assert_allclose(engine.scores(waveform), expected.scores(waveform), atol=1e-4)
    np.testing.assert_allclose(engine.mean(waveform), expected.mean(waveform), atol=1e-4)


def test_a_network_without_a_last_layer_for_tags_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store, tiny.spec(), tiny.weights())
    (manifest,) = read_store(store).values()
    whole = load(store, manifest).network
    inputs = keras.Input(whole.input_shape[1:])

    with pytest.raises(SetupError, match="no last layer for tags"):
        add_embedding(TrackModel(manifest, keras.Model(inputs, whole(inputs))))
