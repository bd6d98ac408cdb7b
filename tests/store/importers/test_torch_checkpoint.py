"""Released PyTorch checkpoints: reading, layouts, and refusals."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from app.errors import WeightsError
from app.store.importers.torch_checkpoint import convert, read_checkpoint
from tests.support.torch_files import save

LAYERS = {"conv": "conv_1", "conv_bn": "conv_1_bn", "dense": "tags"}
WANTED = {
    "conv_1/kernel": (3, 5, 2, 4),
    "conv_1/bias": (4,),
    "conv_1_bn/gamma": (4,),
    "conv_1_bn/beta": (4,),
    "conv_1_bn/moving_mean": (4,),
    "conv_1_bn/moving_variance": (4,),
    "tags/kernel": (4, 49),
    "tags/bias": (49,),
}


def state(**others: np.ndarray | None) -> dict[str, np.ndarray]:
    """Weights that fit; others in place of some, or None for none."""
    random = np.random.RandomState(1)
    shapes = {
        "spec.mel_scale.fb": (257, 96),
        "conv.weight": (4, 2, 5, 3),
        "conv.bias": (4,),
        "conv_bn.weight": (4,),
        "conv_bn.bias": (4,),
        "conv_bn.running_mean": (4,),
        "conv_bn.running_var": (4,),
        "dense.weight": (49, 4),
        "dense.bias": (49,),
    }
    weights = {key: random.uniform(size=shape).astype("f") for key, shape in shapes.items()}
    weights["conv_bn.num_batches_tracked"] = np.array(7)
    weights |= {key.replace("__", "."): array for key, array in others.items()}
    return {key: array for key, array in weights.items() if array is not None}


def refusal(weights: dict[str, np.ndarray]) -> str:
    with pytest.raises(WeightsError) as refused:
        convert(weights, LAYERS, WANTED, "best_model.pth")
    said = str(refused.value)
    assert said.startswith("best_model.pth: ")
    assert "\n" not in said
    return said.removeprefix("best_model.pth: ")


# layout


def test_matching_weights_are_converted_to_our_paths_and_shapes():
    weights = state()

    ours = convert(weights, LAYERS, WANTED, "model")

    assert {path: array.shape for path, array in ours.items()} == WANTED
    assert all(array.dtype == np.float32 for array in ours.values())
    assert all(array.flags.c_contiguous for array in ours.values())
    assert ours["conv_1/kernel"][2, 4, 1, 3] == weights["conv.weight"][3, 1, 4, 2]
    assert ours["tags/kernel"][3, 48] == weights["dense.weight"][48, 3]
    for path, key in (
        ("conv_1_bn/gamma", "conv_bn.weight"),
        ("conv_1_bn/beta", "conv_bn.bias"),
        ("conv_1_bn/moving_mean", "conv_bn.running_mean"),
        ("conv_1_bn/moving_variance", "conv_bn.running_var"),
    ):
        np.testing.assert_array_equal(ours[path], weights[key])


@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_weights_of_other_precision_become_float32(kind: str):
    weights = {key: array.astype(kind) for key, array in state().items()}

    ours = convert(weights, LAYERS, WANTED, "model")

    assert all(array.dtype == np.float32 for array in ours.values())
    np.testing.assert_allclose(ours["tags/bias"], weights["dense.bias"], rtol=1e-6)


def layers_and_twins() -> dict[str, tuple[keras.Layer, object, tuple[int, ...], bool]]:
    """Our layer, PyTorch's, the shape of our input, and whether PyTorch's has the same."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    return {
        "conv_1d": (
            keras.layers.Conv1D(4, 3, name="ours"),
            torch.nn.Conv1d(6, 4, 3),
            (2, 9, 6),
            False,
        ),
        "conv_2d": (
            keras.layers.Conv2D(4, (3, 5), name="ours"),
            torch.nn.Conv2d(6, 4, (5, 3)),
            (2, 9, 8, 6),
            False,
        ),
        "dense": (keras.layers.Dense(4, name="ours"), torch.nn.Linear(6, 4), (2, 6), True),
        "dense without bias": (
            keras.layers.Dense(4, use_bias=False, name="ours"),
            torch.nn.Linear(6, 4, bias=False),
            (2, 6),
            True,
        ),
        "batch normalisation": (
            keras.layers.BatchNormalization(epsilon=1e-5, name="ours"),
            torch.nn.BatchNorm1d(6),
            (2, 6),
            True,
        ),
        "layer normalisation": (
            keras.layers.LayerNormalization(epsilon=1e-5, name="ours"),
            torch.nn.LayerNorm(6),
            (2, 3, 6),
            True,
        ),
    }


@pytest.mark.parametrize(
    "kind",
    [
        "conv_1d",
        "conv_2d",
        "dense",
        "dense without bias",
        "batch normalisation",
        "layer normalisation",
    ],
)
def test_a_layer_gives_the_output_of_its_pytorch_counterpart(kind: str):
    from tests.models.architectures.torch_twins.filling import filled, twin_scores

    ours, theirs, shape, alike = layers_and_twins()[kind]
    inputs = np.random.RandomState(2).standard_normal(shape).astype(np.float32)
    given = keras.Input(shape[1:])
    model = keras.Model(given, ours(given))
    # Their axes run the other way round, but for the batch's.
    turned = inputs if alike else np.ascontiguousarray(np.moveaxis(inputs.T, -1, 0))
    expected = twin_scores(filled(theirs), turned)
    weights = {f"theirs.{key}": value.numpy() for key, value in theirs.state_dict().items()}
    wanted = {each.path: tuple(each.shape) for each in model.weights}

    arrays = convert(weights, {"theirs": "ours"}, wanted, "model")
    for variable in model.weights:
        variable.assign(arrays[variable.path])

    scores = np.asarray(model(inputs))
    turned_back = scores if alike else np.moveaxis(scores.T, -1, 0)
    np.testing.assert_allclose(turned_back, expected, rtol=0, atol=1e-5)
    assert np.std(expected) > 0.1


def test_stacked_grus_give_the_output_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from tests.models.architectures.torch_twins.filling import filled

    theirs = filled(torch.nn.GRU(6, 5, num_layers=2, batch_first=True))
    inputs = np.random.RandomState(2).standard_normal((3, 7, 6)).astype(np.float32)
    given = keras.Input((7, 6))
    first = keras.layers.GRU(5, return_sequences=True, name="gru_1")(given)
    model = keras.Model(given, keras.layers.GRU(5, return_sequences=True, name="gru_2")(first))
    with torch.inference_mode():
        expected = theirs(torch.from_numpy(inputs))[0].numpy()
    weights = {f"layer5.{key}": value.numpy() for key, value in theirs.state_dict().items()}
    wanted = {each.path: tuple(each.shape) for each in model.weights}

    arrays = convert(weights, {"layer5.l0": "gru_1", "layer5.l1": "gru_2"}, wanted, "model")
    for variable in model.weights:
        variable.assign(arrays[variable.path])

    np.testing.assert_allclose(model(inputs), expected, rtol=0, atol=1e-5)
    assert np.std(expected) > 0.1


def test_a_bare_parameter_is_mapped_to_its_layer():
    token = np.arange(6, dtype=np.float32).reshape(1, 1, 6)

    ours = convert({"cls": token}, {"cls": "tokens/cls"}, {"tokens/cls": (1, 1, 6)}, "model")

    np.testing.assert_array_equal(ours["tokens/cls"], token)


# weights that do not fit


def test_weights_of_another_architecture_are_refused_and_some_keys_are_named():
    others = {f"layer{number}__weight": np.zeros(2, "f") for number in range(9)}

    message = refusal(state(**others, conv__bias=None))

    assert message == (
        "the checkpoint belongs to another architecture: it lacks conv.bias; it also has "
        "layer0.weight, layer1.weight, layer2.weight and 6 more. Pass the --architecture and "
        "--arguments of its training, or a state dict with the keys of the released network"
    )


def test_if_no_key_matches_three_of_each_are_named_as_in_the_file():
    weights = {f"model.block{number}.weight": np.zeros(2, "f") for number in range(9)}

    message = refusal(weights)

    assert "lacks conv.weight, conv.bias, conv_bn.weight and 5 more" in message
    assert "model.block0.weight, model.block1.weight, model.block2.weight and 6 more" in message
    assert "Pass the --architecture" in message


def test_a_network_with_layers_missing_from_the_checkpoint_is_refused():
    with pytest.raises(WeightsError, match="has nothing for the variables conv_2/kernel"):
        convert(state(), LAYERS, {**WANTED, "conv_2/kernel": (1,)}, "model")


def test_buffers_of_a_front_end_are_not_taken_for_another_architecture():
    kept = ("spec.spectrogram.window", "to_db.x", "hstft.fft_bins", "conv_bn.num_batches_tracked")

    ours = convert(state() | dict.fromkeys(kept, np.zeros(3)), LAYERS, WANTED, "model")

    assert set(ours) == set(WANTED)


@pytest.mark.parametrize(
    ("key", "got", "wanted"),
    [
        ("conv.weight", (4, 2, 3, 3), (4, 2, 5, 3)),
        ("conv.weight", (4, 30), (4, 2, 5, 3)),
        ("conv_bn.running_var", (), (4,)),
        ("dense.weight", (49, 5), (49, 4)),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(
    key: str, got: tuple[int, ...], wanted: tuple[int, ...]
):
    message = refusal(state() | {key: np.zeros(got, "f")})

    assert message == f"{key} has the shape {got}; expected {wanted}"


@pytest.mark.parametrize("shape", [(96,), (95,), (), (0,)])
def test_a_gru_of_another_size_is_refused(shape: tuple[int, ...]):
    wanted = {"gru_1/gru_cell/bias": (2, 15)}
    given = {"gru.bias_ih_l0": np.zeros(15, "f"), "gru.bias_hh_l0": np.zeros(shape, "f")}

    with pytest.raises(WeightsError, match=r"gru\.bias_hh_l0 has the shape .* expected \(15,\)"):
        convert(given, {"gru.l0": "gru_1"}, wanted, "model")


def test_weights_for_another_number_of_tags_are_refused():
    weights = state(dense__weight=np.zeros((50, 4), "f"), dense__bias=np.zeros(50, "f"))

    assert refusal(weights) == "the checkpoint has 50 tags; the tag list has 49"


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e300])
def test_weights_that_are_not_finite_are_refused(number: float):
    corrupted = np.ones(4)
    corrupted[2] = number

    assert refusal(state(conv__bias=corrupted)) == "conv.bias holds numbers that are not finite"


@pytest.mark.parametrize("kind", ["int64", "complex64", "bool"])
def test_weights_that_are_not_floating_point_are_refused(kind: str):
    message = refusal(state(conv__bias=np.ones(4, kind)))

    assert message == f"conv.bias is {kind}; expected floating-point numbers"


# files


def test_a_checkpoint_is_read(tmp_path: Path):
    arrays = read_checkpoint(save(state(), tmp_path / "best_model.pth"))

    assert list(arrays) == list(state())
    for key, array in state().items():
        np.testing.assert_array_equal(arrays[key], array)


PREFIXES = [
    *("module.", "_orig_mod.", "module.module.", "module._orig_mod.", "_orig_mod.module."),
    *("model.", "net.backbone.", "model._orig_mod.", "module.model."),
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_of_wrappers_are_removed(prefix: str):
    wrapped = {f"{prefix}{key}": array for key, array in state().items()}

    ours = convert(wrapped, LAYERS, WANTED, "model")

    for path, array in convert(state(), LAYERS, WANTED, "model").items():
        np.testing.assert_array_equal(ours[path], array)


def test_prefixes_of_individually_wrapped_modules_are_removed():
    def wrapped(key: str) -> str:
        return key.replace("conv.", "conv._orig_mod.").replace("dense.", "dense.module.")

    ours = convert({wrapped(key): array for key, array in state().items()}, LAYERS, WANTED, "model")

    assert {path: array.shape for path, array in ours.items()} == WANTED


def test_a_prefix_of_the_network_itself_is_kept():
    weights = {"model.dense.weight": np.ones((49, 4), "f"), "model.dense.bias": np.ones(49, "f")}
    wanted = {path: shape for path, shape in WANTED.items() if path.startswith("tags")}

    assert set(convert(weights, {"model.dense": "tags"}, wanted, "model")) == set(wanted)


def test_two_networks_in_one_file_are_not_mixed_up():
    both = state() | {f"module.{key}": array + 1 for key, array in state().items()}

    assert "it also has module." in refusal(both)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: None, "the checkpoint can't be read: No such file or directory"),
        (Path.mkdir, "the checkpoint can't be read: Is a directory"),
        (lambda path: path.write_bytes(b""), "this is not a PyTorch checkpoint, or it is damaged"),
    ],
)
def test_an_unreadable_file_is_named(spoil: Callable[[Path], object], message: str, tmp_path: Path):
    path = tmp_path / "best_model.pth"
    spoil(path)

    with pytest.raises(WeightsError) as refused:
        read_checkpoint(path)

    assert str(refused.value) == f"{path}: {message}"
