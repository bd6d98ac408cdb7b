"""Layers are frozen and slowed down by their depth below the last layer."""

import keras
import numpy as np
import pytest

from app.errors import SetupError
from app.front_ends import WindowSpec
from app.models import architectures, network
from app.training.loop.depths import freeze_below, rate_factors, relative_depths
from app.training.loop.optimizers import make_optimizer
from app.training.recipe.release import Release
from app.training.recipe.schema import Stage

both = pytest.mark.parametrize(
    "optimizer", ["adam", pytest.param("sgd", marks=pytest.mark.thorough)]
)

SMALL = {"channels": [2] * 7, "hidden_units": 4}


def built(name: str, arguments: dict[str, object]) -> keras.Model:
    own = architectures()[name]
    window_spec = WindowSpec(own.front_end, own.window_frames, own.window_frames)
    return network(name, 3, window_spec, arguments)


def test_depth_is_counted_from_the_last_layer_on_the_longest_way() -> None:
    small = {"timbral_channels": [1, 1], "temporal_channels": [1, 1, 1], "mid_channels": 1}
    depths = relative_depths(built("musicnn", {**small, "hidden_units": 2}))

    layers = ("tags", "hidden", "mid_3", "mid_2", "mid_1", "timbral_38", "input_bn")
    assert [depths[name] for name in layers] == pytest.approx([n / 6 for n in range(7)])
    assert depths["temporal_128"] == depths["timbral_38"] == depths["timbral_38_bn"]
    assert depths["pooled_bn"] == depths["mid_3"]


@pytest.mark.thorough
def test_a_residual_block_counts_its_longer_branch() -> None:
    depths = relative_depths(built("short_chunk_res", SMALL))

    assert depths["residual_7_2"] == depths["residual_7_shortcut"] < depths["residual_7_1"]
    assert depths["residual_6_2"] > depths["residual_7_1"]


@pytest.mark.parametrize(
    ("share", "trained"),
    [(0.0, {"tags"}), (0.12, {"tags", "hidden", "hidden_bn"}), (1.0, None)],
)
def test_a_share_of_the_depth_is_trained(share: float, trained: set[str] | None) -> None:
    scoring = built("short_chunk_cnn", SMALL)

    freeze_below(scoring, Release(share=share), frozen=())

    weighted = [layer for layer in scoring.layers if layer.weights]
    expected = {layer.name for layer in weighted} if trained is None else trained
    assert {layer.name for layer in weighted if layer.trainable} == expected


def test_layers_that_the_phase_freezes_are_never_released() -> None:
    scoring = built("short_chunk_cnn", SMALL)

    freeze_below(scoring, Release(), frozen=("conv_1",))

    assert not scoring.get_layer("conv_1").trainable
    assert scoring.get_layer("conv_2").trainable


def test_a_network_of_several_networks_has_no_depth() -> None:
    with pytest.raises(SetupError, match="consists of several networks"):
        freeze_below(built("embedding_probe", {}), Release(share=0), frozen=())


@both
def test_the_first_layer_moves_by_its_share_of_the_last_one(optimizer: str) -> None:
    scoring, release = built("short_chunk_cnn", SMALL), Release(first_layer_rate=0.01)
    variables = scoring.trainable_variables
    before = [np.asarray(variable) for variable in variables]
    stage = Stage(optimizer=optimizer, learning_rate=0.01, epochs=1, release=release)
    slow = make_optimizer(stage, rate_factors(scoring, release, variables))

    slow.apply([keras.ops.ones_like(variable) for variable in variables], variables)

    moved = {
        variable.path: float(np.abs(np.asarray(variable) - old).mean())
        for variable, old in zip(variables, before, strict=True)
    }
    first, last = moved["input_bn/gamma"], moved["tags/kernel"]
    assert first / last == pytest.approx(0.01, rel=1e-2)
    assert moved["conv_4/kernel"] / last == pytest.approx(0.01 ** (5 / 9), rel=1e-2)


@both
def test_without_factors_an_optimizer_is_that_of_keras(optimizer: str) -> None:
    stage = Stage(optimizer=optimizer, learning_rate=0.01, epochs=1)
    theirs = {
        "adam": keras.optimizers.Adam(0.01),
        "sgd": keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
    }
    results = []
    for each in (make_optimizer(stage, [1.0]), theirs[optimizer]):
        variable = keras.Variable([1.0, -2.0])
        for step in range(3):
            each.apply([keras.ops.convert_to_tensor([0.3 + step, -1.0])], [variable])
        results.append(np.asarray(variable))
    assert results[0] == pytest.approx(results[1], rel=1e-6)
