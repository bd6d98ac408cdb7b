"""Files of networks that are damaged or hostile are refused, and change nothing."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import tensorflow as tf
from onnx import TensorProto, helper

from app.errors import SetupError
from app.networks import conversion
from app.networks.canonical import to_canonical
from app.networks.conversion import convert
from app.networks.formats import check_format
from app.networks.ir import LARGEST_NETWORK
from app.networks.onnx_files import check_external_files
from app.networks.reading import read_network_file
from tests.support import small_network

OTHERS = {
    "text": b"This is a text.\n",
    "random": np.random.RandomState(4).bytes(5000),
    "zeros": b"\0" * 100,
    "beginning of ONNX": small_network.onnx_network().SerializeToString()[:20],
}

NAMES = [
    "network.onnx",
    *(
        pytest.param(name, marks=pytest.mark.thorough)
        for name in ("network.pb", "network.xml", "network.tflite")
    ),
]


def refusal(file: Path, **changes: object) -> str:
    with pytest.raises(SetupError) as refused:
        convert(small_network.request(file, **changes))
    message = str(refused.value)
    assert message.startswith(f"{file}: ")
    return message.removeprefix(f"{file}: ")


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_file_is_refused(name: str, tmp_path: Path):
    file = small_network.SAVERS[name](tmp_path / name)
    data = file.read_bytes()

    for share in (0.5, 0.98):
        file.write_bytes(data[: round(share * len(data))])
        assert refusal(file)


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
def test_other_content_is_refused(name: str, data: bytes, tmp_path: Path):
    file = tmp_path / name
    file.write_bytes(data)

    assert refusal(file)


@pytest.mark.thorough
@pytest.mark.parametrize("part", ["saved_model.pb", "variables/variables.data-00000-of-00001"])
def test_a_truncated_saved_model_is_refused(part: str, tmp_path: Path):
    folder = small_network.save_saved_model(tmp_path / "saved")
    data = (folder / part).read_bytes()
    (folder / part).write_bytes(data[: len(data) // 2])

    assert refusal(folder)


@pytest.mark.thorough
def test_weights_beyond_the_end_of_their_file_are_refused(tmp_path: Path):
    file = small_network.save_openvino(tmp_path / "network.xml")
    weights = file.with_suffix(".bin")
    weights.write_bytes(weights.read_bytes()[:100])
    assert refusal(file)

    weights.unlink()
    assert refusal(file)


def test_an_empty_file_is_refused(tmp_path: Path):
    for name in ("network.onnx", "network.pb", "network.tflite", "network.xml"):
        (tmp_path / name).touch()
        with pytest.raises(SetupError, match="the file is empty"):
            check_format(tmp_path / name)


def external(folder: Path, location: str) -> Path:
    """The network in ONNX with its weights in a file beside it, which it names as `location`."""
    file = folder / "network.onnx"
    network = small_network.onnx_network()
    onnx.save(
        network,
        file,
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    network = onnx.load(file, load_external_data=False)
    for tensor in network.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    file.write_bytes(network.SerializeToString())
    return file


def test_weights_beside_an_onnx_file_are_read(tmp_path: Path):
    file = external(tmp_path, "weights.bin")

    check_format(file)
    assert check_external_files(file) == (tmp_path / "weights.bin").stat().st_size
    network, _ = to_canonical(read_network_file(file), small_network.request(file))
    np.testing.assert_allclose(
        small_network.run(network, small_network.windows()),
        small_network.scores(small_network.windows()),
        atol=1e-6,
    )

    (tmp_path / "parts").mkdir()
    shutil.move(tmp_path / "weights.bin", tmp_path / "parts" / "weights.bin")
    check_format(external(tmp_path, "parts/weights.bin"))


@pytest.mark.parametrize(
    "location",
    ["../../etc/passwd", "/etc/passwd", "parts/../../weights.bin", "./weights.bin", "", "a\0b"],
)
def test_weights_outside_of_the_folder_of_an_onnx_file_are_refused(location: str, tmp_path: Path):
    file = external(tmp_path, location)

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
        check_format(external(folder, location))

    assert location in str(refused.value)


@pytest.mark.parametrize("name", ["network.pb", "network.tflite", "network.xml"])
def test_an_onnx_file_with_another_name_is_not_read(name: str, tmp_path: Path):
    external(tmp_path, "weights.bin").rename(tmp_path / name)

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
        check_external_files(file)


@pytest.mark.parametrize("name", ["network.pb", "network.onnx"])
def test_a_network_beyond_the_size_limit_is_refused_before_it_is_read(name: str, tmp_path: Path):
    if name == "network.onnx":
        file = external(tmp_path, "weights.bin")
        os.truncate(tmp_path / "weights.bin", LARGEST_NETWORK)
    else:
        file = tmp_path / name
        file.touch()
        os.truncate(file, LARGEST_NETWORK + 1)

    with pytest.raises(SetupError, match=r"expected at most 2,130,706,432"):
        check_format(file)


def test_an_unknown_operator_of_onnx_is_refused_by_name(tmp_path: Path):
    network = small_network.onnx_network()
    network.opset_import.append(helper.make_opsetid("com.acme", 1))
    network.graph.node[-1].op_type, network.graph.node[-1].domain = "Magic", "com.acme"
    file = tmp_path / "network.onnx"
    file.write_bytes(network.SerializeToString())

    assert "Magic" in refusal(file)


def test_an_unknown_operator_of_tensorflow_is_refused_by_name(tmp_path: Path):
    file = small_network.save_frozen_graph(tmp_path / "network.pb")
    graph = tf.compat.v1.GraphDef.FromString(file.read_bytes())
    next(node for node in graph.node if node.op == "Sigmoid").op = "AcmeMagic"
    file.write_bytes(graph.SerializeToString())

    assert "AcmeMagic" in refusal(file)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Have a shell script run in place of the conversion; $3 is the folder for its answer."""

    def replace(script: str) -> None:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(path))

    return replace


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("kill -SEGV $$", "SIGSEGV"),
        ("kill -KILL $$", "SIGKILL"),
        ("exit 3", "exit status 3"),
        ("exit 0", "exit status 0"),
    ],
)
def test_a_crash_of_the_conversion_becomes_a_message(
    script: str, how: str, program: Callable[[str], None], tmp_path: Path
):
    file = small_network.save_onnx(tmp_path / "network.onnx")
    program(script)

    assert refusal(file).startswith(f"reading it crashed ({how}); the file is damaged")


def test_a_conversion_that_takes_too_long_is_ended(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    file = small_network.save_onnx(tmp_path / "network.onnx")
    program("exec sleep 100000")
    monkeypatch.setattr(conversion, "TIMEOUT_S", 0.2)

    assert refusal(file).startswith("reading it took more than 0.2 s")


def test_secrets_of_the_environment_do_not_reach_the_conversion(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    file = small_network.save_onnx(tmp_path / "network.onnx")
    program(f"env > {tmp_path}/environment; exit 1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-1")
    monkeypatch.setenv("TAGGRAM_TOKEN_KEY", "secret-2")

    refusal(file)

    seen = (tmp_path / "environment").read_text()
    assert "PYTHONPATH=" in seen
    assert "secret-" not in seen


def test_output_of_libraries_does_not_disturb_the_answer(
    program: Callable[[str], None], tmp_path: Path
):
    file = small_network.save_onnx(tmp_path / "network.onnx")
    program('echo "a warning"; echo \'{"failure": "as said"}\' > $3/answer.json')

    assert refusal(file) == "as said"
