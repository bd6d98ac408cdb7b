"""A model so small that it is published in tenths of a second, and stores of every kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from app.domain import ModelRef
from app.front_ends import FrontEnd
from app.models import variables
from app.spectra import Mel, Spectrum
from app.store.manifest.manifest import ModelSpec
from app.store.registry.loading import build
from app.store.registry.packaging import ModelPackage
from app.store.storage.store import Store

FRONT_END = FrontEnd(2_000, Spectrum((64,), 32, bands=Mel(8, 0.0, 1_000.0)))
ARGUMENTS = {"channels": [2], "pools": [[4, 2]]}

everywhere = pytest.mark.parametrize("place", ["folder", "s3", "other folders"], indirect=True)
"""For tests that run in stores of all kinds by default; the others run in a folder."""

Content = dict[str, bytes]


@dataclass(frozen=True)
class Place:
    """A store, and all files in it."""

    store: Store
    content: Callable[[], Content]


def spec(name: str = "tiny", **changes: object) -> ModelSpec:
    """What is to be said about it."""
    values = {
        "name": name,
        "summary": "A model for tests.",
        "architecture": {"name": "fcn", "arguments": ARGUMENTS},
        "front_end": FRONT_END,
        "window": {"frames": 16, "hop_frames": 16},
        "tags": {"family": "tiny", "names": ["one", "two", "three"]},
        "source": {"description": "Made up.", "url": "", "licence": "MIT", "citation": ""},
    }
    return ModelSpec.model_validate({**values, **changes})


def weights(seed: int = 0, n_tags: int = 3) -> dict[str, np.ndarray]:
    """Weights that fit it."""
    random = np.random.RandomState(seed)
    shapes = {
        "input_bn/gamma": (1,),
        "input_bn/beta": (1,),
        "input_bn/moving_mean": (1,),
        "input_bn/moving_variance": (1,),
        "conv_1/kernel": (3, 3, 1, 2),
        "conv_1/bias": (2,),
        "conv_1_bn/gamma": (2,),
        "conv_1_bn/beta": (2,),
        "conv_1_bn/moving_mean": (2,),
        "conv_1_bn/moving_variance": (2,),
        "tags/kernel": (32, n_tags),
        "tags/bias": (n_tags,),
    }
    arrays = {path: random.uniform(-0.3, 0.3, shape) for path, shape in shapes.items()}
    for path in ("input_bn/moving_variance", "conv_1_bn/moving_variance"):
        arrays[path] = abs(arrays[path]) + 1
    return {path: array.astype(np.float32) for path, array in arrays.items()}


def musicnn() -> tuple[ModelSpec, dict[str, np.ndarray]]:
    """A tiny MusiCNN, and random weights for it."""
    arguments = {
        "timbral_channels": [1, 1],
        "temporal_channels": [1, 1, 1],
        "mid_channels": 1,
        "hidden_units": 2,
    }
    described = spec(architecture={"name": "musicnn", "arguments": arguments})
    network = build(described, arguments)
    return described, {path: np.asarray(each) for path, each in variables(network).items()}


def make_scores_nan(weights: dict[str, np.ndarray]) -> None:
    """Change weights of a MusiCNN so that they are finite and its scores are NaN.

    NaN is the root of a negative variance. Only the last layer follows: in a relu or a pooling
    NaN may become a number, and sums of huge numbers may be NaN or not, on which machine ever.
    """
    weights["hidden_bn/moving_variance"] = -1 - weights["hidden_bn/moving_variance"]


def write(package: ModelPackage, folder: Path) -> Store:
    """Put a prepared model into a folder of its own."""
    folder.mkdir(parents=True)
    (folder / "manifest.toml").write_text(package.text)
    (folder / "weights.safetensors").write_bytes(package.weights)
    return Store(folder)


def folder_content(folder: Path) -> Content:
    """Every file, hidden ones too, but for the lock, which is always empty."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def files(content: Mapping[str, bytes], ref: ModelRef) -> Content:
    """What belongs to one version."""
    return {path: data for path, data in content.items() if path.startswith(f"{ref}/")}
