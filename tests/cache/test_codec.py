"""Taggrams as bytes: they come back bit by bit, and bytes that are none are refused."""

import pickle
import struct
from pathlib import Path

import msgpack
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from app.cache.codec import pack, unpack
from app.domain import PEAK_FULL_SCALE, PEAK_PAIRS, ModelRef, Precision, Taggram, TaggramKey

KEY = TaggramKey("0" * 64, ModelRef("msd-musicnn", "1"), Precision.FLOAT32)
FIELDS = {
    "duration_s": 7.5,
    "announced_s": None,
    "window_s": 3.0,
    "hop_s": 2.5,
    "last_s": 1.5,
    "tags": 2,
    "scores": struct.pack("<4f", 0.1, 0.2, 0.3, 0.4),
    "peaks": struct.pack("2b", -5, 90) * PEAK_PAIRS,
}
VALID = msgpack.packb(FIELDS)

PEAKS = arrays(
    np.int8, (PEAK_PAIRS, 2), elements=st.integers(-PEAK_FULL_SCALE, PEAK_FULL_SCALE)
).map(lambda pairs: np.sort(pairs, axis=1))
SECONDS = st.floats(0, 1e6, exclude_min=True)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=4)
    | st.binary(max_size=16)
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=16))
    | st.builds(msgpack.Timestamp, st.integers(-(2**63), 2**63 - 1), st.integers(0, 999_999_999))
)
ANYTHING = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCALAR, inner, max_size=4),
    max_leaves=8,
)
"""All that MessagePack can say, keys that Python could not look up excepted."""


def refused_or_sound(data: bytes) -> None:
    try:
        taggram = unpack(KEY, data)
    except ValueError:
        return
    assert taggram.key == KEY
    assert taggram.scores.size
    assert ((taggram.scores >= 0) & (taggram.scores <= 1)).all()
    assert taggram.peaks.shape == (PEAK_PAIRS, 2)
    assert np.abs(taggram.peaks.astype(int)).max() <= PEAK_FULL_SCALE
    assert (taggram.peaks[:, 0] <= taggram.peaks[:, 1]).all()


@given(
    scores=arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=60),
        elements=st.floats(0, 1, width=32, allow_subnormal=False),
    ),
    by_columns=st.booleans(),
    seconds=st.tuples(SECONDS, SECONDS, SECONDS),
    peaks=PEAKS,
    optional=st.tuples(st.none() | SECONDS, st.none() | SECONDS),
)
def test_a_decoded_taggram_is_bitwise_equal(
    scores: np.ndarray,
    by_columns: bool,
    seconds: tuple[float, float, float],
    peaks: np.ndarray,
    optional: tuple[float | None, float | None],
) -> None:
    layout = np.asfortranarray if by_columns else np.ascontiguousarray

    back = unpack(KEY, pack(Taggram(KEY, *seconds, layout(scores), layout(peaks), *optional)))

    assert back.key == KEY
    assert (back.duration_s, back.window_s, back.hop_s) == seconds
    assert (back.announced_s, back.last_s) == optional
    assert back.scores.dtype == np.float32
    np.testing.assert_array_equal(back.scores.view(np.uint32), scores.view(np.uint32))
    assert back.peaks.dtype == np.int8
    np.testing.assert_array_equal(back.peaks, peaks)


@given(data=st.binary())
@example(data=b"")
@example(data=b"\xdd\xff\xff\xff\xff")  # a list of four thousand million, and then nothing
@example(data=b"\x81\x90\x02")  # a list as a key
@example(data=b"\x91" * 100_000)
@example(data=b"\xd4\xff\x00")  # a timestamp of one byte
def test_any_bytes_are_refused_or_a_valid_taggram(data: bytes) -> None:
    refused_or_sound(data)


@given(at=st.integers(0, len(VALID) - 1), byte=st.integers(0, 255))
def test_a_damaged_byte_is_refused_or_leaves_a_valid_taggram(at: int, byte: int) -> None:
    refused_or_sound(VALID[:at] + bytes([byte]) + VALID[at + 1 :])


def test_a_truncated_taggram_is_refused() -> None:
    for length in [*range(160), *range(160, len(VALID), 97), len(VALID) - 1]:
        with pytest.raises(ValueError, match=r".+"):
            unpack(KEY, VALID[:length])


@given(value=ANYTHING)
def test_any_messagepack_is_refused_or_a_valid_taggram(value: object) -> None:
    refused_or_sound(msgpack.packb(value))


@given(field=st.sampled_from(list(FIELDS)), value=ANYTHING)
@example(field="tags", value=2**64 - 1)
@example(field="tags", value=2**63)
@example(field="scores", value=b"")
def test_a_field_of_any_type_is_refused_or_leaves_a_valid_taggram(
    field: str, value: object
) -> None:
    refused_or_sound(msgpack.packb({**FIELDS, field: value}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_s": float("nan")},
        {"duration_s": float("inf")},
        {"duration_s": 0.0},
        {"duration_s": -1.0},
        {"duration_s": "7.5"},
        {"hop_s": 0.0},
        {"last_s": 0.0},
        {"last_s": float("inf")},
        {"window_s": None},
        {"tags": 0},
        {"tags": -2},
        {"tags": 2.0},
        {"tags": True},
        {"tags": 3},  # four scores do not form rows of three
        {"tags": 5},
        {"scores": b""},
        {"scores": b"\0" * 15},
        {"scores": "0.1 0.2"},
        {"scores": struct.pack("<2f", 0.5, float("nan"))},
        {"scores": struct.pack("<2f", 0.5, float("inf"))},
        {"scores": struct.pack("<2f", 0.5, 1.0001)},
        {"scores": struct.pack("<2f", -0.0001, 0.5)},
        {"peaks": b""},
        {"peaks": FIELDS["peaks"] + b"\0\0"},
        {"peaks": FIELDS["peaks"][:-2]},
        {"peaks": FIELDS["peaks"][:-2] + struct.pack("2b", 3, 2)},
        {"peaks": struct.pack("2b", -128, 0) + FIELDS["peaks"][2:]},
        {"peaks": "a" * 2 * PEAK_PAIRS},
        {"colour": "red"},
    ],
    ids=lambda wrong: str(wrong)[:60],
)
def test_a_wrong_field_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unpack(KEY, msgpack.packb({**FIELDS, **wrong}))


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field_is_refused(field: str) -> None:
    fewer = {name: value for name, value in FIELDS.items() if name != field}

    with pytest.raises(ValueError, match=field):
        unpack(KEY, msgpack.packb(fewer))


def test_the_valid_fields_are_accepted() -> None:
    assert unpack(KEY, VALID).starts_s.tolist() == [0, 1.5]


class Touch:
    """Unpickling one would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_not_run(protocol: int, tmp_path: Path) -> None:
    trace = tmp_path / "trace"

    with pytest.raises(ValueError, match=r".+"):
        unpack(KEY, pickle.dumps(Touch(trace), protocol))

    assert not trace.exists()
