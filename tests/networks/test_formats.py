"""The same network in each format has the same outputs in the canonical form."""

from pathlib import Path

import numpy as np
import pytest

from app.errors import SetupError
from app.networks.canonical import to_canonical
from app.networks.conversion import convert
from app.networks.formats import Format, find_format, network_files
from app.networks.reading import read_network_file
from app.networks.running import read_network
from tests.support import small_network

FORMATS = {
    "network.onnx": Format.ONNX,
    "network.pb": Format.FROZEN_GRAPH,
    "saved": Format.SAVED_MODEL,
    "network.xml": Format.OPENVINO,
    "network.tflite": Format.TFLITE,
}


@pytest.fixture(params=FORMATS)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The small network's file."""
    return small_network.SAVERS[request.param](tmp_path / request.param)


def test_scores_of_all_formats_are_those_of_the_network(file: Path):
    assert find_format(file) is FORMATS[file.name]
    network, report = to_canonical(read_network_file(file), small_network.request(file))

    assert (report.window, report.batch, report.embedding) == (small_network.WINDOW, None, 0)
    np.testing.assert_allclose(
        small_network.run(network, small_network.windows()),
        small_network.scores(small_network.windows()),
        atol=1e-6,
    )


@pytest.mark.parametrize(
    "name",
    [
        "network.onnx",
        pytest.param("network.pb", marks=pytest.mark.thorough),
        pytest.param("saved", marks=pytest.mark.thorough),
        pytest.param("network.xml", marks=pytest.mark.thorough),
    ],
)
def test_a_network_converted_in_a_process_of_its_own_has_scores_and_embedding(
    name: str, tmp_path: Path
):
    file = small_network.SAVERS[name](tmp_path / name)

    files, report = convert(small_network.request(file, embedding=small_network.EMBEDDINGS))

    assert report.embedding == small_network.EMBEDDING
    outputs = small_network.run(read_network(files, name), small_network.windows())
    np.testing.assert_allclose(outputs, small_network.both(small_network.windows()), atol=1e-6)


def test_the_files_of_a_network_are_those_with_its_weights(tmp_path: Path):
    saved = small_network.save_saved_model(tmp_path / "saved")
    (saved / "assets" / "notes.txt").write_text("notes")
    written = small_network.save_openvino(tmp_path / "network.xml")

    assert {path.name for path in network_files(saved)} >= {
        "saved_model.pb",
        "variables.index",
        "variables.data-00000-of-00001",
    }
    assert network_files(written) == [written, written.with_suffix(".bin")]


@pytest.mark.parametrize("name", ["network.keras", "network.pt", "network"])
def test_a_file_of_another_format_is_refused_with_the_known_ones(name: str, tmp_path: Path):
    path = tmp_path / name
    path.write_bytes(b"network")

    with pytest.raises(SetupError, match=r"names in \.onnx, \.tflite, \.pb, \.xml, or are folders"):
        find_format(path)


def test_a_missing_file_or_another_folder_is_refused(tmp_path: Path):
    for path in (tmp_path / "nowhere.onnx", tmp_path):
        with pytest.raises(SetupError, match="neither a file nor the folder of a SavedModel"):
            find_format(path)


def test_the_file_of_a_saved_model_is_refused_with_its_folder(tmp_path: Path):
    folder = small_network.save_saved_model(tmp_path / "saved")

    with pytest.raises(SetupError, match=f"pass its folder, {folder}"):
        find_format(folder / "saved_model.pb")
