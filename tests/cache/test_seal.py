"""What we kept is believed in its place, and nothing else anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cache.seal import SIGNATURE_BYTES, BadSignature, Seal

SEAL = Seal(b"k" * 32)


@given(name=st.text(), value=st.binary())
def test_a_value_is_opened_in_its_place(name: str, value: bytes) -> None:
    assert SEAL.opened(name, SEAL.sealed(name, value)) == value


def test_a_flipped_bit_is_refused() -> None:
    sealed = SEAL.sealed("a", b"abc")
    for bit in range(8 * len(sealed)):
        data = bytearray(sealed)
        data[bit // 8] ^= 1 << bit % 8

        with pytest.raises(BadSignature):
            SEAL.opened("a", bytes(data))


def test_a_value_cut_short_is_refused() -> None:
    sealed = SEAL.sealed("a", b"abc")
    for length in range(len(sealed)):
        with pytest.raises(BadSignature):
            SEAL.opened("a", sealed[:length])


@pytest.mark.parametrize(
    ("name", "value"), [("b", b"abc"), ("", b"abc"), ("aa", b"bc"), ("a", b"")], ids=repr
)
def test_a_value_moved_to_another_place_is_refused(name: str, value: bytes) -> None:
    signature = SEAL.sealed("a", b"abc")[:SIGNATURE_BYTES]

    with pytest.raises(BadSignature):
        SEAL.opened(name, signature + value)


def test_a_value_sealed_with_another_key_is_refused() -> None:
    with pytest.raises(BadSignature):
        SEAL.opened("a", Seal(b"K" * 32).sealed("a", b"abc"))
