"""Inputs and outputs are found, named, or asked for."""

from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from app.errors import SetupError
from app.networks.canonical import to_canonical
from app.networks.reading import read_network_file
from tests.conftest import SHARED
from tests.support import small_network

ESSENTIA = SHARED / "weights" / "essentia"


def read(file: Path, **changes: object) -> openvino.Model:
    return to_canonical(read_network_file(file), small_network.request(file, **changes))[0]


def assert_is_the_network(network: openvino.Model, *, embedding: bool = False) -> None:
    expected = (small_network.both if embedding else small_network.scores)(small_network.windows())
    np.testing.assert_allclose(
        small_network.run(network, small_network.windows()), expected, atol=1e-6
    )


@pytest.fixture(scope="module")
def with_saver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frozen graph with nodes that save and restore variables."""
    folder = tmp_path_factory.mktemp("graph")
    return small_network.save_frozen_graph(folder / "network.pb", with_saver=True)


def test_nodes_that_save_and_restore_variables_are_no_candidates(with_saver: Path):
    network = read_network_file(with_saver)
    assert (len(network.inputs), len(network.outputs)) > (1, 1)

    assert_is_the_network(read(with_saver))


def test_the_published_heads_have_one_input_and_one_output():
    file = ESSENTIA / "genre_discogs400-discogs-effnet-1.pb"
    if not file.is_file():
        pytest.skip(f"essentia's heads are not at {ESSENTIA}")

    network, report = to_canonical(
        read_network_file(file), small_network.request(file, window=(1280,), labels=400)
    )

    assert report.batch is None
    assert small_network.run(network, small_network.windows(3, (1280,))).shape == (3, 400)


@pytest.mark.parametrize(
    "names",
    [
        {"input": "mels", "output": "scores", "embedding": "embeddings"},
        {"input": "mels:0", "output": "scores:0", "embedding": "embeddings:0"},
        {"embedding": "embeddings"},
    ],
)
@pytest.mark.parametrize(
    "name",
    [
        "network.onnx",
        "network.pb",
        pytest.param("saved", marks=pytest.mark.thorough),
        pytest.param("network.xml", marks=pytest.mark.thorough),
    ],
)
def test_tensors_are_named_with_and_without_the_number_of_tensorflow(
    name: str, names: dict[str, str], tmp_path: Path
):
    file = small_network.SAVERS[name](tmp_path / name)

    assert_is_the_network(read(file, **names), embedding=True)


@pytest.mark.parametrize("first", ["split", "split:0"])
def test_each_output_of_an_operation_has_a_name(first: str):
    taken = ops.parameter([-1, 6], np.float32, name="taken")
    split = ops.variadic_split(ops.sigmoid(taken), 1, np.array([2, 4]))
    for number, port in enumerate(split.outputs()):
        port.get_tensor().set_names({f"split:{number}"})
    split.set_friendly_name("split")
    network = openvino.Model([split.output(1), split.output(0)], [taken], "halves")

    changes = {"window": (6,), "labels": 4, "output": "split:1", "embedding": first}
    network, report = small_network.canonical(network, **changes)

    windows = small_network.windows(3, (6,))
    sigmoids = 1 / (1 + np.exp(-windows))
    assert report.embedding == 2
    np.testing.assert_allclose(
        small_network.run(network, windows), np.roll(sigmoids, 4, axis=1), atol=1e-6
    )


def two_of_each(width: int = small_network.TAGS) -> openvino.Model:
    """A network of two inputs and two outputs of one width."""
    first, second = (
        ops.parameter([-1, *small_network.WINDOW], np.float32, name=name)
        for name in ("first", "second")
    )
    outputs = []
    for name, taken in (("first", first), ("second", second)):
        taken.output(0).get_tensor().set_names({f"{name}_mels"})
        rows = ops.reshape(taken, np.array([-1, 128]), special_zero=False)
        kernel = ops.constant(np.full((128, width), 0.01, np.float32))
        output = ops.sigmoid(ops.matmul(rows, kernel, False, False))
        output.output(0).get_tensor().set_names({f"{name}_scores"})
        outputs.append(output)
    return openvino.Model(outputs, [first, second], "two")


def test_several_inputs_or_outputs_are_listed_with_shapes_and_asked_for():
    with pytest.raises(SetupError) as refused:
        small_network.canonical(two_of_each())
    assert str(refused.value) == (
        "the network has several candidates for its input: first_mels [?,16,8], second_mels "
        "[?,16,8]; which one? Name it with --input"
    )

    with pytest.raises(SetupError) as refused:
        small_network.canonical(two_of_each(), input="second_mels")
    assert str(refused.value) == (
        "the network has several candidates for its output: first_scores [?,3], second_scores "
        "[?,3]; which one? Name it with --output"
    )


def test_an_output_that_depends_on_another_input_is_refused():
    network, _ = small_network.canonical(two_of_each(), input="second_mels", output="second_scores")
    assert small_network.run(network, small_network.windows()).shape == (5, 3)

    with pytest.raises(SetupError, match="depend on further inputs of the network, second"):
        small_network.canonical(two_of_each(), input="first_mels", output="second_scores")


def test_of_several_outputs_the_one_as_wide_as_the_labels_has_the_scores(tmp_path: Path):
    assert_is_the_network(read(small_network.save_onnx(tmp_path / "network.onnx")))

    with pytest.raises(SetupError, match=r"scores \[\?,3\], embeddings \[\?,6\]; which one"):
        read(small_network.save_onnx(tmp_path / "network.onnx"), labels=4)


@pytest.mark.parametrize("what", ["input", "output", "embedding"])
def test_an_unknown_name_is_refused_with_those_that_exist(what: str):
    with pytest.raises(SetupError) as refused:
        small_network.canonical(small_network.openvino_network(), **{what: "melspectrogramm"})

    found = "mels" if what == "input" else "scores"
    message = str(refused.value)
    assert message.startswith(f"the network has no {what} 'melspectrogramm'; it has {found} [?,")
    assert message.count(f"{found} [?,") == 1


@pytest.mark.parametrize("what", ["suggested_input", "suggested_output", "suggested_embedding"])
def test_wrong_names_in_metadata_do_not_matter(what: str):
    network, report = small_network.canonical(small_network.openvino_network(), **{what: "wrong"})

    assert report.embedding == 0
    assert_is_the_network(network)


def test_names_in_metadata_decide_between_candidates():
    suggested = {"suggested_input": "second_mels", "suggested_output": "second_scores"}
    network, _ = small_network.canonical(two_of_each(), **suggested)
    assert small_network.run(network, small_network.windows()).shape == (5, 3)

    suggested = {"suggested_output": "scores", "suggested_embedding": "embeddings"}
    network, _ = small_network.canonical(small_network.openvino_network(), **suggested)
    assert_is_the_network(network, embedding=True)


def test_without_labels_an_embedding_must_be_named():
    network, report = small_network.canonical(
        small_network.openvino_network(), labels=0, embedding=small_network.EMBEDDINGS
    )
    assert report.embedding == small_network.EMBEDDING
    expected = small_network.embeddings(small_network.windows())
    np.testing.assert_allclose(
        small_network.run(network, small_network.windows()), expected, atol=1e-5
    )

    with pytest.raises(SetupError, match="without labels a network needs --embedding NAME"):
        small_network.canonical(small_network.openvino_network(), labels=0)


def test_an_embedding_of_no_fixed_width_is_refused():
    network = small_network.openvino_network((-1, -1, -1))

    with pytest.raises(SetupError, match=r"the network has no embedding 'rows'"):
        small_network.canonical(network, embedding="rows")
