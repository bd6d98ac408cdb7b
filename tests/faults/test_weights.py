"""Files that match the hash in a manifest and are not weights."""

import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from app.errors import SetupError, WeightsError
from app.store.manifest.manifest import Manifest, Weights, read_store
from app.store.registry.loading import load
from app.store.registry.weights import read_weights, sha256
from app.store.storage.store import Store

MODEL = "mtt-vgg"
FILE = "weights.safetensors"
SOUND = safetensors.numpy.save({"tags/bias": np.ones(4, np.float32), "x": np.ones(2, np.float32)})
WIDE = 2**40


class Touch:
    """Unpickling one leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def headed(header: bytes, body: bytes = b"") -> bytes:
    """A safetensors file: the header's length, the header, the arrays."""
    return struct.pack("<Q", len(header)) + header + body


def array(dtype: str, shape: list[int], end: int = 4) -> bytes:
    """A file with one array that says this of itself."""
    header = {"tags/bias": {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}}
    return headed(json.dumps(header).encode(), bytes(end))


NO_WEIGHTS = {
    "an empty file": b"",
    "Keras's own format": b"PK\3\4" + bytes(1_000),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(1_000),
    "the header's length only": SOUND[:8],
    "cut in its header": SOUND[:40],
    "cut in its arrays": SOUND[:-1],
    "with something behind": SOUND + b"?",
    "a header of 2^64-1 bytes": b"\xff" * 8 + SOUND[8:],
    "a header of 100 MB": headed(b" " * 10**8),
    "a header that is not JSON": headed(b"{"),
    "a header that is a list": headed(b"[]"),
    "a header without end": headed(b'{"a":' * 10_000),
    "an array of an unknown type": array("X99", [1]),
    "an array of a type that NumPy lacks": array("BF16", [2]),
    "an array of whole numbers": array("I32", [1]),
    "an array of doubles": array("F64", [1], 8),
    "an array that is too large": array("F32", [WIDE, WIDE]),
    "an array beyond the file": array("F32", [WIDE]),
    "an array of negative size": array("F32", [-1]),
}


def stored(store: Path, data: bytes, folder: Path) -> Manifest:
    """Put this into the folder as a model's weights; the manifest, with its hash."""
    manifest = read_store(Store(store))[MODEL]
    place = folder / manifest.name / manifest.version
    place.mkdir(parents=True, exist_ok=True)
    (place / FILE).write_bytes(data)
    return manifest.model_copy(update={"weights": Weights(file=FILE, sha256=sha256(data))})


@pytest.mark.parametrize("data", NO_WEIGHTS.values(), ids=NO_WEIGHTS)
def test_an_invalid_weights_file_is_refused_with_its_path(
    data: bytes, store: Path, tmp_path: Path
) -> None:
    manifest = stored(store, data, tmp_path)

    with pytest.raises(WeightsError, match=str(tmp_path)) as refused:
        load(Store(tmp_path), manifest)

    assert "\n" not in str(refused.value)


def test_a_pickle_is_refused_and_not_run(store: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    data = pickle.dumps(Touch(trace))

    with pytest.raises(WeightsError, match="safetensors"):
        load(Store(tmp_path), stored(store, data, tmp_path))

    assert not trace.exists()
    pickle.loads(data)
    assert trace.exists(), "else it was no trap"


def test_a_folder_in_place_of_weights_is_refused(store: Path, tmp_path: Path) -> None:
    manifest = stored(store, b"", tmp_path)
    path = tmp_path / manifest.name / manifest.version / FILE
    path.unlink()
    path.mkdir()

    with pytest.raises(SetupError, match=f"{path}: can't be read"):
        load(Store(tmp_path), manifest)


@given(at=st.integers(0, len(SOUND) - 1), drop=st.integers(0, 9), put=st.binary(max_size=9))
def test_damaged_weights_are_float32_arrays_or_refused(
    at: int, drop: int, put: bytes, store: Path, tmp_path: Path
) -> None:
    data = SOUND[:at] + put + SOUND[at + drop :]

    try:
        arrays = read_weights(Store(tmp_path), stored(store, data, tmp_path))
    except WeightsError:
        return
    assert {array.dtype for array in arrays.values()} <= {np.dtype(np.float32)}
