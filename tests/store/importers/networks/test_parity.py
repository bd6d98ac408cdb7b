"""Imported networks against the programs that they come from, and against our own port."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tomli_w

from app.audio.limits import AudioLimits
from app.domain import Outputs, Samples, Windows
from app.store.importers.networks.importing import NetworkSource, import_network
from app.store.manifest.manifest import Manifest, read_store
from app.store.registry.imported import compute_outputs, cut_windows, load_imported
from app.store.registry.loading import TrackModel, load
from app.store.storage.store import Store
from testing.sounds import decoded
from tests.conftest import SHARED
from tests.support import network_imports, small_network
from tests.support.essentia_mels import RATE, essentia_mels
from tests.support.published_graphs import INPUT, OUTPUT, frozen_graph

TOLERANCE = 1e-4
ESSENTIA, YAMNET = (SHARED / "weights" / name for name in ("essentia", "yamnet"))


@pytest.fixture(scope="module", autouse=True)
def converting() -> Iterator[None]:
    with network_imports.converting_here():
        yield


@pytest.fixture(scope="module")
def waveform(song: Path) -> Samples:
    """Half a minute of the song."""
    return decoded(song, AudioLimits(RATE, 0.5, 600.0))[30 * RATE : 60 * RATE]


@pytest.fixture(scope="module")
def own(store: Path) -> TrackModel:
    """Our port of the published network."""
    return load(Store(store), read_store(Store(store))["msd-musicnn"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, own: TrackModel) -> Path:
    """A folder with the labels and the front end of our port, and an empty store."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "store").mkdir()
    (folder / "tags.txt").write_text("\n".join(own.manifest.tags.names))
    values = own.manifest.model_dump(mode="json", exclude_none=True)
    front_end = {name: values[name] for name in ("front_end", "window")}
    (folder / "own.toml").write_text(tomli_w.dumps(front_end))
    return folder


def import_published(folder: Path, file: Path, front_end: str) -> tuple[Store, Manifest]:
    store = Store(folder / "store")
    source = NetworkSource(
        file=file,
        name=file.stem,
        licence="ISC",
        commercial_use=True,
        tags=folder / "tags.txt",
        front_end=front_end,
    )
    return store, import_network(store, source)


@pytest.fixture(scope="module", params=["pb", "onnx"])
def published(request: pytest.FixtureRequest, wheel: Path, folder: Path) -> Path:
    """The published graph, frozen, as TensorFlow's and as ONNX."""
    path = folder / f"published-{request.param}.{request.param}"
    graph = frozen_graph("MSD_musicnn", wheel, folder)
    if request.param == "pb":
        path.write_bytes(graph.SerializeToString())
    else:
        import tf2onnx

        tf2onnx.convert.from_graph_def(
            graph, input_names=[f"{INPUT}:0"], output_names=[f"{OUTPUT}:0"], output_path=str(path)
        )
    return path


def scores_of(store: Store, manifest: Manifest, waveform: Samples) -> Outputs:
    return compute_outputs(load_imported(store, manifest).network, cut_windows(manifest, waveform))


@pytest.mark.thorough
def test_the_published_graph_scores_as_our_port(
    published: Path, folder: Path, own: TrackModel, waveform: Samples
):
    store, manifest = import_published(folder, published, str(folder / "own.toml"))

    scores = scores_of(store, manifest, waveform)

    expected = np.asarray(own.network(cut_windows(own.manifest, waveform)))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(scores, expected, rtol=0, atol=TOLERANCE)
    golden = own.manifest.golden.mean_scores
    np.testing.assert_allclose(manifest.golden.mean_scores, golden, rtol=0, atol=TOLERANCE)


@pytest.mark.thorough
def test_the_front_end_of_essentia_gives_the_scores_of_its_definition(
    published: Path, folder: Path, own: TrackModel, waveform: Samples
):
    store, manifest = import_published(folder, published, "essentia-musicnn")

    scores = scores_of(store, manifest, waveform)

    frames = essentia_mels(waveform).astype(np.float32)
    patches = np.lib.stride_tricks.sliding_window_view(frames, 187, axis=0)[::93]
    expected = np.asarray(own.network(np.moveaxis(patches, -1, 1)))
    # Another window ends with the track.
    assert len(scores) == len(expected) + 1
    np.testing.assert_allclose(scores[:-1], expected, rtol=0, atol=TOLERANCE)


def tensorflow_scores(file: Path, names: tuple[str, str], embeddings: Windows) -> Outputs:
    """The scores of a frozen graph that TensorFlow computes."""
    definition = tf.compat.v1.GraphDef.FromString(file.read_bytes())
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.import_graph_def(definition, name="")
        scores: Outputs = session.run(names[1], {names[0]: embeddings})
    return scores


@pytest.mark.parametrize(
    ("name", "names", "tags"),
    [
        pytest.param(
            "genre_discogs400",
            ("serving_default_model_Placeholder:0", "PartitionedCall:0"),
            400,
            marks=pytest.mark.thorough,
        ),
        ("mtg_jamendo_top50tags", ("model/Placeholder:0", "model/Sigmoid:0"), 50),
    ],
)
def test_a_published_head_scores_an_embedding_as_tensorflow_does(
    name: str, names: tuple[str, str], tags: int, tmp_path: Path
):
    file = ESSENTIA / f"{name}-discogs-effnet-1.pb"
    if not file.is_file():
        pytest.skip(f"essentia's heads are not at {ESSENTIA}")
    (tmp_path / "store").mkdir()
    store = Store(tmp_path / "store")
    network_imports.import_backbone(store, tmp_path, width=1280)

    manifest = import_network(
        store,
        NetworkSource(
            file=file,
            name="head",
            licence="CC BY-NC-SA 4.0",
            commercial_use=False,
            metadata=file.with_suffix(".json"),
            on="backbone",
        ),
    )

    assert len(manifest.tags.names) == tags
    embeddings = 0.1 * small_network.windows(5, (1280,))
    scores = compute_outputs(load_imported(store, manifest).network, embeddings)
    expected = tensorflow_scores(file, names, embeddings)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)


def litert_scores(file: Path, windows: Windows) -> Outputs:
    """The scores of windows that LiteRT computes, one by one."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(file), num_threads=1)
    interpreter.allocate_tensors()
    (taken,), found = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for window in windows:
        interpreter.set_tensor(taken["index"], window.reshape(taken["shape"]))
        interpreter.invoke()
        rows.append(interpreter.get_tensor(found[0]["index"]).reshape(-1))
    return np.array(rows)


@pytest.mark.thorough
def test_yamnet_scores_tracks_as_litert_does(tmp_path: Path, waveform: Samples, ambient_song: Path):
    file = YAMNET / "yamnet.tflite"
    if not file.is_file():
        pytest.skip(f"YAMNet is not at {YAMNET}")
    (tmp_path / "store").mkdir()
    store = Store(tmp_path / "store")

    manifest = import_network(
        store,
        NetworkSource(
            file=file,
            name="yamnet",
            licence="Apache-2.0",
            commercial_use=True,
            tags=YAMNET / "yamnet_class_map.csv",
            front_end="yamnet",
        ),
    )

    assert len(manifest.tags.names) == 521
    assert manifest.tags.names[:2] == ("Speech", "Child speech, kid speaking")
    ambient = decoded(ambient_song, AudioLimits(RATE, 0.5, 600.0))[: 60 * RATE]
    for track in (waveform, ambient):
        scores = scores_of(store, manifest, track).mean(axis=0)
        # LiteRT rounds activations to 8 bits, so its own kernels differ by .17 in a window.
        expected = litert_scores(file, cut_windows(manifest, track)).mean(axis=0)
        np.testing.assert_allclose(scores, expected, rtol=0, atol=0.03)
        assert scores.argmax() == expected.argmax()
