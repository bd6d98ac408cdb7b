"""Heads on the embedding of an imported backbone, which scores each window once for all of them."""

from pathlib import Path

import numpy as np
import pytest

from app.audio.limits import AudioLimits
from app.audio.worker.processes import Decoder
from app.domain import ModelRef, Outputs, Precision, Windows
from app.errors import SetupError, WeightsError
from app.inference.batcher import Batcher, BatchLimits
from app.inference.openvino_engine import OpenVINOEngine
from app.inference.pipeline import InferencePipeline, InferenceResult
from app.inference.selection import EnginePreference, choose
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.metrics import Metrics
from app.stages import StageClock
from app.store.importers.networks.importing import import_network
from app.store.manifest.manifest import Manifest, manifests
from app.store.registry.imported import cut_windows, load_imported
from app.store.storage.store import Store
from testing.sounds import decoded
from tests.support import network_imports, small_network
from tests.support.scripted_engine import PATIENCE_S, patiently

RATE = 2000
LIMITS = AudioLimits(RATE, min_duration_s=0.5, max_duration_s=600)
BATCHING = BatchLimits(
    max_batch_windows=None, max_wait_s=0.0, max_queued_windows=30, batch_timeout_s=PATIENCE_S
)
FLOAT32 = EnginePreference("auto", "float32")


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with a backbone, two heads on it, and another network with the same windows."""
    place = tmp_path_factory.mktemp("networks")
    (place / "store").mkdir()
    store = Store(place / "store")
    with network_imports.converting_here():
        network_imports.import_backbone(store, place)
        network_imports.import_head(store, place, "first")
        network_imports.import_head(store, place, "second", ("a", "b", "c", "d"))
        fixed = small_network.openvino_network((7, *small_network.WINDOW))
        file = small_network.save_openvino(place / "fixed.xml", fixed)
        import_network(store, network_imports.source(place, file, name="fixed"))
        import_network(store, network_imports.source(place))
    return store


@pytest.fixture(scope="module")
def published(networks: Store) -> dict[str, Manifest]:
    """The models by name."""
    return {name: versions[-1] for name, versions in manifests(networks).items()}


@pytest.fixture(scope="module")
def extractor(published: dict[str, Manifest]) -> TensorFlowFeatureExtractor:
    return TensorFlowFeatureExtractor(published["backbone"].front_end)


class CountingEngine(OpenVINOEngine):
    """Counts the windows that it scores."""

    counted = 0

    def score(self, windows: Windows) -> Outputs:
        self.counted += len(windows)
        return super().score(windows)


@pytest.fixture(scope="module")
def built_engines(
    networks: Store, published: dict[str, Manifest], extractor: TensorFlowFeatureExtractor
) -> dict[str, CountingEngine]:
    """An engine of each model in float32.

    They outlive the tests: a thread that has run OpenVINO still frees its part of an engine for a
    moment after Python has joined it, and it crashes if the engine is freed at the same time.
    """
    return {
        name: CountingEngine(load_imported(networks, manifest), Precision.FLOAT32, extractor)
        for name, manifest in published.items()
    }


@pytest.fixture
def engines(built_engines: dict[str, CountingEngine]) -> dict[str, CountingEngine]:
    """The engines, which have not counted any windows."""
    for engine in built_engines.values():
        engine.counted = 0
    return built_engines


async def inferred(
    path: Path, engines: list[OpenVINOEngine], backbones: dict[ModelRef, OpenVINOEngine]
) -> InferenceResult:
    decoder = Decoder(LIMITS, workers=1, timeout_s=PATIENCE_S)
    pipeline = InferencePipeline(decoder, Batcher(BATCHING, Metrics()))
    try:
        with path.open("rb") as file:
            return await pipeline.run(file, engines, StageClock(), backbones=backbones)
    finally:
        await pipeline.close()


@pytest.fixture(scope="module")
def windows(clip: Path, published: dict[str, Manifest]) -> Windows:
    """The windows of the clip."""
    return cut_windows(published["backbone"], decoded(clip, LIMITS))


@pytest.fixture(scope="module")
def outputs(windows: Windows) -> Outputs:
    """The backbone's scores and embeddings for the clip, computed by NumPy."""
    rows = windows.reshape(len(windows), -1)
    random = np.random.RandomState(8)
    kernel = (0.2 * random.standard_normal((128, network_imports.WIDTH))).astype(np.float32)
    embeddings = np.tanh(rows @ kernel)
    return np.concatenate([network_imports.head_scores(embeddings, 3), embeddings], 1)


@pytest.mark.parametrize("with_backbone", [True, False])
@patiently
async def test_two_heads_and_their_backbone_score_each_window_once(
    with_backbone: bool,
    engines: dict[str, CountingEngine],
    outputs: Outputs,
    clip: Path,
) -> None:
    asked = ["second", "backbone", "first"] if with_backbone else ["second", "first"]
    backbone = engines["backbone"]

    result = await inferred(clip, [engines[name] for name in asked], {backbone.ref: backbone})

    scores = dict(zip(asked, result.scores, strict=True))
    embeddings = outputs[:, 3:]
    for name, tags in (("first", 3), ("second", 4)):
        expected = network_imports.head_scores(embeddings, tags)
        np.testing.assert_allclose(scores[name], expected, atol=1e-4)
    if with_backbone:
        np.testing.assert_allclose(scores["backbone"], outputs[:, :3], atol=1e-4)
    assert [engines[name].counted for name in ("backbone", "first", "second")] == [len(outputs)] * 3


@patiently
async def test_a_fixed_batch_gives_tracks_of_any_length_the_scores_of_any_batch(
    engines: dict[str, CountingEngine], windows: Windows, clip: Path
) -> None:
    result = await inferred(clip, [engines["fixed"], engines["small"]], {})

    expected = small_network.scores(windows)
    assert len(expected) % 7
    for scores in result.scores:
        np.testing.assert_allclose(scores, expected, atol=1e-4)
    for count in (1, 6, 7, 8):
        scores = engines["fixed"].score(windows[:count])
        np.testing.assert_allclose(scores, expected[:count], atol=1e-4)


@pytest.mark.parametrize("precision", ["auto", "float32"])
@pytest.mark.parametrize("name", ["backbone", "first", "fixed"])
def test_an_imported_model_runs_if_it_passes_the_golden_check(
    name: str,
    precision: str,
    networks: Store,
    published: dict[str, Manifest],
    extractor: TensorFlowFeatureExtractor,
):
    engine = choose(networks, published[name], extractor, EnginePreference("auto", precision))

    assert engine.ref == published[name].ref
    assert engine.backbone == (ModelRef("backbone", "1") if name == "first" else None)
    assert engine.embedding == (network_imports.WIDTH if name == "backbone" else 0)
    assert engine.input_shape == (
        (network_imports.WIDTH,) if name == "first" else small_network.WINDOW
    )


@pytest.mark.parametrize(
    ("name", "key"), [("first", "mean_scores"), ("backbone", "mean_embedding")]
)
def test_an_imported_model_with_other_golden_outputs_does_not_run(
    name: str,
    key: str,
    networks: Store,
    published: dict[str, Manifest],
    extractor: TensorFlowFeatureExtractor,
):
    manifest = published[name]
    outputs = tuple(0.5 * number for number in getattr(manifest.golden, key))
    golden = manifest.golden.model_copy(update={key: outputs})
    altered = manifest.model_copy(update={"golden": golden})

    with pytest.raises(SetupError, match=f"{manifest.ref} can't run on .*the golden input's "):
        choose(networks, altered, extractor, FLOAT32)


def test_an_altered_file_does_not_run(
    networks: Store, published: dict[str, Manifest], extractor: TensorFlowFeatureExtractor
):
    manifest = published["first"]
    weights = manifest.weights.model_copy(update={"sha256": "0" * 64})

    with pytest.raises(WeightsError, match=r"network\.zip: the SHA-256 of the weights is not"):
        choose(networks, manifest.model_copy(update={"weights": weights}), extractor, FLOAT32)


def test_tensorflow_does_not_run_imported_models(
    networks: Store, published: dict[str, Manifest], extractor: TensorFlowFeatureExtractor
):
    preference = EnginePreference("tensorflow", "auto")

    with pytest.raises(
        SetupError, match="small/1 is an imported network, which only OpenVINO runs"
    ):
        choose(networks, published["small"], extractor, preference)
