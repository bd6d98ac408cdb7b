"""Files of networks that are damaged or hostile are refused, and change nothing."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from onnx import helper

from app.errors import SetupError
from app.networks import conversion
from app.networks.conversion import convert
from app.networks.formats import check_format
from app.networks.ir import LARGEST_NETWORK
from app.networks.reading import read_network_file
from tests.support import small_network
from tests.support.small_network import external_onnx

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


@pytest.mark.parametrize("name", ["network.pb", "network.onnx"])
def test_a_network_beyond_the_size_limit_is_refused_before_it_is_read(name: str, tmp_path: Path):
    if name == "network.onnx":
        file = external_onnx(tmp_path, "weights.bin")
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

    with pytest.raises(SetupError, match=r"operations: com\.acme\.Magic"):
        read_network_file(file)


def test_an_unknown_operator_of_tensorflow_is_refused_by_name(tmp_path: Path):
    file = small_network.save_frozen_graph(tmp_path / "network.pb")
    graph = tf.compat.v1.GraphDef.FromString(file.read_bytes())
    next(node for node in graph.node if node.op == "Sigmoid").op = "AcmeMagic"
    file.write_bytes(graph.SerializeToString())

    with pytest.raises(SetupError, match="operations: AcmeMagic"):
        read_network_file(file)


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
