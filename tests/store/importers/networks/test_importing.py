"""Networks of other projects become models of the store, or are refused and leave it unchanged."""

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from app.domain import ModelRef
from app.errors import ManifestError, SetupError, TaggramError, WeightsError
from app.front_ends import FrontEnd
from app.store.card import card
from app.store.importers.networks import importing
from app.store.importers.networks.importing import import_network
from app.store.manifest.manifest import Manifest, Window, manifests, read_manifest
from app.store.registry.alias_changes import remove
from app.store.registry.aliases import resolve
from app.store.registry.imported import compute_outputs, load_imported, windows_of
from app.store.registry.packaging import package_model
from app.store.registry.publishing import promote, publish_folder, publish_package
from app.store.registry.verification import read_arrays, verify
from app.store.registry.weights import sha256
from app.store.storage.store import Store
from tests.support import network_imports, small_network, tiny
from tests.support.network_imports import source


@pytest.fixture(autouse=True)
def converting() -> Iterator[None]:
    with network_imports.converting_here():
        yield


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    """An empty store."""
    (tmp_path / "store").mkdir()
    return Store(tmp_path / "store")


def refusal(store: Store, folder: Path, file: Path | None = None, **changes: object) -> str:
    """The message of an import that is refused and leaves the store as it was."""
    before = store.refs()
    with pytest.raises(TaggramError) as refused:
        import_network(store, source(folder, file, **changes))
    assert store.refs() == before
    return str(refused.value)


def saved(folder: Path, build: Callable[[openvino.Node], openvino.Node]) -> Path:
    """A file of a network that computes something of the means (batch, 3) of some bands."""
    taken = ops.parameter([-1, *small_network.WINDOW], np.float32, name="mels")
    means = ops.reduce_mean(taken, np.array([1]))
    rows = ops.gather(means, np.array([0, 2, 4]), np.array(1))
    network = openvino.Model([build(rows)], [taken], "own")
    return small_network.save_openvino(folder / "own.xml", network)


def test_an_imported_network_is_a_model_of_the_store(empty: Store, tmp_path: Path):
    published = import_network(
        empty,
        source(
            tmp_path,
            embedding=small_network.EMBEDDINGS,
            summary="Small.",
            url="https://example.org",
        ),
    )

    manifest = read_manifest(empty, ModelRef("small", "1"))
    assert manifest == published
    assert manifest.tags.names == network_imports.LABELS
    assert manifest.tags.family == "small"
    assert manifest.summary == "Small."
    assert manifest.source.description == "OpenVINO IR, network.xml"
    assert manifest.source.url == "https://example.org"
    assert (manifest.source.licence, manifest.source.commercial_use) == ("CC0-1.0", True)
    assert manifest.network
    assert (manifest.network.format, manifest.network.embedding) == ("OpenVINO IR", 6)
    assert len(manifest.golden.mean_embedding) == 6
    outputs = compute_outputs(load_imported(empty, manifest).network, small_network.windows())
    np.testing.assert_allclose(outputs, small_network.both(small_network.windows()), atol=1e-6)
    verify(empty, manifest)

    again = import_network(empty, source(tmp_path, commercial_use=False))
    assert str(again.ref) == "small/2"
    assert again.source.commercial_use is False


def test_an_imported_model_is_promoted_described_and_removed(empty: Store, tmp_path: Path):
    for _ in range(2):
        manifest = import_network(empty, source(tmp_path, embedding=small_network.EMBEDDINGS))

    promote(empty, "small/1")
    assert str(resolve(empty, manifests(empty), "small").ref) == "small/1"
    text = card(manifest, read_arrays(empty, manifest))
    assert f"SHA-256 of the imported file: {manifest.network.file_sha256}" in text
    assert "CC0-1.0" in text
    remove(empty, manifest.ref)
    assert [str(ref) for ref in empty.refs()] == ["small/1"]


def test_the_hash_is_that_of_the_file_and_of_several_that_of_their_hashes(
    empty: Store, tmp_path: Path
):
    file = small_network.save_onnx(tmp_path / "network.onnx")
    single = import_network(empty, source(tmp_path, file))
    pair = import_network(empty, source(tmp_path))

    parts = [tmp_path / "network.xml", tmp_path / "network.bin"]
    digests = "".join(hashlib.sha256(part.read_bytes()).hexdigest() for part in parts)
    assert single.network.file_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert pair.network.file_sha256 == hashlib.sha256(digests.encode()).hexdigest()


def test_a_network_used_for_its_embedding_alone_needs_no_labels(empty: Store, tmp_path: Path):
    manifest = import_network(
        empty, source(tmp_path, tags=None, embedding=small_network.EMBEDDINGS)
    )

    assert manifest.tags.names == ()
    assert manifest.golden.mean_scores == ()
    verify(empty, manifest)
    assert "--embedding NAME" in refusal(empty, tmp_path, tags=None)


def test_a_network_of_waveforms_has_windows_of_its_own_length(empty: Store, tmp_path: Path):
    taken = ops.parameter([1, 4000], np.float32, name="samples")
    loudness = ops.reduce_mean(ops.abs(taken), np.array([1]), keep_dims=True)
    scores = ops.concat([ops.sigmoid(loudness), ops.tanh(loudness)], 1)
    file = small_network.save_openvino(
        tmp_path / "waveforms.xml", openvino.Model([scores], [taken], "waveforms")
    )
    tags = tmp_path / "two.txt"
    tags.write_text("loud\nlouder")

    manifest = import_network(empty, source(tmp_path, file, tags=tags, front_end="waveform"))

    assert manifest.front_end == FrontEnd(16_000)
    assert manifest.window == Window(frames=4000, hop_frames=4000)
    samples = 0.5 * small_network.windows(1, (10_000,))[0]
    windows = windows_of(manifest, samples)
    assert windows.shape == (2, 4000)
    outputs = compute_outputs(load_imported(empty, manifest).network, windows)
    expected = np.abs(samples[:8000].reshape(2, 4000)).mean(axis=1)
    np.testing.assert_allclose(outputs[:, 1], np.tanh(expected), atol=1e-5)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("one\ntwo", "the network has 3 outputs, but there are 2 labels"),
        ("1\n2\n3\n4", "the network has 3 outputs, but there are 4 labels"),
        ("one\ntwo\none", "the tag 'one' appears 2 times"),
        ("\n \n", "the file has no tags"),
    ],
)
def test_labels_that_are_not_those_of_the_network_are_refused(
    labels: str, words: str, empty: Store, tmp_path: Path
):
    tags = tmp_path / "labels.txt"
    tags.write_text(labels)

    assert words in refusal(empty, tmp_path, tags=tags)


def metadata(folder: Path, **changes: object) -> Path:
    """Essentia's metadata of the small network."""
    values = {
        "classes": network_imports.LABELS,
        "description": "A small network.",
        "link": "https://example.org/small.pb",
        "citation": "Small et al.",
        "schema": {
            "inputs": [{"name": small_network.INPUT, "shape": [16, 8]}],
            "outputs": [
                {"name": small_network.SCORES, "shape": [3], "output_purpose": "predictions"},
                {"name": small_network.EMBEDDINGS, "shape": [6], "output_purpose": "embeddings"},
            ],
        },
        "inference": {"sample_rate": 2000, "algorithm": "TensorflowPredict"},
    }
    path = folder / "metadata.json"
    path.write_text(json.dumps({**values, **changes}))
    return path


def test_metadata_of_essentia_are_understood(empty: Store, tmp_path: Path):
    manifest = import_network(
        empty, source(tmp_path, tags=None, metadata=metadata(tmp_path), family="own")
    )

    assert manifest.tags.names == network_imports.LABELS
    assert manifest.tags.family == "own"
    assert manifest.network.embedding == small_network.EMBEDDING
    assert manifest.summary == "A small network."
    assert manifest.source.url == "https://example.org/small.pb"
    assert manifest.source.citation == "Small et al."


def test_wrong_names_and_shapes_in_metadata_do_not_matter(empty: Store, tmp_path: Path):
    wrong = {
        "inputs": [{"name": "model/Placeholder", "shape": [187, 96]}],
        "outputs": [{"name": "model/Sigmoid", "shape": [56], "output_purpose": "predictions"}],
    }

    manifest = import_network(
        empty, source(tmp_path, tags=None, metadata=metadata(tmp_path, schema=wrong))
    )

    assert manifest.tags.names == network_imports.LABELS
    assert manifest.network.embedding == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": ["one"] * 3}, "named twice: one"),
        ({"classes": [*"abcd"]}, "the network has 3 outputs, but there are 4 labels"),
        ({"classes": None}, "classes: "),
        ({"inference": {"sample_rate": 16000}}, "takes 16,000 Hz, but the front end"),
    ],
)
def test_metadata_of_another_network_are_refused(
    changes: dict[str, object], words: str, empty: Store, tmp_path: Path
):
    path = metadata(tmp_path, **changes)

    assert words in refusal(empty, tmp_path, tags=None, metadata=path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"labels": ["one"]}', '{"classes": 3}', "\ud800"])
def test_a_file_that_is_not_metadata_is_refused(text: str, empty: Store, tmp_path: Path):
    path = tmp_path / "metadata.json"
    path.write_bytes(text.encode(errors="surrogatepass"))

    message = refusal(empty, tmp_path, tags=None, metadata=path)

    assert message.startswith(f"{path}: ")
    assert "expected a metadata file of essentia, or use --tags" in message


def test_missing_metadata_are_refused(empty: Store, tmp_path: Path):
    path = tmp_path / "nowhere.json"

    message = refusal(empty, tmp_path, tags=None, metadata=path)

    assert message == f"{path}: the metadata can't be read: No such file or directory"


def test_a_front_end_or_a_backbone_must_be_named(empty: Store, tmp_path: Path):
    message = refusal(empty, tmp_path, front_end=None)
    assert message.startswith("--front-end is missing: a preset, one of discogs-effnet, ")

    head = metadata(tmp_path, inference={"embedding_model": {"model_name": "discogs-effnet"}})
    message = refusal(empty, tmp_path, tags=None, front_end=None, metadata=head)
    assert "a head on the embedding of discogs-effnet; import that first" in message


def test_a_front_end_with_other_windows_is_refused_with_both_shapes(empty: Store, tmp_path: Path):
    message = refusal(empty, tmp_path, front_end="discogs-effnet")

    assert "the network takes [?, 16, 8]" in message
    assert "windows of [128, 96]" in message


def test_logits_are_asked_about_and_become_scores(empty: Store, tmp_path: Path):
    file = small_network.save_openvino(
        tmp_path / "logits.xml", small_network.openvino_network(logits=True)
    )

    message = refusal(empty, tmp_path, file)
    assert re.search(r"scores of a test clip range from -\S+ to \S+; expected 0 to 1", message)
    assert "--activation sigmoid if several tags may apply at once, or softmax" in message

    import_network(empty, source(tmp_path, file, activation="sigmoid"))


IMPLAUSIBLE = {
    "constant": (lambda rows: ops.sigmoid(ops.multiply(rows, np.float32(0))), "do not change"),
    "NaN": (lambda rows: ops.log(ops.subtract(rows, np.float32(1000))), "are NaN or infinite"),
    "infinite": (lambda rows: ops.divide(rows, np.float32(0)), "are NaN or infinite"),
    "percentages": (lambda rows: ops.multiply(ops.sigmoid(rows), np.float32(100)), "range from"),
}


@pytest.mark.parametrize(("build", "words"), IMPLAUSIBLE.values(), ids=IMPLAUSIBLE)
def test_implausible_outputs_are_refused(
    build: Callable[[openvino.Node], openvino.Node], words: str, empty: Store, tmp_path: Path
):
    message = refusal(empty, tmp_path, saved(tmp_path, build))

    assert message.startswith("small: ")
    assert words in message


def test_a_constant_embedding_is_refused(empty: Store, tmp_path: Path):
    def build(rows: openvino.Node) -> openvino.Node:
        constant = ops.multiply(rows, np.float32(0))
        constant.output(0).get_tensor().set_names({"nothing"})
        return ops.sigmoid(ops.add(rows, constant))

    message = refusal(empty, tmp_path, saved(tmp_path, build), embedding="nothing")

    assert "the embeddings of a test clip of 8 different sounds do not change" in message


def test_nothing_is_published_if_the_conversion_crashes(
    empty: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def crash(*_: object) -> None:
        raise SetupError("reading it crashed")

    monkeypatch.setattr(importing, "convert", crash)

    assert refusal(empty, tmp_path) == "reading it crashed"


@pytest.fixture(scope="module")
def backbone_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the backbone, a head with an embedding, and a model without one."""
    place = tmp_path_factory.mktemp("backbones")
    (place / "store").mkdir()
    store = Store(place / "store")
    with network_imports.converting_here():
        network_imports.import_backbone(store, place)
        import_network(store, source(place))
    publish_package(store, package_model(tiny.spec(), tiny.weights()))
    return place


@pytest.fixture
def backbones(backbone_folder: Path) -> Store:
    return Store(backbone_folder / "store")


def test_a_head_takes_the_embedding_of_its_backbone(backbones: Store, tmp_path: Path):
    manifest = network_imports.import_head(backbones, tmp_path, "head", tags=4)

    assert str(manifest.backbone) == "backbone/1"
    backbone = read_manifest(backbones, manifest.backbone)
    assert (manifest.front_end, manifest.window) == (backbone.front_end, backbone.window)
    embeddings = small_network.windows(5, (network_imports.WIDTH,))
    outputs = compute_outputs(load_imported(backbones, manifest).network, embeddings)
    np.testing.assert_allclose(outputs, network_imports.head_scores(embeddings, 4), atol=1e-6)
    verify(backbones, manifest)
    remove(backbones, manifest.ref)


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ("nowhere", "'nowhere' is not published in"),
        ("backbone/7", "'backbone/7' is not"),
        ("small", "--on: small/1 has no embedding; a network imported with --embedding"),
        ("tiny", "--on: tiny/1 has no embedding"),
    ],
)
def test_a_head_without_a_backbone_is_refused(
    on: str, words: str, backbones: Store, tmp_path: Path
):
    with pytest.raises(TaggramError) as refused:
        network_imports.import_head(backbones, tmp_path, "head", on=on)

    assert words in str(refused.value)


def test_a_head_of_another_embedding_is_refused_with_both_shapes(backbones: Store, tmp_path: Path):
    file = small_network.save_openvino(tmp_path / "wide.xml", network_imports.head_network(1280))

    message = refusal(backbones, tmp_path, file, front_end=None, on="backbone")

    assert "the network takes [?, 1,280]" in message
    assert "windows of [12]" in message


def test_a_head_has_no_front_end_and_no_head(backbones: Store, tmp_path: Path):
    message = refusal(backbones, tmp_path, on="backbone")
    assert message.startswith("--front-end and --on exclude each other")

    with_embedding = {"embedding": "embeddings_of_head"}
    taken = ops.parameter([-1, network_imports.WIDTH], np.float32, name="embeddings")
    inner = ops.tanh(taken)
    inner.output(0).get_tensor().set_names({"embeddings_of_head"})
    kernel = network_imports.tag_kernel(network_imports.WIDTH, 3)
    scores = ops.sigmoid(ops.matmul(inner, kernel, False, False))
    file = small_network.save_openvino(
        tmp_path / "deep.xml", openvino.Model([scores], [taken], "deep")
    )
    changes = {"name": "deep", "front_end": None, "on": "backbone", **with_embedding}
    deep = import_network(backbones, source(tmp_path, file, **changes))

    with pytest.raises(SetupError, match=r"--on: deep/1 is itself a head, on backbone/1"):
        network_imports.import_head(backbones, tmp_path, "head", on="deep")
    remove(backbones, deep.ref)


@pytest.fixture
def imported(empty: Store, tmp_path: Path) -> Manifest:
    """The small network with an embedding, in the empty store."""
    return import_network(empty, source(tmp_path, embedding=small_network.EMBEDDINGS))


def rewrite(store: Store, change: Callable[[str], str]) -> Manifest:
    """Change the manifest of small/1."""
    path = Path(store.where("small/1/manifest.toml"))
    text = path.read_text()
    path.write_text(change(text))
    assert path.read_text() != text
    return read_manifest(store, ModelRef("small", "1"))


def test_an_altered_network_is_refused(empty: Store, imported: Manifest):
    path = Path(empty.where("small/1/network.zip"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    with pytest.raises(WeightsError, match="SHA-256 of the weights is not that of the manifest"):
        verify(empty, imported)

    altered = rewrite(empty, lambda text: text.replace(imported.weights.sha256, sha256(data)))
    with pytest.raises(WeightsError):
        verify(empty, altered)


def number(numbers: tuple[float, ...]) -> str:
    return f"{numbers[0]!r},"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("mean_embedding", "the golden input's embedding differs by"),
        ("mean_scores", "the golden input's scores differ by"),
    ],
)
def test_altered_golden_outputs_are_refused(key: str, words: str, empty: Store, imported: Manifest):
    first = getattr(imported.golden, key)[0]
    altered = rewrite(empty, lambda text: text.replace(f"{first!r},", f"{first * 0.9!r},"))

    for check in (lambda: verify(empty, altered), lambda: promote(empty, "small/1")):
        with pytest.raises(WeightsError, match=words):
            check()


def test_an_altered_golden_output_of_a_head_is_refused(backbones: Store, tmp_path: Path):
    manifest = network_imports.import_head(backbones, tmp_path, "head")
    scores = manifest.golden.mean_scores
    golden = manifest.golden.model_copy(update={"mean_scores": (scores[0] * 0.9, *scores[1:])})

    with pytest.raises(WeightsError, match="the golden input's scores differ by"):
        verify(backbones, manifest.model_copy(update={"golden": golden}))
    remove(backbones, manifest.ref)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('name = "imported"', 'name = "vgg"'),
        lambda text: re.sub(r"\[network\]\n(.+\n)+", "", text).replace(
            "mean_embedding", "mean_scores_of_none"
        ),
    ],
)
def test_a_manifest_with_one_half_of_an_imported_network_is_refused(
    change: Callable[[str], str], empty: Store, imported: Manifest
):
    with pytest.raises(ManifestError, match=r"small/1/manifest\.toml: "):
        rewrite(empty, change)


def test_the_table_of_an_imported_network_is_required(empty: Store, imported: Manifest):
    def without_network(text: str) -> str:
        values = tomllib.loads(text)
        assert values["network"]
        return re.sub(r"\[network\]\n(.+\n)+", "", text)

    with pytest.raises(ManifestError) as refused:
        rewrite(empty, without_network)

    assert "network: a model of the architecture 'imported' has this table, and no other" in str(
        refused.value
    )


def test_a_version_of_another_store_is_published_as_it_is(
    empty: Store, imported: Manifest, tmp_path: Path
):
    (tmp_path / "other").mkdir()
    other = Store(tmp_path / "other")

    copied = publish_folder(other, Store(Path(empty.where("small/1"))))

    assert copied == imported
    verify(other, copied)
