"""Networks of other projects become models of the store, or are refused and leave it unchanged."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from app.domain import ModelRef
from app.errors import SetupError
from app.front_ends import FrontEnd
from app.networks.ir import NetworkFiles
from app.networks.request import NetworkReport, NetworkRequest
from app.store.card import card
from app.store.importers.networks import importing
from app.store.importers.networks.importing import import_network
from app.store.manifest.manifest import Window, manifests, read_manifest
from app.store.registry.alias_changes import remove
from app.store.registry.aliases import resolve
from app.store.registry.imported import compute_outputs, cut_windows, load_imported
from app.store.registry.publishing import promote
from app.store.registry.verification import read_arrays, verify
from app.store.storage.store import Store
from tests.support import network_imports, small_network
from tests.support.network_imports import refusal, source


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


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
    digests = "".join(digest(part) for part in parts)
    assert single.network.file_sha256 == digest(file)
    assert pair.network.file_sha256 == hashlib.sha256(digests.encode()).hexdigest()


def test_the_hash_covers_the_weights_beside_an_onnx_file(empty: Store, tmp_path: Path):
    file = small_network.external_onnx(tmp_path, "weights.bin")
    before = import_network(empty, source(tmp_path, file))
    weights = tmp_path / "weights.bin"
    digests = digest(file) + digest(weights)
    assert before.network.file_sha256 == hashlib.sha256(digests.encode()).hexdigest()

    weights.write_bytes((0.5 * np.frombuffer(weights.read_bytes(), np.float32)).tobytes())
    after = import_network(empty, source(tmp_path, file))
    assert after.network.file_sha256 != before.network.file_sha256


def test_the_hash_covers_no_file_that_a_conversion_names_outside(
    empty: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file, convert = small_network.save_onnx(tmp_path / "network.onnx"), importing.convert

    def name_another(request: NetworkRequest) -> tuple[NetworkFiles, NetworkReport]:
        network, report = convert(request)
        return network, report.model_copy(update={"external": ("../../etc/passwd",)})

    monkeypatch.setattr(importing, "convert", name_another)
    with pytest.raises(SetupError, match="expected a file in its own folder"):
        import_network(empty, source(tmp_path, file))
    assert empty.refs() == []


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
    samples = 0.5 * small_network.windows(1, (8_000,))[0]
    windows = cut_windows(manifest, samples)
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
