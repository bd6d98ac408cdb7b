"""Whatever computes a model, in whichever arithmetic: its scores are those of its Keras graph."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from app.domain import Backend, Precision, Samples, Scores, Waveform, Windows
from app.front_ends import WindowSpec
from app.inference.engine import Engine, windows_of
from app.inference.features import WindowStream
from app.inference.selection import HAS_OPENVINO
from app.inference.tensorflow_engine import TensorFlowEngine
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.models import architectures, network
from app.store.manifest.manifest import Manifest
from app.store.registry.golden import BF16_TOLERANCE
from app.store.registry.loading import TrackModel, load
from app.store.registry.packaging import TOLERANCE as EXACT
from app.store.storage.store import Store

if HAS_OPENVINO:
    from app.inference.keras_conversion import convert
    from app.inference.openvino_engine import (
        AUDIO_PER_CORE_S,
        OpenVINOEngine,
        computes_bf16,
        count_streams,
    )
    from app.networks.core import core

RATE = 16_000
WINDOW = 186 * 256
"""Samples of the shortest track that fills a window."""

TOLERANCE = {Precision.FLOAT32: EXACT, Precision.BF16: BF16_TOLERANCE}

TIE = {Precision.FLOAT32: EXACT, Precision.BF16: 5e-3}
"""Mean scores as close as that may change places. Measured in bf16: means are at most 4e-3 off."""

NAME = "mtt-vgg"
OTHERS = ["msd-musicnn", "msd-vgg", "mtt-musicnn"]
NAMES = [NAME, *(pytest.param(name, marks=pytest.mark.thorough) for name in OTHERS)]

SIZES = [1, 2, 3, 8, 17]

RUNS = {
    (Backend.OPENVINO, Precision.FLOAT32): HAS_OPENVINO,
    (Backend.OPENVINO, Precision.BF16): HAS_OPENVINO and computes_bf16(),
}
"""What not every machine runs: OpenVINO may not be installed, few CPUs compute bf16."""
RARE = {(Backend.TENSORFLOW, Precision.BF16)}
"""Chosen by operators alone: `auto` takes OpenVINO for bf16."""

with_openvino = pytest.mark.skipif(not HAS_OPENVINO, reason="openvino is not installed")
each_kind = pytest.mark.parametrize(
    ("backend", "precision"),
    [
        pytest.param(
            backend,
            precision,
            id=f"{backend}-{precision}",
            marks=[
                pytest.mark.skipif(
                    not RUNS.get((backend, precision), True),
                    reason=f"{backend} does not run in {precision} on this machine",
                ),
                *([pytest.mark.thorough] if (backend, precision) in RARE else []),
            ],
        )
        for backend in Backend
        for precision in (Precision.BF16, Precision.FLOAT32)
    ],
)


class Workshop:
    """Builds each engine once."""

    def __init__(
        self, store: Path, manifests: dict[str, Manifest], extractor: TensorFlowFeatureExtractor
    ) -> None:
        self._store, self._manifests, self._melgrams = store, manifests, extractor
        self.engine = cache(self._engine)
        self.model = cache(self._model)

    def _model(self, name: str, precision: Precision = Precision.FLOAT32) -> TrackModel:
        return load(Store(self._store), self._manifests[name], precision)

    def _engine(self, name: str, backend: Backend, precision: Precision) -> Engine:
        if backend is Backend.OPENVINO:
            return OpenVINOEngine(self.model(name), precision, self._melgrams)
        return TensorFlowEngine(self.model(name, precision), precision, self._melgrams)


@pytest.fixture(scope="module")
def minute(music: Waveform) -> Waveform:
    """The first one of the song."""
    return Waveform(music.samples[: 60 * RATE], RATE)


@pytest.fixture(scope="module")
def workshop(
    store: Path, manifests: dict[str, Manifest], extractor: TensorFlowFeatureExtractor
) -> Workshop:
    return Workshop(store, manifests, extractor)


@pytest.fixture(scope="module")
def graphs_scores(workshop: Workshop, minute: Waveform) -> Callable[[str], Scores]:
    """What a model's Keras graph gives for a minute of the song."""
    return cache(
        lambda name: np.asarray(workshop.model(name).graph(minute.samples[np.newaxis])["windows"])
    )


@pytest.fixture(scope="module")
def windows(
    extractor: TensorFlowFeatureExtractor, window_spec: WindowSpec, minute: Waveform
) -> Windows:
    """Its windows."""
    pieces = WindowStream(extractor, [window_spec]).pieces(minute.samples, complete=True)
    return np.concatenate([windows for _, windows in pieces])


@pytest.mark.parametrize("name", NAMES)
@each_kind
def test_a_minute_of_music_scores_as_its_models_graph_does(
    name: str,
    backend: Backend,
    precision: Precision,
    workshop: Workshop,
    minute: Waveform,
    graphs_scores: Callable[[str], Scores],
) -> None:
    scores = workshop.engine(name, backend, precision).scores(minute)

    graphs = graphs_scores(name)
    assert scores.dtype == np.float32
    assert scores.shape == graphs.shape == (20, 50)
    np.testing.assert_allclose(scores, graphs, rtol=0, atol=TOLERANCE[precision])
    means = graphs.mean(axis=0)
    best, graphs_best = best_tags(scores), best_tags(graphs)
    np.testing.assert_allclose(means[best], means[graphs_best], rtol=0, atol=TIE[precision])


def best_tags(scores: Scores) -> list[int]:
    return np.argsort(-scores.mean(axis=0), kind="stable")[:5].tolist()


@pytest.mark.parametrize("name", NAMES)
@each_kind
def test_a_batch_of_any_size_scores_like_its_windows_one_by_one(
    name: str, backend: Backend, precision: Precision, workshop: Workshop, windows: Windows
) -> None:
    engine = workshop.engine(name, backend, precision)
    alone = np.concatenate([engine.score(windows[i : i + 1]) for i in range(SIZES[-1])])

    for size in SIZES:
        batch = engine.score(windows[:size])
        assert batch.shape == (size, 50)
        np.testing.assert_allclose(batch, alone[:size], rtol=0, atol=TOLERANCE[precision])


@each_kind
def test_windows_of_another_track_in_the_batch_change_nothing(
    backend: Backend, precision: Precision, workshop: Workshop, windows: Windows
) -> None:
    engine = workshop.engine(NAME, backend, precision)
    loud, silent = np.full_like(windows[:1], 1e3), np.zeros_like(windows[:1])

    [_, between, _] = engine.score(np.concatenate([loud, windows[:1], silent]))

    [alone] = engine.score(windows[:1])
    np.testing.assert_allclose(between, alone, rtol=0, atol=TOLERANCE[precision])


@each_kind
def test_scores_do_not_change_when_others_are_computed(
    backend: Backend, precision: Precision, workshop: Workshop, windows: Windows
) -> None:
    engine = workshop.engine(NAME, backend, precision)
    kept = engine.score(windows[:2])
    before = kept.copy()

    engine.score(windows[2:4])

    np.testing.assert_array_equal(kept, before)


@with_openvino
def test_openvino_needs_neither_the_network_nor_a_file_after_conversion(
    store: Path,
    manifests: dict[str, Manifest],
    extractor: TensorFlowFeatureExtractor,
    windows: Windows,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = load(Store(store), manifests[NAME])
    engine = OpenVINOEngine(model, Precision.FLOAT32, extractor)
    before = engine.score(windows[:2])

    for variable in model.network.weights:
        variable.assign(np.full(variable.shape, np.nan, np.float32))

    np.testing.assert_allclose(engine.score(windows[:2]), before, rtol=0, atol=EXACT)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def by_cpus(workshop: Workshop, extractor: TensorFlowFeatureExtractor) -> dict[int, Engine]:
    """OpenVINO's engines on one CPU, and on three, which have a stream each."""
    engines: dict[int, Engine] = {}
    with pytest.MonkeyPatch.context() as patch:
        for cpus in (1, 3):
            patch.setattr("app.inference.openvino_engine.usable_cpus", lambda cpus=cpus: cpus)
            engines[cpus] = OpenVINOEngine(workshop.model(NAME), Precision.FLOAT32, extractor)
    return engines


@with_openvino
def test_openvino_s_batches_fit_the_cpus_of_the_container(by_cpus: dict[int, Engine]) -> None:
    for cpus, engine in by_cpus.items():
        assert engine.batch_windows == windows_of(cpus * AUDIO_PER_CORE_S, engine.window_spec)


@with_openvino
def test_openvino_s_streams_share_a_batch_and_the_cores(
    by_cpus: dict[int, Engine], windows: Windows
) -> None:
    one, three = (
        np.concatenate([engine.score(windows[:7]), engine.score(windows[7:8])])
        for engine in by_cpus.values()
    )

    np.testing.assert_allclose(three, one, rtol=0, atol=EXACT)
    assert [count_streams(cores) for cores in (1, 2, 3, 4, 6, 7, 16)] == [1, 2, 3, 4, 3, 1, 4]


SMALL = {
    "crnn": {"channels": [8] * 4},  # has loops
    "ensemble": {  # has constants that are not variables
        "members": {
            "waveform": {"architecture": "sample_cnn", "channels": [8] * 11},
            "melgram": {"architecture": "vgg", "channels": [8] * 5},
        }
    },
}


@with_openvino
@pytest.mark.parametrize("architecture", SMALL)
def test_openvino_scores_like_keras_for_every_layer_type(architecture: str) -> None:
    published = architectures()[architecture]
    window_spec = WindowSpec(published.front_end, published.window_frames, published.window_frames)
    built = network(architecture, 3, window_spec, SMALL[architecture])
    windows = np.random.RandomState(0).uniform(0, 3, (2, *built.input_shape[1:]))
    windows = windows.astype(np.float32)

    compiled = core().compile_model(convert(built), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    [scores] = compiled(windows).values()
    expected = np.asarray(built(windows, training=False))
    np.testing.assert_allclose(scores, expected, rtol=0, atol=EXACT)


@each_kind
def test_an_engine_describes_itself(
    backend: Backend, precision: Precision, workshop: Workshop
) -> None:
    engine = workshop.engine(NAME, backend, precision)

    assert (str(engine.ref), engine.backend, engine.precision) == ("mtt-vgg/1", backend, precision)


@pytest.fixture(scope="module")
def engine(workshop: Workshop) -> Engine:
    return workshop.engine(NAME, Backend.TENSORFLOW, Precision.FLOAT32)


@pytest.mark.parametrize("length", [RATE // 2, RATE, WINDOW // 2 + 1, WINDOW - 1])
def test_a_track_shorter_than_a_window_is_scored_as_if_repeated_to_fill_it(
    length: int, engine: Engine, minute: Waveform
) -> None:
    short: Samples = minute.samples[30 * RATE :][:length]
    filled = np.concatenate([short] * (WINDOW // length + 1))[:WINDOW]

    scores = engine.scores(Waveform(short, RATE))

    assert scores.shape == (1, 50)
    np.testing.assert_allclose(scores, engine.scores(Waveform(filled, RATE)), rtol=0, atol=EXACT)


def test_another_sample_rate_is_refused(engine: Engine, music: Waveform) -> None:
    with pytest.raises(ValueError, match="mtt-vgg/1: the waveform has 44100 Hz; expected 16000 Hz"):
        engine.scores(Waveform(music.samples, 44_100))
