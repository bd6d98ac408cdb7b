"""One function from waveform to scores gives what frames and scores in two steps give."""

import asyncio
import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from app.audio.worker.processes import Decoder
from app.domain import Backend, Precision, Samples, Scores, Waveform, Windows
from app.front_ends import WindowSpec
from app.inference import selection, waveform_engine
from app.inference.batcher import Batcher, BatchLimits
from app.inference.engine import Engine
from app.inference.features import make_stream
from app.inference.pipeline import InferencePipeline, InferenceResult
from app.inference.selection import EnginePreference
from app.inference.tensorflow_engine import TensorFlowEngine
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.inference.waveform_engine import WaveformEngine
from app.metrics import Metrics
from app.stages import StageClock
from app.store.manifest.manifest import Manifest
from app.store.registry.golden import BF16_TOLERANCE
from app.store.registry.loading import load
from app.store.storage.store import Store
from testing.tensorflow_trace import FUNCTION_CALLS, traced
from tests.inference.conftest import LIMITS, RATE
from tests.support.scripted_engine import PATIENCE_S, patiently

TOLERANCE = 1e-5
NAME = "mtt-vgg"
OTHERS = ("msd-musicnn", "msd-vgg", "mtt-musicnn")
NAMES = (NAME, *(pytest.param(name, marks=pytest.mark.thorough) for name in OTHERS))
WINDOW = 186 * 256
"""Samples of the shortest track that fills a window."""

LENGTHS = {
    "half a second": RATE // 2,
    "a sample less than a window": WINDOW - 1,
    "a window": WINDOW,
    "a window and a frame": WINDOW + 256,
    "a part of a window more than five": 5 * 187 * 256 + 9_000,
    "a minute, which is three batches": 60 * RATE,
}

Pair = tuple[Engine, WaveformEngine]


@pytest.fixture(scope="module", autouse=True)
def small_batches() -> Iterator[None]:
    """Batches of eight windows, so that a minute has several and warming up takes no seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waveform_engine, "GPU_BATCH_S", 24.0)
        yield


@pytest.fixture(scope="module")
def pair(
    store: Path, manifests: dict[str, Manifest], extractor: TensorFlowFeatureExtractor
) -> Callable[[str], Pair]:
    """A model's engine that takes frames, and the one that takes the waveform."""

    @cache
    def build(name: str) -> Pair:
        model = load(Store(store), manifests[name])
        frames = TensorFlowEngine(model, Precision.FLOAT32, extractor)
        return frames, WaveformEngine(model, Precision.FLOAT32)

    return build


@pytest.fixture(scope="module")
def engine(pair: Callable[[str], Pair]) -> WaveformEngine:
    return pair(NAME)[1]


def track(music: Waveform, length: int) -> Waveform:
    return Waveform(np.resize(music.samples[30 * RATE :], length), RATE)


def windows_of(engine: Engine, samples: Samples) -> Windows:
    stream = make_stream(engine.extractor, [engine.window_spec])
    return np.concatenate([each for _, each in stream.pieces(samples, complete=True)])


def assert_close(scores: Scores, expected: Scores) -> None:
    assert scores.dtype == np.float32
    assert scores.shape == expected.shape
    np.testing.assert_allclose(scores, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("name", NAMES)
def test_a_track_scores_as_from_its_frames(
    name: str, length: int, pair: Callable[[str], Pair], music: Waveform
) -> None:
    from_frames, from_waveform = pair(name)
    waveform = track(music, length)

    scores = from_waveform.scores(waveform)

    assert_close(scores, from_frames.scores(waveform))
    window_spec = from_waveform.window_spec
    whole = max(1, window_spec.windows(window_spec.front.frames(length)))
    assert_close(from_waveform.mean(waveform), scores[:whole].mean(axis=0))


@pytest.mark.thorough
def test_in_bf16_a_track_scores_as_from_its_frames(
    store: Path,
    manifests: dict[str, Manifest],
    extractor: TensorFlowFeatureExtractor,
    music: Waveform,
) -> None:
    model = load(Store(store), manifests[NAME], Precision.BF16)
    waveform = track(music, 20 * RATE)

    scores = WaveformEngine(model, Precision.BF16).scores(waveform)

    expected = TensorFlowEngine(model, Precision.BF16, extractor).scores(waveform)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=0, atol=BF16_TOLERANCE)


def test_overlapping_windows_score_as_from_their_frames(
    pair: Callable[[str], Pair], music: Waveform
) -> None:
    def overlapping(engine: Engine) -> Engine:
        other = copy.copy(engine)
        other.window_spec = replace(engine.window_spec, hop_frames=50)
        return other

    from_frames, from_waveform = map(overlapping, pair(NAME))
    waveform = track(music, 20 * RATE)

    assert_close(from_waveform.scores(waveform), from_frames.scores(waveform))


def test_windows_of_several_tracks_in_a_batch_score_as_alone(
    engine: WaveformEngine, music: Waveform
) -> None:
    tracks = [music.samples[start * RATE :][: 10 * RATE] for start in (0, 20, 40)]
    tracks.append(np.zeros(RATE, np.float32))

    together = engine.score(np.concatenate([windows_of(engine, each) for each in tracks]))

    alone = [engine.scores(Waveform(each, RATE)) for each in tracks]
    assert_close(together, np.concatenate(alone))


@patiently
async def test_concurrent_files_score_as_from_their_frames(
    pair: Callable[[str], Pair], song: Path, clip: Path
) -> None:
    # Both kinds of engines score the same windows, so the pipeline must not mix up their inputs.
    engines = pair(NAME)
    limits = BatchLimits(
        max_batch_windows=16, max_wait_s=0.05, max_queued_windows=64, batch_timeout_s=PATIENCE_S
    )
    decoder = Decoder(LIMITS, workers=2, timeout_s=PATIENCE_S)
    pipeline = InferencePipeline(decoder, Batcher(limits, Metrics()))

    async def scored(path: Path) -> InferenceResult:
        with path.open("rb") as file:
            return await pipeline.run(file, engines, StageClock())

    results = await asyncio.gather(*map(scored, (song, clip, clip)))
    await pipeline.close()

    for result in results:
        from_frames, from_waveform = result.scores
        assert_close(from_waveform, from_frames)
    assert len({len(result.scores[1]) for result in results}) == 2


def test_batches_have_few_sizes_and_none_is_traced_again(
    engine: WaveformEngine, music: Waveform, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = windows_of(engine, track(music, 20 * 187 * 256).samples)
    graph, sizes = engine.graph, set()

    def observed(stretches: Windows, count: int) -> object:
        sizes.add(len(stretches))
        return graph(stretches, count)

    monkeypatch.setattr(engine, "graph", observed)
    for count in (1, 2, 3, 5, 8, 9, 20):
        assert len(engine.score(windows[:count])) == count

    assert sizes == {1, 2, 4, 8, 16, 32}
    assert graph.experimental_get_tracing_count() == 1


def test_a_batch_is_one_call_with_the_waveform_in_and_the_scores_out(
    engine: WaveformEngine, window_spec: WindowSpec
) -> None:
    batch = np.zeros((4, *engine.input_shape), np.float32)
    function = engine.graph.get_concrete_function()
    kinds = {operation.type for operation in function.graph.get_operations()}

    events = traced(lambda: engine.score(batch))

    assert events[FUNCTION_CALLS] == 1
    stretches, count = function.inputs[: -len(function.captured_inputs)]
    assert tuple(stretches.shape) == (None, WINDOW + 512) == (None, window_spec.reach)
    assert tuple(count.shape) == ()
    assert [tuple(output.shape) for output in function.outputs] == [(None, 50)]
    assert {"RFFT", "Conv2D", "Mean"} <= kinds
    assert not {kind for kind in kinds if "PyFunc" in kind}, "else Python runs between the layers"


def test_where_a_gpu_is_models_run_from_the_waveform(
    store: Path,
    manifests: dict[str, Manifest],
    extractor: TensorFlowFeatureExtractor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selection, "has_gpu", lambda: True)
    preference = EnginePreference("auto", "float32")

    engine = selection.choose(Store(store), manifests[NAME], extractor, preference)

    assert isinstance(engine, WaveformEngine)
    assert (engine.backend, engine.precision) == (Backend.TENSORFLOW, Precision.FLOAT32)
