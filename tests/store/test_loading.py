from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from app.errors import WeightsError
from app.store.loading import load
from app.store.manifest import read_store
from app.store.weights import WeightsState, sha256, weights_path, weights_state

Edit = Callable[[str, str], Path]


def weights_of(own_store: Path) -> Path:
    return weights_path(own_store, read_store(own_store)["mtt-vgg"])


def load_refusal(own_store: Path) -> str:
    with pytest.raises(WeightsError) as refused:
        load(own_store, read_store(own_store)["mtt-vgg"])
    return str(refused.value)


def put_weights(own_store: Path, edit: Edit, weights: dict[str, np.ndarray]) -> None:
    """Put other weights in place, and their hash in the manifest."""
    path = weights_of(own_store)
    before = sha256(path.read_bytes())
    path.write_bytes(safetensors.numpy.save(weights))
    edit(before, sha256(path.read_bytes()))


@pytest.mark.parametrize("place", [0, 1_000_000, -1])
def test_one_flipped_bit_in_the_weights_is_refused_with_how_to_mend_it(place: int, own_store: Path):
    path = weights_of(own_store)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)

    said = load_refusal(own_store)

    assert str(path) in said
    assert "taggram models pull" in said


def test_weights_cut_short_are_refused_with_how_to_mend_it(own_store: Path):
    path = weights_of(own_store)
    path.write_bytes(path.read_bytes()[:-1])

    assert "taggram models pull" in load_refusal(own_store)


def test_missing_weights_are_refused_with_how_to_mend_it(own_store: Path):
    path = weights_of(own_store)
    path.unlink()

    said = load_refusal(own_store)

    assert f"{path}: the weights are missing" in said
    assert "taggram models pull" in said


def test_the_state_of_weights_is_seen_without_loading_them(own_store: Path):
    manifest = read_store(own_store)["mtt-vgg"]
    path = weights_path(own_store, manifest)

    assert weights_state(own_store, manifest) is WeightsState.READY
    path.write_bytes(b"something else")
    assert weights_state(own_store, manifest) is WeightsState.ALTERED
    path.unlink()
    assert weights_state(own_store, manifest) is WeightsState.MISSING


def test_scores_off_the_golden_ones_are_refused(own_store: Path, edit: Edit):
    edit("0.069121", "0.069421")

    said = load_refusal(own_store)

    assert said.startswith("mtt-vgg/1: ")
    assert "3.0e-04 off" in said


def test_a_model_that_scores_nan_is_refused(own_store: Path, edit: Edit):
    weights = safetensors.numpy.load_file(weights_of(own_store))
    weights["tags/bias"] = np.full_like(weights["tags/bias"], np.nan)
    put_weights(own_store, edit, weights)

    assert "nan off" in load_refusal(own_store)


def test_weights_of_another_shape_are_refused_with_where_they_differ(own_store: Path, edit: Edit):
    weights = safetensors.numpy.load_file(weights_of(own_store))
    weights["tags/kernel"] = weights["tags/kernel"][:, :49]
    put_weights(own_store, edit, weights)

    assert load_refusal(own_store).endswith("the weights do not fit at tags/kernel")


def test_weights_that_lack_a_variable_are_refused_with_its_name(own_store: Path, edit: Edit):
    weights = safetensors.numpy.load_file(weights_of(own_store))
    del weights["conv_3_bn/moving_mean"]
    put_weights(own_store, edit, weights)

    assert load_refusal(own_store).endswith("the weights do not fit at conv_3_bn/moving_mean")


def test_weights_with_a_variable_too_many_are_refused_with_its_name(own_store: Path, edit: Edit):
    weights = safetensors.numpy.load_file(weights_of(own_store))
    weights["conv_6/bias"] = weights["conv_5/bias"]
    put_weights(own_store, edit, weights)

    assert load_refusal(own_store).endswith("the weights do not fit at conv_6/bias")
