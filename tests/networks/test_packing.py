"""Networks packed in one file."""

import io
import zipfile

import pytest

from app.errors import WeightsError
from app.networks.ir import GRAPH, WEIGHTS, NetworkFiles, unpack_network
from app.networks.running import read_network

FILES = NetworkFiles(b"<net/>", b"weights")


def test_a_packed_network_has_the_same_files_and_bytes_each_time():
    assert FILES.pack() == FILES.pack()

    unpacked = unpack_network(FILES.pack(), "here")

    assert (unpacked.graph, unpacked.weights) == (FILES.graph, FILES.weights)


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return data.getvalue()


DAMAGED = {
    "empty": b"",
    "text": b"text",
    "end missing": FILES.pack()[:-10],
    "beginning missing": FILES.pack()[10:],
    "without weights": archive({GRAPH: b"<net/>"}),
    "compressed": archive({GRAPH: b"\0" * 2**20, WEIGHTS: b""}, zipfile.ZIP_DEFLATED),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_another_archive_is_refused(data: bytes):
    with pytest.raises(WeightsError, match=r"^here: "):
        unpack_network(data, "here")


def test_an_archive_with_altered_content_is_refused():
    data = FILES.pack().replace(b"weights", b"weight5")  # the checksum is that of `weights`

    with pytest.raises(WeightsError, match=r"^here: "):
        unpack_network(data, "here")


def test_a_network_that_openvino_cannot_read_is_refused():
    with pytest.raises(WeightsError, match=r"^here: OpenVINO can't read the network: "):
        read_network(FILES, "here")
