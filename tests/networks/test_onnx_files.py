"""Files that an ONNX file names must lie in its folder."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from app.errors import SetupError
from app.networks.canonical import to_canonical
from app.networks.formats import check_format, network_files
from app.networks.onnx_files import external_names
from app.networks.reading import read_network_file
from tests.support import small_network
from tests.support.small_network import external_onnx


def test_weights_beside_an_onnx_file_are_read(tmp_path: Path):
    file = external_onnx(tmp_path, "weights.bin")

    check_format(file)
    assert external_names(file) == ("weights.bin",)
    assert network_files(file, ["weights.bin"]) == [file, tmp_path / "weights.bin"]
    network, _ = to_canonical(read_network_file(file), small_network.request(file))
    np.testing.assert_allclose(
        small_network.run(network, small_network.windows()),
        small_network.scores(small_network.windows()),
        atol=1e-6,
    )

    (tmp_path / "parts").mkdir()
    shutil.move(tmp_path / "weights.bin", tmp_path / "parts" / "weights.bin")
    check_format(external_onnx(tmp_path, "parts/weights.bin"))


@pytest.mark.parametrize(
    "location",
    ["../../etc/passwd", "/etc/passwd", "parts/../../weights.bin", "./weights.bin", "", "a\0b"],
)
def test_weights_outside_of_the_folder_of_an_onnx_file_are_refused(location: str, tmp_path: Path):
    file = external_onnx(tmp_path, location)

    with pytest.raises(SetupError) as refused:
        check_format(file)

    assert f"keeps weights in {location!r}; expected a file in its own folder" in str(refused.value)


@pytest.mark.parametrize("location", ["nowhere.bin", "link.bin", "folder", "pipe", "out/weights"])
def test_weights_that_are_missing_or_links_are_refused(location: str, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "weights").write_bytes(b"secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.bin").symlink_to(outside / "weights")
    (folder / "out").symlink_to(outside)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")

    with pytest.raises(SetupError) as refused:
        check_format(external_onnx(folder, location))

    assert location in str(refused.value)


@pytest.mark.parametrize("name", ["network.pb", "network.tflite", "network.xml"])
def test_an_onnx_file_with_another_name_is_not_read(name: str, tmp_path: Path):
    external_onnx(tmp_path, "weights.bin").rename(tmp_path / name)

    with pytest.raises(SetupError, match="OpenVINO can't read it: "):
        read_network_file(tmp_path / name)


def hidden_in_attribute(tensor: TensorProto) -> onnx.GraphProto:
    node = helper.make_node("Constant", [], ["value"], value=tensor)
    return helper.make_graph([node], "hidden", [], [])


def hidden_in_subgraph(tensor: TensorProto) -> onnx.GraphProto:
    branch = hidden_in_attribute(tensor)
    node = helper.make_node("If", ["mels"], ["value"], then_branch=branch, else_branch=branch)
    return helper.make_graph([node], "hidden", [], [])


def hidden_in_sparse_tensor(tensor: TensorProto) -> onnx.GraphProto:
    sparse = onnx.SparseTensorProto(values=tensor, indices=tensor, dims=[4])
    return helper.make_graph([], "hidden", [], [], sparse_initializer=[sparse])


@pytest.mark.parametrize("hide", [hidden_in_attribute, hidden_in_subgraph, hidden_in_sparse_tensor])
@pytest.mark.parametrize("in_function", [False, True])
def test_names_of_files_are_found_anywhere_in_an_onnx_file(
    hide: Callable[[TensorProto], onnx.GraphProto], in_function: bool, tmp_path: Path
):
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    graph = hide(tensor)
    if in_function:
        opset = helper.make_opsetid("", 17)
        nodes = list(graph.node) or [helper.make_node("If", ["x"], ["y"], then_branch=graph)]
        function = helper.make_function("own", "Hidden", [], [], nodes, [opset])
        graph = helper.make_graph([], "empty", [], [])
        network = helper.make_model(graph, functions=[function])
    else:
        network = helper.make_model(graph)
    file = tmp_path / "network.onnx"
    file.write_bytes(network.SerializeToString())

    with pytest.raises(SetupError, match=r"keeps weights in '/etc/passwd'"):
        check_format(file)
