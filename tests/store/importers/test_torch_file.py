"""State dicts of PyTorch without PyTorch: reading, and refusals without running code."""

import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.errors import WeightsError
from app.store.importers import pickles, torch_file
from app.store.importers.torch_file import read_state_dict
from tests.support.torch_files import (
    KINDS,
    MAGIC,
    WRITERS,
    Raw,
    call,
    legacy,
    named,
    pickled,
    raw,
    state_dict,
    storage,
    tensor,
    zipped,
)

Write = Callable[..., bytes]

DAMAGED = "this is not a PyTorch checkpoint, or it is damaged"
SIX = np.arange(6, dtype=np.float32)
written = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


def refused(data: bytes) -> str:
    with pytest.raises(WeightsError) as error:
        read_state_dict(data)
    assert "\n" not in str(error.value)
    return str(error.value)


def one(given: Raw, numbers: np.ndarray = SIX) -> tuple[dict[str, Raw], dict[str, np.ndarray]]:
    """A state dict of one tensor, and its storage."""
    return {"w": given}, {"0": numbers}


# read


@written
def test_a_state_dict_is_read(write: Write):
    random = np.random.RandomState(1)
    arrays = {
        "conv.weight": random.standard_normal((4, 2, 3)).astype("f4"),
        "turned": np.asfortranarray(random.standard_normal((4, 5)).astype("f4")),
        "bn.num_batches_tracked": np.array(7),
    }

    read = read_state_dict(write(*state_dict(arrays)))

    assert list(read) == list(arrays)
    for key, array in arrays.items():
        np.testing.assert_array_equal(read[key], array)
        assert read[key].dtype == array.dtype


@pytest.mark.parametrize("kind", KINDS)
def test_every_dtype_is_read(kind: str):
    numbers = np.array([0, 1, 1, 0]).astype(kind)

    read = read_state_dict(zipped(*state_dict({"w": numbers})))["w"]

    assert read.dtype == numbers.dtype
    np.testing.assert_array_equal(read, numbers)


def test_bfloat16_becomes_float32():
    numbers = np.array([1.5, -2.0, 0.0, 3.0, 1e30, -4.0], np.float32)
    halves = (numbers.view(np.uint32) >> 16).astype(np.uint16)
    given = tensor(storage("0", 6, "BFloat16Storage"), (3, 2), (1, 3))

    read = read_state_dict(legacy(*one(given, halves)))["w"]

    expected = (halves.astype(np.uint32) << 16).view(np.float32).reshape(2, 3).T
    np.testing.assert_array_equal(read, expected)


def test_views_of_one_storage_are_read():
    of = storage("0", 6)
    content = {"first": tensor(of, (2, 2), (2, 1)), "last": tensor(of, (2,), (1,), 4)}

    read = read_state_dict(legacy(content, {"0": SIX}))

    np.testing.assert_array_equal(read["first"], [[0, 1], [2, 3]])
    np.testing.assert_array_equal(read["last"], [4, 5])


@pytest.mark.parametrize("name", ["state_dict", "model_state_dict", "model"])
def test_a_state_dict_next_to_other_entries_is_read(name: str):
    content, storages = state_dict({"w": SIX})
    beside = {"epoch": 3, "loss": 0.5, "best": None, name: content, "history": [1, 2]}

    np.testing.assert_array_equal(read_state_dict(legacy(beside, storages))["w"], SIX)


def test_a_configuration_named_model_is_not_a_state_dict():
    content, storages = state_dict({"w": SIX})
    beside = {"model": {"name": "fcn"}, "model_state_dict": content}

    np.testing.assert_array_equal(read_state_dict(legacy(beside, storages))["w"], SIX)


def test_a_state_dict_under_another_name_is_reported_with_three_of_its_keys():
    content, storages = state_dict({"w": SIX})

    message = refused(legacy({"epoch": 3, "net": content, "best": 1, "last": 2}, storages))

    assert "its keys are epoch, net, best and 1 more; save `model.state_dict()`" in message
    assert "'state_dict', 'model_state_dict', 'model'" in message


def test_a_huge_memo_index_takes_no_memory():
    given = Raw(tensor(storage("0", 6), (6,), (1,)) + b"r\xff\xff\xff\xff")

    np.testing.assert_array_equal(read_state_dict(legacy(*one(given)))["w"], SIX)


@pytest.mark.parametrize("zipfile", [True, False])
def test_files_of_pytorch_are_read(zipfile: bool, tmp_path: Path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    layers = torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.BatchNorm1d(3))
    state = layers.state_dict() | {
        "trained": torch.nn.Parameter(torch.ones(2)),
        "turned": torch.arange(6).reshape(2, 3).T,
        "half": torch.ones(3, dtype=torch.float16),
        "coarse": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    }
    torch.save(OrderedDict(state), tmp_path / "model", _use_new_zipfile_serialization=zipfile)

    read = read_state_dict((tmp_path / "model").read_bytes())

    assert list(read) == list(state)
    for key, value in state.items():
        given = value.detach().float() if key == "coarse" else value.detach()
        np.testing.assert_array_equal(read[key], given.numpy())


def test_other_objects_in_files_of_pytorch_are_refused(tmp_path: Path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    path = tmp_path / "model"
    for content in (
        torch.nn.Linear(2, 3),
        {"w": torch.ones(3).to_sparse()},
        {"w": torch.ones(3, device="meta")},
        {"w": torch.ones(3).to(torch.float8_e4m3fn)},
        {"w": torch.ones(3, dtype=torch.complex64)},
    ):
        torch.save(content, path)
        assert "contains more than tensors" in refused(path.read_bytes())
    torch.save({"w": torch.ones(1).expand(2**40)}, path)  # four bytes that pose as terabytes
    assert "do not fit a storage of 1 numbers" in refused(path.read_bytes())


# code


class Marks:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_with_code_is_refused_and_not_run(protocol: int, tmp_path: Path):
    mark = tmp_path / "was here"

    message = refused(pickle.dumps(Marks(mark), protocol))

    assert message == DAMAGED or "which was not run" in message
    assert not mark.exists()


@written
@pytest.mark.parametrize(
    "name",
    ["os system", "builtins eval", "torch.hub load", "torch load", "numpy.core.multiarray f"],
)
def test_a_checkpoint_that_names_other_code_is_refused_by_its_name(write: Write, name: str):
    content, storages = one(call(name, "true"))

    message = refused(write(content, storages))

    assert message == (
        f"the file contains more than tensors, possibly code ({name!r}), which was not run; "
        "expected a state dict"
    )


INSTRUCTIONS = {
    "a class made with arguments": Raw(named("collections OrderedDict") + b")\x81"),
    "a class of protocol 0": Raw(b"(icollections\nOrderedDict\n"),
    "an extension": Raw(b"\x82\x01"),
    "a name from the stack": Raw(raw("os") + raw("system") + b"\x93"),
    "a buffer from outside": Raw(b"\x97"),
    "a set": Raw(b"\x8f"),
    "bytes": Raw(b"C\x01x"),
    "a copy of the top": Raw(b"N2"),
    "a persistent id as text": Raw(b"P0\n"),
}


@pytest.mark.parametrize("given", INSTRUCTIONS.values(), ids=INSTRUCTIONS)
def test_opcodes_that_no_state_dict_needs_are_refused(given: Raw):
    message = refused(legacy(*one(given)))

    assert "contains more than tensors" in message


def test_attributes_are_ignored():
    """A pickle may set attributes of all that it names; here it names nothing that has any."""
    patched = Raw(named("torch._utils _rebuild_tensor_v2") + raw({"__call__": 1}) + b"b")
    content = {"w": tensor(storage("0", 6), (6,), (1,)), "x": patched}

    assert "x is not a tensor" in refused(legacy(content, {"0": SIX}))

    np.testing.assert_array_equal(read_state_dict(legacy(*state_dict({"w": SIX})))["w"], SIX)


# sizes


def bomb() -> Raw:
    """A tuple of tuples of tuples ... small in memory, and for ever to hash or to compare."""
    return Raw(b")" + b"q\x00h\x00h\x00\x86" * 200)


NO_TENSORS = {
    "a negative size": tensor(storage("0", 6), (-1,), (1,)),
    "negative sizes with a positive product": tensor(storage("0", 6), (-2, -3), (1, 1)),
    "a size of zero": tensor(storage("0", 6), (0,), (1,)),
    "a size that is huge": tensor(storage("0", 6), (2**62,), (1,)),
    "a size beyond 64 bits": tensor(storage("0", 6), (2**64,), (1,)),
    "a size that is text": tensor(storage("0", 6), ("6",), (1,)),
    "a size that is a fraction": tensor(storage("0", 6), (6.0,), (1,)),
    "a size that is a truth": tensor(storage("0", 6), (True,), (1,)),
    "sizes that are a list in a list": tensor(storage("0", 6), ([1], 2**40), (1, 1)),
    "sizes that are tuples of tuples": tensor(storage("0", 6), bomb(), bomb()),
    "sizes that are none": tensor(storage("0", 6), None, (1,)),
    "more axes than there are": tensor(storage("0", 6), (1,) * 9, (1,) * 9),
    "a negative stride": tensor(storage("0", 6), (6,), (-1,)),
    "a stride out of the storage": tensor(storage("0", 6), (3,), (3,)),
    "a stride that is huge": tensor(storage("0", 6), (2,), (2**62,)),
    "a stride too few": tensor(storage("0", 6), (2, 3), (1,)),
    "no stride, so that a number repeats": tensor(storage("0", 6), (7,), (0,)),
    "a negative offset": tensor(storage("0", 6), (1,), (1,), -1),
    "an offset out of the storage": tensor(storage("0", 6), (1,), (1,), 6),
    "an offset that is huge": tensor(storage("0", 6), (1,), (1,), 2**62),
    "a tensor of a tensor": tensor(tensor(storage("0", 6), (6,), (1,)), (6,), (1,)),
    "a tensor of a dictionary": tensor(raw({}), (6,), (1,)),
    "a storage with more than is there": tensor(storage("0", 7), (7,), (1,)),
    "a storage with a huge count": tensor(storage("0", 2**62), (6,), (1,)),
    "a storage with a negative count": tensor(storage("0", -6), (6,), (1,)),
    "a storage of wider numbers": tensor(storage("0", 6, "DoubleStorage"), (6,), (1,)),
    "a storage that is not there": tensor(storage("1", 6), (6,), (1,)),
    "a storage whose key is a tuple": tensor(storage(bomb(), 6), (6,), (1,)),
    "a part of a storage": tensor(storage("0", 6, view=("1", 0, 6)), (6,), (1,)),
    "something else that is outside": Raw(raw(("module", "0")) + b"Q"),
    "a call of what can't be called": Raw(raw("os.system") + raw(("true",)) + b"R"),
    "a call with too few arguments": call("torch._utils _rebuild_tensor_v2"),
    "an ordered dictionary of a bomb": call("collections OrderedDict", [(bomb(), 1)]),
    "a key that is a bomb": Raw(b"}" + bomb() + b"Ns"),
    "a value taken from an empty memo": Raw(b"h\x07"),
    "items of no dictionary": Raw(b"N(" + raw("key") + b"Nu"),
    "a key without a value": Raw(b"}(" + raw("key") + b"u"),
    "a tuple of more than there is": Raw(b"\x87" * 3),
    "a list that was never begun": Raw(b"e"),
}


@written
@pytest.mark.parametrize("given", NO_TENSORS.values(), ids=NO_TENSORS)
def test_a_tensor_outside_its_storage_is_refused(write: Write, given: Raw):
    message = refused(write(*one(given)))

    assert message == DAMAGED or "do not fit a storage" in message or "is not a tensor" in message


def test_a_tensor_that_does_not_fit_is_named_with_its_sizes():
    message = refused(legacy(*one(tensor(storage("0", 6), (3,), (3,), 1))))

    assert (
        message == "w: its shape (3,), strides (3,) and offset 1 do not fit a storage of 6 numbers"
    )


def test_tensors_that_share_a_storage_are_not_multiplied_in_memory():
    of, numbers = storage("0", 500), np.zeros(500, np.float32)
    content = {f"w{number}": tensor(of, (500,), (1,)) for number in range(40)}

    assert "do not fit a storage of 500 numbers" in refused(legacy(content, {"0": numbers}))


def test_a_storage_of_two_sizes_is_refused():
    content = {"a": tensor(storage("0", 6), (6,), (1,)), "b": tensor(storage("0", 3), (3,), (1,))}

    assert refused(zipped(content, {"0": SIX})) == DAMAGED


def test_too_many_opcodes_are_refused(monkeypatch: pytest.MonkeyPatch):
    data = legacy(*state_dict({"w": SIX}))
    monkeypatch.setattr(pickles, "MAX_INSTRUCTIONS", 20)

    assert "more than 20 instructions" in refused(data)


def test_an_oversized_file_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch_file, "MAX_BYTES", 1000)

    assert refused(bytes(1001)) == "the file has 1,001 bytes; expected at most 1,000"


# files


@written
def test_a_truncated_file_is_refused(write: Write):
    data = write(*state_dict({"conv.weight": SIX.reshape(2, 3), "conv.bias": SIX}))

    for length in range(len(data)):
        assert refused(data[:length])


@written
def test_a_file_with_a_changed_byte_is_read_or_refused(write: Write):
    data = write(*state_dict({"conv.weight": SIX.reshape(2, 3), "conv.bias": SIX}))
    random, refusals = np.random.RandomState(1), 0
    for _ in range(1000):
        changed = bytearray(data)
        changed[random.randint(len(data))] ^= random.randint(1, 256)
        try:
            assert sum(array.nbytes for array in read_state_dict(bytes(changed)).values()) <= 96
        except WeightsError:
            refusals += 1
    assert 100 < refusals < 1000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 1_000,
        b"no checkpoint at all\n",
        b"<!DOCTYPE html>",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n",
        b"PK\x03\x04 and then nothing",
        b"\x80\x02}q\x00.",
        pickled(MAGIC),
        bytes(np.random.RandomState(1).randint(0, 256, 5_000, dtype=np.uint8)),
        legacy(*state_dict({"w": SIX}), little_endian=False),
        zipped(*state_dict({"w": SIX}), byteorder="big"),
        zipped(*state_dict({"w": np.zeros(5_000, np.float32)}), compression=zipfile.ZIP_DEFLATED),
        legacy({}, {"never named": SIX}),
    ],
    ids=[
        *("empty", "zeros", "text", "page", "pointer", "zip", "pickle", "header", "noise"),
        *("big-endian", "big-endian zip", "compressed", "unknown storage"),
    ],
)
def test_other_files_are_refused(data: bytes):
    assert refused(data) == DAMAGED


def test_an_archive_whose_members_overlap_is_refused():
    data = bytearray(zipped(*state_dict({"a": SIX, "b": SIX})))
    # In the list at the end, the second storage's member has the offset of the pickle.
    entry = data.rindex(b"model/data/1") - 46
    data[entry + 42 : entry + 46] = bytes(4)

    assert refused(bytes(data)) == DAMAGED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tensor(storage("0", 6), (6,), (1,)), "this is not a state dict"),
        ([tensor(storage("0", 6), (6,), (1,))], "this is not a state dict"),
        ({}, "this is not a state dict"),
        ({1: 2}, "1 is not a parameter's name"),
        ({"two\nlines": 2}, r"'two\nlines' is not a parameter's name"),
        ({"net": {"w": tensor(storage("0", 6), (6,), (1,))}}, "net is not a tensor"),
        ({"epoch": 3}, "epoch is not a tensor"),
    ],
)
def test_a_nested_state_dict_is_refused(content: object, message: str):
    assert message in refused(zipped(content, {"0": SIX}))
