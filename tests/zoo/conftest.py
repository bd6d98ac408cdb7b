"""A store of every architecture, with random weights that separate sounds."""

from pathlib import Path

import pytest

from app.models import architectures
from app.store.manifest.manifest import Manifest
from app.store.storage.store import Store
from testing.random_models import publish_random

SMALL = {
    "fcn": {"channels": [8] * 5},
    "crnn": {"channels": [8] * 4},
    "k1c2": {"channels": [8] * 4, "hidden_units": [8, 8]},
    "k2c1": {"channels": [8] * 5, "hidden_units": [8, 8]},
    "k2c2": {"channels": [8] * 5},
    "musicnn_waveform": {"channels": [8] * 7, "mid_channels": 8, "hidden_units": 16},
    "cnnsa_musicnn": {"channels": 2, "dimension": 32},
    "cnnsa_sample_cnn": {"channels": [8] * 5, "dimension": 32},
    "musicnn": {"timbral_channels": [8, 8], "temporal_channels": [4, 4, 4], "mid_channels": 8},
    "vgg": {"channels": [8] * 5},
    "sample_cnn": {"channels": [8] * 11},
    "sample_cnn_res": {"channels": [8] * 10},
    "sample_cnn_rese": {"channels": [8] * 10},
    "harmonic_cnn": {"channels": 8},
    "music_tagging_transformer": {"dimension": 64, "channels": 16},
    "spectnt": {
        "channels": 16,
        "dimension": 16,
        "spectral_features": 16,
        "temporal_features": 16,
    },
    "clmr": {"channels": [8] * 11},
    "multi_level_multi_scale": {"channels": [8, 8, 16], "hidden_units": [16, 16]},
    "ensemble": {
        "members": {
            "waveform": {"architecture": "sample_cnn", "channels": [8] * 11},
            "melgram": {"architecture": "vgg", "channels": [8] * 5},
        }
    },
    "embedding_probe": {"encoder": "clmr", "arguments": {"channels": [8] * 11}},
}
"""Arguments with which they are built in no time; all others are as large as published."""


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Every architecture under its own name."""
    store = Store(tmp_path_factory.mktemp("zoo"))
    for architecture in architectures():
        publish_random(store, architecture, model_name(architecture), SMALL.get(architecture))
    return store


@pytest.fixture(scope="session")
def folder(zoo: Store) -> Path:
    """Their folder."""
    assert zoo.folder
    return zoo.folder


def model_name(architecture: str) -> str:
    """Under which it is published."""
    return architecture.replace("_", "-")


def manifest_of(models: dict[str, Manifest], architecture: str) -> Manifest:
    """What is said about it."""
    return models[model_name(architecture)]
