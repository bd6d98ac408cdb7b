"""Metadata of essentia, whose errors do not matter or are refused."""

import json
from pathlib import Path

import pytest

from app.store.importers.networks.importing import import_network
from app.store.storage.store import Store
from tests.support import network_imports, small_network
from tests.support.network_imports import refusal, source


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
