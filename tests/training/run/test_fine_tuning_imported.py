"""A run starts from a checkpoint that was released for PyTorch, and names its file."""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml

from app.datasets.tables import write_split
from app.domain import ModelRef
from app.front_ends import WindowSpec
from app.models import architectures, network, variables
from app.store.manifest.manifest import read_manifest
from app.store.storage.store import Store
from app.training.loop.checkpoint import load_weights
from app.training.run.publishing import MODEL
from tests.support.commands import taggram
from tests.support.torch_files import save
from tests.support.torch_states import as_torch_state
from tests.support.toy import toy_phase, toy_recipe, toy_split, toy_store

NAME = "short_chunk_cnn"
SMALL = {"channels": [8] * 7, "hidden_units": 16}
THEIRS = ("noise", "speech", "low")
"""Two of them are tags of the split."""


def random_weights() -> dict[str, np.ndarray]:
    """Return weights of a small network of three tags, by path."""
    own = architectures()[NAME]
    window_spec = WindowSpec(own.front_end, own.window_frames, own.window_frames)
    keras.utils.set_random_seed(5)
    built = variables(network(NAME, len(THEIRS), window_spec, SMALL))
    return {path: np.asarray(variable.numpy()) for path, variable in built.items()}


@pytest.mark.thorough
def test_an_imported_checkpoint_is_trained_further(tmp_path: Path) -> None:
    theirs = random_weights()
    checkpoint = save(as_torch_state(NAME, theirs), tmp_path / "best_model.pth")
    (tmp_path / "tags.txt").write_text("\n".join(THEIRS))
    (tmp_path / "models").mkdir()
    imported = taggram(
        "models", "import-torch", checkpoint, "--name", "theirs", "--architecture", NAME,
        "--arguments", json.dumps(SMALL), "--tags", tmp_path / "tags.txt",
        "--licence", "MIT", "--citation", "Theirs 2020.", "--store", tmp_path / "models",
    )  # fmt: skip
    assert imported.exit_code == 0, imported.output

    split = toy_split(tracks=18)
    store = toy_store(tmp_path, split)
    write_split(tmp_path / "split.parquet", split)
    stages = [
        {"optimizer": "adam", "learning_rate": 0.01, "epochs": 2, "release": {"share": share}}
        for share in (0, 0.5)
    ]
    recipe = toy_recipe([toy_phase(arguments={}, stages=stages)]).model_dump(mode="json")
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    tuned = taggram(
        "train", tmp_path / "split.parquet", "--audio-store", store.folder,
        "--to", tmp_path / "run", "--recipe", tmp_path / "recipe.yaml",
        "--from", "theirs", "--store", tmp_path / "models",
    )  # fmt: skip
    assert tuned.exit_code == 0, tuned.output

    assert "Starting from theirs/1: 3 tags, of which it has 2." in tuned.stderr
    trained = load_weights(tmp_path / "run" / "phases" / "tags" / "weights.safetensors")
    assert trained.keys() == theirs.keys()
    same = {path for path, weights in theirs.items() if np.array_equal(trained[path], weights)}
    assert {"input_bn/moving_mean", "conv_1/kernel", "conv_4/kernel"} <= same
    assert not same & {"conv_7/kernel", "hidden/kernel", "tags/kernel"}
    run = Store(tmp_path / "run" / MODEL)
    source = read_manifest(run, ModelRef("toy-short-chunk-cnn", "1")).source
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert source.fine_tuned_from is not None
    assert source.fine_tuned_from.model == "theirs/1"
    assert source.fine_tuned_from.description == f"PyTorch checkpoint, SHA-256 {digest}"
    assert (source.fine_tuned_from.licence, source.fine_tuned_from.citation) == (
        "MIT",
        "Theirs 2020.",
    )
