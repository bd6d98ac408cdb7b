from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import safetensors.numpy

from app.cpus import limits_instructions
from app.domain import Precision
from app.errors import WeightsError
from app.store.manifest.manifest import read_store
from app.store.registry.loading import check_scores, load
from app.store.registry.verification import verify
from app.store.registry.weights import (
    WeightsState,
    read_weights,
    sha256,
    weights_path,
    weights_state,
)
from app.store.storage.store import Store
from tests.support import tiny
from tests.support.published import MODELS

Edit = Callable[[str, str], Path]


def weights_of(own_store: Path) -> Path:
    return own_store / weights_path(read_store(Store(own_store))["mtt-vgg"])


def load_refusal(own_store: Path) -> str:
    with pytest.raises(WeightsError) as refused:
        load(Store(own_store), read_store(Store(own_store))["mtt-vgg"])
    return str(refused.value)


def verify_refusal(own_store: Path) -> str:
    with pytest.raises(WeightsError) as refused:
        verify(Store(own_store), read_store(Store(own_store))["mtt-vgg"])
    return str(refused.value)


def put_weights(own_store: Path, edit: Edit, weights: dict[str, np.ndarray]) -> None:
    """Put other weights in place, and their hash in the manifest."""
    path = weights_of(own_store)
    before = sha256(path.read_bytes())
    path.write_bytes(safetensors.numpy.save(weights))
    edit(before, sha256(path.read_bytes()))


@pytest.mark.parametrize("place", [0, 1_000_000, -1])
def test_one_flipped_bit_in_the_weights_is_refused_with_the_remedy(place: int, own_store: Path):
    path = weights_of(own_store)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)

    message = load_refusal(own_store)

    assert str(path) in message
    assert "taggram models pull" in message


def test_truncated_weights_are_refused_with_the_remedy(own_store: Path):
    path = weights_of(own_store)
    path.write_bytes(path.read_bytes()[:-1])

    assert "taggram models pull" in load_refusal(own_store)


def test_missing_weights_are_refused_with_the_remedy(own_store: Path):
    path = weights_of(own_store)
    path.unlink()

    message = load_refusal(own_store)

    assert f"{path}: the weights are missing" in message
    assert "taggram models pull" in message


def test_the_state_of_weights_is_known_without_loading_them(own_store: Path):
    own, path = Store(own_store), weights_of(own_store)
    manifest = read_store(own)["mtt-vgg"]

    assert weights_state(own, manifest) is WeightsState.READY
    path.write_bytes(b"something else")
    assert weights_state(own, manifest) is WeightsState.ALTERED
    path.unlink()
    assert weights_state(own, manifest) is WeightsState.MISSING


@pytest.mark.parametrize("name", MODELS)
def test_a_published_model_is_loaded_unchanged(name: str, store: Path):
    verify(Store(store), read_store(Store(store))[name])


def test_verification_refuses_scores_that_differ_from_the_golden_ones(own_store: Path, edit: Edit):
    edit("0.069121", "0.269121")

    message = verify_refusal(own_store)

    assert message.startswith("mtt-vgg/1: ")
    assert "differ by 2.0e-01 from" in message
    assert "at most 1e-05" in message


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("path", ["tags/bias", "conv_3/kernel"])
def test_non_finite_weights_are_refused_with_their_location(
    path: str, number: float, own_store: Path, edit: Edit
):
    weights = safetensors.numpy.load_file(weights_of(own_store))
    weights[path].flat[-1] = number
    put_weights(own_store, edit, weights)

    assert f": {path} holds numbers that are not finite" in load_refusal(own_store)


def test_verification_refuses_a_model_whose_finite_weights_score_nan(store: Path):
    models = Store(store)
    manifest = read_store(models)["msd-musicnn"]
    weights = read_weights(models, manifest)
    tiny.make_scores_nan(weights)

    with pytest.raises(WeightsError, match=r"msd-musicnn/1: 50 of 50 scores .* are NaN"):
        check_scores(manifest, weights)


def test_loading_does_not_check_the_golden_scores(own_store: Path, edit: Edit):
    edit("0.069121", "0.969121")

    assert load(Store(own_store), read_store(Store(own_store))["mtt-vgg"]).network.output_shape == (
        None,
        50,
    )


@pytest.mark.skipif(
    limits_instructions(), reason="oneDNN may not use the instructions for bf16 in TensorFlow"
)
@pytest.mark.parametrize(
    "name", ["mtt-vgg", pytest.param("msd-musicnn", marks=pytest.mark.thorough)]
)
def test_a_network_in_bf16_scores_slightly_differently_and_its_weights_stay_float32(
    name: str, store: Path
):
    models = Store(store)
    manifest = read_store(models)[name]
    windows = np.random.RandomState(7).uniform(0, 4, (4, 187, 96)).astype(np.float32)

    exact = np.asarray(load(models, manifest).network(windows))
    network = load(models, manifest, Precision.BF16).network
    rounded = np.asarray(network(windows))

    assert rounded.dtype == exact.dtype == np.float32
    assert 1e-5 < np.max(np.abs(rounded - exact)) < 0.02
    assert {variable.dtype for variable in network.weights} == {"float32"}
    assert keras.config.dtype_policy().name == "float32", "else whatever is built next is bf16"


@pytest.mark.parametrize(
    ("path", "axis"),
    [
        ("tags/kernel", 0),
        ("tags/kernel", 1),
        ("conv_1/kernel", 3),
        ("conv_3/kernel", 0),
        ("conv_3/kernel", 2),
        ("conv_2/bias", 0),
        ("conv_4_bn/gamma", 0),
        ("conv_5/bias", 0),
    ],
)
def test_weights_of_another_shape_are_refused_with_the_difference(
    path: str, axis: int, own_store: Path, edit: Edit
):
    weights = safetensors.numpy.load_file(weights_of(own_store))
    weights[path] = np.ascontiguousarray(np.delete(weights[path], -1, axis))
    put_weights(own_store, edit, weights)

    assert load_refusal(own_store).endswith(f"the weights do not fit at {path}")


@pytest.mark.parametrize("path", ["conv_1/kernel", "conv_3_bn/moving_mean", "tags/bias"])
def test_weights_without_a_variable_are_refused_with_its_name(
    path: str, own_store: Path, edit: Edit
):
    weights = safetensors.numpy.load_file(weights_of(own_store))
    del weights[path]
    put_weights(own_store, edit, weights)

    assert load_refusal(own_store).endswith(f"the weights do not fit at {path}")


def test_weights_for_another_number_of_channels_are_refused(own_store: Path, edit: Edit):
    edit("pools = ", "channels = [128, 128, 128, 64, 128]\npools = ")

    assert "conv_4/kernel" in load_refusal(own_store)


def test_weights_with_an_extra_variable_are_refused_with_its_name(own_store: Path, edit: Edit):
    weights = safetensors.numpy.load_file(weights_of(own_store))
    weights["conv_6/bias"] = weights["conv_5/bias"]
    put_weights(own_store, edit, weights)

    assert load_refusal(own_store).endswith("the weights do not fit at conv_6/bias")
